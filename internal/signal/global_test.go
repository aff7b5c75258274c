package signal_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/session"
)

const globalPath = "/api/sts/global-token-revocation/v1"

// askToken is what Okta signs.
func askToken(changes ...object) signed {
	return signed{
		object{"alg": "RS256", "kid": "k", "typ": "global-token-revocation+jwt"},
		with(object{
			"iss": org, "sub": clientID, "aud": self + globalPath, "jti": "j1",
			"iat": begin.Unix(), "nbf": begin.Add(-5 * time.Minute).Unix(), "exp": begin.Add(5 * time.Minute).Unix(),
		}, changes...),
		keys().org,
	}
}

const ivansMail = `{"sub_id":{"format":"email","email":"ivan@acme.test"}}`

func askRequest(token, body string) sent {
	return sent{"POST", globalPath, http.Header{"Content-Type": {"application/json"}, "Authorization": {"Bearer " + token}}, body}
}

// TestNT50_UniversalLogout_WhoMayAsk breaks each rule of who may ask by itself.
func TestNT50_UniversalLogout_WhoMayAsk(t *testing.T) {
	b := newBench(t)
	refused := func(rule string, status int, s sent) {
		t.Helper()
		w := b.send(s)
		challenge := w.Header().Get("WWW-Authenticate")
		if w.Code != status || w.Header().Get("Cache-Control") != "no-store" || (status == http.StatusUnauthorized) != strings.HasPrefix(challenge, "Bearer ") {
			t.Errorf("%s: got %d %q %s", rule, w.Code, challenge, w.Body)
		}
		b.unharmed(rule)
	}
	for rule, changes := range map[string]object{
		"no issuer":                         {"iss": absent{}},
		"the sign-in's issuer":              {"iss": signIn},
		"NT06: an issuer that begins alike": {"iss": org + ".evil.test"},
		"no audience":                       {"aud": absent{}},
		"our origin":                        {"aud": self},
		"the address with a query":          {"aud": self + globalPath + "?x=y"},
		"the address with a slash":          {"aud": self + globalPath + "/"},
		"the address in other letters":      {"aud": strings.ToUpper(self) + globalPath},
		"our client":                        {"aud": clientID},
		"others beside us":                  {"aud": []any{self + globalPath, "https://other.test"}},
		"no exp":                            {"exp": absent{}},
		"expired":                           {"exp": begin.Add(-2 * time.Minute).Unix()},
		"for longer than 5 minutes":         {"exp": begin.Add(7 * time.Minute).Unix()},
		"an exp that is a text":             {"exp": "9999999999"},
		"not yet":                           {"nbf": begin.Add(3 * time.Minute).Unix()},
		"issued tomorrow":                   {"iat": begin.Add(24 * time.Hour).Unix()},
		"a jti that is a number":            {"jti": 5},
		"an empty jti":                      {"jti": ""},
	} {
		refused(rule, http.StatusUnauthorized, askRequest(askToken(changes).String(), ivansMail))
	}
	for _, typ := range []any{absent{}, "JWT", "at+jwt", "logout+jwt", "secevent+jwt", "", nil} {
		s := askToken()
		s.header = with(s.header, object{"typ": typ})
		refused("another type", http.StatusUnauthorized, askRequest(s.String(), ivansMail))
	}
	for rule, s := range forgeries(askToken()) {
		refused(rule, http.StatusUnauthorized, askRequest(s.String(), ivansMail))
	}
	for rule, token := range malformedTokens(askToken().String()) {
		refused(rule, http.StatusUnauthorized, askRequest(token, ivansMail))
	}
	signInKey := askToken()
	signInKey.key = keys().signIn
	refused("signed by the sign-in's key", http.StatusUnauthorized, askRequest(signInKey.String(), ivansMail))
	for rule, sub := range map[string]any{"another client": "0oaother", "no client": absent{}, "a client that is a list": []any{clientID}} {
		refused(rule, http.StatusForbidden, askRequest(askToken(object{"sub": sub}).String(), ivansMail))
	}
	good := askToken().String()
	for rule, header := range map[string]http.Header{
		"no Authorization":  {"Content-Type": {"application/json"}},
		"two of them":       {"Content-Type": {"application/json"}, "Authorization": {"Bearer " + good, "Bearer " + good}},
		"Basic":             {"Content-Type": {"application/json"}, "Authorization": {"Basic " + good}},
		"the token alone":   {"Content-Type": {"application/json"}, "Authorization": {good}},
		"Bearer of nothing": {"Content-Type": {"application/json"}, "Authorization": {"Bearer "}},
	} {
		refused(rule, http.StatusUnauthorized, sent{"POST", globalPath, header, ivansMail})
	}
	if w := b.send(askRequest(good, ivansMail)); w.Code != http.StatusNoContent || w.Body.Len() > 0 {
		t.Fatalf("got %d %s", w.Code, w.Body)
	}
	b.stay("asked well", "v1", "x1")
	if w := b.send(askRequest(good, ivansMail)); w.Code != http.StatusUnauthorized || !strings.Contains(w.Body.String(), "used before") {
		t.Errorf("replayed: %d %s", w.Code, w.Body)
	}
	if w := b.send(askRequest(good, `{"sub_id":{"format":"email","email":"vera@acme.test"}}`)); w.Code != http.StatusUnauthorized {
		t.Errorf("replayed for another one: %d", w.Code)
	}
	b.stay("replayed", "v1", "x1")
}

