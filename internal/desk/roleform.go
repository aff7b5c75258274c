package desk

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/authn"
	"github.com/portico-iam/portico/internal/desk/view"
	"github.com/portico-iam/portico/internal/desk/wording"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/policy"
	"github.com/portico-iam/portico/internal/policyfile"
)

func versionOf(c access.Changed) string { return strconv.FormatInt(c.Revision, 10) }

// revisionOf reads a form's version. Anything but a number is one that no row has.
func revisionOf(version string) int64 {
	if n, err := strconv.ParseInt(version, 10, 64); err == nil && n > 0 {
		return n
	}
	return -1
}

func (h *Handler) roleNew(w http.ResponseWriter, r *http.Request, c *authn.Caller) error {
	if err := h.enforce(r.Context(), c, "create a role", access.STSRoleCreate); err != nil {
		return err
	}
	h.render(w, r, http.StatusOK, view.RoleFormPage(h.roleForm(r, c, access.Role{})))
	return nil
}

func (h *Handler) roleEdit(w http.ResponseWriter, r *http.Request, c *authn.Caller) error {
	if err := h.enforce(r.Context(), c, "edit a role", access.STSRoleEdit); err != nil {
		return err
	}
	role := h.Policy.Snapshot().Role(access.RoleID(r.PathValue("id")))
	if role == nil {
		return fault.NotFound.New("there is no such role")
	}
	v := h.roleForm(r, c, *role)
	if without, _ := access.ParseSet(r.URL.Query()["without"]); !without.Intersect(role.Permissions).IsEmpty() {
		smaller := *role
		smaller.Permissions = role.Permissions.Minus(without)
		v.Permissions = picker("permissions", smaller.Permissions)
		if !smaller.Permissions.IsEmpty() { // else there is something to choose first
			if err := h.reviewRole(r, c, &v, smaller); err != nil {
				return err
			}
		}
	}
	h.render(w, r, http.StatusOK, view.RoleFormPage(v))
	return nil
}

// roleForm shows a role in the form, as it is.
func (h *Handler) roleForm(r *http.Request, c *authn.Caller, role access.Role) view.RoleForm {
	v := view.RoleForm{
		Page: h.frame(r, c), ID: string(role.ID), OriginalName: role.Name, Name: role.Name, Step: 1, Then: then(r),
		Permissions: picker("permissions", role.Permissions), RequiredUser: picker("requiredUserPermissions", access.PermissionSet{}),
	}
	for _, name := range r.URL.Query()["permission"] { // proposed by a page, and not saved yet
		if p, known := access.ParsePermission(name); known && r.Method == http.MethodGet {
			v.Permissions.Chosen[p.String()] = true
		}
	}
	if role.ID != "" {
		v.Version = versionOf(role.Changed)
	}
	if q := role.Requires; q != nil {
		v.ACR = strings.Join(q.Classes, " ")
		if q.MaxAge > 0 {
			v.MaxAge = policyfile.Duration(q.MaxAge)
		}
	}
	if role.Delegation != nil {
		v.Restricted, v.RequiredUser = true, picker("requiredUserPermissions", role.Delegation.RequiredUserPermissions)
	}
	return v
}

func picker(field string, set access.PermissionSet) view.Picker {
	p := view.Picker{Field: field, Groups: everything, Chosen: make(map[string]bool, set.Len())}
	for permission := range set.All() {
		p.Chosen[permission.String()] = true
	}
	return p
}

// roleSubmit takes the wizard a step on, or back, or saves. What was typed is never lost.
func (h *Handler) roleSubmit(w http.ResponseWriter, r *http.Request, c *authn.Caller) error {
	id := access.RoleID(r.PathValue("id"))
	wanted, need := "create a role", access.STSRoleCreate
	if id != "" {
		wanted, need = "edit a role", access.STSRoleEdit
	}
	if err := h.enforce(r.Context(), c, wanted, need); err != nil {
		return err
	}
	var old access.Role
	if id != "" {
		role := h.Policy.Snapshot().Role(id)
		if role == nil {
			return fault.NotFound.New("there is no such role")
		}
		old = *role
	}
	v := h.roleForm(r, c, old)
	role, unknown := readRole(r, old)
	v.ACR, v.MaxAge = r.PostFormValue("acr"), r.PostFormValue("maxAge")
	var malformed error
	if role.Requires, malformed = readRequirement(v.ACR, v.MaxAge); malformed != nil {
		v.Errors = append(v.Errors, view.FieldError{Field: "maxAge", Text: sayError(r.Context(), malformed)})
	}
	v.Name, v.Version = role.Name, r.PostFormValue("version")
	v.Permissions, v.RequiredUser = picker("permissions", role.Permissions), picker("requiredUserPermissions", access.PermissionSet{})
	if v.Restricted = role.Delegation != nil; v.Restricted {
		v.RequiredUser = picker("requiredUserPermissions", role.Delegation.RequiredUserPermissions)
	}
	v.Permissions.Filter, v.RequiredUser.Filter = r.PostFormValue("permissionsFilter"), r.PostFormValue("requiredUserPermissionsFilter")
	if len(unknown) > 0 {
		v.Errors = append(v.Errors, view.FieldError{Field: "permissions", Text: say(r.Context(), "There is no permission %s.", unknown[0])})
	}
	return h.roleStep(w, r, c, v, role)
}

