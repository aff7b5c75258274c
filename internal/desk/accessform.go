package desk

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

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
	h.resume(r, c, &v)
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
	h.resume(r, c, &v)
	h.render(w, r, http.StatusOK, view.AccessFormPage(v))
	return nil
}

// resume takes up what the address says: a name or a role that a page proposes, or the wizard as it was left to make a role
// or an organisation first. The name is looked at like one that was typed, and nothing is saved yet.
func (h *Handler) resume(r *http.Request, c *authn.Caller, v *view.AccessForm) {
	query := r.URL.Query()
	if name := query.Get("name"); name != "" && utf8.ValidString(name) {
		v.Name = name
	}
	if query.Get("step") != strconv.Itoa(stepAssign) {
		return
	}
	s := h.sight(c)
	for _, id := range query["systemRole"] {
		s.assignSystem(v, id)
	}
	if org := query.Get("organisation"); s.Organisation(access.OrganisationID(org)) != nil {
		s.assign(v, org, query.Get("role"))
	}
	v.Step = stepName
	h.nameWarnings(r.Context(), v)
	h.afterName(r.Context(), v)
}

// accessForm shows a mapping in the form, as it is.
func (h *Handler) accessForm(r *http.Request, c *authn.Caller, m access.IAMRole) view.AccessForm {
	ctx, s := r.Context(), h.sight(c)
	v := view.AccessForm{
		Page: h.frame(r, c), ID: string(m.ID), OriginalName: m.Name, Name: m.Name, Acknowledged: m.Name, Step: stepName,
		SystemRoles: s.roleChoices(m.SystemRoles), EndAt: formEnds(m.Ends), HiddenOrganisations: !s.organisations, HiddenRoles: !s.roles,
		AddOrganisation: view.Chooser{Field: "addOrganisation", Label: say(ctx, "Organisation"), Empty: say(ctx, "Choose an organisation")},
		AddRole:         view.Chooser{Field: "addRole", Label: say(ctx, "Role"), Empty: say(ctx, "Choose a role")},
		AddSystemRole:   view.Chooser{Field: "addSystemRole", Label: say(ctx, "System role"), Empty: say(ctx, "None")},
	}
	if m.ID != "" {
		v.Version = versionOf(m.Changed)
	}
	h.offerGroups(r, c, &v)
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
			name = say(ctx, "%s (deactivated)", name)
		}
		v.AddOrganisation.Choices = append(v.AddOrganisation.Choices, view.Choice{ID: string(o.ID), Name: name})
	}
	for _, role := range s.Roles() {
		if !s.roles {
			break
		}
		choice := s.role(role)
		if !role.Permissions.Intersect(access.OfScope(access.ScopeOrganisation)).IsEmpty() {
			v.AddRole.Choices = append(v.AddRole.Choices, choice)
		}
		if !role.Permissions.Intersect(access.OfScope(access.ScopeSystem)).IsEmpty() {
			v.AddSystemRole.Choices = append(v.AddSystemRole.Choices, choice)
		}
	}
	for _, chooser := range v.Choosers() {
		slices.SortFunc(chooser.Choices, byChoice)
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
	if r.Method == http.MethodGet { // shown again
		v.Step = max(stepName, min(v.Step, stepAssign))
		h.render(w, r, http.StatusOK, view.AccessFormPage(v))
		return nil
	}
	switch v.Step {
	case stepName:
		h.afterName(r.Context(), &v)
	case stepAssign:
		h.afterAssign(r, c, &v, old)
	default:
		if saved, err := h.afterReview(w, r, c, &v, old); saved || err != nil {
			return err
		}
	}
	if v.Step == stepReview {
		if err := h.reviewAccess(r, c, &v, old); err != nil {
			return err
		}
	}
	status := http.StatusOK
	switch {
	case len(v.Errors) > 0:
		status = http.StatusUnprocessableEntity
	case v.Step == stepReview && r.PostFormValue("do") == "save": // somebody else was faster, or nobody could administer
		status = http.StatusConflict
	}
	h.render(w, r, status, view.AccessFormPage(v))
	return nil
}

