package desk

import (
	"context"
	"net/http"
	"slices"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/authn"
	"github.com/portico-iam/portico/internal/desk/view"
	"github.com/portico-iam/portico/internal/fault"
)

// afterReview goes back or saves; saved says that the answer is written.
func (h *Handler) afterReview(w http.ResponseWriter, r *http.Request, c *authn.Caller, v *view.AccessForm, old access.IAMRole) (saved bool, err error) {
	switch r.PostFormValue("do") {
	case "back":
		v.Step = stepAssign
		return false, nil
	case "save":
	default:
		v.Step = stepReview
		return false, nil
	}
	switch v.Errors = h.nameErrors(r.Context(), v); {
	case len(v.Errors) > 0 || unseen(v):
		v.Step, v.Acknowledged = stepName, v.Name
		return false, nil
	case len(v.Assignments)+len(v.SystemRoles) == 0:
		v.Step, v.Errors = stepAssign, view.FieldErrors{nothingChosen(r.Context())}
		return false, nil
	case len(h.endErrors(r.Context(), v, old)) > 0:
		v.Step, v.Errors = stepAssign, h.endErrors(r.Context(), v, old)
		return false, nil
	case v.Gone > 0: // what is saved is what was reviewed
		v.Step = stepReview
		return false, nil
	}
	seen := asking(r, seenBy(r, v.Version), &v.Errors)
	if len(v.Errors) > 0 {
		v.Step = stepReview
		return false, nil
	}
	row, what := formRow(v), accessSaved
	if v.ID == "" {
		what = accessCreated
		var created *access.IAMRole
		if created, err = h.Policy.CreateIAMRole(r.Context(), c.Principal, row, seen); err == nil {
			row.ID = created.ID
		}
	} else {
		row.ID = access.IAMRoleID(v.ID)
		_, err = h.Policy.UpdateIAMRole(r.Context(), c.Principal, row.ID, seen, func(m *access.IAMRole) error {
			m.Name, m.OrganisationRoles, m.SystemRoles, m.Ends = row.Name, row.OrganisationRoles, row.SystemRoles, row.Ends
			return nil
		})
	}
	switch {
	case asked(w, r, err):
		return true, nil
	case err == nil:
		return true, h.done(w, r, c, what, view.AccessItemPath(string(row.ID)), access.STSIAMRoleDetail)
	case fault.LostUpdate.Is(err):
		now := h.Policy.Snapshot().IAMRole(row.ID)
		if now == nil {
			return false, fault.NotFound.New("there is no such access any more")
		}
		v.Version = versionOf(now.Changed)
		v.Review.Warnings = append(v.Review.Warnings, say(r.Context(), "Somebody changed this access while you were at it. What you see below compares yours with theirs: save again only if yours shall stand."))
		return false, nil
	case keptFrom(r.Context(), err) != "":
		v.Review.Warnings = append(v.Review.Warnings, keptFrom(r.Context(), err))
		return false, nil
	case fault.InvalidInput.Is(err), fault.NameTaken.Is(err):
		f := fault.Of(err)
		v.Step, v.Errors = stepName, view.FieldErrors{{Field: "name", Text: nameText(r.Context(), v.Name, f)}}
		if f.Field != "" && f.Field != "name" {
			v.Step, v.Errors[0].Field = stepAssign, "assignments"
		}
		return false, nil
	}
	return false, err
}

func formRow(v *view.AccessForm) access.IAMRole {
	row := access.IAMRole{Name: v.Name, OrganisationRoles: map[access.OrganisationID][]access.RoleID{}, Ends: endsOf(v)}
	for _, a := range v.Assignments {
		org := access.OrganisationID(a.Organisation.ID)
		row.OrganisationRoles[org] = append(row.OrganisationRoles[org], access.RoleID(a.Role.ID))
	}
	for _, s := range v.SystemRoles {
		row.SystemRoles = append(row.SystemRoles, access.RoleID(s.ID))
	}
	return row
}

// reviewAccess says in words what saving does.
func (h *Handler) reviewAccess(r *http.Request, c *authn.Caller, v *view.AccessForm, old access.IAMRole) (err error) {
	s, row := h.sight(c), formRow(v)
	if m := s.IAMRole(old.ID); m != nil {
		old = *m
	}
	for _, org := range row.OrganisationIDs() {
		ids := row.OrganisationRoles[org]
		name := s.organisation(org).Name
		v.Review.Organisations = append(v.Review.Organisations, view.Grant{
			Organisation: name, Roles: s.roleNames(ids), Groups: groupsOf(permissionsOf(s.Snapshot, ids, access.ScopeOrganisation)),
		})
		if o := s.Organisation(org); o != nil && !o.Active() {
			v.Review.Warnings = append(v.Review.Warnings, say(r.Context(), "%s is deactivated: nothing counts there until it is reactivated.", name))
		}
	}
	slices.SortFunc(v.Review.Organisations, func(a, b view.Grant) int { return byName(a.Organisation, b.Organisation) })
	if len(row.SystemRoles) > 0 {
		system := permissionsOf(s.Snapshot, row.SystemRoles, access.ScopeSystem)
		v.Review.System = &view.Grant{Roles: s.roleNames(row.SystemRoles), Groups: groupsOf(system)}
		if !system.Intersect(access.Administration).IsEmpty() {
			v.Review.Warnings = append(v.Review.Warnings, say(r.Context(), "These people will be able to change who has access, their own included."))
		}
	}
	if v.ID != "" {
		v.Review.Removed, v.Review.Added = s.differences(r.Context(), old, row), s.differences(r.Context(), row, old)
	}
	row.ID, row.Changed = access.IAMRoleID(v.ID), old.Changed
	v.Preview, err = h.preview(r, c, access.Change{PutIAMRoles: []*access.IAMRole{&row}})
	return err
}

// differences names what stands in a and not in b.
func (s sight) differences(ctx context.Context, a, b access.IAMRole) []string {
	var out []string
	for _, org := range a.OrganisationIDs() {
		for _, role := range s.roleChoices(a.OrganisationRoles[org]) {
			if !slices.Contains(b.OrganisationRoles[org], access.RoleID(role.ID)) {
				out = append(out, say(ctx, "%s in %s", role.Name, s.organisation(org).Name))
			}
		}
		if end := a.Ends[org].At; !end.IsZero() && !end.Equal(b.Ends[org].At) {
			out = append(out, say(ctx, "the end in %s on %s", s.organisation(org).Name, exactTime(end)))
		}
	}
	if end := a.Ends[access.System].At; !end.IsZero() && len(a.SystemRoles) > 0 && !end.Equal(b.Ends[access.System].At) {
		out = append(out, say(ctx, "the end in the whole system on %s", exactTime(end)))
	}
	for _, role := range s.roleChoices(a.SystemRoles) {
		if !slices.Contains(b.SystemRoles, access.RoleID(role.ID)) {
			out = append(out, say(ctx, "%s in the whole system", role.Name))
		}
	}
	return out
}
