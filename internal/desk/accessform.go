package desk

import (
	"cmp"
	"errors"
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
	s := h.sight(c)
	v := view.AccessForm{
		Page: h.frame(r, c), ID: string(m.ID), OriginalName: m.Name, Name: m.Name, Acknowledged: m.Name, Step: stepName,
		SystemRoles: s.roleChoices(m.SystemRoles), HiddenOrganisations: !s.organisations, HiddenRoles: !s.roles,
	}
	if m.ID != "" {
		v.Version = versionOf(m.Changed)
	}
	for _, org := range m.OrganisationIDs() {
		for _, role := range s.roleChoices(m.OrganisationRoles[org]) {
			v.Assignments = append(v.Assignments, view.Assignment{Organisation: s.organisation(org), Role: role})
		}
	}
	slices.SortFunc(v.Assignments, func(a, b view.Assignment) int {
		return cmp.Or(byChoice(a.Organisation, b.Organisation), byChoice(a.Role, b.Role))
	})
	for _, o := range s.Organisations() {
		if !s.seesOrganisation(o.ID) {
			continue
		}
		name := o.Name
		if !o.Active() {
			name += " (deactivated)"
		}
		v.OrganisationChoices = append(v.OrganisationChoices, view.Choice{ID: string(o.ID), Name: name})
	}
	for _, role := range s.Roles() {
		if !s.roles {
			break
		}
		choice := s.role(role)
		if !role.Permissions.Intersect(access.OfScope(access.ScopeOrganisation)).IsEmpty() {
			v.RoleChoices = append(v.RoleChoices, choice)
		}
		if !role.Permissions.Intersect(access.OfScope(access.ScopeSystem)).IsEmpty() {
			v.SystemRoleChoices = append(v.SystemRoleChoices, choice)
		}
	}
	for _, choices := range [][]view.Choice{v.OrganisationChoices, v.RoleChoices, v.SystemRoleChoices} {
		slices.SortFunc(choices, byChoice)
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
	if err := h.readAccess(r, c, &v, old); err != nil {
		return err
	}
	switch v.Step {
	case stepName:
		h.afterName(&v)
	case stepAssign:
		h.afterAssign(r, c, &v)
	default:
		if saved, err := h.afterReview(w, r, c, &v); saved || err != nil {
			return err
		}
	}
	if v.Step == stepReview {
		h.reviewAccess(c, &v, old)
	}
	status := http.StatusOK
	switch {
	case len(v.Errors) > 0:
		status = http.StatusUnprocessableEntity
	case v.Version != r.PostFormValue("version"): // somebody else was faster
		status = http.StatusConflict
	}
	h.render(w, r, status, view.AccessFormPage(v))
	return nil
}

// readAccess reads the rows so far. The name is taken as it is: its blanks count.
func (h *Handler) readAccess(r *http.Request, c *authn.Caller, v *view.AccessForm, old access.IAMRole) error {
	s := h.sight(c)
	v.Name, v.Acknowledged, v.Version = r.PostFormValue("name"), r.PostFormValue("acknowledged"), r.PostFormValue("version")
	v.AddOrganisation, v.AddRole, v.AddSystemRole = r.PostFormValue("addOrganisation"), r.PostFormValue("addRole"), r.PostFormValue("addSystemRole")
	v.Step, _ = strconv.Atoi(r.PostFormValue("step"))
	organisations, roles := r.PostForm["organisation"], r.PostForm["role"]
	if len(organisations) != len(roles) || len(roles) > maxAssignments {
		return fault.InvalidInput.New("expected as many organisations as roles, at most %d", maxAssignments)
	}
	v.Assignments, v.SystemRoles = nil, nil
	for i, org := range organisations {
		id := access.OrganisationID(org)
		if _, stale := old.OrganisationRoles[id]; !stale && s.Organisation(id) == nil || !s.assign(v, org, roles[i]) {
			v.Gone++
		}
	}
	for _, id := range r.PostForm["systemRole"] {
		if !s.assignSystem(v, id) {
			v.Gone++
		}
	}
	h.nameWarnings(v)
	return nil
}

// assign adds a row, once. It tells whether the role exists: it may have been deleted meanwhile.
func (s sight) assign(v *view.AccessForm, org, roleID string) bool {
	role := s.Role(access.RoleID(roleID))
	if role == nil {
		return false
	}
	row := view.Assignment{Organisation: s.organisation(access.OrganisationID(org)), Role: s.role(role)}
	if !slices.Contains(v.Assignments, row) {
		v.Assignments = append(v.Assignments, row)
	}
	return true
}

func (s sight) assignSystem(v *view.AccessForm, id string) bool {
	role := s.Role(access.RoleID(id))
	if role == nil {
		return false
	}
	if choice := s.role(role); !slices.Contains(v.SystemRoles, choice) {
		v.SystemRoles = append(v.SystemRoles, choice)
	}
	return true
}

func (h *Handler) nameWarnings(v *view.AccessForm) {
	if v.Name != strings.TrimSpace(v.Name) {
		v.Warnings = append(v.Warnings, "The name begins or ends with a blank, and the blank counts.")
	}
	for _, near := range h.Policy.Snapshot().NearMisses(v.Name) {
		if near != v.OriginalName {
			v.Near = append(v.Near, near)
		}
	}
}

// unseen tells of warnings about the name that were not shown yet.
func unseen(v *view.AccessForm) bool {
	return len(v.Warnings)+len(v.Near) > 0 && v.Acknowledged != v.Name
}

func (h *Handler) nameErrors(v *view.AccessForm) view.FieldErrors {
	if err := access.CheckName(v.Name, h.Policy.ReservedName); err != nil {
		return view.FieldErrors{{Field: "name", Text: nameText(v.Name, err)}}
	}
	if other := h.Policy.Snapshot().IAMRoleByName(v.Name); other != nil && string(other.ID) != v.ID {
		return view.FieldErrors{{Field: "name", Text: "This IAM role is mapped already. Edit its access instead."}}
	}
	return nil
}

func (h *Handler) afterName(v *view.AccessForm) {
	if v.Errors = h.nameErrors(v); len(v.Errors) > 0 {
		return
	}
	if unseen(v) {
		v.Acknowledged = v.Name // shown now; the next click means it
		return
	}
	v.Acknowledged, v.Step = v.Name, stepAssign
}

func (h *Handler) afterAssign(r *http.Request, c *authn.Caller, v *view.AccessForm) {
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
		h.addRow(c, v, true)
	case "addSystem":
		h.addSystemRow(c, v, true)
	case "enter":
		h.addRow(c, v, v.AddSystemRole == "")
		h.addSystemRow(c, v, false)
	default: // next: what was chosen but not added counts
		h.addRow(c, v, false)
		h.addSystemRow(c, v, false)
		if len(v.Errors) == 0 && len(v.Assignments)+len(v.SystemRoles) == 0 {
			v.Errors = append(v.Errors, nothingChosen)
		}
		if len(v.Errors) == 0 {
			v.Step = stepReview
		}
	}
}

