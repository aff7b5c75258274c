package bff

import (
	"net/http"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/authn"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/httpx"
	"github.com/portico-iam/portico/internal/revocation"
	"github.com/portico-iam/portico/internal/session"
)

func (h *Handler) mountSessions(mux *http.ServeMux) {
	mux.Handle("GET /api/sts/session/v1", h.called(h.listSessions))
	mux.Handle("GET /api/sts/session/v1/{id}", h.called(h.getSession))
	mux.Handle("DELETE /api/sts/session/v1/{id}", h.called(h.endSession))
	mux.Handle("POST /api/sts/revocation/v1", h.called(h.revoke))
}

// sessionView is a live session. Its id is not the cookie's value.
type sessionView struct {
	ID                 string   `json:"id"`
	Issuer             string   `json:"issuer"`
	Subject            string   `json:"subject"`
	Login              string   `json:"login,omitempty"`
	GivenName          string   `json:"givenName,omitempty"`
	FamilyName         string   `json:"familyName,omitempty"`
	IAMRoles           []string `json:"iamRoles"`
	ActiveOrganisation string   `json:"activeOrganisationId,omitempty"`
	CreatedDate        string   `json:"createdDate"`
	LastUsedDate       string   `json:"lastUsedDate"` // to within a minute
	EndsDate           string   `json:"endsDate"`

	From session.From `json:"from"`
}

func viewOfSession(r *session.Record) sessionView {
	p := &r.Principal
	return sessionView{
		ID: r.Ref, Issuer: p.Issuer, Subject: p.Subject, Login: p.Login, GivenName: p.GivenName, FamilyName: p.FamilyName,
		IAMRoles: append([]string{}, p.IAMRoles...), ActiveOrganisation: string(r.ActiveOrganisation),
		CreatedDate: date(r.CreatedAt), LastUsedDate: date(r.SeenAt), EndsDate: date(r.EndsAt), From: r.From,
	}
}

func (h *Handler) listSessions(w http.ResponseWriter, r *http.Request, caller *authn.Caller) error {
	q := httpx.NewQuery(r.URL.RawQuery)
	page := q.Window()
	f := revocation.Filter{Person: revocation.Person{Issuer: q.String("issuer", ""), Subject: q.String("subject", "")}, Page: page.Number, Size: page.Size}
	if err := q.Err(); err != nil {
		return err
	}
	found, total, err := h.Revocations.List(r.Context(), caller.Principal, f)
	if err != nil {
		return err
	}
	values := []sessionView{}
	for i := range found {
		values = append(values, viewOfSession(&found[i]))
	}
	httpx.WriteJSON(w, http.StatusOK, httpx.NewList(values, total, page.Size))
	return nil
}

func (h *Handler) getSession(w http.ResponseWriter, r *http.Request, caller *authn.Caller) error {
	id, err := pathID[string](r)
	if err != nil {
		return err
	}
	if err := noQuery(r); err != nil {
		return err
	}
	found, err := h.Revocations.Get(r.Context(), caller.Principal, id)
	if err != nil {
		return err
	}
	httpx.WriteJSON(w, http.StatusOK, viewOfSession(found))
	return nil
}

func (h *Handler) endSession(w http.ResponseWriter, r *http.Request, caller *authn.Caller) error {
	id, err := pathID[string](r)
	if err != nil {
		return err
	}
	if err := noQuery(r); err != nil {
		return err
	}
	if _, err := h.Revocations.Revoke(r.Context(), caller.Principal, revocation.Target{Session: id}); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// revocationBody names whose access ends; exactly one of its members.
type revocationBody struct {
	Person *struct {
		Issuer  string `json:"issuer"`
		Subject string `json:"subject"`
	} `json:"person"`
	OrganisationID string `json:"organisationId"`
	SessionID      string `json:"sessionId"`
	Everything     bool   `json:"everything"`
}

func (b *revocationBody) target() (t revocation.Target, err error) {
	t.Everything = b.Everything
	if b.Person != nil {
		t.Person = revocation.Person{Issuer: b.Person.Issuer, Subject: b.Person.Subject}
		if t.Person.Issuer == "" || t.Person.Subject == "" {
			return t, fault.InvalidInput.New("person: expected issuer and subject").At("person")
		}
	}
	if b.OrganisationID != "" {
		id, err := httpx.ParseUUID(b.OrganisationID)
		if err != nil {
			return t, fault.InvalidInput.New("organisationId: %s", fault.Of(err).Detail).At("organisationId")
		}
		t.Organisation = access.OrganisationID(id)
	}
	if b.SessionID != "" {
		if t.Session, err = httpx.ParseUUID(b.SessionID); err != nil {
			return t, fault.InvalidInput.New("sessionId: %s", fault.Of(err).Detail).At("sessionId")
		}
	}
	return t, nil
}

// revocationAnswer says what ended, and when the last app token is over that nobody can be told of.
type revocationAnswer struct {
	SessionsEnded      int    `json:"sessionsEnded"`
	AppTokensUntilDate string `json:"appTokensUntilDate"`
}

func (h *Handler) revoke(w http.ResponseWriter, r *http.Request, caller *authn.Caller) error {
	var body revocationBody
	if err := readBody(w, r, &body); err != nil {
		return err
	}
	target, err := body.target()
	if err != nil {
		return err
	}
	ended, err := h.Revocations.Revoke(r.Context(), caller.Principal, target)
	if err != nil {
		return err
	}
	httpx.WriteJSON(w, http.StatusOK, revocationAnswer{len(ended.Sessions), date(ended.AppTokensUntil)})
	return nil
}
