package signal_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/session"
)

const (
	caep = "https://schemas.openid.net/secevent/caep/event-type/"
	risc = "https://schemas.openid.net/secevent/risc/event-type/"
	ssf  = "https://schemas.openid.net/secevent/ssf/event-type/"
)

var (
	ivan     = object{"format": "iss_sub", "iss": org, "sub": "00u1"}
	session1 = object{"format": "opaque", "id": "s1"}
)

func eventToken(changes ...object) signed {
	return signed{
		object{"alg": "RS256", "kid": "k", "typ": "secevent+jwt"},
		with(object{
			"iss": org, "aud": stream, "iat": begin.Unix(), "jti": "j1", "sub_id": ivan,
			"events": object{risc + "account-disabled": object{"reason": "hijacking"}},
		}, changes...),
		keys().org,
	}
}

func pushed(token string) sent {
	return sent{"POST", "/api/sts/ssf/v1", http.Header{"Content-Type": {"application/secevent+jwt"}, "Accept": {"application/json"}}, token}
}

// TestNT50_SecurityEventTokens breaks each rule by itself: 400 with the error of the registry (RFC 8935 section 2.4), and nobody is
// signed out.
func TestNT50_SecurityEventTokens(t *testing.T) {
	b := newBench(t)
	refused := func(rule, code string, s sent) {
		t.Helper()
		w := b.send(s)
		var body struct{ Err, Description string }
		if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || w.Code != http.StatusBadRequest || body.Err != code || body.Description == "" ||
			w.Header().Get("Content-Language") != "en" || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: expected %s, got %d %s", rule, code, w.Code, w.Body)
		}
		b.unharmed(rule)
	}
	many := object{}
	for _, name := range strings.Split("abcdefghijk", "") {
		many["urn:"+name] = object{}
	}
	for rule, c := range map[string]struct {
		code    string
		changes object
	}{
		"no issuer":                         {"invalid_issuer", object{"iss": absent{}}},
		"the sign-in's issuer":              {"invalid_issuer", object{"iss": signIn}},
		"NT06: an issuer that begins alike": {"invalid_issuer", object{"iss": org + "/"}},
		"no audience":                       {"invalid_audience", object{"aud": absent{}}},
		"another audience":                  {"invalid_audience", object{"aud": self}},
		"our client":                        {"invalid_audience", object{"aud": clientID}},
		"no iat":                            {"invalid_request", object{"iat": absent{}}},
		"issued tomorrow":                   {"invalid_request", object{"iat": begin.Add(24 * time.Hour).Unix()}},
		"issued a year ago":                 {"invalid_request", object{"iat": begin.Add(-365 * 24 * time.Hour).Unix()}},
		"no jti":                            {"invalid_request", object{"jti": absent{}}},
		"a jti that is a number":            {"invalid_request", object{"jti": 1}},
		"a sub":                             {"invalid_request", object{"sub": "00u1"}},
		"a nonce":                           {"invalid_request", object{"nonce": "n"}},
		"no events":                         {"invalid_request", object{"events": absent{}}},
		"an empty list of events":           {"invalid_request", object{"events": object{}}},
		"too many events":                   {"invalid_request", object{"events": many}},
		"events that are a list":            {"invalid_request", object{"events": []any{risc + "account-disabled"}}},
		"an event that is a text":           {"invalid_request", object{"events": object{risc + "account-disabled": "x"}}},
		"an event of null":                  {"invalid_request", object{"events": object{risc + "account-disabled": nil}}},
		"two subjects":                      {"invalid_request", object{"events": object{risc + "account-disabled": object{"subject": ivan}}}},
		"a subject that is a text":          {"invalid_request", object{"sub_id": "00u1"}},
		"a subject with too much":           {"invalid_request", object{"sub_id": with(ivan, object{"email": "x@y"})}},
		"a complex subject of texts":        {"invalid_request", object{"sub_id": object{"format": "complex", "user": "00u1"}}},
	} {
		refused(rule, c.code, pushed(eventToken(c.changes).String()))
	}
	for _, typ := range []any{absent{}, "JWT", "logout+jwt", "at+jwt", "global-token-revocation+jwt", ""} {
		s := eventToken()
		s.header = with(s.header, object{"typ": typ})
		refused("another type", "invalid_request", pushed(s.String()))
	}
	for rule, s := range forgeries(eventToken()) {
		code := "invalid_request" // of what can't even be read
		if rule == "another key" || rule == "an unknown key id" {
			code = "invalid_key"
		}
		refused(rule, code, pushed(s.String()))
	}
	for rule, token := range malformedTokens(eventToken().String()) {
		code := "invalid_request"
		if rule == "a byte less" {
			code = "invalid_key"
		}
		refused(rule, code, pushed(token))
	}
	good := eventToken().String()
	refused("another content type", "invalid_request", sent{"POST", "/api/sts/ssf/v1", http.Header{"Content-Type": {"application/jwt"}}, good})
	refused("a query", "invalid_request", sent{"POST", "/api/sts/ssf/v1?x=y", http.Header{"Content-Type": {"application/secevent+jwt"}}, good})

	if w := b.withoutStore().send(pushed(good)); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
		t.Errorf("the store is away: %d", w.Code)
	}
	if w := b.send(pushed(good)); w.Code != http.StatusAccepted || w.Body.Len() > 0 {
		t.Fatalf("got %d %s", w.Code, w.Body)
	}
	b.stay("heard", "v1", "x1")
	b.advance(time.Hour) // heard again: RFC 8935 section 2: it is acknowledged, and does nothing
	b.begins("i3", session.Person{Issuer: signIn, Subject: "ivan@acme.test", IDSubject: "00u1"}, "s9")
	before := len(b.entries(history.Revoked))
	if w := b.send(pushed(good)); w.Code != http.StatusAccepted || len(b.entries(history.Revoked)) != before {
		t.Errorf("again: %d", w.Code)
	}
	b.advance(8 * 24 * time.Hour) // and when it is forgotten, it is still of its time
	if w := b.send(pushed(good)); w.Code != http.StatusAccepted || b.book.EndedFor(signIn, "ivan@acme.test", begin.Add(time.Hour)) {
		t.Errorf("much later: %d, or what is newer was cut", w.Code)
	}
}

