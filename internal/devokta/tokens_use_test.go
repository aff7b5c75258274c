package devokta

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/portico-iam/portico/internal/devokta/world"
)

func (b *browser) introspect(token any, auth func(*http.Request)) map[string]any {
	b.Helper()
	raw, _ := token.(string)
	return b.post(b.url("/v1/introspect"), url.Values{"token": {raw}}, auth).json(b.T)
}

func TestIntrospect(t *testing.T) {
	w := start(t)
	b := w.browser()
	got := b.tokens("ada@acme.test")
	batch := w.s.World().ServiceClients[0]
	access := b.introspect(got["access_token"], w.basic(batch.ID, batch.Secret))
	for name, want := range map[string]any{
		"active": true, "token_type": "Bearer", "scope": "openid profile email offline_access", "client_id": w.s.World().WebClient.ID,
		"username": "ada@acme.test", "sub": "ada@acme.test", "aud": Audience, "iss": w.s.Issuer(), "uid": world.ID("00u", "ada@acme.test"),
	} {
		if access[name] != want {
			t.Errorf("%s = %v, expected %v", name, access[name], want)
		}
	}
	refresh := b.introspect(got["refresh_token"], w.webAuth())
	if refresh["active"] != true || refresh["iss"] != nil || refresh["aud"] != nil {
		t.Errorf("refresh: %v", refresh)
	}
	if id := b.introspect(got["id_token"], w.webAuth()); id["active"] != true || id["uid"] != id["sub"] {
		t.Errorf("ID token: %v", id)
	}
	for name, inactive := range map[string]map[string]any{
		"another client's refresh token": b.introspect(got["refresh_token"], w.basic(batch.ID, batch.Secret)),
		"nonsense":                       b.introspect("nonsense", w.webAuth()),
	} {
		if len(inactive) != 1 || inactive["active"] != false {
			t.Errorf("%s: %v", name, inactive)
		}
	}
	if cli := b.post(w.url("/v1/introspect"), url.Values{"token": {got["access_token"].(string)}, "client_id": {"acme-cli"}}); cli.json(t)["active"] != true {
		t.Errorf("public client: %s", cli.body)
	}
	b.post(w.url("/v1/introspect"), url.Values{}, w.webAuth()).expect(t, errTokenMissing)
	b.post(w.url("/v1/introspect"), url.Values{"token": {"x"}}).expect(t, errNoCredentials)
}

func TestRevoke(t *testing.T) {
	w := start(t)
	b := w.browser()
	got := b.tokens("ada@acme.test")
	access, refresh := got["access_token"].(string), got["refresh_token"].(string)
	revoke := func(token string, form url.Values, auth ...func(*http.Request)) answer {
		return b.post(w.url("/v1/revoke"), with(form, "token", token), auth...)
	}
	for _, token := range []string{access, refresh, "nonsense"} {
		if a := revoke(token, url.Values{"client_id": {"acme-cli"}}); a.status != 200 || a.body != "" {
			t.Errorf("%d %s", a.status, a.body)
		}
	}
	if b.userinfo(access).status != 200 {
		t.Fatal("another client revoked it")
	}
	revoke(access, nil, w.webAuth())
	b.userinfoExpect(t, access, errAccessRevoked)
	next := b.refresh(refresh).json(t)
	revoke(next["refresh_token"].(string), nil, w.webAuth())
	b.refresh(next["refresh_token"].(string)).expect(t, errRefreshToken)
	b.userinfoExpect(t, next["access_token"], errAccessRevoked)
	revoke("", nil, w.webAuth()).expect(t, errTokenMissing)
}