// readRole reads the form into a copy of the role.
func readRole(r *http.Request, role access.Role) (access.Role, []string) {
	role.Name = strings.TrimSpace(r.PostFormValue("name"))
	var unknown []string
	role.Permissions, unknown = access.ParseSet(r.PostForm["permissions"])
	required, unknownRequired := access.ParseSet(r.PostForm["requiredUserPermissions"])
	role.Delegation = nil
	if r.PostFormValue("restricted") == "true" {
		role.Delegation = &access.Delegation{RequiredUserPermissions: required}
	}
	return role, append(unknown, unknownRequired...)
}

// readRequirement reads what the role is to require of the sign-in; nil: nothing.
func readRequirement(classes, age string) (*access.Requirement, error) {
	q := &access.Requirement{Classes: strings.Fields(classes)}
	if age = strings.TrimSpace(age); age != "" {
		d, err := time.ParseDuration(age)
		if err != nil || d <= 0 {
			return nil, fault.InvalidInput.New("Enter a time such as 15m or 8h.")
		}
		q.MaxAge = d
	}
	if len(q.Classes) == 0 && q.MaxAge == 0 {
		return nil, nil
	}
	return q, nil
}

func (h *Handler) roleStep(w http.ResponseWriter, r *http.Request, c *authn.Caller, v view.RoleForm, role access.Role) error {
	action, field, group := splitAction(r.PostFormValue("do"))
	pickers := map[string]*view.Picker{"permissions": &v.Permissions, "requiredUserPermissions": &v.RequiredUser}
	if action == "enter" && (v.Permissions.Filter != r.PostFormValue("permissionsFilterWas") ||
		v.RequiredUser.Filter != r.PostFormValue("requiredUserPermissionsFilterWas")) {
		action = "filter" // Enter in the filter's own field
	}
	if r.Method == http.MethodGet { // shown again
		action = "back"
	}
	switch action {
	case "filter", "back":
		v.Step, v.Errors = 1, nil
	case "all", "none":
		v.Step, v.Errors = 1, nil
		if p := pickers[field]; p != nil {
			p.Select(r.Context(), group, action == "all")
		}
	default: // next, enter, save
		v.Errors = append(v.Errors, h.roleErrors(r.Context(), role)...)
		if len(v.Errors) > 0 {
			v.Step = 1
			break
		}
		if action == "save" && r.PostFormValue("step") == "2" {
			return h.roleSave(w, r, c, v, role)
		}
		if err := h.reviewRole(r, c, &v, role); err != nil {
			return err
		}
	}
	status := http.StatusOK
	if len(v.Errors) > 0 {
		status = http.StatusUnprocessableEntity
	}
	h.render(w, r, status, view.RoleFormPage(v))
	return nil
}

// splitAction reads "all:permissions:credentials".
func splitAction(do string) (action, field, group string) {
	action, rest, _ := strings.Cut(do, ":")
	field, group, _ = strings.Cut(rest, ":")
	return action, field, group
}

func (h *Handler) roleErrors(ctx context.Context, role access.Role) view.FieldErrors {
	var errs view.FieldErrors
	if err := access.CheckName(role.Name, h.Policy.Bootstrap.Role); err != nil {
		errs = append(errs, view.FieldError{Field: "name", Text: nameText(ctx, role.Name, err)})
	} else if other := roleNamed(h.Policy.Snapshot(), role.Name); other != nil && other.ID != role.ID {
		errs = append(errs, view.FieldError{Field: "name", Text: say(ctx, "Another role has this name already.")})
	}
	if role.Permissions.IsEmpty() {
		errs = append(errs, view.FieldError{Field: "permissions", Text: say(ctx, "Choose at least one permission.")})
	}
	if field, err := role.CheckRequirement(); err != nil {
		field, _ = strings.CutPrefix(field, "signIn.")
		if field == "signIn" { // the whole of it
			field = "maxAge"
		}
		errs = append(errs, view.FieldError{Field: field, Text: sayError(ctx, err)})
	}
	return errs
}

func roleNamed(s *access.Snapshot, name string) *access.Role {
	for _, role := range s.Roles() {
		if role.Name == name {
			return role
		}
	}
	return nil
}

