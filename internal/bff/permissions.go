package bff

import (
	"net/http"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/authn"
	"github.com/portico-iam/portico/internal/httpx"
)

type permissionView struct {
	Name        string `json:"name"`
	Scope       string `json:"scope"`
	Group       string `json:"group"`
	Title       string `json:"title"`
	Description string `json:"description"`
}

type permissionList struct {
	Values []permissionView `json:"values"`
}

// listPermissions shows the whole catalogue at once: it is small, and a picker wants all of it.
func (h *Handler) listPermissions(w http.ResponseWriter, r *http.Request, _ *authn.Caller) error {
	if err := noQuery(r); err != nil {
		return err
	}
	var list permissionList
	for _, info := range access.Permissions() {
		list.Values = append(list.Values, permissionView{info.Name, info.Scope.String(), info.Group, info.Title, info.Description})
	}
	httpx.WriteJSON(w, http.StatusOK, list)
	return nil
}