// TestEvents: what each event does to whom.
func TestEvents(t *testing.T) {
	type row struct {
		event            string
		subject, payload object
		stay             []string
		cut              bool
	}
	both := object{"format": "complex", "user": ivan, "session": session1}
	for rule, c := range map[string]row{
		"a session":                              {caep + "session-revoked", both, object{}, []string{"i2", "v1", "x1"}, false},
		"a session, as drafts had it":            {caep + "session-revoked", object{"user": ivan, "session": session1}, object{}, []string{"i2", "v1", "x1"}, false},
		"a session alone":                        {caep + "session-revoked", object{"format": "complex", "session": session1}, object{}, []string{"i2", "v1", "x1"}, false},
		"a session of somebody":                  {caep + "session-revoked", object{"format": "complex", "session": session1, "user": object{"format": "email", "email": "vera@acme.test"}}, object{}, everybody, false},
		"a session that is not ours":             {caep + "session-revoked", object{"format": "complex", "session": object{"format": "opaque", "id": "s9"}, "user": ivan}, object{}, everybody, false},
		"all sessions of a person":               {caep + "session-revoked", ivan, object{"event_timestamp": begin.Unix()}, []string{"v1", "x1"}, true},
		"a person by e-mail":                     {caep + "session-revoked", object{"format": "email", "email": "IVAN@acme.test"}, object{}, []string{"v1", "x1"}, true},
		"a person by aliases":                    {risc + "sessions-revoked", object{"format": "aliases", "identifiers": []any{object{"format": "phone_number", "phone_number": "+1"}, ivan}}, object{}, []string{"v1", "x1"}, true},
		"a person by Okta's id":                  {risc + "account-purged", object{"format": "opaque", "id": "00u1"}, object{}, []string{"v1", "x1"}, true},
		"a password":                             {caep + "credential-change", ivan, object{"credential_type": "password", "change_type": "update"}, []string{"v1", "x1"}, true},
		"a key that was lost":                    {caep + "credential-change", ivan, object{"credential_type": "fido2-roaming", "change_type": "revoke"}, []string{"v1", "x1"}, true},
		"a key that was added":                   {caep + "credential-change", ivan, object{"credential_type": "fido2-roaming", "change_type": "create"}, everybody, false},
		"a device":                               {caep + "device-compliance-change", object{"format": "complex", "user": ivan, "device": object{"format": "opaque", "id": "d"}}, object{"current_status": "not-compliant"}, []string{"v1", "x1"}, true},
		"a device that is well":                  {caep + "device-compliance-change", ivan, object{"current_status": "compliant"}, everybody, false},
		"a device of nobody":                     {caep + "device-compliance-change", object{"format": "complex", "device": object{"format": "opaque", "id": "d"}}, object{"current_status": "not-compliant"}, everybody, false},
		"an account":                             {risc + "account-disabled", ivan, object{}, []string{"v1", "x1"}, true},
		"an account of another issuer":           {risc + "account-disabled", object{"format": "iss_sub", "iss": foreign, "sub": "00u1"}, object{}, everybody, false},
		"an account that is enabled":             {risc + "account-enabled", ivan, object{}, everybody, false},
		"a risk":                                 {caep + "risk-level-change", ivan, object{"current_level": "HIGH"}, everybody, false},
		"an event of nobody's":                   {"urn:example:event", ivan, object{}, everybody, false},
		"a verification":                         {ssf + "verification", object{"format": "opaque", "id": "stream"}, object{"state": "abc"}, everybody, false},
		"a stream that is paused":                {ssf + "stream-updated", object{"format": "opaque", "id": "stream"}, object{"status": "paused", "reason": "x"}, everybody, false},
		"a person in a format that is not known": {risc + "account-disabled", object{"format": "did", "url": "did:x:y"}, object{}, everybody, false},
	} {
		b := newBench(t)
		if w := b.send(pushed(eventToken(object{"sub_id": c.subject, "events": object{c.event: c.payload}}).String())); w.Code != http.StatusAccepted {
			t.Errorf("%s: got %d %s", rule, w.Code, w.Body)
		}
		b.stay(rule, c.stay...)
		if got := b.book.EndedFor(signIn, "ivan@acme.test", begin); got != c.cut {
			t.Errorf("%s: tokens are cut: %v", rule, got)
		}
		told := append(b.entries(history.Revoked), b.entries(history.Accepted)...)
		if len(told) != 1 || !strings.Contains(string(told[0].Metadata), c.event) || told[0].User != "portico: shared signals" {
			t.Errorf("%s: recorded %+v", rule, told)
		}
		if state, _ := c.payload["state"].(string); state != "" && !strings.Contains(string(told[0].Metadata), state) {
			t.Errorf("%s: recorded %s", rule, told[0].Metadata)
		}
	}
}

