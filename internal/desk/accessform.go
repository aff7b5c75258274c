package desk

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/authn"
	"github.com/portico-iam/portico/internal/desk/view"
	"github.com/portico-iam/portico/internal/fault"
)

// maxAssignments bounds the rows of one form.
const maxAssignments = 2000

// The steps of the wizard.
const (
	stepName = iota + 1
	stepAssign
	stepReview
)

func (h *Handler) accessNew(w http.ResponseWriter, r *http.Request, c *authn.Caller) error {
	if err := h.enforce(r.Context(), c, "create access", access.STSIAMRoleCreate); err != nil {
		return err
	}
	v := h.accessForm(r, c, access.IAMRole{})
	v.Name = r.URL.Query().Get("name") // where a page proposes one
	h.render(w, r, http.StatusOK, view.AccessFormPage(v))
	return nil
}

func (h *Handler) accessEdit(w http.ResponseWriter, r *http.Request, c *authn.Caller) error {
	if err := h.enforce(r.Context(), c, "edit access", access.STSIAMRoleEdit); err != nil {
		return err
	}
	m := h.Policy.Snapshot().IAMRole(access.IAMRoleID(r.PathValue("id")))
	if m == nil {
		return fault.NotFound.New("there is no such access")
	}
	v := h.accessForm(r, c, *m)
	v.Step = stepAssign
	h.render(w, r, http.StatusOK, view.AccessFormPage(v))
	return nil
}

// accessForm shows a mapping in the form, as it is.
func (h *Handler) accessForm(r *http.Request, c *authn.Caller, m access.IAMRole) view.AccessForm {
	snapshot := h.Policy.Snapshot()
	v := view.AccessForm{
		Page: h.frame(r, c), ID: string(m.ID), OriginalName: m.Name, Name: m.Name, Acknowledged: m.Name, Step: stepName,
		SystemRoles: roleChoices(snapshot, m.SystemRoles),
	}
	if m.ID != "" {
		v.Version = versionOf(m.Changed)
	}
	for _, org := range m.OrganisationIDs() {
		for _, role := range roleChoices(snapshot, m.OrganisationRoles[org]) {
			v.Assignments = append(v.Assignments, view.Assignment{Organisation: organisationChoice(snapshot, org), Role: role})
		}
	}
	for _, o := range snapshot.Organisations() {
		name := o.Name
		if !o.Active() {
			name += " (deactivated)"
		}
		v.OrganisationChoices = append(v.OrganisationChoices, view.Choice{ID: string(o.ID), Name: name})
	}
	for _, role := range snapshot.Roles() {
		choice := view.Choice{ID: string(role.ID), Name: role.Name}
		if !role.Permissions.Intersect(access.OfScope(access.ScopeOrganisation)).IsEmpty() {
			v.RoleChoices = append(v.RoleChoices, choice)
		}
		if !role.Permissions.Intersect(access.OfScope(access.ScopeSystem)).IsEmpty() {
			v.SystemRoleChoices = append(v.SystemRoleChoices, choice)
		}
	}
	for _, choices := range [][]view.Choice{v.OrganisationChoices, v.RoleChoices, v.SystemRoleChoices} {
		slices.SortFunc(choices, func(a, b view.Choice) int { return byName(a.Name, b.Name) })
	}
	return v
}

// accessSubmit takes the wizard a step on, or back, or saves. What was chosen is never lost.
func (h *Handler) accessSubmit(w http.ResponseWriter, r *http.Request, c *authn.Caller) error {
	id := access.IAMRoleID(r.PathValue("id"))
	wanted, need := "create access", access.STSIAMRoleCreate
	if id != "" {
		wanted, need = "edit access", access.STSIAMRoleEdit
	}
	if err := h.enforce(r.Context(), c, wanted, need); err != nil {
		return err
	}
	var old access.IAMRole
	if id != "" {
		m := h.Policy.Snapshot().IAMRole(id)
		if m == nil {
			return fault.NotFound.New("there is no such access")
		}
		old = *m
	}
	v := h.accessForm(r, c, old)
	if err := h.readAccess(r, &v); err != nil {
		return err
	}
	switch v.Step {
	case stepName:
		h.afterName(r, &v)
	case stepAssign:
		h.afterAssign(r, &v)
	default:
		if saved, err := h.afterReview(w, r, c, &v); saved || err != nil {
			return err
		}
	}
	if v.Step == stepReview {
		h.reviewAccess(&v, old)
	}
	status := http.StatusOK
	if len(v.Errors) > 0 {
		status = http.StatusUnprocessableEntity
	}
	h.render(w, r, status, view.AccessFormPage(v))
	return nil
}

