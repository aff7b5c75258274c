package access

import (
	"slices"
	"time"
)

// Explanation is a decision with the path that led to it, for people. Organisation and role names are those of the
// snapshot; it holds no token.
type Explanation struct {
	Decision     Decision
	AnyOf        []Permission
	Organisation *Organisation // nil for the system or an unknown organisation

	Matched    []MatchedIAMRole // IAM roles of the principal that are mapped anywhere
	Unmatched  []UnmatchedIAMRole
	Granting   []*Role         // ordinary roles that hold one of the permissions with effect here: mapping one of them here would grant it
	Elsewhere  []*Organisation // active organisations in which the principal does hold it
	Restricted []*Role         // roles mapped here that hold it, but are restricted to delegation
	Requiring  []*Role         // roles mapped here that hold it, and require another sign-in than this was
	Held       []*IAMRole      // IAM roles of the principal by which it would be granted here if their groups were those of before
	Ended      []EndedIAMRole  // IAM roles of the principal by which it was granted here until they ended

	Suggestions []Suggestion // what would make the answer yes; empty when it is, or when no change helps
}

// MatchedIAMRole is an IAM role that is mapped, with the roles it gives here.
type MatchedIAMRole struct {
	Name  string
	Roles []*Role   // may be empty: mapped, but not here
	Ended time.Time // when what it gave here ended; zero: it did not
	Held  bool      // it does not count, since its group is another one now
}

// EndedIAMRole is an IAM role that gave something here until it ended.
type EndedIAMRole struct {
	Name string
	At   time.Time
}

// UnmatchedIAMRole is an IAM role that is mapped to nothing, with the mapped names it nearly equals.
type UnmatchedIAMRole struct {
	Name string
	Near []string
}

// Explain decides, and tells the whole way there. Without permissions it explains what the principal may do there at
// all. It is for people: it allocates and takes its time.
func (s *Snapshot) Explain(p *Principal, org OrganisationID, anyOf ...Permission) Explanation {
	decision := s.Decide(p, org, anyOf...)
	if len(anyOf) == 0 { // why is what they may do there what it is?
		_, decision.Reason = s.Effective(p, org)
		decision.Allowed = decision.Reason == Granted
	}
	e := Explanation{Decision: decision, AnyOf: slices.Clone(anyOf), Organisation: s.Organisation(org)}
	asked := SetOf(anyOf...).Intersect(EffectiveIn(org))
	e.Granting = s.leastRoles(asked)
	wanted := asked
	if len(anyOf) == 0 {
		wanted = EffectiveIn(org)
	}
	if p == nil {
		return e
	}
	if !decision.Allowed && decision.Reason != SignInInsufficient { // no change is needed: they sign in
		e.Suggestions = s.suggest(p, org, anyOf)
	}
	for _, name := range p.IAMRoles {
		if s.isBootstrap(p, org, name) {
			e.Matched = append(e.Matched, MatchedIAMRole{Name: name})
			continue
		}
		if s.iamRoles[name] == nil {
			e.Unmatched = append(e.Unmatched, UnmatchedIAMRole{Name: name, Near: s.near(p, org, name)})
			continue
		}
		m := MatchedIAMRole{Name: name, Held: s.iamRoles[name].Held()}
		if m.Held && !decision.Allowed && s.mapped(p, org, s.iamRoles[name], wanted) {
			e.Held = append(e.Held, s.iamRoles[name])
		}
		if s.iamRoles[name].Ended(org, s.at) {
			m.Ended = s.iamRoles[name].Ends[org].At
		}
		if at, ended := s.ended(p, org, name, wanted); ended && !decision.Allowed {
			e.Ended = append(e.Ended, EndedIAMRole{name, at})
		}
		if g := s.grantAt(org, name); g != nil {
			m.Roles = g.roles
			e.addRequiring(s, g, p, wanted)
			for _, role := range g.roles {
				if role.Delegation != nil && !role.Permissions.Intersect(asked).IsEmpty() && !slices.Contains(e.Restricted, role) {
					e.Restricted = append(e.Restricted, role)
				}
			}
		}
		e.Matched = append(e.Matched, m)
	}
	if org != System && len(anyOf) > 0 {
		for _, o := range s.model.Organisations {
			if o.ID != org && s.Decide(p, o.ID, anyOf...).Allowed {
				e.Elsewhere = append(e.Elsewhere, o)
			}
		}
	}
	return e
}

// addRequiring notes the roles of a grant that would give what is wanted after another sign-in.
func (e *Explanation) addRequiring(s *Snapshot, g *grant, p *Principal, wanted PermissionSet) {
	for _, role := range g.requiring {
		if !role.Permissions.Intersect(g.counts).Intersect(wanted).IsEmpty() && !role.Requires.MetBy(&p.SignIn, s.now()) && !slices.Contains(e.Requiring, role) {
			e.Requiring = append(e.Requiring, role)
		}
	}
}

func (s *Snapshot) grantAt(org OrganisationID, name string) *grant {
	if at := s.places[org]; at != nil {
		return at.grants[name]
	}
	return nil
}

// near returns the names that differ from the IAM role's in case or blanks only, the bootstrap role's where it would count.
func (s *Snapshot) near(p *Principal, org OrganisationID, name string) []string {
	near := s.NearMisses(name)
	if b := s.bootstrap.Role; b != name && s.isBootstrap(p, org, b) && fold(b) == fold(name) {
		near = append(near, b)
	}
	return near
}