// nameText says what is wrong with a name.
func nameText(ctx context.Context, name string, err error) string {
	if name == "" {
		return say(ctx, "Enter a name.")
	}
	return sayError(ctx, err)
}

func (h *Handler) reviewRole(r *http.Request, c *authn.Caller, v *view.RoleForm, role access.Role) (err error) {
	ctx := r.Context()
	v.Step = 2
	if role.Requires != nil {
		v.SignIn = wording.SayPhrase(ctx, role.Requires.Phrase())
	}
	system, local := role.Permissions.Intersect(access.OfScope(access.ScopeSystem)), role.Permissions.Intersect(access.OfScope(access.ScopeOrganisation))
	if !system.IsEmpty() && !local.IsEmpty() {
		v.Warnings = append(v.Warnings, say(ctx, "The role mixes both scopes. Mapped in an organisation, only its organisation permissions count; as a system role, only its system permissions."))
	}
	if d := role.Delegation; d != nil && !d.RequiredUserPermissions.IsEmpty() {
		never := func(scope access.PermissionScope, given access.PermissionSet) bool {
			return !given.IsEmpty() && d.RequiredUserPermissions.Intersect(access.OfScope(scope)).IsEmpty()
		}
		if never(access.ScopeSystem, system) {
			v.Warnings = append(v.Warnings, say(ctx, "Mapped as a system role, the role never counts: users hold only system permissions there, and none of those is among the required ones."))
		}
		if never(access.ScopeOrganisation, local) {
			v.Warnings = append(v.Warnings, say(ctx, "Mapped in an organisation, the role never counts: users hold only organisation permissions there, and none of those is among the required ones."))
		}
	}
	if v.ID == "" {
		return nil
	}
	s := h.sight(c)
	if v.Uses = len(s.RoleUses(role.ID)); s.mappings {
		v.Mappings = s.usesOf(role.ID)
	}
	if old := s.Role(role.ID); old != nil {
		v.Gained, v.Lost = groupsOf(role.Permissions.Minus(old.Permissions)), groupsOf(old.Permissions.Minus(role.Permissions))
		role.Changed = old.Changed
	}
	v.Preview, err = h.preview(r, c, access.Change{PutRoles: []*access.Role{&role}})
	return err
}

func (h *Handler) roleSave(w http.ResponseWriter, r *http.Request, c *authn.Caller, v view.RoleForm, role access.Role) error {
	seen := asking(r, seenBy(r, v.Version), &v.Errors)
	if len(v.Errors) > 0 {
		if err := h.reviewRole(r, c, &v, role); err != nil {
			return err
		}
		h.render(w, r, http.StatusUnprocessableEntity, view.RoleFormPage(v))
		return nil
	}
	var saved *access.Role
	var err error
	what := roleSaved
	if role.ID == "" {
		what = roleCreated
		saved, err = h.Policy.CreateRole(r.Context(), c.Principal, role, policy.Seen{})
	} else {
		saved, err = h.Policy.UpdateRole(r.Context(), c.Principal, role.ID, seen, func(row *access.Role) error {
			row.Name, row.Permissions, row.Delegation, row.Requires = role.Name, role.Permissions, role.Delegation, role.Requires
			return nil
		})
	}
	switch {
	case asked(w, r, err):
		return nil
	case err == nil:
		return h.done(w, r, c, what, view.RolePath(string(saved.ID)), access.STSRoleDetail)
	case keptFrom(r.Context(), err) != "":
		v.Warnings = append(v.Warnings, keptFrom(r.Context(), err))
		if err := h.reviewRole(r, c, &v, role); err != nil {
			return err
		}
		h.render(w, r, http.StatusConflict, view.RoleFormPage(v))
		return nil
	case fault.LostUpdate.Is(err):
		now := h.Policy.Snapshot().Role(role.ID)
		if now == nil {
			return fault.NotFound.New("there is no such role any more")
		}
		v.Version = versionOf(now.Changed)
		if err := h.reviewRole(r, c, &v, role); err != nil {
			return err
		}
		v.Warnings = append([]string{say(r.Context(), "Somebody changed this role while you were at it. What you see below compares yours with theirs: save again only if yours shall stand.")}, v.Warnings...)
		h.render(w, r, http.StatusConflict, view.RoleFormPage(v))
		return nil
	case fault.InvalidInput.Is(err), fault.NameTaken.Is(err):
		v.Step = 1
		v.Errors = append(v.Errors, view.FieldError{Field: "name", Text: nameText(r.Context(), v.Name, err)})
		h.render(w, r, http.StatusUnprocessableEntity, view.RoleFormPage(v))
		return nil
	}
	return err
}
