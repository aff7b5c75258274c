package login_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/iam"
)

func TestNT19_AnAlteredStateIsRefused(t *testing.T) {
	b := newBench(t)
	c := b.browser()
	query, _ := url.ParseQuery(strings.TrimPrefix(c.toOkta("/"), callback+"?"))
	state := query.Get("state")
	try := func(rule, state string) {
		t.Helper()
		if w := c.get(callback + "?" + url.Values{"state": {state}, "code": {query.Get("code")}}.Encode()); w.Code != 400 || signedIn(w) {
			t.Errorf("%s: got %d %s", rule, w.Code, w.Body)
		}
	}
	for i := 0; i < len(state); i += 7 {
		altered := []byte(state)
		altered[i] = map[bool]byte{true: 'B', false: 'A'}[altered[i] == 'A']
		try("a byte", string(altered))
		try("cut", state[:i])
	}
	try("none", "")
	try("the login cookie in its place", c.jar["__Host-portico-login"])
	try("another installation's", newBench(t).stateOf())
	try("long", strings.Repeat("A", 1<<16)[:7000])
	for rule, target := range map[string]string{
		"no state":        "?code=x",
		"the state twice": "?state=" + state + "&state=" + state + "&code=x",
		"the code twice":  "?state=" + state + "&code=x&code=y",
		"a damaged query": "?state=" + state + "&code=%zz",
		"no code":         "?state=" + state,
		"an empty code":   "?state=" + state + "&code=",
		"a long code":     "?state=" + state + "&code=" + strings.Repeat("x", 2049),
	} {
		if w := c.get(callback + target); w.Code != 400 || signedIn(w) {
			t.Errorf("%s: got %d %s", rule, w.Code, w.Body)
		}
	}
	if w := c.get(callback + "?" + query.Encode()); !signedIn(w) {
		t.Errorf("none of this used the state up: got %d %s", w.Code, w.Body)
	}
}

func TestNT20_21_AnAnswerCountsOnlyInTheBrowserThatAsked(t *testing.T) {
	b := newBench(t)
	attacker := b.browser()
	answer := attacker.toOkta("/") // the attacker's own code, to be planted on somebody
	if w := b.browser().get(answer); w.Code != 400 || signedIn(w) || !strings.Contains(w.Body.String(), "another browser") {
		t.Errorf("without the cookie: got %d %s", w.Code, w.Body)
	}
	victim := b.browser()
	victim.toOkta("/") // has a sign-in of its own under way, so a cookie too
	if w := victim.get(answer); w.Code < 400 || signedIn(w) {
		t.Errorf("with another browser's cookie: got %d %s", w.Code, w.Body)
	}
	double := b.browser()
	answer = double.toOkta("/")
	w := double.get(answer, "Cookie", "__Host-portico-login=x")
	if w.Code != 400 || signedIn(w) {
		t.Errorf("with two login cookies: got %d", w.Code)
	}
}

func TestNT23_AnAnswerCountsOnce(t *testing.T) {
	b := newBench(t)
	c := b.browser()
	answer := c.toOkta("/roles")
	if w := c.get(answer); !signedIn(w) {
		t.Fatalf("got %d %s", w.Code, w.Body)
	}
	if w := c.get(answer); w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/roles" || signedIn(w) {
		t.Errorf("the same browser pressed back: got %d %s", w.Code, w.Body)
	}
	if w := c.get("/"); w.Body.String() != "page of ivan" {
		t.Errorf("and is signed in still: got %d", w.Code)
	}
	thief := b.browser()
	thief.toOkta("/")
	if w := thief.get(answer); w.Code != 400 || signedIn(w) || !strings.Contains(w.Body.String(), "used already") {
		t.Errorf("another browser: got %d %s", w.Code, w.Body)
	}
	if w := c.get("/"); w.Code != http.StatusSeeOther {
		t.Errorf("the session that it began is over: got %d %s", w.Code, w.Body)
	}
}

