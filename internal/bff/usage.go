package bff

import (
	"net/http"
	"time"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/authn"
	"github.com/portico-iam/portico/internal/httpx"
)

// usageView is which permissions of a role were used.
type usageView struct {
	ID          access.RoleID `json:"id"`
	Name        string        `json:"name"`
	Since       string        `json:"since"` // when Portico began to look
	From        string        `json:"from"`  // the first day that counts
	Permissions []useView     `json:"permissions"`
	Unused      []string      `json:"unused"`
}

// useView is one permission. Days are of UTC; absent: never in the time that counts.
type useView struct {
	Name          string `json:"name"`
	Since         string `json:"since"`
	LastUsed      string `json:"lastUsed,omitempty"`
	LastHandedOut string `json:"lastHandedOut,omitempty"`
}

func (h *Handler) roleUsage(w http.ResponseWriter, r *http.Request, c *authn.Caller) error {
	if err := noQuery(r); err != nil {
		return err
	}
	id, err := pathID[access.RoleID](r)
	if err != nil {
		return err
	}
	usage, err := h.Policy.RoleUsage(r.Context(), c.Principal, id)
	if err != nil {
		return err
	}
	v := usageView{
		ID: id, Name: usage.Role.Name, Since: dayText(usage.Since), From: dayText(usage.From),
		Permissions: []useView{}, Unused: usage.Unused().Names(),
	}
	for _, use := range usage.Permissions {
		v.Permissions = append(v.Permissions, useView{use.Permission.String(), dayText(use.Since), dayText(use.Used), dayText(use.HandedOut)})
	}
	httpx.WriteJSON(w, http.StatusOK, v)
	return nil
}

func dayText(day time.Time) string {
	if day.IsZero() {
		return ""
	}
	return day.Format(time.DateOnly)
}