// TestNT50_UniversalLogout_WhomItMeans: the bodies and their answers.
func TestNT50_UniversalLogout_WhomItMeans(t *testing.T) {
	mail := func(address string) string {
		return string(mustJSON(object{"sub_id": object{"format": "email", "email": address}}))
	}
	pair := func(iss, sub string) string {
		return string(mustJSON(object{"sub_id": object{"format": "iss_sub", "iss": iss, "sub": sub}}))
	}
	unharmed := newBench(t)
	for rule, c := range map[string]struct {
		body   string
		status int
		stay   []string
	}{
		"the login":                         {mail("ivan@acme.test"), 204, []string{"v1", "x1"}},
		"the login in other letters":        {mail("IVAN@Acme.Test"), 204, []string{"v1", "x1"}},
		"the verified address":              {mail("ivan.issuer@acme.test"), 204, []string{"v1", "x1"}},
		"the user name":                     {mail("vera@acme.test"), 204, []string{"i1", "i2", "x1"}},
		"Okta's id, of the org":             {pair(org, "00u1"), 204, []string{"v1", "x1"}},
		"Okta's id, of the sign-in":         {pair(signIn, "00u1"), 204, []string{"v1", "x1"}},
		"the access token's sub":            {pair(signIn, "vera@acme.test"), 204, []string{"i1", "i2", "x1"}},
		"blanks around":                     {" " + mail("ivan@acme.test") + "\n", 204, []string{"v1", "x1"}},
		"nobody's address":                  {mail("nobody@acme.test"), 404, everybody},
		"a part of an address":              {mail("issuer@acme.test"), 404, everybody},
		"a pattern":                         {mail("%@acme.test"), 404, everybody},
		"letters that only look alike":      {mail("ıvan@acme.test"), 404, everybody}, // dotless
		"a full-width letter":               {mail("ｉvan@acme.test"), 404, everybody},
		"the Kelvin sign":                   {mail("\u212Aate@acme.test"), 404, everybody},
		"blanks in an address":              {mail("ivan@acme.test "), 404, everybody},
		"nobody's id":                       {pair(org, "00u9"), 404, everybody},
		"an id in other letters":            {pair(org, "00U1"), 404, everybody},
		"the access token's sub at the org": {pair(org, "ivan@acme.test"), 404, everybody},
		"another issuer":                    {pair(foreign, "00u1"), 404, everybody},
		"an issuer with a slash":            {pair(org+"/", "00u1"), 404, everybody},
		"somebody's opaque id":              {`{"sub_id":{"format":"opaque","id":"00u1"}}`, 400, everybody},
		"a telephone number":                {`{"sub_id":{"format":"phone_number","phone_number":"+1"}}`, 400, everybody},
		"aliases":                           {`{"sub_id":{"format":"aliases","identifiers":[{"format":"email","email":"ivan@acme.test"}]}}`, 400, everybody},
		"a format of no name":               {`{"sub_id":{"email":"ivan@acme.test"}}`, 400, everybody},
		"no address":                        {`{"sub_id":{"format":"email"}}`, 400, everybody},
		"an address that is none":           {mail("ivan"), 400, everybody},
		"an empty address":                  {mail(""), 400, everybody},
		"an address that is too long":       {mail(strings.Repeat("i", 255) + "@acme.test"), 400, everybody},
		"a control character":               {mail("ivan\n@acme.test"), 400, everybody},
		"half a pair":                       {`{"sub_id":{"format":"iss_sub","sub":"00u1"}}`, 400, everybody},
		"more than the format has":          {`{"sub_id":{"format":"email","email":"ivan@acme.test","sub":"00u2"}}`, 400, everybody},
		"an address that is a list":         {`{"sub_id":{"format":"email","email":["ivan@acme.test"]}}`, 400, everybody},
		"no subject":                        {`{}`, 400, everybody},
		"a subject of null":                 {`{"sub_id":null}`, 400, everybody},
		"a subject that is a text":          {`{"sub_id":"ivan@acme.test"}`, 400, everybody},
		"two subjects":                      {`{"sub_id":{"format":"email","email":"vera@acme.test"},"sub_id":{"format":"email","email":"ivan@acme.test"}}`, 400, everybody},
		"two addresses":                     {`{"sub_id":{"format":"email","email":"vera@acme.test","email":"ivan@acme.test"}}`, 400, everybody},
		"something beside the subject":      {`{"sub_id":{"format":"email","email":"ivan@acme.test"},"x":1}`, 400, everybody},
		"something behind":                  {ivansMail + `{}`, 400, everybody},
		"nothing":                           {``, 400, everybody},
		"null":                              {`null`, 400, everybody},
		"a list":                            {`[]`, 400, everybody},
		"no JSON":                           {`sub_id=ivan`, 400, everybody},
		"a body that is too long":           {`{"sub_id":{"format":"email","email":"ivan@acme.test"},"x":"` + strings.Repeat("x", 20<<10) + `"}`, 400, everybody},
	} {
		b := unharmed // by all that is refused
		if c.status == http.StatusNoContent {
			b = newBench(t)
		}
		w := b.send(askRequest(askToken(object{"jti": rule}).String(), c.body))
		if w.Code != c.status {
			t.Errorf("%s: expected %d, got %d %s", rule, c.status, w.Code, w.Body)
		}
		if c.status != http.StatusNoContent {
			b.unharmed(rule)
			if refused := b.entries(history.Rejected); !slices.ContainsFunc(refused, func(e history.Entry) bool { return strings.Contains(w.Body.String(), e.ID) }) {
				t.Errorf("%s: it is not recorded: %s", rule, w.Body)
			}
			continue
		}
		b.stay(rule, c.stay...)
		told := b.entries(history.Revoked)
		if len(told) != 1 || !strings.Contains(string(told[0].Metadata), `"by":"`+org+`"`) || told[0].User != "portico: global token revocation" {
			t.Errorf("%s: recorded %+v", rule, told)
		}
		who := told[0].EntityID
		if !b.book.EndedFor(signIn, who, begin) || b.book.EndedFor(foreign, who, begin) || b.book.EndedFor(signIn, who, begin.Add(time.Second)) {
			t.Errorf("%s: their tokens are not cut, or another's are, or those of later", rule)
		}
	}
	b := newBench(t)
	for rule, header := range map[string]http.Header{
		"another content type": {"Content-Type": {"text/plain"}},
		"no content type":      {},
	} {
		header.Set("Authorization", "Bearer "+askToken(object{"jti": rule}).String())
		if w := b.send(sent{"POST", globalPath, header, ivansMail}); w.Code != http.StatusBadRequest {
			t.Errorf("%s: got %d", rule, w.Code)
		}
	}
	s := askRequest(askToken(object{"jti": "q"}).String(), ivansMail)
	if s.path += "?x=y"; b.send(s).Code != http.StatusBadRequest {
		t.Error("a query is accepted")
	}
	b.unharmed("another content type")
}