func TestNT25_AnswersOfAnotherProvider(t *testing.T) {
	for rule, c := range map[string]struct {
		names bool
		iss   string // "-": none
		ok    bool
	}{
		"none, and none is promised":  {false, "-", true},
		"ours":                        {false, issuer, true},
		"ours, promised":              {true, issuer, true},
		"none, though it is promised": {true, "-", false},
		"another":                     {false, "https://evil.test", false},
		"another, promised":           {true, "https://evil.test", false},
		"empty":                       {false, "", false},
		"with a slash":                {false, issuer + "/", false},
	} {
		b := newBench(t)
		b.okta.names = c.names
		browser := b.browser()
		answer := browser.toOkta("/")
		if c.iss != "-" {
			answer += "&iss=" + url.QueryEscape(c.iss)
		}
		if w := browser.get(answer); signedIn(w) != c.ok {
			t.Errorf("%s: got %d %s", rule, w.Code, w.Body)
		}
	}
}

func TestRefusalsAreExplainedAndRecorded(t *testing.T) {
	for rule, c := range map[string]struct {
		query    string // Okta's answer, in place of the code
		exchange error
		status   int
		text     string
		anew     string // what the next attempt asks for besides
	}{
		"not assigned":           {query: "error=access_denied&error_description=User+is+not+assigned+canary", status: 403, text: "assign it to you", anew: "&as=somebody-else"},
		"no rule":                {query: "error=access_denied&error_description=Policy+evaluation+failed+for+this+request+canary", status: 403, text: "its rules for this application", anew: "&as=somebody-else"},
		"denied, and no more":    {query: "error=access_denied", status: 403, text: "may not sign in", anew: "&as=somebody-else"},
		"temporarily away":       {query: "error=temporarily_unavailable", status: 502, text: "not available"},
		"its own error":          {query: "error=server_error", status: 502, text: "not available"},
		"another error":          {query: "error=invalid_scope&error_description=canary", status: 502, text: "was refused"},
		"an error of any text":   {query: "error=" + strings.Repeat("x", 3000) + "canary", status: 502, text: "was refused"},
		"a code that is refused": {exchange: &iam.RefusedError{Code: "invalid_client", Description: "canary"}, status: 502, text: "was refused"},
		"a token that we refuse": {exchange: fmt.Errorf("access token: %w", fault.Unauthenticated.New("wrong audience canary")), status: 502, text: "can't be used here"},
		"an unknown failure":     {exchange: errors.New("canary"), status: 502, text: "could not be completed"},
	} {
		b := newBench(t)
		b.okta.exchange = c.exchange
		browser := b.browser()
		answer := browser.toOkta("/roles")
		if c.query != "" {
			answer = answer[:strings.Index(answer, "code=")] + c.query + "&state=" + url.QueryEscape(mustQuery(answer).Get("state"))
		}
		w := browser.get(answer)
		parts := strings.Split(w.Body.String(), "|")
		if w.Code != c.status || signedIn(w) || len(parts) != 4 || !strings.Contains(parts[0]+parts[1], c.text) || parts[3] != "/login?return=%2Froles"+c.anew {
			t.Errorf("%s: got %d %s", rule, w.Code, w.Body)
			continue
		}
		if strings.Contains(w.Body.String(), "canary") {
			t.Errorf("%s: shows what another party wrote", rule)
		}
		entry, found, err := b.db.GetHistory(t.Context(), parts[2])
		if err != nil || !found || entry.Action != history.Rejected || len(entry.Metadata) > 1000 {
			t.Errorf("%s: reference %q: %+v, %v", rule, parts[2], entry, err)
		}
		words, _ := url.QueryUnescape(mustQuery("/?" + c.query).Get("error_description"))
		if c.query != "" && (!strings.Contains(string(entry.Metadata), words) || !strings.Contains(string(entry.Metadata), "portico doctor --error")) {
			t.Errorf("%s: expected Okta's words and who explains them, got %s", rule, entry.Metadata)
		}
	}
	b := newBench(t)
	b.okta.away = errors.New("connection refused")
	if w := b.browser().get("/roles"); w.Code != 502 || !strings.Contains(w.Body.String(), "can't be reached") {
		t.Errorf("it can't begin: got %d %s", w.Code, w.Body)
	}
}
