package sts

import (
	"net/http"
	"strings"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/history"
)

// Revocation ends tokens (RFC 7009).
type Revocation struct {
	Service *Service
	History *history.Recorder
}

// Revoke ends a token of ours, for the client to which it was issued and for the services in its audience. From then on
// it is inactive to Introspect, is not exchanged and is not handed out again. Core does not ask: there it counts until it
// expires. A token that is none of ours, or is over, is answered like a revoked one (section 2.2).
func (v *Revocation) Revoke(w http.ResponseWriter, r *http.Request, caller *access.Principal) {
	neverCached(w)
	if err := v.revoke(w, r, caller); err != nil {
		WriteError(w, r, err)
		return
	}
	w.WriteHeader(http.StatusOK)
}

func (v *Revocation) revoke(w http.ResponseWriter, r *http.Request, caller *access.Principal) error {
	raw, err := readToken(w, r)
	if err != nil {
		return err
	}
	t, err := v.Service.open(r.Context(), raw)
	if err != nil {
		return v.Service.over(raw, err)
	}
	if !v.Service.wasIssuedTo(t, caller) && !v.Service.isBehind(caller, t.Audience) {
		return refuse(UnauthorizedClient, "the token was issued to another client, and is for another service")
	}
	if err := v.Service.revoke(r.Context(), t, caller); err != nil {
		return err
	}
	v.History.Record(r.Context(), history.Entry{
		Action: history.Revoked, EntityType: history.STSToken, EntityID: t.ID, Name: strings.Join(t.Audience, " "), Source: history.SourceSTS,
		OrganisationID: t.OrganisationID, User: caller.Subject, Metadata: history.Details(map[string]any{"client": caller.ClientID, "subject": t.Subject}),
	})
	return nil
}

// wasIssuedTo tells whether the caller got the token by one of their own (RFC 7009 section 2.1): they are its subject, or
// act in it.
func (s *Service) wasIssuedTo(t *AppToken, caller *access.Principal) bool {
	if t.ClientID != caller.ClientID || caller.ClientID == "" {
		return false
	}
	if t.Actor != nil {
		return t.Actor.Subject == caller.Subject && t.Actor.Issuer == caller.Issuer && s.isClient(caller)
	}
	return t.Subject == caller.Subject && t.SubjectIssuer == caller.Issuer
}

// over is what revoking says of a token that does not open: that is as it was wanted, unless it is somebody else's.
func (s *Service) over(raw string, err error) error {
	switch {
	case fault.Unavailable.Is(err):
		return err
	case strings.Count(raw, ".") == 2 && !s.isOurs(raw) && issuerOf(raw) != s.Issuer:
		return refuse(UnsupportedTokenType, "it is not a token of this service; the identity provider revokes its own")
	}
	return nil
}