func TestUserinfoErrors(t *testing.T) {
	w := start(t)
	b := w.browser()
	got := b.tokens("ada@acme.test")
	access := got["access_token"].(string)
	target := w.url("/v1/userinfo")
	b.get(target).expect(t, errAccessMissing)
	b.get(target+"?access_token="+access).expect(t, errAccessInQuery)
	b.post(target, url.Values{"access_token": {access}}, func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+access) }).expect(t, errAccessDuplicate)
	if a := b.post(target, url.Values{"access_token": {access}}); a.status != 200 {
		t.Errorf("by form: %d %s", a.status, a.body)
	}
	b.userinfoExpect(t, got["id_token"], errAccessInvalid)
	b.userinfoExpect(t, "junk", errAccessInvalid)
	batch := w.s.World().ServiceClients[0]
	service := b.post(w.url("/v1/token"), url.Values{"grant_type": {world.GrantClient}, "scope": {"one.api"}}, w.basic(batch.ID, batch.Secret)).json(t)
	b.userinfoExpect(t, service["access_token"], errAccessScopes)
}

// Forgeries of the signature (NT01 to NT04) are no tokens to any endpoint that reads them back.
func TestForgedTokens(t *testing.T) {
	w := start(t)
	b := w.browser()
	good := b.tokens("ada@acme.test")["access_token"].(string)
	header, _ := b.verify(good)
	parts := strings.Split(good, ".")
	hmacSigner, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.HS256, Key: jose.JSONWebKey{Key: b.publicKey(header["kid"]).N.Bytes(), KeyID: header["kid"].(string)}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := hmacSigner.Sign([]byte(`{"jti":"AT.x"}`))
	if err != nil {
		t.Fatal(err)
	}
	hs256, _ := signed.CompactSerialize()
	other := start(t)
	foreign := other.browser().tokens("ada@acme.test")["access_token"].(string)
	for name, token := range map[string]string{
		"NT01 HS256 with the public key": hs256,
		"NT02 alg none":                  b64([]byte(`{"alg":"none"}`)) + "." + parts[1] + ".",
		"NT02 alg nOnE":                  b64([]byte(`{"alg":"nOnE"}`)) + "." + parts[1] + ".",
		"signature missing":              parts[0] + "." + parts[1] + ".",
		"payload changed":                parts[0] + "." + b64([]byte(`{"jti":"AT.x"}`)) + "." + parts[2],
		"NT04 five parts":                good + ".x.y",
		"another server's token":         foreign,
	} {
		t.Run(name, func(t *testing.T) { b.userinfoExpect(t, token, errAccessInvalid) })
	}
}

func TestLogout(t *testing.T) {
	w := start(t)
	b := w.browser()
	got := b.tokens("ada@acme.test")
	q := url.Values{"id_token_hint": {got["id_token"].(string)}, "post_logout_redirect_uri": {webLoggedOut}, "state": {"bye"}}
	logout := func(b *browser, q url.Values) answer { return b.get(w.url("/v1/logout?" + q.Encode())) }

	for name, tc := range map[string]struct {
		q   url.Values
		row errorRow
	}{
		"hint missing":            {with(q, "id_token_hint", ""), errHintMissing},
		"hint junk":               {with(q, "id_token_hint", "junk"), errHint},
		"hint is access token":    {with(q, "id_token_hint", got["access_token"].(string)), errHint},
		"target not registered":   {with(q, "post_logout_redirect_uri", webLoggedOut+"x"), errPostLogout},
		"target without slash":    {with(q, "post_logout_redirect_uri", strings.TrimSuffix(webLoggedOut, "/")), errPostLogout},
		"somebody else's session": {with(q, "id_token_hint", w.browser().tokens("ivan@acme.test")["id_token"].(string)), errHintSession},
	} {
		t.Run(name, func(t *testing.T) {
			a := logout(b, tc.q)
			if a.status != http.StatusBadRequest || a.header.Get("Location") != "" || !strings.Contains(a.body, strings.ReplaceAll(tc.row.Text, "'", "&#39;")) {
				t.Fatalf("%d %s", a.status, a.body)
			}
			if b.authorize(w.request()).location(t).Query().Get("code") == "" {
				t.Error("the session ended")
			}
		})
	}

	w.clock.advance(90 * time.Minute) // the hint has expired, the session has not
	out := logout(b, q)
	if target := out.location(t); target.String() != webLoggedOut+"?state=bye" {
		t.Errorf("target %s", target)
	}
	if target := b.authorize(w.request()).location(t); target.Path != signInPath {
		t.Errorf("still signed in: %s", target)
	}
	if a := logout(b, q); a.location(t).Host != "localhost:8080" {
		t.Error("without a session there is nothing to refuse")
	}
	if a := logout(b, with(q, "post_logout_redirect_uri", "")); a.status != 200 || !strings.Contains(a.body, "Signed out") {
		t.Errorf("%d", a.status)
	}
	if a := b.refresh(got["refresh_token"].(string)); a.status != 200 {
		t.Errorf("logout revoked the tokens: %s", a.body)
	}
}

