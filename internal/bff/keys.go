package bff

import (
	"net/http"
	"time"

	"github.com/portico-iam/portico/internal/authn"
	"github.com/portico-iam/portico/internal/httpx"
	"github.com/portico-iam/portico/internal/sts"
)

func (h *Handler) mountKeys(mux *http.ServeMux) {
	mux.Handle("GET /api/sts/key/v1", h.called(h.listKeys))
	mux.Handle("POST /api/sts/key/v1/rotation", h.called(h.rotateKeys))
	mux.Handle("DELETE /api/sts/key/v1/{kid}", h.called(h.cutKey))
}

// keyList is how the signing keys are, and who knows them.
type keyList struct {
	Values         []keyView      `json:"values"`
	Verifiers      []verifierView `json:"verifiers"`
	OverlapSeconds int64          `json:"overlapSeconds"`
}

type keyView struct {
	KID           string `json:"kid"`
	State         string `json:"state"`
	CreatedDate   string `json:"createdDate"`
	ReadyDate     string `json:"readyDate"`
	ActivatesDate string `json:"activatesDate,omitempty"`
	RetiredDate   string `json:"retiredDate,omitempty"`
	RemovalDate   string `json:"removalDate,omitempty"`
	LastUsedDate  string `json:"lastUsedDate,omitempty"`
}

type verifierView struct {
	Name        string   `json:"name,omitempty"`
	Address     string   `json:"address,omitempty"`
	UserAgent   string   `json:"userAgent,omitempty"`
	Knowledge   string   `json:"knowledge"`
	FetchedDate string   `json:"fetchedDate,omitempty"`
	MissingKeys []string `json:"missingKeys"`
}

func date(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return httpx.Timestamp(t)
}

func (h *Handler) listKeys(w http.ResponseWriter, r *http.Request, caller *authn.Caller) error {
	if err := noQuery(r); err != nil {
		return err
	}
	report, err := h.Keys.List(r.Context(), caller.Principal)
	if err != nil {
		return err
	}
	list := keyList{Values: []keyView{}, Verifiers: []verifierView{}, OverlapSeconds: int64(report.Overlap.Seconds())}
	for _, k := range report.Keys {
		v := keyView{
			KID: k.KID, State: string(k.State), CreatedDate: date(k.CreatedAt), ReadyDate: date(k.ReadyAt),
			ActivatesDate: date(k.ActivatesAt), RemovalDate: date(k.GoneAt), LastUsedDate: date(k.UsedAt),
		}
		if k.State == sts.KeyRetired {
			v.RetiredDate = date(k.RetiresAt)
		}
		list.Values = append(list.Values, v)
	}
	for _, v := range report.Verifiers {
		list.Verifiers = append(list.Verifiers, verifierView{
			Name: v.Name, Address: v.Address, UserAgent: v.Agent, Knowledge: string(v.Knowledge), FetchedDate: date(v.FetchedAt),
			MissingKeys: append([]string{}, v.Missing...),
		})
	}
	httpx.WriteJSON(w, http.StatusOK, list)
	return nil
}

// rotationBody asks for a rotation to a key. Force has one sign that some verifier may not know yet.
type rotationBody struct {
	KID   string `json:"kid"`
	Force bool   `json:"force"`
}

func (h *Handler) rotateKeys(w http.ResponseWriter, r *http.Request, caller *authn.Caller) error {
	var body rotationBody
	if err := readBody(w, r, &body); err != nil {
		return err
	}
	if err := h.Keys.Rotate(r.Context(), caller.Principal, body.KID, body.Force); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (h *Handler) cutKey(w http.ResponseWriter, r *http.Request, caller *authn.Caller) error {
	if err := noQuery(r); err != nil {
		return err
	}
	if err := h.Keys.Cut(r.Context(), caller.Principal, r.PathValue("kid")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
