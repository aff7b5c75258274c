package explain

import (
	"time"

	"github.com/portico-iam/portico/internal/access"
)

// Answer is the whole way from the claim to the decision. Its JSON is the API's.
type Answer struct {
	Who          Who           `json:"who"`
	Route        string        `json:"route,omitempty"`
	AnyOf        []string      `json:"anyOf"`                  // any one of these permissions would do; empty: everything was asked for
	Organisation *Place        `json:"organisation,omitempty"` // absent: the whole system
	Allowed      bool          `json:"allowed"`
	Reason       string        `json:"reason"`
	Sentence     access.Phrase `json:"sentence"`
	Path         []Step        `json:"path"` // one for each IAM role of theirs
	Elsewhere    []Place       `json:"elsewhere,omitempty"`
	Suggestions  []Suggestion  `json:"suggestions"`
	Permissions  []Held        `json:"permissions,omitempty"` // where everything was asked for: what they hold, and by what
	Refusal      *Refusal      `json:"refusal,omitempty"`
	Mapping      int64         `json:"mapping"`        // version of the mappings that decided
	AsOf         *AsOf         `json:"asOf,omitempty"` // absent: now
}

// AsOf says of when an answer is, and on what it rests.
type AsOf struct {
	At     time.Time       `json:"date"`
	Oldest time.Time       `json:"oldestChange"`
	Notes  []access.Phrase `json:"notes"`
}

// Who is whose access is explained.
type Who struct {
	Issuer   string     `json:"issuer"`
	Subject  string     `json:"subject,omitempty"`
	Name     string     `json:"name,omitempty"`
	Login    string     `json:"login,omitempty"`
	IAMRoles []string   `json:"iamRoles"`
	RolePath string     `json:"rolePath"`      // where they are looked for in the token
	Odd      []string   `json:"odd,omitempty"` // what was strange about the claim, in sentences
	SeenAt   *time.Time `json:"seenDate,omitempty"`
}

// Place is an organisation.
type Place struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Active bool   `json:"active"`
}

// State says how far the way of one IAM role leads.
type State string

// The states, from the goal backwards.
const (
	Grants    State = "GRANTS"    // a role that is mapped to it here holds the permission
	Bootstrap State = "BOOTSTRAP" // it is the first administrator's, which grants only the administration
	OnHold    State = "HELD"      // it does not count, since its group is another one now
	Ended     State = "ENDED"     // what was mapped to it here ended
	Here      State = "HERE"      // roles are mapped to it here, and none of them holds the permission
	Elsewhere State = "ELSEWHERE" // it is mapped, but not here
	Nearly    State = "NEARLY"    // it is not mapped, and nearly equals a name that is
	Unmapped  State = "UNMAPPED"
)

// Step is what becomes of one IAM role.
type Step struct {
	IAMRole   string     `json:"iamRole"`
	State     State      `json:"state"`
	MappingID string     `json:"mappingId,omitempty"`
	Roles     []Role     `json:"roles,omitempty"`
	Ended     *time.Time `json:"endedDate,omitempty"`
	Near      []string   `json:"near,omitempty"`    // mapped names that differ in case or blanks only
	Renamed   []string   `json:"renamed,omitempty"` // mapped names that nobody carries any more, and that are alike
}

// Role is a role that is mapped there.
type Role struct {
	ID         string `json:"id"`
	Name       string `json:"name"`
	Grants     bool   `json:"grants"`               // it holds the permission, and counts
	Restricted bool   `json:"restricted,omitempty"` // it counts only where a service acts for a user
	// SignIn is the kind of sign-in after which alone it counts, in words; Lacking says that this was another one.
	SignIn  *access.Phrase `json:"signIn,omitempty"`
	Lacking bool           `json:"lacking,omitempty"`
}

// Suggestion is a smallest change that makes the answer yes.
type Suggestion struct {
	Sentence access.Phrase `json:"sentence"`
	Edits    []Edit        `json:"edits"`
}

// Edit is one of its steps; Kind is an access.EditKind.
type Edit struct {
	Kind           string `json:"kind"`
	OrganisationID string `json:"organisationId,omitempty"`
	IAMRole        string `json:"iamRole,omitempty"`
	MappingID      string `json:"mappingId,omitempty"` // of the IAM role, if it is mapped to anything
	RoleID         string `json:"roleId,omitempty"`
	Permission     string `json:"permission,omitempty"`
}

// Held is a permission that they hold there.
type Held struct {
	Permission string `json:"permission"`
	IAMRole    string `json:"iamRole"`
	RoleID     string `json:"roleId,omitempty"` // absent: the first administrator's
	Role       string `json:"role,omitempty"`
}

// Refusal is what the reference is about, as it was then.
type Refusal struct {
	Reference string    `json:"reference"`
	At        time.Time `json:"date"`
	Sentence  string    `json:"sentence"`
}

