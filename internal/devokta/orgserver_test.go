package devokta

import (
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/portico-iam/portico/internal/devokta/world"
)

// keyHolder proves itself by key, as `portico okta` does.
type keyHolder struct {
	*browser
	app ServiceApp
	key *ecdsa.PrivateKey
	n   int
}

func (w *testbed) holder(app ServiceApp) *keyHolder {
	block, _ := pem.Decode([]byte(app.PrivateKeyPEM))
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		w.Fatal(err)
	}
	return &keyHolder{browser: w.browser(), app: app, key: parsed.(*ecdsa.PrivateKey)}
}

func (k *keyHolder) sign(claims map[string]any, options *jose.SignerOptions, kid string) string {
	k.Helper()
	var key any = jose.JSONWebKey{Key: k.key, KeyID: kid}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, options)
	if err != nil {
		k.Fatal(err)
	}
	payload, _ := json.Marshal(claims)
	signed, err := signer.Sign(payload)
	if err != nil {
		k.Fatal(err)
	}
	out, _ := signed.CompactSerialize()
	return out
}

func (k *keyHolder) tokenURL() string { return k.s.cfg.PublicURL + "/oauth2/v1/token" }

// assertion is a good one, but for change.
func (k *keyHolder) assertion(change map[string]any) string {
	k.n++
	now := k.clock.now()
	claims := map[string]any{
		"iss": k.app.ClientID, "sub": k.app.ClientID, "aud": k.tokenURL(), "jti": fmt.Sprint("a", k.n),
		"iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(),
	}
	for name, value := range change {
		claims[name] = value
	}
	return k.sign(claims, nil, k.app.KeyID)
}

func (k *keyHolder) ask(assertion, scope string, change ...func(*http.Request)) answer {
	k.Helper()
	return k.post(k.tokenURL(), url.Values{
		"grant_type": {world.GrantClient}, "scope": {scope}, "client_assertion": {assertion},
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
	}, change...)
}

// proof is a DPoP proof, but for change.
func (k *keyHolder) proof(method, target string, change map[string]any) func(*http.Request) {
	k.n++
	claims := map[string]any{"htm": method, "htu": target, "iat": k.clock.now().Unix(), "jti": fmt.Sprint("p", k.n)}
	for name, value := range change {
		claims[name] = value
	}
	options := (&jose.SignerOptions{EmbedJWK: true}).WithType("dpop+jwt")
	return func(r *http.Request) { r.Header.Set("DPoP", k.sign(claims, options, "")) }
}

func TestSetupAppMayDoEverything(t *testing.T) {
	w := start(t)
	k := w.holder(w.s.World().SetupApp)
	got := k.ask(k.assertion(nil), "okta.apps.manage okta.groups.read")
	body := got.json(t)
	if got.status != 200 || body["token_type"] != "Bearer" || body["scope"] != "okta.apps.manage okta.groups.read" || body["expires_in"] != 3600.0 {
		t.Fatalf("%d %s", got.status, got.body)
	}
	a := &api{k.browser, "Bearer " + body["access_token"].(string)}
	a.must(200, "POST", "/api/v1/apps", fmt.Sprintf(newWebApp, "Mine"))
	a.mustList(200, "/api/v1/groups")
}

func (a *api) mustList(status int, path string) {
	a.Helper()
	if got := a.call("GET", path, ""); got.status != status {
		a.Fatalf("%d %s", got.status, got.body)
	}
}