func TestKeys(t *testing.T) {
	w := start(t)
	b := w.browser()
	set := func() []any { return b.get(w.url("/v1/keys")).json(t)["keys"].([]any) }
	first := set()
	if len(first) != 2 {
		t.Fatalf("%d keys, expected ACTIVE and NEXT", len(first))
	}
	for _, entry := range first {
		key := entry.(map[string]any)
		if len(key) != 6 || len(key["kid"].(string)) != 43 || key["alg"] != "RS256" || key["use"] != "sig" || key["e"] != "AQAB" {
			t.Errorf("%v", key)
		}
	}
	before := b.tokens("ada@acme.test")
	oldHeader, _ := b.verify(before["access_token"])

	w.s.SignWithNextKey(true)
	nextHeader, _ := b.verify(b.refresh(before["refresh_token"].(string)).json(t)["access_token"])
	w.s.SignWithNextKey(false)
	if nextHeader["kid"] == oldHeader["kid"] {
		t.Error("NEXT did not sign")
	}
	if err := w.s.RotateKeys(); err != nil {
		t.Fatal(err)
	}
	if len(set()) != 3 {
		t.Errorf("%d keys after rotation", len(set()))
	}
	rotated, _ := b.verify(b.refresh(before["refresh_token"].(string)).json(t)["access_token"])
	if rotated["kid"] != nextHeader["kid"] {
		t.Error("NEXT did not become ACTIVE")
	}
	if b.userinfo(before["access_token"]).status != 200 {
		t.Error("a token of the expired key is refused")
	}
	w.s.ForgetExpiredKeys()
	b.userinfoExpect(t, before["access_token"], errAccessInvalid)
	if len(set()) != 2 {
		t.Errorf("%d keys", len(set()))
	}
}

func TestRevokeAllAndEndSessions(t *testing.T) {
	w := start(t)
	b := w.browser()
	got := b.tokens("ada@acme.test")
	w.s.EndSessions()
	if b.authorize(w.request()).location(t).Path != signInPath || b.userinfo(got["access_token"]).status != 200 {
		t.Error("EndSessions should end sessions and nothing else")
	}
	w.s.RevokeAll()
	b.userinfoExpect(t, got["access_token"], errAccessRevoked)
	b.refresh(got["refresh_token"].(string)).expect(t, errRefreshToken)
}

func TestAddUser(t *testing.T) {
	w := start(t)
	if err := w.s.AddUser(User{Login: "zoe@acme.test", Given: "Zoe", Family: "Zimt", Groups: []string{"Acme Zoo"}}); err != nil {
		t.Fatal(err)
	}
	b := w.browser()
	if _, access := b.verify(b.tokens("zoe@acme.test")["access_token"]); !sameSet(access["roles"].([]any), []any{"Acme Zoo"}) {
		t.Errorf("%v", access["roles"])
	}
	if w.s.AddUser(User{Login: "ZOE@acme.test"}) == nil || w.s.AddUser(User{}) == nil || w.s.SetUserGroups("eve@acme.test") == nil {
		t.Error("a clash, an empty or an unknown login passed")
	}
}