// readAccess reads the rows so far. The name is taken as it is: its blanks count.
func (h *Handler) readAccess(r *http.Request, v *view.AccessForm) error {
	snapshot := h.Policy.Snapshot()
	v.Name, v.Acknowledged, v.Version = r.PostFormValue("name"), r.PostFormValue("acknowledged"), r.PostFormValue("version")
	v.AddOrganisation, v.AddRole, v.AddSystemRole = r.PostFormValue("addOrganisation"), r.PostFormValue("addRole"), r.PostFormValue("addSystemRole")
	v.Step, _ = strconv.Atoi(r.PostFormValue("step"))
	organisations, roles := r.PostForm["organisation"], r.PostForm["role"]
	if len(organisations) != len(roles) || len(roles) > maxAssignments {
		return fault.InvalidInput.New("expected as many organisations as roles, at most %d", maxAssignments)
	}
	v.Assignments, v.SystemRoles = nil, nil
	for i, org := range organisations {
		h.assign(v, snapshot, org, roles[i])
	}
	for _, id := range r.PostForm["systemRole"] {
		h.assignSystem(v, snapshot, id)
	}
	v.Warnings = h.nameWarnings(v)
	return nil
}

// assign adds a row, once. A role that was deleted meanwhile is left out: the review shows what is there.
func (h *Handler) assign(v *view.AccessForm, s *access.Snapshot, org, roleID string) {
	role := s.Role(access.RoleID(roleID))
	if role == nil {
		return
	}
	row := view.Assignment{Organisation: organisationChoice(s, access.OrganisationID(org)), Role: view.Choice{ID: roleID, Name: role.Name}}
	if !slices.Contains(v.Assignments, row) {
		v.Assignments = append(v.Assignments, row)
	}
}

func (h *Handler) assignSystem(v *view.AccessForm, s *access.Snapshot, id string) {
	if role := s.Role(access.RoleID(id)); role != nil {
		if choice := (view.Choice{ID: id, Name: role.Name}); !slices.Contains(v.SystemRoles, choice) {
			v.SystemRoles = append(v.SystemRoles, choice)
		}
	}
}

func (h *Handler) nameWarnings(v *view.AccessForm) []string {
	var warnings []string
	if v.Name != strings.TrimSpace(v.Name) {
		warnings = append(warnings, "The name begins or ends with a blank, and the blank counts.")
	}
	for _, near := range h.Policy.Snapshot().NearMisses(v.Name) {
		if near != v.OriginalName {
			warnings = append(warnings, fmt.Sprintf("“%s” is mapped already and differs only in case or blanks.", near))
		}
	}
	return warnings
}

func (h *Handler) nameErrors(v *view.AccessForm) view.FieldErrors {
	if err := access.CheckName(v.Name, h.Policy.ReservedName); err != nil {
		return view.FieldErrors{{Field: "name", Text: capital(strings.TrimPrefix(err.Error(), "name: ")) + "."}}
	}
	if other := h.Policy.Snapshot().IAMRoleByName(v.Name); other != nil && string(other.ID) != v.ID {
		return view.FieldErrors{{Field: "name", Text: "This IAM role is mapped already. Edit its access instead."}}
	}
	return nil
}

func (h *Handler) afterName(_ *http.Request, v *view.AccessForm) {
	if v.Errors = h.nameErrors(v); len(v.Errors) > 0 {
		return
	}
	if len(v.Warnings) > 0 && v.Acknowledged != v.Name {
		v.Acknowledged = v.Name // shown now; the next click means it
		return
	}
	v.Acknowledged, v.Step = v.Name, stepAssign
}

func (h *Handler) afterAssign(r *http.Request, v *view.AccessForm) {
	action, index, _ := splitAction(r.PostFormValue("do"))
	at, err := strconv.Atoi(index)
	switch action {
	case "back":
		v.Step = stepName
	case "remove":
		if err == nil && at >= 0 && at < len(v.Assignments) {
			v.Assignments = slices.Delete(v.Assignments, at, at+1)
		}
	case "removeSystem":
		if err == nil && at >= 0 && at < len(v.SystemRoles) {
			v.SystemRoles = slices.Delete(v.SystemRoles, at, at+1)
		}
	case "add":
		h.addRow(v, true)
	case "addSystem":
		h.addSystemRow(v, true)
	case "enter":
		h.addRow(v, v.AddSystemRole == "")
		h.addSystemRow(v, false)
	default: // next: what was chosen but not added counts
		h.addRow(v, false)
		h.addSystemRow(v, false)
		if len(v.Errors) == 0 && len(v.Assignments)+len(v.SystemRoles) == 0 {
			v.Errors = append(v.Errors, view.FieldError{Field: "addOrganisation", Text: "Choose an organisation and a role, or a system role."})
		}
		if len(v.Errors) == 0 {
			v.Step = stepReview
		}
	}
}