func TestClientAssertions(t *testing.T) {
	w := start(t)
	k := w.holder(w.s.World().SetupApp)
	now := w.clock.now()
	other := w.holder(ServiceApp{ClientID: k.app.ClientID, KeyID: k.app.KeyID, PrivateKeyPEM: mustKey(t).pem()})
	for name, tc := range map[string]struct {
		assertion string
		row       errorRow
	}{
		"audience is the issuer":      {k.assertion(map[string]any{"aud": w.s.cfg.PublicURL}), errAssertionAudience},
		"audience of another server":  {k.assertion(map[string]any{"aud": w.url("/v1/token")}), errAssertionAudience},
		"expired":                     {k.assertion(map[string]any{"exp": now.Unix()}), errAssertionExpired},
		"no expiry":                   {k.assertion(map[string]any{"exp": 0}), errAssertionExpired},
		"expires in more than 1 hour": {k.assertion(map[string]any{"exp": now.Add(time.Hour + time.Second).Unix()}), errAssertionTooLong},
		"issued in the future":        {k.assertion(map[string]any{"iat": now.Add(2 * time.Minute).Unix()}), errAssertionFuture},
		"another key":                 {other.assertion(nil), errAssertionSignature},
		"unknown kid":                 {k.sign(map[string]any{"iss": k.app.ClientID, "sub": k.app.ClientID}, nil, "nobody"), errAssertionKid},
		"unknown client":              {k.assertion(map[string]any{"iss": "x", "sub": "x"}), errClientID},
		"issuer is not the subject":   {k.assertion(map[string]any{"iss": "x"}), errAuthMethod},
		"client with a secret":        {k.assertion(map[string]any{"iss": "acme-batch", "sub": "acme-batch"}), errAuthMethod},
		"nonsense":                    {"nonsense", errAssertionSignature},
	} {
		t.Run(name, func(t *testing.T) { k.ask(tc.assertion, "okta.apps.read").expect(t, tc.row) })
	}
	t.Run("used twice", func(t *testing.T) {
		assertion := k.assertion(nil)
		if got := k.ask(assertion, "okta.apps.read"); got.status != 200 {
			t.Fatalf("%d %s", got.status, got.body)
		}
		k.ask(assertion, "okta.apps.read").expect(t, errAssertionUsed)
	})
	t.Run("type missing", func(t *testing.T) {
		k.post(k.tokenURL(), url.Values{"grant_type": {world.GrantClient}, "client_assertion": {k.assertion(nil)}}).expect(t, errAuthMethod)
	})
	t.Run("secret at the org server", func(t *testing.T) {
		batch := w.s.World().ServiceClients[0]
		k.post(k.tokenURL(), url.Values{"grant_type": {world.GrantClient}, "scope": {"okta.apps.read"}}, w.basic(batch.ID, batch.Secret)).expect(t, errKeyOnly)
	})
	t.Run("by key at a custom server", func(t *testing.T) {
		got := k.post(w.url("/v1/token"), url.Values{
			"grant_type": {world.GrantClient}, "scope": {"one.api"}, "client_assertion_type": {assertionType},
			"client_assertion": {k.assertion(map[string]any{"aud": w.url("/v1/token")})},
		})
		got.expect(t, world.NoMatchingPolicy) // authenticated, and then in no policy
	})
}

func mustKey(t *testing.T) *setupKey {
	t.Helper()
	key, err := newSetupKey()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// The two gates of okta.md, section 4: the scope must be granted, and the application needs a role.
func TestScopesAndRoles(t *testing.T) {
	w := start(t)
	app, err := w.s.NewServiceApp("Limited", "", false, "okta.groups.read", "okta.apps.manage")
	if err != nil {
		t.Fatal(err)
	}
	k := w.holder(app)
	k.ask(k.assertion(nil), "okta.users.read").expect(t, errNoneGranted)
	k.ask(k.assertion(nil), "okta.nothing.read").expect(t, world.UnknownScope)
	k.ask(k.assertion(nil), "openid").expect(t, errOpenIDClient)
	k.ask(k.assertion(nil), "").expect(t, errNoScopes)
	body := k.ask(k.assertion(nil), "okta.groups.read okta.users.read okta.apps.manage").json(t)
	if body["scope"] != "okta.groups.read okta.apps.manage" {
		t.Errorf("%v", body)
	}
	a, admin := &api{k.browser, "Bearer " + body["access_token"].(string)}, w.api()
	a.call("GET", "/api/v1/groups", "").refusedWith(t, 403, "E0000006", "")
	roles := "/oauth2/v1/clients/" + app.ClientID + "/roles"
	role := admin.must(201, "POST", roles, `{"type":"USER_ADMIN"}`)
	a.mustList(200, "/api/v1/groups")
	got := a.call("POST", "/api/v1/groups", `{"profile":{"name":"x"}}`)
	got.refusedWith(t, 403, "E0000006", "")
	if challenge := got.header.Get("WWW-Authenticate"); !strings.Contains(challenge, `scope="okta.groups.manage"`) || !strings.Contains(challenge, `error="insufficient_scope"`) {
		t.Errorf("challenge %q", challenge)
	}
	a.call("POST", "/api/v1/apps", fmt.Sprintf(newWebApp, "x")).refusedWith(t, 403, "E0000006", "") // the scope, but not the role
	admin.must(200, "POST", "/api/v1/apps/"+app.ClientID+"/grants", `{"scopeId":"okta.users.read","issuer":"`+w.s.cfg.PublicURL+`"}`)
	if got := k.ask(k.assertion(nil), "okta.users.read"); got.status != 200 {
		t.Errorf("%d %s", got.status, got.body)
	}
	admin.call("POST", "/api/v1/apps/"+app.ClientID+"/grants", `{"scopeId":"okta.x","issuer":"`+w.s.cfg.PublicURL+`"}`).refusedWith(t, 400, "E0000001", "okta.x")
	admin.call("POST", "/api/v1/apps/"+app.ClientID+"/grants", `{"scopeId":"okta.users.read","issuer":"https://other"}`).refusedWith(t, 400, "E0000001", "issuer")
	admin.must(204, "DELETE", roles+"/"+role.id(), "")
	a.call("GET", "/api/v1/groups", "").refusedWith(t, 403, "E0000006", "")
	w.clock.advance(time.Hour)
	a.call("GET", "/api/v1/groups", "").refusedWith(t, 401, "E0000011", "")
	custom := w.browser().tokens("ada@acme.test")["access_token"].(string)
	a.call("GET", "/api/v1/groups", "", func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+custom) }).refusedWith(t, 401, "E0000011", "")
}

