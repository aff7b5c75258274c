package signal_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/revocation"
)

const hookPath = "/api/sts/okta-event-hook/v1"

func hookEvent(changes ...object) object {
	return with(object{
		"uuid": "u1", "published": "2026-11-25T12:00:00.000Z", "eventType": "user.lifecycle.suspend", "version": "0", "severity": "INFO",
		"actor":   object{"id": "00u2", "type": "User", "alternateId": "vera@acme.test"},
		"outcome": object{"result": "SUCCESS"},
		"target":  []any{object{"id": "00u1", "type": "User", "alternateId": "ivan@acme.test", "displayName": "Ivan"}},
	}, changes...)
}

func hookBody(events ...object) string {
	return string(mustJSON(object{
		"eventType": "com.okta.event_hook", "eventTypeVersion": "1.0", "cloudEventsVersion": "0.1", "source": org + "/api/v1/eventHooks/whk1",
		"eventId": "e1", "contentType": "application/json", "data": object{"events": events},
	}))
}

func hookRequest(body string) sent {
	return sent{"POST", hookPath, http.Header{"Content-Type": {"application/json"}, "Authorization": {secret}}, body}
}

// TestNT50_EventHooks_WhoMayTell: whoever does not have the secret, exactly, tells nothing, and what is malformed does nothing.
func TestNT50_EventHooks_WhoMayTell(t *testing.T) {
	b := newBench(t)
	good := hookBody(hookEvent())
	tell := func(rule string, status int, s sent) {
		t.Helper()
		if w := b.send(s); w.Code != status || w.Header().Get("Cache-Control") != "no-store" || strings.Contains(w.Body.String(), secret) {
			t.Errorf("%s: expected %d, got %d %s", rule, status, w.Code, w.Body)
		}
		b.unharmed(rule)
	}
	for rule, values := range map[string][]string{
		"no Authorization":          nil,
		"an empty one":              {""},
		"another one":               {strings.Repeat("x", len(secret))},
		"a part of it":              {secret[:len(secret)-1]},
		"more than it":              {secret + "x"},
		"with a scheme":             {"Bearer " + secret},
		"in other letters":          {strings.ToUpper(secret)},
		"twice":                     {secret, secret},
		"with another one before":   {"x", secret},
		"with blanks at its end":    {secret + " "},
		"with a NUL":                {secret + "\x00"},
		"a text that is very long":  {strings.Repeat(secret, 1000)},
		"its name of the file only": {"secretFile"},
	} {
		s := hookRequest(good)
		if s.header["Authorization"] = values; values == nil {
			s.header.Del("Authorization")
		}
		tell(rule, http.StatusUnauthorized, s)
	}
	many := make([]object, 101)
	for i := range many {
		many[i] = hookEvent()
	}
	targets := make([]any, 21)
	for i := range targets {
		targets[i] = object{"id": "00u1", "type": "User"}
	}
	for rule, body := range map[string]string{
		"nothing":              ``,
		"no JSON":              `x`,
		"a list":               `[]`,
		"another kind of hook": strings.Replace(good, "com.okta.event_hook", "com.okta.oauth2.tokens.transform", 1),
		"no kind":              `{"data":{"events":[]}}`,
		"no events":            hookBody(),
		"too many events":      hookBody(many...),
		"an event of no name":  hookBody(hookEvent(object{"uuid": absent{}})),
		"an event of no type":  hookBody(hookEvent(object{"eventType": ""})),
		"a time that is none":  hookBody(hookEvent(object{"published": "yesterday"})),
		"too many targets":     hookBody(hookEvent(object{"target": targets})),
		"a target of a text":   hookBody(hookEvent(object{"target": "00u1"})),
		"a body too long":      good[:len(good)-1] + `,"x":"` + strings.Repeat("x", 1<<20) + `"}`,
		"one more behind":      good + good,
	} {
		tell(rule, http.StatusBadRequest, hookRequest(body))
	}
	s := hookRequest(good)
	s.header.Set("Content-Type", "text/plain")
	tell("another content type", http.StatusBadRequest, s)
	s = hookRequest(good)
	s.path += "?x=y"
	tell("a query", http.StatusBadRequest, s)
	if w := b.withoutStore().send(hookRequest(good)); w.Code != http.StatusServiceUnavailable {
		t.Errorf("the store is away: %d", w.Code)
	}
	if w := b.send(hookRequest(good)); w.Code != http.StatusNoContent {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	b.stay("told well", "v1", "x1")
	before := len(b.entries(history.Revoked))
	if w := b.send(hookRequest(good)); w.Code != http.StatusNoContent || len(b.entries(history.Revoked)) != before {
		t.Errorf("told again: %d, and it did something", w.Code)
	}
	if strings.Contains(b.log.String(), secret) {
		t.Error("the secret is logged")
	}
}

// TestNT51_TheQuestionOfAnEventHook is answered to anybody: it says nothing.
func TestNT51_TheQuestionOfAnEventHook(t *testing.T) {
	b := newBench(t)
	ask := func(values ...string) (int, string) {
		w := b.send(sent{"GET", hookPath, http.Header{"X-Okta-Verification-Challenge": values}, ""})
		if w.Header().Get("Content-Type") != "application/json" {
			t.Errorf("%q: got the type %q", values, w.Header().Get("Content-Type"))
		}
		return w.Code, strings.TrimSpace(w.Body.String())
	}
	if code, body := ask("abc123"); code != http.StatusOK || body != `{"verification":"abc123"}` {
		t.Errorf("got %d %s", code, body)
	}
	if code, body := ask(`"><script>alert(1)</script>`); code != http.StatusOK || strings.Contains(body, "<script>") {
		t.Errorf("got %d %s", code, body)
	}
	for _, values := range [][]string{nil, {""}, {"a", "b"}, {strings.Repeat("a", 256)}, {"a\x01b"}} {
		if code, _ := ask(values...); code != http.StatusBadRequest {
			t.Errorf("%q: got %d", values, code)
		}
	}
	b.unharmed("asked")
}

func TestWhatAnEventHookTells(t *testing.T) {
	target := func(id, kind, login string) object {
		return object{"target": []any{object{"id": "00g1", "type": "UserGroup", "displayName": "Acme"}, object{"id": id, "type": kind, "alternateId": login}}}
	}
	for rule, c := range map[string]struct {
		changes object
		stay    []string
		renewed bool
	}{
		"deactivated":                  {object{"eventType": "user.lifecycle.deactivate"}, []string{"v1", "x1"}, false},
		"suspended":                    {object{}, []string{"v1", "x1"}, false},
		"deleted":                      {object{"eventType": "user.lifecycle.delete.initiated"}, []string{"v1", "x1"}, false},
		"signed out":                   {object{"eventType": "user.session.clear"}, []string{"v1", "x1"}, false},
		"out of a group":               {object{"eventType": "group.user_membership.remove"}, everybody, true},
		"in a group":                   {object{"eventType": "group.user_membership.add"}, everybody, true},
		"no more assigned":             {object{"eventType": "application.user_membership.remove"}, everybody, true},
		"not done":                     {object{"outcome": object{"result": "FAILURE", "reason": "x"}}, everybody, false},
		"an event of no interest":      {object{"eventType": "user.session.start"}, everybody, false},
		"by login":                     {target("00u-new", "User", "ivan@acme.test"), []string{"v1", "x1"}, false},
		"by a login in other letters":  {target("00u-new", "User", "IVAN@acme.test"), everybody, false},
		"nobody we know":               {target("00u9", "User", "nobody@acme.test"), everybody, false},
		"an application of that id":    {target("00u1", "AppInstance", "ivan@acme.test"), everybody, false},
		"nobody":                       {object{"target": nil}, everybody, false},
		"of a time that has yet to be": {object{"published": "2036-01-01T00:00:00.000Z"}, []string{"v1", "x1"}, false},
	} {
		b := newBench(t)
		b.advance(time.Second)
		if w := b.send(hookRequest(hookBody(hookEvent(c.changes)))); w.Code != http.StatusNoContent {
			t.Errorf("%s: got %d %s", rule, w.Code, w.Body)
		}
		b.stay(rule, c.stay...)
		found, _, err := b.db.ListSessions(t.Context(), revocation.Filter{Person: revocation.Person{Issuer: signIn, Subject: "ivan@acme.test"}})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range found {
			if due := !b.Now().Before(r.Principal.NotAfter); due != c.renewed {
				t.Errorf("%s: %s is to ask anew: %v", rule, r.Ref, due)
			}
		}
		told := append(b.entries(history.Revoked), b.entries(history.Accepted)...)
		if len(told) != 1 || told[0].User != "portico: Okta event hook" || !strings.Contains(string(told[0].Metadata), "whk1") {
			t.Errorf("%s: recorded %+v", rule, told)
		}
	}
	b := newBench(t)
	vera := hookEvent(target("00u2", "User", "vera@acme.test"), object{"uuid": "u2"})
	if w := b.send(hookRequest(hookBody(hookEvent(), vera, hookEvent(object{"uuid": "u3", "eventType": "x.y"})))); w.Code != http.StatusNoContent {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	b.stay("several", "x1")
	if n := len(b.entries(history.Revoked)) + len(b.entries(history.Accepted)); n != 3 {
		t.Errorf("%d entries of three events", n)
	}
}
