package bff

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/authn"
	"github.com/portico-iam/portico/internal/coreapi"
	"github.com/portico-iam/portico/internal/httpx"
)

func (h *Handler) mountRoles(mux *http.ServeMux) {
	mux.Handle("GET /api/sts/role/v1", h.called(h.listRoles))
	mux.Handle("POST /api/sts/role/v1", h.called(h.createRole))
	mux.Handle("GET /api/sts/role/v1/{id}", h.called(h.getRole))
	mux.Handle("PATCH /api/sts/role/v1/{id}", h.called(h.patchRole))
	mux.Handle("DELETE /api/sts/role/v1/{id}", h.called(h.deleteRole))
}

// roleView is a role as read.
type roleView struct {
	ID           access.RoleID   `json:"id"`
	Name         string          `json:"name"`
	Permissions  []string        `json:"permissions"`
	Delegation   *delegationView `json:"delegation,omitempty"`
	CreatedDate  string          `json:"createdDate"`
	LastModified string          `json:"lastModified"`
}

// delegationView restricts a role to delegation. As read, restricted is always true; false in a PATCH lifts it.
type delegationView struct {
	Restricted              bool     `json:"restricted"`
	RequiredUserPermissions []string `json:"requiredUserPermissions"`
}

// roleBody is a role as written. In a PATCH what is absent stays.
type roleBody struct {
	Name        *string         `json:"name"`
	Permissions *[]string       `json:"permissions"`
	Delegation  *delegationView `json:"delegation"`
}

func viewRole(r *access.Role) roleView {
	v := roleView{
		ID: r.ID, Name: r.Name, Permissions: r.Permissions.Names(),
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
	return nil
}

func (h *Handler) listRoles(w http.ResponseWriter, r *http.Request, caller *authn.Caller) error {
	q := httpx.NewQuery(r.URL.RawQuery)
	page := q.Page("name", "createdDate", "lastModified")
	match := q.Text("name")
	if err := q.Err(); err != nil {
		return err
	}
	roles, err := h.Policy.Roles(r.Context(), caller.Principal)
	if err != nil {
		return err
	}
	rows := make([]row[*access.Role], 0, len(roles))
	for _, role := range roles {
		if match(role.Name) {
			rows = append(rows, row[*access.Role]{role, role.Name, string(role.ID), role.Changed})
		}
	}
	httpx.WriteJSON(w, http.StatusOK, listOf(rows, page, viewRole))
	return nil
}

func (h *Handler) createRole(w http.ResponseWriter, r *http.Request, caller *authn.Caller) error {
	var body roleBody
	if err := readBody(w, r, &body); err != nil {
		return err
	}
	var role access.Role
	if err := body.apply(&role); err != nil {
		return err
	}
	created, err := h.Policy.CreateRole(r.Context(), caller.Principal, role)
	if err != nil {
		return err
	}
	setRevision(w, created.Changed.Revision)
	httpx.WriteJSON(w, http.StatusCreated, coreapi.Created{ID: string(created.ID)})
	return nil
}

func (h *Handler) getRole(w http.ResponseWriter, r *http.Request, caller *authn.Caller) error {
	id, err := pathID[access.RoleID](r)
	if err != nil {
		return err
	}
	if err := noQuery(r); err != nil {
		return err
	}
	role, err := h.Policy.Role(r.Context(), caller.Principal, id)
	if err != nil {
		return err
	}
	setRevision(w, role.Changed.Revision)
	httpx.WriteJSON(w, http.StatusOK, viewRole(role))
	return nil
}

func (h *Handler) patchRole(w http.ResponseWriter, r *http.Request, caller *authn.Caller) error {
	id, err := pathID[access.RoleID](r)
	if err != nil {
		return err
	}
	seen, err := ifMatch(r)
	if err != nil {
		return err
	}
	var body roleBody
	if err := readBody(w, r, &body); err != nil {
		return err
	}
	_, err = h.Policy.UpdateRole(r.Context(), caller.Principal, id, seen, body.apply)
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (h *Handler) deleteRole(w http.ResponseWriter, r *http.Request, caller *authn.Caller) error {
	id, err := pathID[access.RoleID](r)
	if err != nil {
		return err
	}
	seen, err := ifMatch(r)
	if err != nil {
		return err
	}
	if err := noQuery(r); err != nil {
		return err
	}
	if err := h.Policy.DeleteRole(r.Context(), caller.Principal, id, seen); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// readBody reads a JSON body; a query has no place beside it.
func readBody(w http.ResponseWriter, r *http.Request, v any) error {
	if err := noQuery(r); err != nil {
		return err
	}
	return httpx.ReadJSON(w, r, v)
}

// row is what lists of roles and IAM roles sort by.
type row[T any] struct {
	value   T
	name    string
	id      string
	changed access.Changed
}

// listOf sorts, cuts the page out and shows it. Equal rows are sorted by id, so that pages never overlap.
func listOf[T, V any](rows []row[T], page httpx.Page, view func(T) V) httpx.List[V] {
	slices.SortFunc(rows, func(a, b row[T]) int {
		var order int
		switch page.Sort {
		case "name":
			order = cmp.Or(cmp.Compare(strings.ToLower(a.name), strings.ToLower(b.name)), cmp.Compare(a.name, b.name))
		case "lastModified":
			order = a.changed.ModifiedAt.Compare(b.changed.ModifiedAt)
		default:
			order = a.changed.CreatedAt.Compare(b.changed.CreatedAt)
		}
		order = cmp.Or(order, cmp.Compare(a.id, b.id))
		if page.Descending {
			return -order
		}
		return order
	})
	cut := httpx.Slice(rows, page)
	values := make([]V, 0, len(cut))
	for _, r := range cut {
		values = append(values, view(r.value))
	}
	return httpx.NewList(values, len(rows), page.Size)
}