func TestDPoP(t *testing.T) {
	w := start(t)
	app, err := w.s.NewServiceApp("Proof", world.SuperAdmin, true, "okta.groups.read")
	if err != nil {
		t.Fatal(err)
	}
	k := w.holder(app)
	ask := func(change map[string]any) answer {
		return k.ask(k.assertion(nil), "okta.groups.read", k.proof("POST", k.tokenURL(), change))
	}
	k.ask(k.assertion(nil), "okta.groups.read").expect(t, errProofMissing)
	first := ask(nil)
	first.expect(t, errProofNonce)
	nonce := first.header.Get("Dpop-Nonce")
	if nonce == "" {
		t.Fatal("no nonce")
	}
	for name, change := range map[string]map[string]any{
		"method":         {"htm": "GET"},
		"URL":            {"htu": strings.Replace(k.tokenURL(), "/oauth2", "//oauth2", 1)},
		"URL with query": {"htu": k.tokenURL() + "?x=1"},
		"old":            {"iat": w.clock.now().Add(-time.Hour).Unix()},
		"future":         {"iat": w.clock.now().Add(time.Hour).Unix()},
		"no jti":         {"jti": ""},
	} {
		t.Run(name, func(t *testing.T) {
			change["nonce"] = nonce
			if got := ask(change).json(t); got["error"] != "invalid_dpop_proof" {
				t.Errorf("%v", got)
			}
		})
	}
	body := ask(map[string]any{"nonce": nonce}).json(t)
	if body["token_type"] != "DPoP" {
		t.Fatalf("%v", body)
	}
	token := body["access_token"].(string)
	target := w.s.cfg.PublicURL + "/api/v1/groups"
	a := &api{k.browser, "DPoP " + token}
	with := func(change map[string]any) answer {
		if change["ath"] == nil {
			change["ath"] = digest(token)
		}
		return a.call("GET", "/api/v1/groups", "", k.proof("GET", target, change))
	}
	if got := with(map[string]any{}); got.status != 200 {
		t.Errorf("%d %s", got.status, got.body)
	}
	a.call("GET", "/api/v1/groups", "").refusedWith(t, 401, "E0000011", "")
	with(map[string]any{"ath": "x"}).refusedWith(t, 401, "E0000011", "")
	if got := with(map[string]any{"jti": "once"}); got.status != 200 {
		t.Errorf("%d %s", got.status, got.body)
	}
	again := with(map[string]any{"jti": "once"})
	again.refusedWith(t, 401, "E0000011", "")
	if challenge := again.header.Get("WWW-Authenticate"); !strings.HasPrefix(challenge, "DPoP algs=") || !strings.Contains(challenge, "invalid_dpop_proof") {
		t.Errorf("challenge %q", challenge)
	}
	bearer := &api{k.browser, "Bearer " + token}
	bearer.call("GET", "/api/v1/groups", "").refusedWith(t, 401, "E0000011", "")
	thief := w.holder(ServiceApp{app.ClientID, app.KeyID, mustKey(t).pem()})
	a.call("GET", "/api/v1/groups", "", thief.proof("GET", target, map[string]any{"ath": digest(token)})).refusedWith(t, 401, "E0000011", "")
}

