package bff

import (
	"net/http"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/authn"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/httpx"
)

// probationHeader says until when a change is on probation.
const probationHeader = "x-portico-probation"

func (h *Handler) mountProbation(mux *http.ServeMux) {
	mux.Handle("GET /api/sts/probation/v1", h.called(h.getProbation))
	mux.Handle("POST /api/sts/probation/v1/undo", h.called(h.undoProbation))
}

// probationView is a change that counts until its time is over, unless it is confirmed.
type probationView struct {
	Issuer      string             `json:"issuer"`
	Subject     string             `json:"subject"`
	Name        string             `json:"name"`
	CreatedDate string             `json:"createdDate"`
	UntilDate   string             `json:"untilDate"`
	Roles       []access.RoleID    `json:"roles"`
	IAMRoles    []access.IAMRoleID `json:"iamRoles"`
}

func (h *Handler) getProbation(w http.ResponseWriter, r *http.Request, caller *authn.Caller) error {
	if err := noQuery(r); err != nil {
		return err
	}
	pending := h.Policy.Probation(caller.Principal)
	if pending == nil {
		return fault.NotFound.New("nothing is on probation, or you may not see it")
	}
	roles, iamRoles := pending.Undo.IDs()
	httpx.WriteJSON(w, http.StatusOK, probationView{
		Issuer: pending.Issuer, Subject: pending.Subject, Name: pending.Name,
		CreatedDate: httpx.Timestamp(pending.At), UntilDate: httpx.Timestamp(pending.Until),
		Roles: append([]access.RoleID{}, roles...), IAMRoles: append([]access.IAMRoleID{}, iamRoles...),
	})
	return nil
}

func (h *Handler) undoProbation(w http.ResponseWriter, r *http.Request, caller *authn.Caller) error {
	if err := noQuery(r); err != nil {
		return err
	}
	if err := h.Policy.UndoProbation(r.Context(), caller.Principal); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// onProbation tells whoever has just made a change that it is on probation.
func (h *Handler) onProbation(w http.ResponseWriter, caller *authn.Caller) {
	if p := h.Policy.Snapshot().Probation(); p != nil && p.Issuer == caller.Principal.Issuer && p.Subject == caller.Principal.Subject {
		w.Header().Set(probationHeader, httpx.Timestamp(p.Until))
	}
}
