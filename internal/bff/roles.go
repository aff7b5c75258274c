package bff

import (
	"net/http"
	"time"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/httpx"
)

func (h *Handler) mountRoles(mux *http.ServeMux) {
	resource[access.RoleID, access.Role, roleView]{
		list: h.Policy.Roles, get: h.Policy.Role, create: h.Policy.CreateRole, update: h.Policy.UpdateRole, remove: h.Policy.DeleteRole,
		body: func() body[access.Role] { return &roleBody{} },
		row:  func(r *access.Role) row[access.RoleID] { return row[access.RoleID]{r.ID, r.Name, r.Changed} },
		view: viewRole,
	}.mount(mux, h, "/api/sts/role/v1")
}

// roleView is a role as read.
type roleView struct {
	ID           access.RoleID   `json:"id"`
	Name         string          `json:"name"`
	Permissions  []string        `json:"permissions"`
	Delegation   *delegationView `json:"delegation,omitempty"`
	SignIn       *signInView     `json:"signIn,omitempty"`
	CreatedDate  string          `json:"createdDate"`
	LastModified string          `json:"lastModified"`
}

// delegationView restricts a role to delegation. As read, restricted is always true; false in a PATCH lifts it.
type delegationView struct {
	Restricted              bool     `json:"restricted"`
	RequiredUserPermissions []string `json:"requiredUserPermissions"`
}

// signInView is what a role requires of the sign-in of whoever uses it. Written without acr and maxAge it requires nothing.
type signInView struct {
	ACR    []string `json:"acr,omitempty"`
	MaxAge int64    `json:"maxAge,omitempty"` // seconds, as in OpenID Connect Core 1.0 section 3.1.2.1
}

func viewRequirement(q *access.Requirement) *signInView {
	if q == nil {
		return nil
	}
	return &signInView{ACR: q.Classes, MaxAge: int64(q.MaxAge / time.Second)}
}

func (v *signInView) requirement() (*access.Requirement, error) {
	if most := int64(access.MostAge / time.Second); v.MaxAge < 0 || v.MaxAge > most { // before it is multiplied
		return nil, fault.InvalidInput.New("signIn.maxAge: expected seconds, at most %d, got %d", most, v.MaxAge).At("signIn.maxAge")
	}
	return &access.Requirement{Classes: v.ACR, MaxAge: time.Duration(v.MaxAge) * time.Second}, nil
}

// roleBody is a role as written. In a PATCH what is absent stays.
type roleBody struct {
	Name        *string         `json:"name"`
	Permissions *[]string       `json:"permissions"`
	Delegation  *delegationView `json:"delegation"`
	SignIn      *signInView     `json:"signIn"`
}

func viewRole(r *access.Role) roleView {
	v := roleView{
		ID: r.ID, Name: r.Name, Permissions: r.Permissions.Names(), SignIn: viewRequirement(r.Requires),
		CreatedDate: httpx.Timestamp(r.Changed.CreatedAt), LastModified: httpx.Timestamp(r.Changed.ModifiedAt),
	}
	if r.Delegation != nil {
		v.Delegation = &delegationView{Restricted: true, RequiredUserPermissions: r.Delegation.RequiredUserPermissions.Names()}
	}
	return v
}

// apply writes the body's fields into role.
func (b *roleBody) apply(role *access.Role) error {
	if b.Name != nil {
		role.Name = *b.Name
	}
	if b.Permissions != nil {
		set, err := permissionSet("permissions", *b.Permissions)
		if err != nil {
			return err
		}
		role.Permissions = set
	}
	if b.Delegation != nil {
		role.Delegation = nil
		if b.Delegation.Restricted {
			set, err := permissionSet("delegation.requiredUserPermissions", b.Delegation.RequiredUserPermissions)
			if err != nil {
				return err
			}
			role.Delegation = &access.Delegation{RequiredUserPermissions: set}
		}
	}
	if b.SignIn != nil {
		requires, err := b.SignIn.requirement()
		if err != nil {
			return err
		}
		role.Requires = requires
	}
	return nil
}