// A web application may bind its tokens too, at any authorization server.
func TestDPoPAtACustomServer(t *testing.T) {
	w := start(t)
	a := w.api()
	app := a.must(200, "GET", "/api/v1/apps/"+w.s.World().WebClient.ID, "")
	app["settings"].(map[string]any)["oauthClient"].(map[string]any)["dpop_bound_access_tokens"] = true
	a.must(200, "PUT", "/api/v1/apps/"+app.id(), app.encode())
	k := w.holder(w.s.World().SetupApp) // for its key
	code := w.exchange(k.code(w.request(), "ada@acme.test"))
	k.token(code).expect(t, errProofMissing)
	prove := func(change map[string]any) answer {
		return k.post(w.url("/v1/token"), code, w.webAuth(), k.proof("POST", w.url("/v1/token"), change))
	}
	nonce := prove(nil).header.Get("Dpop-Nonce")
	body := prove(map[string]any{"nonce": nonce}).json(t)
	token, _ := body["access_token"].(string)
	if _, access := k.verify(token); body["token_type"] != "DPoP" || access["cnf"] == nil {
		t.Fatalf("%v", body)
	}
	target := w.url("/v1/userinfo")
	k.userinfoExpect(t, token, errProofMissing)
	got := k.post(target, nil, k.proof("POST", target, map[string]any{"ath": digest(token)}), func(r *http.Request) { r.Header.Set("Authorization", "DPoP "+token) })
	if got.status != 200 {
		t.Errorf("%d %s", got.status, got.body)
	}
	if seen := k.introspect(token, w.webAuth()); seen["token_type"] != "DPoP" {
		t.Errorf("%v", seen)
	}
}

func TestOrgServerSignIn(t *testing.T) {
	w := start(t)
	b := w.browser().on("")
	request := with(w.request(), "scope", "openid profile email groups offline_access")
	got := b.token(w.exchange(b.code(request, "otto@acme.test"))).json(t)
	_, id := b.verify(got["id_token"])
	if id["iss"] != w.s.cfg.PublicURL || !reflect.DeepEqual(id["groups"], []any{"Acme Audit", "Acme Verification"}) || id["given_name"] != "Otto" {
		t.Errorf("%v", id)
	}
	access := strings.Split(got["access_token"].(string), ".")
	var header map[string]any
	decode(t, unbase64(access[0]), &header)
	if header["typ"] != "application/okta-internal-at+jwt" {
		t.Errorf("%v", header)
	}
	if keys := b.get(b.url("/v1/keys")).body; strings.Contains(keys, header["kid"].(string)) {
		t.Error("the key of org access tokens is published")
	}
	var claims map[string]any
	decode(t, unbase64(access[1]), &claims)
	if claims["aud"] != w.s.cfg.PublicURL || claims["roles"] != nil {
		t.Errorf("%v", claims)
	}
	if info := b.userinfo(got["access_token"]).json(t); !reflect.DeepEqual(info["groups"], id["groups"]) {
		t.Errorf("%v", info)
	}
	if again := b.refresh(got["refresh_token"].(string)); again.status != 200 {
		t.Errorf("%d %s", again.status, again.body)
	}
	doc := b.get(w.s.cfg.PublicURL + "/.well-known/openid-configuration").json(t)
	if doc["issuer"] != w.s.cfg.PublicURL || doc["token_endpoint"] != b.url("/v1/token") || !strings.Contains(fmt.Sprint(doc["scopes_supported"]), "groups") {
		t.Errorf("%v", doc)
	}
	if oauth := b.get(w.s.cfg.PublicURL + "/.well-known/oauth-authorization-server").json(t); oauth["jwks_uri"] != nil || !strings.Contains(fmt.Sprint(oauth["scopes_supported"]), "okta.apps.manage") {
		t.Errorf("%v", oauth)
	}
	out := b.get(b.url("/v1/logout?" + url.Values{"id_token_hint": {got["id_token"].(string)}, "post_logout_redirect_uri": {webLoggedOut}}.Encode()))
	if out.location(t).String() != webLoggedOut {
		t.Errorf("%d", out.status)
	}
}

func unbase64(s string) string {
	decoded, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		return ""
	}
	return string(decoded)
}

func TestGroupsClaimOfTheApp(t *testing.T) {
	w := start(t)
	a := w.api()
	path := "/api/v1/internal/apps/" + w.s.World().WebClient.ID + "/settings/oauth/idToken"
	got := a.must(200, "POST", path, `{"valueType":"GROUPS","groupFilterType":"STARTS_WITH","issuerMode":"ORG_URL","name":"groups","value":"Acme A"}`)
	if got["groupFilterType"] != "STARTS_WITH" {
		t.Errorf("%v", got)
	}
	b := w.browser().on("")
	body := b.token(w.exchange(b.code(with(w.request(), "scope", "openid groups"), "otto@acme.test"))).json(t)
	if _, id := b.verify(body["id_token"]); !reflect.DeepEqual(id["groups"], []any{"Acme Audit"}) {
		t.Errorf("%v", id)
	}
	a.call("POST", path, `{"valueType":"GROUPS","groupFilterType":"X","name":"groups","value":"y"}`).refusedWith(t, 400, "E0000001", "")
}
