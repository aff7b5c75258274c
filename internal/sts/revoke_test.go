package sts_test

import (
	"context"
	"encoding/base64"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/sts"
)

// revokedIDs is a store that may be away.
type revokedIDs struct {
	ids  map[string]time.Time
	away bool
}

func (r *revokedIDs) RevokeToken(_ context.Context, id string, until, _ time.Time) error {
	if r.away {
		return fault.Unavailable.New("later").Because(errors.New("canary"))
	}
	r.ids[id] = until
	return nil
}

func (r *revokedIDs) RevokedTokens(context.Context, time.Time) (map[string]time.Time, error) {
	return maps.Clone(r.ids), nil
}

func (w *delegationWorld) revoke(caller access.Principal, token string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("POST", sts.RevocationPath, strings.NewReader(url.Values{"token": {token}}.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	rec := httptest.NewRecorder()
	(&sts.Revocation{Service: w.Service, History: w.History}).Revoke(rec, r, &caller)
	return rec
}

func (w *delegationWorld) isActive(token string) bool {
	r := httptest.NewRequest("POST", sts.IntrospectionPath, strings.NewReader(url.Values{"token": {token}}.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	rec := httptest.NewRecorder()
	third := w.iam["third"].principal
	w.Service.Introspect(rec, r, &third)
	return strings.Contains(rec.Body.String(), `"active":true`)
}

func TestNT29_RevokedOutlastsARestartAndReachesReplicas(t *testing.T) {
	w := newDelegationWorld(t)
	store := &revokedIDs{ids: map[string]time.Time{}}
	w.Service.Revoked = store
	token := w.ask(t, "ivan", "", "organisation_id", string(acme)).token
	ivan := w.iam["ivan"].principal

	store.away = true
	if rec := w.revoke(ivan, token); rec.Code != 503 || strings.Contains(rec.Body.String(), "canary") || !w.isActive(token) {
		t.Errorf("what could not be stored is not over: %d %s", rec.Code, rec.Body)
	}
	store.away = false
	if rec := w.revoke(ivan, token); rec.Code != 200 || w.isActive(token) {
		t.Errorf("got %d %s", rec.Code, rec.Body)
	}
	entry := w.record.entries[len(w.record.entries)-1]
	if entry.Action != "REVOKED" || entry.User != "ivan" || entry.EntityID == "" {
		t.Errorf("recorded %+v", entry)
	}
	w.restart()
	w.Service.Revoked = store
	if !w.isActive(token) {
		t.Fatal("the restarted one knows it already: the test says nothing")
	}
	if err := w.Service.LoadRevoked(t.Context()); err != nil || w.isActive(token) {
		t.Errorf("after a restart: %v", err)
	}
}

func TestOnlyItsClientAndItsServicesEndAToken(t *testing.T) {
	w := newDelegationWorld(t)
	for who, c := range map[string]struct {
		subject, actor string
		want           int
	}{
		"ivan":       {"ivan", "", 200},                  // it was issued to him and this client
		"third":      {"ivan", "", 200},                  // it is for one-core, which this client runs
		"wrpr":       {"ivan", "", 400},                  // another client, another service
		"evil wrpr":  {"wrpr", "", 400},                  // the same client id, of another issuer
		"evil twin":  {"wrpr", "", 400},                  // and the same subject
		"eve by web": {"ivan", "", 400},                  // another user of the same client
		"bridge":     {"ivan may bridge", "bridge", 200}, // it acts
	} {
		token := w.ask(t, c.subject, c.actor, "organisation_id", string(acme)).token
		if rec := w.revoke(w.iam[who].principal, token); rec.Code != c.want || w.isActive(token) != (c.want == 400) {
			t.Errorf("%s: got %d %s", who, rec.Code, rec.Body)
		}
	}
}

func TestNT29_WhatWasExchangedForARevokedTokenIsOver(t *testing.T) {
	w := newDelegationWorld(t)
	root := w.ask(t, "ivan", "", "organisation_id", string(acme), "audience", "wrpr-audience", "audience", "one-core").token
	copied := w.ask(t, root, "").token
	copyOfCopy := w.ask(t, copied, "").token
	chained := w.ask(t, copied, "wrpr").token
	sibling := w.ask(t, root, "", "scope", "CREDENTIAL_LIST").token
	for name, token := range map[string]string{"root": root, "copy": copied, "copy of the copy": copyOfCopy, "delegated": chained, "sibling": sibling} {
		if !w.isActive(token) {
			t.Fatalf("%s is inactive before", name)
		}
	}
	w.revoke(w.iam["third"].principal, copied)
	for name, c := range map[string]struct {
		token string
		want  bool
	}{"root": {root, true}, "copy": {copied, false}, "copy of the copy": {copyOfCopy, false}, "delegated": {chained, false}, "sibling": {sibling, true}} {
		if w.isActive(c.token) != c.want {
			t.Errorf("%s: active %v", name, !c.want)
		}
		if got := w.ask(t, c.token, map[bool]string{true: "", false: "wrpr"}[c.want]); (got.status == 200) != c.want {
			t.Errorf("%s: exchanged: %+v", name, got)
		}
	}
	w.revoke(w.iam["third"].principal, root)
	if w.isActive(sibling) {
		t.Error("the sibling outlives the root")
	}
}

func TestATokenIsExchangedEightTimesAtMost(t *testing.T) {
	w := newDelegationWorld(t)
	token := w.ask(t, "ivan", "", "organisation_id", string(acme)).token
	for i := range 9 {
		got := w.ask(t, token, "")
		if (got.status == 200) != (i < 8) {
			t.Fatalf("the %dth: got %+v", i+1, got)
		}
		token = got.token
	}
}

func TestNT29_AClockThatIsSetBackRevivesNothing(t *testing.T) {
	w := newDelegationWorld(t)
	store := &revokedIDs{ids: map[string]time.Time{}}
	w.Service.Revoked = store
	ivan := w.iam["ivan"].principal
	token := w.ask(t, "ivan", "", "organisation_id", string(acme)).token
	w.revoke(ivan, token)
	w.now = begin.Add(6 * time.Minute)
	w.revoke(ivan, w.ask(t, "ivan", "", "organisation_id", string(acme)).token)
	w.now = begin.Add(time.Minute)
	if w.isActive(token) {
		t.Error("in memory")
	}
	w.restart()
	w.Service.Revoked = store
	if err := w.Service.LoadRevoked(t.Context()); err != nil || w.isActive(token) {
		t.Errorf("after a restart: %v", err)
	}
}

func TestNobodyUsesUpRevocationForOthers(t *testing.T) {
	w := newDelegationWorld(t)
	third := w.iam["third"].principal
	code := 200
	for i := 0; code == 200 && i < 6000; i++ {
		code = w.revoke(third, w.ask(t, "ivan", "", "organisation_id", string(acme)).token).Code
	}
	if code != 503 {
		t.Fatalf("got %d", code)
	}
	token := w.ask(t, "ivan", "", "organisation_id", string(acme)).token
	if got := w.revoke(w.iam["ivan"].principal, token); got.Code != 200 || w.isActive(token) {
		t.Errorf("another's: got %d %s", got.Code, got.Body)
	}
}

func TestRevokingAForeignTokenSaysThatNothingEnds(t *testing.T) {
	w := newDelegationWorld(t)
	foreign := strings.Join([]string{"e30", base64.RawURLEncoding.EncodeToString([]byte(`{"iss":"https://acme.okta.test"}`)), "AA"}, ".")
	if got := w.revoke(w.iam["third"].principal, foreign); got.Code != 400 || !strings.Contains(got.Body.String(), "unsupported_token_type") {
		t.Errorf("got %d %s", got.Code, got.Body)
	}
	for _, junk := range []string{"junk", "a.b.c.d", "opaque"} {
		if got := w.revoke(w.iam["third"].principal, junk); got.Code != 200 {
			t.Errorf("%s: got %d %s", junk, got.Code, got.Body)
		}
	}
}

func TestOnlyTheActorsOwnIssuerSpeaksForIt(t *testing.T) {
	w := newDelegationWorld(t)
	token := w.ask(t, "ivan for wrpr", "wrpr", "organisation_id", string(acme)).token
	if got := w.revoke(w.iam["evil twin"].principal, token); got.Code != 400 || !w.isActive(token) {
		t.Errorf("another issuer's client of that name: got %d %s", got.Code, got.Body)
	}
	if got := w.revoke(w.iam["wrpr"].principal, token); got.Code != 200 || w.isActive(token) {
		t.Errorf("the actor itself: got %d %s", got.Code, got.Body)
	}
}

func TestTheShareOfRevocationsComesBack(t *testing.T) {
	w := newDelegationWorld(t)
	for _, name := range []string{"ivan", "third"} {
		lasting := w.iam[name]
		lasting.principal.NotAfter = begin.Add(1000 * time.Hour)
		w.iam[name] = lasting
	}
	ended := func(who string) int {
		return w.revoke(w.iam[who].principal, w.ask(t, "ivan", "", "organisation_id", string(acme)).token).Code
	}
	for day := range 30 {
		w.now = begin.Add(time.Duration(day) * 25 * time.Hour)
		if code := ended("ivan"); code != 200 { // so that there is always one left
			t.Fatalf("day %d: %d", day, code)
		}
		w.now = w.now.Add(12 * time.Hour)
		for range 300 {
			if code := ended("third"); code != 200 {
				t.Fatalf("day %d: %d", day, code)
			}
		}
	}
}

// Nobody else's revocation is needed for that, nor can a client's user take its share.
func TestAShareThatIsUsedUpComesBack(t *testing.T) {
	w := newDelegationWorld(t)
	lasting := w.iam["ivan"]
	lasting.principal.NotAfter = begin.Add(1000 * time.Hour)
	w.iam["ivan"] = lasting
	service := w.iam["third"].principal
	user := service
	user.Subject = "mallory"
	user.IAMRoles, user.NotAfter = lasting.principal.IAMRoles, lasting.principal.NotAfter
	one := func() int {
		token, err := w.Service.Issue(t.Context(), sts.Request{Principal: &user, Organisation: acme})
		if err != nil {
			t.Fatal(err)
		}
		return w.revoke(user, token.Value).Code
	}
	used := 0
	for one() == http.StatusOK {
		if used++; used > 10_000 {
			t.Fatal("there is no end")
		}
	}
	if used != 5000 {
		t.Errorf("the share is %d", used)
	}
	byService := func() int {
		return w.revoke(service, w.ask(t, "ivan", "", "organisation_id", string(acme)).token).Code
	}
	if code := byService(); code != http.StatusOK {
		t.Errorf("the service itself: %d", code)
	}
	w.now = begin.Add(30 * time.Hour)
	if code := one(); code != http.StatusOK {
		t.Errorf("a day later: %d", code)
	}
}

func TestAnExpiredTokenIsInactive(t *testing.T) {
	w := newDelegationWorld(t)
	token := w.ask(t, "ivan", "", "organisation_id", string(acme)).token
	w.now = begin.Add(5*time.Minute - 1)
	if !w.isActive(token) {
		t.Error("a moment before its end it is inactive")
	}
	w.now = begin.Add(5 * time.Minute)
	if w.isActive(token) {
		t.Error("at its end it is active")
	}
}