// readAccess reads the rows so far. The name is taken as it is: its blanks count.
func (h *Handler) readAccess(r *http.Request, c *authn.Caller, v *view.AccessForm, old access.IAMRole) error {
	s := h.sight(c)
	v.Name, v.Acknowledged, v.Version = r.PostFormValue("name"), r.PostFormValue("acknowledged"), r.PostFormValue("version")
	for _, chooser := range v.Choosers() {
		chooser.Chosen, chooser.Filter = r.PostFormValue(chooser.Field), r.PostFormValue(chooser.Field+"Filter")
	}
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
	h.nameWarnings(r.Context(), v)
	return readEnds(r, v)
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

func (h *Handler) nameWarnings(ctx context.Context, v *view.AccessForm) {
	if v.Name != strings.TrimSpace(v.Name) {
		v.Warnings = append(v.Warnings, say(ctx, "The name begins or ends with a blank, and the blank counts."))
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

func (h *Handler) nameErrors(ctx context.Context, v *view.AccessForm) view.FieldErrors {
	if err := access.CheckName(v.Name, h.Policy.Bootstrap.Role); err != nil {
		return view.FieldErrors{{Field: "name", Text: nameText(ctx, v.Name, err)}}
	}
	if other := h.Policy.Snapshot().IAMRoleByName(v.Name); other != nil && string(other.ID) != v.ID {
		return view.FieldErrors{{Field: "name", Text: say(ctx, "This IAM role is mapped already. Edit its access instead.")}}
	}
	return nil
}

func (h *Handler) afterName(ctx context.Context, v *view.AccessForm) {
	if v.Errors = h.nameErrors(ctx, v); len(v.Errors) > 0 {
		return
	}
	if unseen(v) {
		v.Acknowledged = v.Name // shown now; the next click means it
		return
	}
	v.Acknowledged, v.Step = v.Name, stepAssign
}

func (h *Handler) afterAssign(r *http.Request, c *authn.Caller, v *view.AccessForm, old access.IAMRole) {
	action, index, _ := splitAction(r.PostFormValue("do"))
	at, err := strconv.Atoi(index)
	for _, chooser := range v.Choosers() {
		if action == "enter" && chooser.Filter != r.PostFormValue(chooser.Field+"FilterWas") {
			action = "filter" // Enter in the filter's own field
		}
	}
	switch action {
	case "filter":
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
		h.addRow(r.Context(), c, v, true)
	case "addSystem":
		h.addSystemRow(r.Context(), c, v, true)
	case "enter":
		h.addRow(r.Context(), c, v, v.AddSystemRole.Chosen == "")
		h.addSystemRow(r.Context(), c, v, false)
	default: // next: what was chosen but not added counts
		h.addRow(r.Context(), c, v, false)
		h.addSystemRow(r.Context(), c, v, false)
		if len(v.Errors) == 0 && len(v.Assignments)+len(v.SystemRoles) == 0 {
			v.Errors = append(v.Errors, nothingChosen(r.Context()))
		}
		v.Errors = append(v.Errors, h.endErrors(r.Context(), v, old)...)
		if len(v.Errors) == 0 {
			v.Step = stepReview
		}
	}
}

func nothingChosen(ctx context.Context) view.FieldError {
	return view.FieldError{Field: "assignments", Text: say(ctx, "Choose an organisation and a role, or a system role.")}
}

func (h *Handler) addRow(ctx context.Context, c *authn.Caller, v *view.AccessForm, required bool) {
	if v.AddOrganisation.Chosen == "" && v.AddRole.Chosen == "" && !required {
		return
	}
	s := h.sight(c)
	if s.Organisation(access.OrganisationID(v.AddOrganisation.Chosen)) == nil {
		v.Errors = append(v.Errors, view.FieldError{Field: "addOrganisation", Text: say(ctx, "Choose an organisation.")})
	}
	if s.Role(access.RoleID(v.AddRole.Chosen)) == nil {
		v.Errors = append(v.Errors, view.FieldError{Field: "addRole", Text: say(ctx, "Choose a role.")})
	}
	if len(v.Errors) == 0 {
		s.assign(v, v.AddOrganisation.Chosen, v.AddRole.Chosen)
		v.AddOrganisation.Chosen, v.AddRole.Chosen = "", ""
	}
}

func (h *Handler) addSystemRow(ctx context.Context, c *authn.Caller, v *view.AccessForm, required bool) {
	if v.AddSystemRole.Chosen == "" && !required {
		return
	}
	s := h.sight(c)
	if s.Role(access.RoleID(v.AddSystemRole.Chosen)) == nil {
		v.Errors = append(v.Errors, view.FieldError{Field: "addSystemRole", Text: say(ctx, "Choose a role.")})
		return
	}
	s.assignSystem(v, v.AddSystemRole.Chosen)
	v.AddSystemRole.Chosen = ""
}