func (h *Handler) addRow(v *view.AccessForm, required bool) {
	if v.AddOrganisation == "" && v.AddRole == "" && !required {
		return
	}
	snapshot := h.Policy.Snapshot()
	if snapshot.Organisation(access.OrganisationID(v.AddOrganisation)) == nil {
		v.Errors = append(v.Errors, view.FieldError{Field: "addOrganisation", Text: "Choose an organisation."})
	}
	if snapshot.Role(access.RoleID(v.AddRole)) == nil {
		v.Errors = append(v.Errors, view.FieldError{Field: "addRole", Text: "Choose a role."})
	}
	if len(v.Errors) == 0 {
		h.assign(v, snapshot, v.AddOrganisation, v.AddRole)
		v.AddOrganisation, v.AddRole = "", ""
	}
}

func (h *Handler) addSystemRow(v *view.AccessForm, required bool) {
	if v.AddSystemRole == "" && !required {
		return
	}
	snapshot := h.Policy.Snapshot()
	if snapshot.Role(access.RoleID(v.AddSystemRole)) == nil {
		v.Errors = append(v.Errors, view.FieldError{Field: "addSystemRole", Text: "Choose a role."})
		return
	}
	h.assignSystem(v, snapshot, v.AddSystemRole)
	v.AddSystemRole = ""
}

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
	if v.Errors = h.nameErrors(v); len(v.Errors) > 0 {
		v.Step = stepName
		return false, nil
	}
	row, what := formRow(v), accessSaved
	if v.ID == "" {
		what = accessCreated
		var created *access.IAMRole
		if created, err = h.Policy.CreateIAMRole(r.Context(), c.Principal, row); err == nil {
			row.ID = created.ID
		}
	} else {
		row.ID = access.IAMRoleID(v.ID)
		_, err = h.Policy.UpdateIAMRole(r.Context(), c.Principal, row.ID, revisionOf(v.Version), func(m *access.IAMRole) error {
			m.Name, m.OrganisationRoles, m.SystemRoles = row.Name, row.OrganisationRoles, row.SystemRoles
			return nil
		})
	}
	switch {
	case err == nil:
		return true, done(w, r, view.AccessItemPath(string(row.ID)), what)
	case fault.LostUpdate.Is(err):
		v.Version = versionOf(h.Policy.Snapshot().IAMRole(row.ID).Changed)
		v.Review.Warnings = append(v.Review.Warnings, "Somebody changed this access while you were at it. What you see below compares yours with theirs: save again only if yours shall stand.")
		return false, nil
	case fault.InvalidInput.Is(err), fault.NameTaken.Is(err):
		v.Errors = view.FieldErrors{{Field: "name", Text: capital(strings.TrimPrefix(fault.Of(err).Detail, "name: ")) + "."}}
		v.Step = stepName
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
func (h *Handler) reviewAccess(v *view.AccessForm, old access.IAMRole) {
	snapshot, row := h.Policy.Snapshot(), formRow(v)
	if m := snapshot.IAMRole(old.ID); m != nil {
		old = *m
	}
	for _, org := range row.OrganisationIDs() {
		ids := row.OrganisationRoles[org]
		name := organisationChoice(snapshot, org).Name
		v.Review.Organisations = append(v.Review.Organisations, view.Grant{
			Organisation: name, Roles: roleNamesOf(snapshot, ids), Groups: groupsOf(permissionsOf(snapshot, ids, access.ScopeOrganisation)),
		})
		if o := snapshot.Organisation(org); o != nil && !o.Active() {
			v.Review.Warnings = append(v.Review.Warnings, fmt.Sprintf("%s is deactivated: nothing counts there until it is reactivated.", name))
		}
	}
	slices.SortFunc(v.Review.Organisations, func(a, b view.Grant) int { return byName(a.Organisation, b.Organisation) })
	if len(row.SystemRoles) > 0 {
		system := permissionsOf(snapshot, row.SystemRoles, access.ScopeSystem)
		v.Review.System = &view.Grant{Roles: roleNamesOf(snapshot, row.SystemRoles), Groups: groupsOf(system)}
		if !system.Intersect(access.Administration).IsEmpty() {
			v.Review.Warnings = append(v.Review.Warnings, "These people will be able to change who has access, their own included.")
		}
	}
	if v.ID != "" {
		v.Review.Removed, v.Review.Added = differences(snapshot, old, row), differences(snapshot, row, old)
	}
}

// differences names what stands in a and not in b.
func differences(s *access.Snapshot, a, b access.IAMRole) []string {
	var out []string
	for _, org := range a.OrganisationIDs() {
		for _, role := range roleChoices(s, a.OrganisationRoles[org]) {
			if !slices.Contains(b.OrganisationRoles[org], access.RoleID(role.ID)) {
				out = append(out, fmt.Sprintf("%s in %s", role.Name, organisationChoice(s, org).Name))
			}
		}
	}
	for _, role := range roleChoices(s, a.SystemRoles) {
		if !slices.Contains(b.SystemRoles, access.RoleID(role.ID)) {
			out = append(out, role.Name+" in the whole system")
		}
	}
	return out
}
