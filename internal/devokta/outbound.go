package devokta

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/portico-iam/portico/internal/devokta/world"
)

// This file is what the org tells others: that somebody signed out, left, or changed groups. A test asks for each; none is sent by
// itself, and none leaves the machine.

// Answer is what whoever was told said.
type Answer struct {
	Status int
	Header http.Header
	Body   string
}

const (
	sendWithin = 10 * time.Second
	mostAnswer = 1 << 20 // bytes
)

// Statement is a signed token by which the org tells something.
type Statement struct {
	Org    bool   // by the org's own key, else by the default authorization server's
	Type   string // its typ
	Claims map[string]any
}

// Sign fills in iss, iat and jti where they are not given, and signs. A claim that is nil is left out.
func (s *Server) Sign(st Statement) (string, error) {
	id, issuer := s.defaultID(), s.World().Issuer
	if st.Org {
		id, issuer = orgServerID, s.cfg.PublicURL
	}
	claims := map[string]any{"iss": issuer, "iat": s.now().Unix(), "jti": s.random.token()}
	for name, value := range st.Claims {
		claims[name] = value
		if value == nil {
			delete(claims, name)
		}
	}
	return sign(s.keys.of(id).signing(), st.Type, claims)
}

// UserID is Okta's id of a person, the sub of their ID tokens.
func (s *Server) UserID(login string) (id string, err error) {
	err = s.withUser(login, func(u *world.User) error { id = u.ID; return nil })
	return id, err
}

// SessionIDs are the sids of a person's grants, the oldest first.
func (s *Server) SessionIDs(login string) (ids []string, err error) {
	id, err := s.UserID(login)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var grants []*grant
	for _, g := range s.grants.all {
		if g.UserID == id {
			grants = append(grants, g)
		}
	}
	slices.SortFunc(grants, func(a, b *grant) int { return a.AuthTime.Compare(b.AuthTime) })
	for _, g := range grants {
		ids = append(ids, sessionID(g))
	}
	return slices.Compact(ids), nil
}

// sessionID is the sid of ID tokens: the same for all that came of one sign-in.
func sessionID(g *grant) string {
	return "idx" + digest(g.UserID + g.AuthTime.UTC().Format(time.RFC3339Nano))[:24]
}

// SendLogoutToken tells of a sign-out by OpenID Connect Back-Channel Logout, which the real one does not offer. Either of sub and sid
// may be empty.
func (s *Server) SendLogoutToken(ctx context.Context, endpoint, clientID, sub, sid string) (Answer, error) {
	claims := map[string]any{
		"aud": clientID, "exp": s.now().Add(2 * time.Minute).Unix(), "events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}},
	}
	for name, value := range map[string]string{"sub": sub, "sid": sid} {
		if value != "" {
			claims[name] = value
		}
	}
	token, err := s.Sign(Statement{Type: "logout+jwt", Claims: claims})
	if err != nil {
		return Answer{}, err
	}
	return s.send(ctx, http.MethodPost, endpoint, "application/x-www-form-urlencoded", url.Values{"logout_token": {token}}.Encode(), nil)
}

// SendUniversalLogout asks for Global Token Revocation as Okta does, for a person named in that format: email or iss_sub.
func (s *Server) SendUniversalLogout(ctx context.Context, endpoint, clientID, login, format string) (Answer, error) {
	id, err := s.UserID(login)
	if err != nil {
		return Answer{}, err
	}
	who := map[string]string{"format": format, "email": login}
	if format == "iss_sub" {
		who = map[string]string{"format": format, "iss": s.cfg.PublicURL, "sub": id}
	}
	now := s.now()
	token, err := s.Sign(Statement{Org: true, Type: "global-token-revocation+jwt", Claims: map[string]any{
		"sub": clientID, "aud": endpoint, "exp": now.Add(5 * time.Minute).Unix(), "nbf": now.Add(-5 * time.Minute).Unix(),
	}})
	if err != nil {
		return Answer{}, err
	}
	body, _ := json.Marshal(map[string]any{"sub_id": who}) // strings always marshal
	return s.send(ctx, http.MethodPost, endpoint, "application/json", string(body), http.Header{"Authorization": {"Bearer " + token}})
}

// SendEvent pushes a security event token (RFC 8935) of one event.
func (s *Server) SendEvent(ctx context.Context, endpoint, audience, event string, subject, payload map[string]any) (Answer, error) {
	token, err := s.Sign(Statement{Org: true, Type: "secevent+jwt", Claims: map[string]any{
		"aud": audience, "sub_id": subject, "events": map[string]any{event: payload},
	}})
	if err != nil {
		return Answer{}, err
	}
	return s.send(ctx, http.MethodPost, endpoint, "application/secevent+jwt", token, nil)
}

// VerifyEventHook asks once whether an event hook's address is its owner's.
func (s *Server) VerifyEventHook(ctx context.Context, endpoint, challenge string) (Answer, error) {
	return s.send(ctx, http.MethodGet, endpoint, "", "", http.Header{"X-Okta-Verification-Challenge": {challenge}})
}

// SendEventHook tells an event hook of an event about a person.
func (s *Server) SendEventHook(ctx context.Context, endpoint, authorization, eventType, login string) (Answer, error) {
	id, err := s.UserID(login)
	if err != nil {
		return Answer{}, err
	}
	at := s.now().UTC().Format("2006-01-02T15:04:05.000Z")
	body, _ := json.Marshal(map[string]any{
		"eventType": "com.okta.event_hook", "eventTypeVersion": "1.0", "cloudEventsVersion": "0.1", "contentType": "application/json",
		"eventId": s.random.token(), "eventTime": at, "source": s.cfg.PublicURL + "/api/v1/eventHooks/" + s.random.id("whk"),
		"data": map[string]any{"events": []any{map[string]any{
			"uuid": s.random.token(), "published": at, "eventType": eventType, "version": "0", "severity": "INFO",
			"actor":   map[string]any{"id": s.random.id("00u"), "type": "User", "alternateId": "admin@acme.test", "displayName": "Admin"},
			"outcome": map[string]any{"result": "SUCCESS"},
			"target":  []any{map[string]any{"id": id, "type": "User", "alternateId": login, "displayName": login}},
		}}},
	})
	return s.send(ctx, http.MethodPost, endpoint, "application/json", string(body), http.Header{"Authorization": {authorization}})
}

// send reaches loopback only.
func (s *Server) send(ctx context.Context, method, endpoint, contentType, body string, header http.Header) (Answer, error) {
	u, err := url.Parse(endpoint)
	if err != nil || !isLoopback(u.Hostname()) {
		return Answer{}, fmt.Errorf("development Okta: it tells nobody but on this machine, got %q", endpoint)
	}
	ctx, cancel := context.WithTimeout(ctx, sendWithin)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, endpoint, bytes.NewReader([]byte(body)))
	if err != nil {
		return Answer{}, err
	}
	for name, values := range header {
		req.Header[name] = values
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return Answer{}, err
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(io.LimitReader(resp.Body, mostAnswer))
	return Answer{resp.StatusCode, resp.Header, strings.TrimSpace(string(got))}, err
}