var nothingChosen = view.FieldError{Field: "addOrganisation", Text: "Choose an organisation and a role, or a system role."}

func (h *Handler) addRow(c *authn.Caller, v *view.AccessForm, required bool) {
	if v.AddOrganisation == "" && v.AddRole == "" && !required {
		return
	}
	s := h.sight(c)
	if s.Organisation(access.OrganisationID(v.AddOrganisation)) == nil {
		v.Errors = append(v.Errors, view.FieldError{Field: "addOrganisation", Text: "Choose an organisation."})
	}
	if s.Role(access.RoleID(v.AddRole)) == nil {
		v.Errors = append(v.Errors, view.FieldError{Field: "addRole", Text: "Choose a role."})
	}
	if len(v.Errors) == 0 {
		s.assign(v, v.AddOrganisation, v.AddRole)
		v.AddOrganisation, v.AddRole = "", ""
	}
}

func (h *Handler) addSystemRow(c *authn.Caller, v *view.AccessForm, required bool) {
	if v.AddSystemRole == "" && !required {
		return
	}
	s := h.sight(c)
	if s.Role(access.RoleID(v.AddSystemRole)) == nil {
		v.Errors = append(v.Errors, view.FieldError{Field: "addSystemRole", Text: "Choose a role."})
		return
	}
	s.assignSystem(v, v.AddSystemRole)
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
		return true, h.done(w, r, c, what, view.AccessItemPath(string(row.ID)), access.STSIAMRoleDetail)
	case fault.LostUpdate.Is(err):
		now := h.Policy.Snapshot().IAMRole(row.ID)
		if now == nil {
			return false, fault.NotFound.New("there is no such access any more")
		}
		v.Version = versionOf(now.Changed)
		v.Review.Warnings = append(v.Review.Warnings, "Somebody changed this access while you were at it. What you see below compares yours with theirs: save again only if yours shall stand.")
		return false, nil
	case fault.InvalidInput.Is(err), fault.NameTaken.Is(err):
		f := fault.Of(err)
		v.Step, v.Errors = stepName, view.FieldErrors{{Field: "name", Text: nameText(v.Name, errors.New(f.Detail))}}
		if f.Field != "" && f.Field != "name" {
			v.Step, v.Errors[0].Field = stepAssign, "addOrganisation"
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
func (h *Handler) reviewAccess(c *authn.Caller, v *view.AccessForm, old access.IAMRole) {
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
