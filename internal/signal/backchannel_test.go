package signal_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/history"
)

const logoutEvent = "http://schemas.openid.net/event/backchannel-logout"

func logoutToken(changes ...object) signed {
	return signed{
		object{"alg": "RS256", "kid": "k", "typ": "logout+jwt"},
		with(object{
			"iss": signIn, "aud": clientID, "iat": begin.Unix(), "exp": begin.Add(2 * time.Minute).Unix(), "jti": "j1",
			"events": object{logoutEvent: object{}}, "sub": "00u1", "sid": "s1",
		}, changes...),
		keys().signIn,
	}
}

func logoutRequest(token string) sent {
	return sent{
		"POST", "/logout/backchannel", http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, url.Values{"logout_token": {token}}.Encode(),
	}
}

// TestNT49_LogoutTokens breaks each rule of OpenID Connect Back-Channel Logout 1.0 section 2.6 by itself. Section 2.8: the answer is
// 400, is not cached, and nobody is signed out.
func TestNT49_LogoutTokens(t *testing.T) {
	b := newBench(t)
	refused := func(rule string, s sent) {
		t.Helper()
		w := b.send(s)
		var body struct{ Error, Error_description string }
		if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || w.Code != http.StatusBadRequest || w.Header().Get("Cache-Control") != "no-store" ||
			body.Error != "invalid_request" || body.Error_description == "" {
			t.Errorf("%s: got %d %q %s", rule, w.Code, w.Header().Get("Cache-Control"), w.Body)
		}
		b.unharmed(rule)
		b.advance(time.Second / 4)
	}
	for rule, changes := range map[string]object{
		"no issuer":                         {"iss": absent{}},
		"another issuer":                    {"iss": foreign},
		"NT06: an issuer that begins alike": {"iss": signIn + "/"},
		"the org":                           {"iss": org},
		"no audience":                       {"aud": absent{}},
		"another audience":                  {"aud": "other"},
		"NT05: others beside us":            {"aud": []any{clientID, "other"}},
		"NT05: something beside us":         {"aud": []any{clientID, 5}},
		"an empty audience":                 {"aud": []any{}},
		"no iat":                            {"iat": absent{}},
		"an old iat":                        {"iat": begin.Add(-12 * time.Minute).Unix()},
		"an iat ahead":                      {"iat": begin.Add(5 * time.Minute).Unix()},
		"an iat that is a text":             {"iat": "1"},
		"no exp":                            {"exp": absent{}},
		"expired":                           {"exp": begin.Add(-2 * time.Minute).Unix()},
		"for ever":                          {"exp": begin.Add(48 * time.Hour).Unix()},
		"not yet":                           {"nbf": begin.Add(5 * time.Minute).Unix()},
		"no jti":                            {"jti": absent{}},
		"an empty jti":                      {"jti": ""},
		"a jti that is a number":            {"jti": 1},
		"a jti that is too long":            {"jti": strings.Repeat("j", 256)},
		"a nonce":                           {"nonce": "n"},
		"a nonce of null":                   {"nonce": nil},
		"no events":                         {"events": absent{}},
		"events that are a list":            {"events": []any{logoutEvent}},
		"another event":                     {"events": object{"https://schemas.openid.net/secevent/caep/event-type/session-revoked": object{}}},
		"an event that is a text":           {"events": object{logoutEvent: "x"}},
		"an event of null":                  {"events": object{logoutEvent: nil}},
		"an ID token":                       {"events": absent{}, "nonce": "n", "at_hash": "x"},
		"neither sub nor sid":               {"sub": absent{}, "sid": absent{}},
		"an empty sid":                      {"sid": ""},
		"an empty sub":                      {"sub": ""},
		"a sid that is a number":            {"sid": 1},
		"a sub with a control character":    {"sub": "00u\u0000"},
	} {
		refused(rule, logoutRequest(logoutToken(changes).String()))
	}
	for _, typ := range []any{"at+jwt", "secevent+jwt", "global-token-revocation+jwt", "dpop+jwt", "", 5} {
		s := logoutToken()
		s.header = with(s.header, object{"typ": typ})
		refused("another type", logoutRequest(s.String()))
	}
	for rule, s := range forgeries(logoutToken()) {
		refused(rule, logoutRequest(s.String()))
	}
	for rule, token := range malformedTokens(logoutToken().String()) {
		refused(rule, logoutRequest(token))
	}
	good := logoutRequest(logoutToken().String())
	for rule, change := range map[string]func(*sent){
		"another content type": func(s *sent) { s.header = http.Header{"Content-Type": {"application/json"}} },
		"no content type":      func(s *sent) { s.header = nil },
		"two content types": func(s *sent) {
			s.header = http.Header{"Content-Type": {"application/x-www-form-urlencoded", "application/x-www-form-urlencoded"}}
		},
		"the token in the query": func(s *sent) { s.path += "?" + s.body },
		"the token twice":        func(s *sent) { s.body += "&" + s.body },
		"a second, empty token":  func(s *sent) { s.body += "&logout_token=" },
		"no token":               func(s *sent) { s.body = "token=x" },
		"a form that is none":    func(s *sent) { s.body += "&%zz" },
		"an oversize form":       func(s *sent) { s.body += "&x=" + strings.Repeat("x", 80<<10) },
	} {
		s := good
		change(&s)
		refused(rule, s)
	}
	if w := b.send(sent{method: "GET", path: "/logout/backchannel"}); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("GET: got %d", w.Code)
	}
	// All of that was wrong by one thing each: this is what is right.
	if w := b.send(logoutRequest(logoutToken().String())); w.Code != http.StatusOK || w.Header().Get("Cache-Control") != "no-store" || w.Body.Len() > 0 {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	b.stay("the one session", "i2", "v1", "x1")
	refusedAgain := b.send(logoutRequest(logoutToken().String()))
	if refusedAgain.Code != http.StatusBadRequest || !strings.Contains(refusedAgain.Body.String(), "used before") {
		t.Errorf("replayed: got %d %s", refusedAgain.Code, refusedAgain.Body)
	}
}