// Sentence says in one plain sentence, to the person concerned, why the answer is what it is.
func (e *Explanation) Sentence() Phrase { return e.told(toThem) }

// Finding says the same to somebody else, such as an administrator.
func (e *Explanation) Finding() Phrase { return e.told(aboutThem) }

// voice is whether a sentence speaks to whom it is about. Whole sentences are chosen by it: other languages bend more words.
type voice bool

const (
	toThem    voice = true
	aboutThem voice = false
)

func (v voice) choose(to, about Phrase) Phrase {
	if v == toThem {
		return to
	}
	return about
}

func (e *Explanation) told(v voice) Phrase {
	what, place := e.What(), e.place()
	if len(e.Held) > 0 && e.Decision.Reason >= NoIAMRoles && e.Decision.Reason != SignInInsufficient {
		return phrase("%s is mapped to %q in %s, but that does not count: in the directory the group was deleted or renamed.", what, e.Held[0].Name, place)
	}
	if len(e.Ended) > 0 && e.Decision.Reason >= NoIAMRoles && e.Decision.Reason != SignInInsufficient {
		last := slices.MaxFunc(e.Ended, func(a, b EndedIAMRole) int { return a.At.Compare(b.At) })
		return phrase("%s was allowed by %q in %s, and ended on %s.", what, last.Name, place, endDate(last.At))
	}
	switch d := e.Decision; d.Reason {
	case Granted, GrantedByBootstrap:
		if d.IAMRole == "" { // everything was asked for
			return v.choose(phrase("Your IAM roles give access to %s.", place), phrase("Their IAM roles give access to %s.", place))
		}
		return phrase("%s is allowed by %q.", what, d.IAMRole)
	case GrantedByBreakGlass:
		return phrase("%s is allowed by a break-glass file.", what)
	case NotAuthenticated:
		return v.choose(phrase("You are not signed in."), phrase("Nobody is signed in."))
	case OrganisationRequired:
		return phrase("%s needs an organisation, and none was chosen.", what)
	case SystemRequired:
		return phrase("%s acts on the whole installation, not in an organisation.", what)
	case OrganisationUnknown:
		return phrase("There is no such organisation.")
	case OrganisationDeactivated:
		return phrase("%s is deactivated: nothing can be done there until it is reactivated.", place)
	case NoIAMRoles:
		return v.choose(phrase("Your sign-in carries no groups, so nothing is allowed to you yet."),
			phrase("Their sign-in carries no groups, so nothing is allowed to them yet."))
	case NoMappedIAMRole:
		return v.choose(phrase("None of the groups of your sign-in is mapped to a role yet."),
			phrase("None of the groups of their sign-in is mapped to a role yet."))
	case NotMappedHere:
		return v.choose(phrase("Your groups are not mapped to any role in %s.", place), phrase("Their groups are not mapped to any role in %s.", place))
	case RestrictedToDelegation:
		return v.choose(phrase("%s in %s is only for services that act for you.", what, place),
			phrase("%s in %s is only for services that act for them.", what, place))
	case SignInInsufficient:
		return phrase("%s in %s takes a sign-in %s.", what, place, e.required())
	}
	if len(e.AnyOf) == 0 {
		return v.choose(phrase("Your roles give no access to %s.", place), phrase("Their roles give no access to %s.", place))
	}
	return v.choose(phrase("Your roles in %s do not include: %s.", place, what), phrase("Their roles in %s do not include: %s.", place, what))
}

// required says which sign-in would do: the one that takes least.
func (e *Explanation) required() Phrase {
	switch {
	case e.Decision.Requires != nil:
		return e.Decision.Requires.Phrase()
	case len(e.Requiring) > 0:
		return e.Requiring[0].Requires.Phrase()
	}
	return phrase("of another class") // the clock went on since
}

// endDate is a time as it stands in a sentence.
func endDate(at time.Time) string { return at.UTC().Format("2006-01-02 15:04 MST") }

// Remedy says what an administrator could change so that the answer becomes yes; empty when allowed.
func (e *Explanation) Remedy() Phrase {
	if e.Decision.Allowed {
		return Phrase{}
	}
	switch e.Decision.Reason {
	case NotAuthenticated:
		return phrase("Sign in.")
	case OrganisationUnknown, OrganisationRequired:
		return phrase("Choose an organisation by the header x-organisation-id.")
	case SystemRequired:
		return phrase("Ask for it without an organisation.")
	case SignInInsufficient:
		return phrase("They sign in again, as a role requires here: by a sign-in %s. A service has no sign-in and needs another role.", e.required())
	}
	if len(e.Held) > 0 {
		return phrase("Look at the group %q in the directory. Then confirm its access here, or move it to the group's new name.", e.Held[0].Name)
	}
	if len(e.Suggestions) > 0 {
		remedy := e.Suggestions[0].Sentence(e.place())
		if e.Decision.Reason == NoIAMRoles {
			remedy = phrase("%s If they are in one that should be there: check the claim's filter and the role path.", remedy)
		}
		return remedy
	}
	return phrase("Create a role, and map it to one of the IAM roles in %s.", e.place())
}

// What names the thing that was asked for, by the first permission's title.
func (e *Explanation) What() Phrase {
	if len(e.AnyOf) == 0 {
		return phrase("This")
	}
	return phrase("“%s”", Phrase{Format: e.AnyOf[0].Info().Title})
}

// place is an organisation's name, or TheSystem.
func (e *Explanation) place() any {
	if e.Organisation != nil {
		return e.Organisation.Name
	}
	return TheSystem
}