// An e-mail address is no identity: where the sign-ins leave a doubt whose it is, nobody is signed out, and the sender is told.
func TestAnAddressOfTwo(t *testing.T) {
	b := newBench(t)
	b.begins("w1", session.Person{Issuer: signIn, Subject: "will", IDSubject: "00u3", Email: "VERA@acme.test"}, "s4")
	w := b.send(askRequest(askToken().String(), `{"sub_id":{"format":"email","email":"vera@acme.test"}}`))
	if w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), "ambiguous_subject") {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	b.stay("an address of two", "i1", "i2", "v1", "w1", "x1")
	w = b.send(askRequest(askToken(object{"jti": "j2"}).String(), `{"sub_id":{"format":"iss_sub","iss":"`+org+`","sub":"00u3"}}`))
	if w.Code != http.StatusNoContent {
		t.Errorf("by id: %d %s", w.Code, w.Body)
	}
	b.stay("by id", "i1", "i2", "v1", "x1")
}

// Who was renamed is still one person, under both names: all of it ends.
func TestARenamedPerson(t *testing.T) {
	b := newBench(t)
	b.begins("i3", session.Person{Issuer: signIn, Subject: "ivan.new@acme.test", IDSubject: "00u1", Email: "ivan.issuer@acme.test"}, "s5")
	w := b.send(askRequest(askToken().String(), `{"sub_id":{"format":"email","email":"ivan.issuer@acme.test"}}`))
	if w.Code != http.StatusNoContent {
		t.Fatalf("got %d %s", w.Code, w.Body)
	}
	b.stay("renamed", "v1", "x1")
}