func TestWhomALogoutTokenSignsOut(t *testing.T) {
	for rule, c := range map[string]struct {
		changes object
		typ     any
		stay    []string
	}{
		"session and person":        {object{}, "logout+jwt", []string{"i2", "v1", "x1"}},
		"session":                   {object{"sub": absent{}}, "logout+jwt", []string{"i2", "v1", "x1"}},
		"person":                    {object{"sid": absent{}}, "logout+jwt", []string{"v1", "x1"}},
		"a session of somebody":     {object{"sub": "00u2"}, "logout+jwt", everybody},
		"an unknown session":        {object{"sid": "s9"}, "logout+jwt", everybody},
		"in other letters":          {object{"sid": "S1"}, "logout+jwt", everybody},
		"the access token's sub":    {object{"sid": absent{}, "sub": "ivan@acme.test"}, "logout+jwt", everybody},
		"without a type":            {object{}, absent{}, []string{"i2", "v1", "x1"}},
		"of the type of no type":    {object{}, "JWT", []string{"i2", "v1", "x1"}},
		"of the type written whole": {object{}, "application/logout+jwt", []string{"i2", "v1", "x1"}},
		"an audience of one":        {object{"aud": []any{clientID}}, "logout+jwt", []string{"i2", "v1", "x1"}},
		"an event that says more":   {object{"events": object{logoutEvent: object{"x": 1}, "urn:y": object{}}}, "logout+jwt", []string{"i2", "v1", "x1"}},
		"by a clock that is ahead":  {object{"iat": begin.Add(30 * time.Second).Unix()}, "logout+jwt", []string{"i2", "v1", "x1"}},
	} {
		b := newBench(t)
		s := logoutToken(c.changes)
		s.header = with(s.header, object{"typ": c.typ})
		if w := b.send(logoutRequest(s.String())); w.Code != http.StatusOK {
			t.Errorf("%s: got %d %s", rule, w.Code, w.Body)
		}
		b.stay(rule, c.stay...)
		told := append(b.entries(history.Revoked), b.entries(history.Accepted)...)
		if len(told) != 1 || told[0].User != "portico: back-channel logout" || !strings.Contains(string(told[0].Metadata), signIn) {
			t.Errorf("%s: recorded %+v", rule, told)
		}
		if cuts, _ := b.db.Cuts(t.Context()); len(cuts) > 0 {
			t.Errorf("%s: their tokens were cut: %v", rule, cuts) // they signed out of this sign-in alone
		}
	}
}

// A token that could not be acted upon, because the store was away, counts when it is sent again.
func TestALogoutTokenIsNotSpentInVain(t *testing.T) {
	b := newBench(t)
	request := logoutRequest(logoutToken().String())
	away := b.withoutStore()
	w := away.send(request)
	if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "temporarily_unavailable") {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	if w := b.send(request); w.Code != http.StatusOK {
		t.Errorf("sent again: %d %s", w.Code, w.Body)
	}
	b.stay("sent again", "i2", "v1", "x1")
}

// One that another replica heard counts no more here, nor after a restart.
func TestNT49_ReplayedElsewhere(t *testing.T) {
	b := newBench(t)
	request := logoutRequest(logoutToken(object{"sid": absent{}}).String())
	if w := b.send(request); w.Code != http.StatusOK {
		t.Fatal(w.Code, w.Body)
	}
	other := b.replica()
	if w := other.send(request); w.Code != http.StatusBadRequest {
		t.Errorf("got %d", w.Code)
	}
	for range 12 { // for as long as it would count
		b.advance(time.Minute)
		if w := other.send(request); w.Code != http.StatusBadRequest {
			t.Errorf("after %s: %d", b.Now().Sub(begin), w.Code)
		}
	}
}

// Anybody can be refused as often as they like. The history and the log take only so much of it, and say how much they left out.
func TestRefusalsDoNotFillTheHistory(t *testing.T) {
	b := newBench(t)
	for range 500 {
		b.send(logoutRequest("token"))
		b.send(sent{method: "GET", path: "/logout/frontchannel?iss=x&sid=y"})
		b.send(sent{method: "POST", path: "/api/sts/ssf/v1", header: http.Header{"Content-Type": {"application/secevent+jwt"}}, body: "x"})
	}
	if n := len(b.entries(history.Rejected)); n != 180 {
		t.Errorf("%d entries", n)
	}
	if n := strings.Count(b.log.String(), "\n"); n > 180 {
		t.Errorf("%d lines", n)
	}
	b.advance(10 * time.Second)
	b.send(logoutRequest("token"))
	last := b.entries(history.Rejected)
	if e := last[len(last)-1]; !strings.Contains(string(e.Metadata), `"unrecordedBefore":440`) {
		t.Errorf("got %s", e.Metadata)
	}
}