// The subject may stand in the event, as drafts had it. An exp is not heeded.
func TestEventsOfDrafts(t *testing.T) {
	b := newBench(t)
	token := eventToken(object{
		"sub_id": absent{}, "exp": begin.Add(-time.Hour).Unix(), "aud": []any{"other", stream},
		"events": object{risc + "account-disabled": object{"subject": ivan}},
	})
	if w := b.send(pushed(token.String())); w.Code != http.StatusAccepted {
		t.Fatalf("got %d %s", w.Code, w.Body)
	}
	b.stay("as drafts had it", "v1", "x1")
	b.advance(time.Second)
	if w := b.send(pushed(eventToken(object{"jti": "j2", "sub_id": absent{}}).String())); w.Code != http.StatusAccepted { // about nobody
		t.Fatalf("got %d %s", w.Code, w.Body)
	}
	b.stay("about nobody", "v1", "x1")
}

// What somebody began after it happened is not ended, however late one hears of it; a time that can't be is not heeded.
func TestWhenItHappened(t *testing.T) {
	for rule, c := range map[string]struct {
		happened, issued any  // seconds
		newer            bool // the session of later lives
	}{
		"an hour ago":                      {begin.Unix(), begin.Add(time.Hour).Unix(), true},
		"just now":                         {begin.Add(time.Hour).Unix(), begin.Add(time.Hour).Unix(), false},
		"it does not say":                  {nil, begin.Add(time.Hour).Unix(), false},
		"it does not say, and comes late":  {nil, begin.Unix(), true},
		"tomorrow":                         {begin.Add(24 * time.Hour).Unix(), begin.Add(time.Hour).Unix(), false},
		"tomorrow, and comes late":         {begin.Add(24 * time.Hour).Unix(), begin.Unix(), true},
		"in milliseconds":                  {begin.UnixMilli(), begin.Add(time.Hour).Unix(), false},
		"before there was anything":        {1, begin.Add(time.Hour).Unix(), false},
		"negative":                         {-5, begin.Add(time.Hour).Unix(), false},
		"a text":                           {"now", begin.Add(time.Hour).Unix(), false},
		"with a fraction":                  {float64(begin.Unix()) + 0.5, begin.Add(time.Hour).Unix(), true},
		"more than a number can hold, say": {1e300, begin.Add(time.Hour).Unix(), false},
	} {
		b := newBench(t)
		b.advance(30 * time.Minute)
		b.begins("i3", session.Person{Issuer: signIn, Subject: "ivan@acme.test", IDSubject: "00u1"}, "s9")
		b.advance(30 * time.Minute)
		payload := object{}
		if c.happened != nil {
			payload["event_timestamp"] = c.happened
		}
		token := eventToken(object{"iat": c.issued, "events": object{risc + "account-disabled": payload}})
		if w := b.send(pushed(token.String())); w.Code != http.StatusAccepted {
			t.Fatalf("%s: got %d %s", rule, w.Code, w.Body)
		}
		if want := []string{"v1", "x1"}; !c.newer {
			b.stay(rule, want...)
		} else {
			b.stay(rule, "i3", "v1", "x1")
		}
		if !b.book.EndedFor(signIn, "ivan@acme.test", begin) {
			t.Errorf("%s: what is older counts", rule)
		}
	}
}

// Where the provider's sign-ins bear no sid, the sessions of the person that bear none go: it may be one of them.
func TestASessionWithoutAName(t *testing.T) {
	b := newBench(t)
	b.begins("i3", session.Person{Issuer: signIn, Subject: "ivan@acme.test", IDSubject: "00u1"}, "")
	subject := object{"format": "complex", "user": ivan, "session": object{"format": "opaque", "id": "okta's own"}}
	if w := b.send(pushed(eventToken(object{"sub_id": subject, "events": object{caep + "session-revoked": object{}}}).String())); w.Code != http.StatusAccepted {
		t.Fatalf("got %d", w.Code)
	}
	b.stay("without a name", everybody...)
}
