package desk

import (
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/authn"
	"github.com/portico-iam/portico/internal/desk/view"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/policy"
)

// afterReview goes back or saves; saved says that the answer is written.
func (h *Handler) afterReview(w http.ResponseWriter, r *http.Request, c *authn.Caller, v *view.AccessForm) (saved bool, err error) {
	switch r.PostFormValue("do") {
	case "back":
		v.Step = stepAssign
		return false, nil
	case "save":
	default:
		v.Step = stepReview
		return false, nil
	}
	switch v.Errors = h.nameErrors(v); {
	case len(v.Errors) > 0 || unseen(v):
		v.Step, v.Acknowledged = stepName, v.Name
		return false, nil
	case len(v.Assignments)+len(v.SystemRoles) == 0:
		v.Step, v.Errors = stepAssign, view.FieldErrors{nothingChosen}
		return false, nil
	case v.Gone > 0: // what is saved is what was reviewed
		v.Step = stepReview
		return false, nil
	}
	row, what := formRow(v), accessSaved
	if v.ID == "" {
		what = accessCreated
		var created *access.IAMRole
		if created, err = h.Policy.CreateIAMRole(r.Context(), c.Principal, row, policy.Seen{Mapping: revisionOf(r.PostFormValue("mapping"))}); err == nil {
			row.ID = created.ID
		}
	} else {
		row.ID = access.IAMRoleID(v.ID)
		_, err = h.Policy.UpdateIAMRole(r.Context(), c.Principal, row.ID, seenBy(r, v.Version), func(m *access.IAMRole) error {
			m.Name, m.OrganisationRoles, m.SystemRoles = row.Name, row.OrganisationRoles, row.SystemRoles
			return nil
		})
	}
	switch {
	case err == nil:
		return true, h.done(w, r, c, what, view.AccessItemPath(string(row.ID)), access.STSIAMRoleDetail)
	case fault.LostUpdate.Is(err):
		now := h.Policy.Snapshot().IAMRole(row.ID)
		if now == nil {
			return false, fault.NotFound.New("there is no such access any more")
		}
		v.Version = versionOf(now.Changed)
		v.Review.Warnings = append(v.Review.Warnings, "Somebody changed this access while you were at it. What you see below compares yours with theirs: save again only if yours shall stand.")
		return false, nil
	case keptFrom(err) != "":
		v.Review.Warnings = append(v.Review.Warnings, keptFrom(err))
		return false, nil
	case fault.InvalidInput.Is(err), fault.NameTaken.Is(err):
		f := fault.Of(err)
		v.Step, v.Errors = stepName, view.FieldErrors{{Field: "name", Text: nameText(v.Name, errors.New(f.Detail))}}
		if f.Field != "" && f.Field != "name" {
			v.Step, v.Errors[0].Field = stepAssign, "assignments"
		}
		return false, nil
	}
	return false, err
}

func formRow(v *view.AccessForm) access.IAMRole {
	row := access.IAMRole{Name: v.Name, OrganisationRoles: map[access.OrganisationID][]access.RoleID{}}
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
			v.Review.Warnings = append(v.Review.Warnings, fmt.Sprintf("%s is deactivated: nothing counts there until it is reactivated.", name))
		}
	}
	slices.SortFunc(v.Review.Organisations, func(a, b view.Grant) int { return byName(a.Organisation, b.Organisation) })
	if len(row.SystemRoles) > 0 {
		system := permissionsOf(s.Snapshot, row.SystemRoles, access.ScopeSystem)
		v.Review.System = &view.Grant{Roles: s.roleNames(row.SystemRoles), Groups: groupsOf(system)}
		if !system.Intersect(access.Administration).IsEmpty() {
			v.Review.Warnings = append(v.Review.Warnings, "These people will be able to change who has access, their own included.")
		}
	}
	if v.ID != "" {
		v.Review.Removed, v.Review.Added = s.differences(old, row), s.differences(row, old)
	}
	row.ID, row.Changed = access.IAMRoleID(v.ID), old.Changed
	v.Preview, err = h.preview(r, c, access.Change{PutIAMRoles: []*access.IAMRole{&row}})
	return err
}

// differences names what stands in a and not in b.
func (s sight) differences(a, b access.IAMRole) []string {
	var out []string
	for _, org := range a.OrganisationIDs() {
		for _, role := range s.roleChoices(a.OrganisationRoles[org]) {
			if !slices.Contains(b.OrganisationRoles[org], access.RoleID(role.ID)) {
				out = append(out, fmt.Sprintf("%s in %s", role.Name, s.organisation(org).Name))
			}
		}
	}
	for _, role := range s.roleChoices(a.SystemRoles) {
		if !slices.Contains(b.SystemRoles, access.RoleID(role.ID)) {
			out = append(out, role.Name+" in the whole system")
		}
	}
	return out
}