// answerTo puts an explanation into plain data.
func answerTo(s *access.Snapshot, p *access.Principal, org access.OrganisationID, e *access.Explanation) Answer {
	a := Answer{
		AnyOf: names(e.AnyOf), Allowed: e.Decision.Allowed, Reason: e.Decision.Reason.String(), Sentence: e.Finding(),
		Path: []Step{}, Suggestions: []Suggestion{}, Mapping: s.Version(),
	}
	place := any(access.TheSystem)
	if e.Organisation != nil {
		o := placeOf(e.Organisation)
		a.Organisation, place = &o, o.Name
	}
	asked := access.SetOf(e.AnyOf...)
	if len(e.AnyOf) == 0 {
		asked = access.OfScope(access.ScopeSystem).Union(access.OfScope(access.ScopeOrganisation))
		a.Permissions = heldBy(s, p, org)
	}
	for _, m := range e.Matched {
		a.Path = append(a.Path, stepOf(s, p, org, m, asked))
	}
	for _, u := range e.Unmatched {
		step := Step{IAMRole: u.Name, State: Unmapped, Near: u.Near}
		switch {
		case s.IsBootstrap(p, u.Name):
			step.State = Bootstrap
		case len(u.Near) > 0:
			step.State = Nearly
		}
		a.Path = append(a.Path, step)
	}
	for i := range a.Path { // in a deactivated organisation nothing leads anywhere
		if a.Path[i].State == Grants && !a.Allowed {
			a.Path[i].State = Here
		}
	}
	for _, o := range e.Elsewhere {
		a.Elsewhere = append(a.Elsewhere, placeOf(o))
	}
	for _, g := range e.Suggestions {
		suggestion := Suggestion{Sentence: g.Sentence(place)}
		for _, edit := range g.Edits {
			suggestion.Edits = append(suggestion.Edits, editOf(s, edit))
		}
		a.Suggestions = append(a.Suggestions, suggestion)
	}
	return a
}

func names(permissions []access.Permission) []string {
	all := make([]string, 0, len(permissions))
	for _, p := range permissions {
		all = append(all, p.String())
	}
	return all
}

func placeOf(o *access.Organisation) Place {
	return Place{ID: string(o.ID), Name: o.Name, Active: o.Active()}
}

func stepOf(s *access.Snapshot, p *access.Principal, org access.OrganisationID, m access.MatchedIAMRole, asked access.PermissionSet) Step {
	step := Step{IAMRole: m.Name, State: Elsewhere}
	if mapping := s.IAMRoleByName(m.Name); mapping != nil {
		step.MappingID = string(mapping.ID)
	}
	switch {
	case m.Held && len(m.Roles) == 0:
		step.State = OnHold
	case !m.Ended.IsZero():
		step.State, step.Ended = Ended, &m.Ended
	case len(m.Roles) > 0:
		step.State = Here
	}
	asked = asked.Intersect(access.EffectiveIn(org))
	for _, role := range m.Roles {
		shown := Role{ID: string(role.ID), Name: role.Name, Restricted: role.Delegation != nil}
		if role.Requires != nil {
			phrase := role.Requires.Phrase()
			shown.SignIn, shown.Lacking = &phrase, !s.Meets(p, role)
		}
		grants := !shown.Restricted && !shown.Lacking && !role.Permissions.Intersect(asked).IsEmpty()
		shown.Grants = grants
		step.Roles = append(step.Roles, shown)
		if grants {
			step.State = Grants
		}
	}
	if org == access.System && s.IsBootstrap(p, m.Name) && step.State != Grants {
		alone := *p
		alone.IAMRoles = []string{m.Name}
		step.State = Bootstrap
		if set, _ := s.Effective(&alone, org); !set.Intersect(asked).IsEmpty() {
			step.State = Grants
		}
	}
	return step
}

func editOf(s *access.Snapshot, e access.Edit) Edit {
	edit := Edit{Kind: e.Kind.String(), OrganisationID: string(e.Organisation), IAMRole: e.IAMRole}
	if mapping := s.IAMRoleByName(e.IAMRole); mapping != nil {
		edit.MappingID = string(mapping.ID)
	}
	if e.Role != nil {
		edit.RoleID = string(e.Role.ID)
	}
	if e.Kind == access.AddPermission || e.Kind == access.MapNewRole {
		edit.Permission = e.Permission.String()
	}
	return edit
}

// heldBy lists what they hold there, each by the one way that the decision names.
func heldBy(s *access.Snapshot, p *access.Principal, org access.OrganisationID) []Held {
	held := []Held{}
	set, _ := s.Effective(p, org)
	for permission := range set.All() {
		d := s.Decide(p, org, permission)
		h := Held{Permission: permission.String(), IAMRole: d.IAMRole, RoleID: string(d.Role)}
		if role := s.Role(d.Role); role != nil {
			h.Role = role.Name
		}
		held = append(held, h)
	}
	return held
}
