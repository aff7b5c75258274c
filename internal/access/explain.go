package access

import (
	"fmt"
	"slices"
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

	Suggestions []Suggestion // what would make the answer yes; empty when it is, or when no change helps
}

// MatchedIAMRole is an IAM role that is mapped, with the roles it gives here.
type MatchedIAMRole struct {
	Name  string
	Roles []*Role // may be empty: mapped, but not here
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
	if p == nil {
		return e
	}
	if !decision.Allowed {
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
		m := MatchedIAMRole{Name: name}
		if g := s.grantAt(org, name); g != nil {
			m.Roles = g.roles
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
func (e *Explanation) Sentence() string {
	return e.told(voice{"You are not", "Your", "your", "you"})
}

// Finding says the same to somebody else, such as an administrator.
func (e *Explanation) Finding() string {
	return e.told(voice{"Nobody is", "Their", "their", "them"})
}

// voice is how a sentence speaks of whom it is about.
type voice struct{ isNot, Whose, whose, whom string }

func (e *Explanation) told(v voice) string {
	what := e.What()
	switch d := e.Decision; d.Reason {
	case Granted, GrantedByBootstrap:
		if d.IAMRole == "" { // everything was asked for
			return fmt.Sprintf("%s IAM roles give access to %s.", v.Whose, e.place())
		}
		return fmt.Sprintf("%s is allowed by %q.", what, d.IAMRole)
	case NotAuthenticated:
		return v.isNot + " signed in."
	case OrganisationRequired:
		return what + " needs an organisation, and none was chosen."
	case SystemRequired:
		return what + " acts on the whole installation, not in an organisation."
	case OrganisationUnknown:
		return "There is no such organisation."
	case OrganisationDeactivated:
		return fmt.Sprintf("%s is deactivated: nothing can be done there until it is reactivated.", e.place())
	case NoIAMRoles:
		return fmt.Sprintf("%s sign-in carries no groups, so nothing is allowed to %s yet.", v.Whose, v.whom)
	case NoMappedIAMRole:
		return fmt.Sprintf("None of the groups of %s sign-in is mapped to a role yet.", v.whose)
	case NotMappedHere:
		return fmt.Sprintf("%s groups are not mapped to any role in %s.", v.Whose, e.place())
	case RestrictedToDelegation:
		return fmt.Sprintf("%s in %s is only for services that act for %s.", what, e.place(), v.whom)
	}
	if len(e.AnyOf) == 0 {
		return fmt.Sprintf("%s roles give no access to %s.", v.Whose, e.place())
	}
	return fmt.Sprintf("%s roles in %s do not include: %s.", v.Whose, e.place(), what)
}

// Remedy says what an administrator could change so that the answer becomes yes; empty when allowed.
func (e *Explanation) Remedy() string {
	if e.Decision.Allowed {
		return ""
	}
	switch e.Decision.Reason {
	case NotAuthenticated:
		return "Sign in."
	case OrganisationUnknown, OrganisationRequired:
		return "Choose an organisation by the header x-organisation-id."
	case SystemRequired:
		return "Ask for it without an organisation."
	}
	if len(e.Suggestions) > 0 {
		remedy := e.Suggestions[0].Sentence(e.place())
		if e.Decision.Reason == NoIAMRoles {
			remedy += " If they are in one that should be there: check the claim's filter and the role path."
		}
		return remedy
	}
	return fmt.Sprintf("Create a role, and map it to one of the IAM roles in %s.", e.place())
}

// What names the thing that was asked for, by the first permission's title.
func (e *Explanation) What() string {
	if len(e.AnyOf) == 0 {
		return "This"
	}
	return "“" + e.AnyOf[0].Info().Title + "”"
}

func (e *Explanation) place() string {
	if e.Organisation != nil {
		return e.Organisation.Name
	}
	return "the system"
}