// Somebody who was last seen longer ago than their tokens live has no claim to an address that another one has now.
func TestAnAddressThatWasHandedOn(t *testing.T) {
	b := newBench(t)
	b.advance(91 * 24 * time.Hour)
	b.begins("n1", session.Person{Issuer: signIn, Subject: "new", IDSubject: "00u7", Email: "ivan.issuer@acme.test"}, "s7")
	at := b.Now()
	token := askToken(object{"iat": at.Unix(), "nbf": at.Unix(), "exp": at.Add(time.Minute).Unix()})
	if w := b.send(askRequest(token.String(), `{"sub_id":{"format":"email","email":"ivan.issuer@acme.test"}}`)); w.Code != http.StatusNoContent {
		t.Fatalf("got %d %s", w.Code, w.Body)
	}
	if b.book.EndedFor(signIn, "ivan@acme.test", begin) || !b.book.EndedFor(signIn, "new", at) {
		t.Error("the other one was cut")
	}
}

// The draft demands no jti; then the token itself is remembered.
func TestATokenWithoutAName(t *testing.T) {
	b := newBench(t)
	token := askToken(object{"jti": absent{}}).String()
	if w := b.send(askRequest(token, ivansMail)); w.Code != http.StatusNoContent {
		t.Fatalf("got %d %s", w.Code, w.Body)
	}
	if w := b.send(askRequest(token, ivansMail)); w.Code != http.StatusUnauthorized {
		t.Errorf("replayed: %d", w.Code)
	}
	if w := b.withoutStore().send(askRequest(askToken().String(), ivansMail)); w.Code != http.StatusServiceUnavailable {
		t.Errorf("the store is away: %d", w.Code)
	}
	if w := b.send(askRequest(askToken().String(), ivansMail)); w.Code != http.StatusNoContent {
		t.Errorf("sent again: %d", w.Code)
	}
}
