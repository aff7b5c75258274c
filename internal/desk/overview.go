package desk

import (
	"context"
	"net/http"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/authn"
	"github.com/portico-iam/portico/internal/desk/view"
	"github.com/portico-iam/portico/internal/desk/wording"
)

func (h *Handler) overview(w http.ResponseWriter, r *http.Request, c *authn.Caller) error {
	snapshot, p := h.Policy.Snapshot(), c.Principal
	v := view.Overview{
		Page: h.frame(r, c), Activity: h.activity(r, c),
		Identity: view.Identity{
			Login: p.Login, Issuer: p.Issuer, Subject: p.Subject, RolePath: h.RolePath, IAMRoles: carried(r.Context(), snapshot, p), Odd: p.Odd,
		},
	}
	v.Ends = h.comingEnds(r.Context(), c)
	v.Loose = h.looseCount(r, c)
	active, activeErr := c.Organisation(r, snapshot)
	for _, o := range snapshot.OrganisationsOf(p) {
		set, _ := snapshot.Effective(p, o.ID)
		v.Organisations = append(v.Organisations, view.OrganisationAccess{
			ID: string(o.ID), Name: o.Name, Roles: rolesIn(snapshot, p, o.ID), Permissions: set.Len(), Active: activeErr == nil && o.ID == active,
		})
		if activeErr == nil && o.ID == active {
			v.Active = &view.Abilities{Organisation: o.Name, Groups: groupsOf(set)}
		}
	}
	system, _ := snapshot.Effective(p, access.System)
	if !system.IsEmpty() {
		v.System = &view.Abilities{Groups: groupsOf(system)}
	}
	if access.Administration.Minus(system).IsEmpty() {
		v.Steps = h.steps(r.Context(), snapshot, system)
	}
	if len(v.Organisations) == 0 && system.IsEmpty() {
		v.Missing = missing(r.Context(), snapshot, p, h.RolePath)
		if len(p.IAMRoles) == 0 {
			v.Identity.Odd = nil // what is odd is the reason then
			v.Helpers = append(v.Helpers, say(r.Context(), "Whoever manages groups in Okta can add you to one that gives access here. It counts from your next sign-in."))
		} else {
			v.Helpers = append(v.Helpers, say(r.Context(), "An administrator of Portico can map your groups: give them the names below, exactly as they stand there."),
				say(r.Context(), "If a group is missing, whoever manages groups in Okta can add you to it. It counts from your next sign-in."))
		}
	}
	h.render(w, r, http.StatusOK, view.OverviewPage(v))
	return nil
}

func carried(ctx context.Context, s *access.Snapshot, p *access.Principal) []view.CarriedRole {
	roles := make([]view.CarriedRole, 0, len(p.IAMRoles))
	for _, name := range p.IAMRoles {
		role := view.CarriedRole{Name: name, Mapped: s.IAMRoleByName(name) != nil}
		if near := s.NearMisses(name); !role.Mapped && len(near) > 0 {
			role.Note = say(ctx, "nearly “%s”, which is mapped: they differ in case or blanks", near[0])
		}
		if s.IsBootstrap(p, name) {
			role.Mapped, role.Note = true, say(ctx, "first administrator")
		}
		roles = append(roles, role)
	}
	return roles
}

// rolesIn names the roles that the principal has in an organisation.
func rolesIn(s *access.Snapshot, p *access.Principal, org access.OrganisationID) []string {
	var names []string
	seen := map[access.RoleID]bool{}
	for _, name := range p.IAMRoles {
		m := s.IAMRoleByName(name)
		if m == nil || !m.Ends[org].At.IsZero() && s.Passed(m.Ends[org].At) {
			continue
		}
		for _, id := range m.OrganisationRoles[org] {
			if role := s.Role(id); role != nil && !seen[id] {
				seen[id] = true
				names = append(names, role.Name)
			}
		}
	}
	return names
}

// steps is what remains to be done until the first person can work; none when that is possible.
func (h *Handler) steps(ctx context.Context, s *access.Snapshot, held access.PermissionSet) []view.Step {
	mapped := false
	for _, m := range s.IAMRoles() {
		mapped = mapped || len(m.OrganisationRoles) > 0
	}
	steps := []view.Step{
		{
			Title: say(ctx, "Create an organisation"), Text: say(ctx, "Everything in Core belongs to one. One is enough to begin with."),
			Href: view.OrganisationNewPath, Done: len(s.Organisations()) > 0,
		},
		{
			Title: say(ctx, "Create a role"), Text: say(ctx, "A named set of permissions, one for each job people do."),
			Href: view.RoleNewPath, Done: len(s.Roles()) > 0,
		},
		{
			Title: say(ctx, "Map an IAM role"), Text: say(ctx, "Give the people of an Okta group that role, in that organisation."),
			Href: view.AccessNewPath, Done: mapped,
		},
	}
	if !held.Has(access.STSOrganisationCreate) {
		steps = steps[1:]
	}
	for _, step := range steps {
		if !step.Done {
			return steps
		}
	}
	return nil
}

// missing says why somebody may do nothing.
func missing(ctx context.Context, s *access.Snapshot, p *access.Principal, rolePath string) []string {
	_, reason := s.Effective(p, access.System)
	switch {
	case reason == access.NoIAMRoles:
		if len(p.Odd) == 0 {
			return []string{say(ctx, "Your sign-in carries no groups at “%s”.", rolePath)}
		}
		reasons := []string{say(ctx, "Your sign-in carries no groups.")}
		for _, odd := range p.Odd {
			said, _ := wording.Recall(ctx, odd)
			reasons = append(reasons, wording.Capital(said)+".")
		}
		return reasons
	case reason == access.NoMappedIAMRole:
		return []string{say(ctx, "None of the groups of your sign-in is mapped to a role yet.")}
	}
	return []string{say(ctx, "Your groups are mapped, but to nothing that counts at the moment: the organisation may be deactivated, or the role empty.")}
}
