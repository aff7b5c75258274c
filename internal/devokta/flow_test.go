package devokta

import (
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/devokta/world"
)

func TestCodeFlowForEveryUser(t *testing.T) {
	w := start(t)
	for _, tc := range []struct {
		login, given, family string
		roles                []any
	}{
		{"ada@acme.test", "Ada", "Admin", []any{"ONE_STS_ADMIN"}},
		{"ivan@acme.test", "Ivan", "Issuer", []any{"Acme Issuance"}},
		{"vera@acme.test", "Vera", "Verifier", []any{"Acme Verification"}},
		{"otto@acme.test", "Otto", "Auditor", []any{"Acme Audit", "Acme Verification"}},
		{"nora@acme.test", "Nora", "Nobody", nil},
	} {
		t.Run(tc.login, func(t *testing.T) {
			b := w.browser()
			got := b.tokens(tc.login)
			if got["token_type"] != "Bearer" || got["expires_in"] != 3600.0 || got["scope"] != "openid profile email offline_access" {
				t.Errorf("answer: %v", got)
			}
			header, access := b.verify(got["access_token"])
			if len(header) != 2 || header["alg"] != "RS256" { // kid and alg, no typ
				t.Errorf("header %v", header)
			}
			uid := world.ID("00u", tc.login)
			now := float64(w.clock.now().Unix())
			for name, want := range map[string]any{
				"ver": 1.0, "iss": w.s.Issuer(), "aud": Audience, "cid": w.s.World().WebClient.ID, "uid": uid, "sub": tc.login,
				"iat": now, "exp": now + 3600, "auth_time": now, "scp": []any{"openid", "profile", "email", "offline_access"},
			} {
				if !reflect.DeepEqual(access[name], want) {
					t.Errorf("access token %s = %v, expected %v", name, access[name], want)
				}
			}
			roles, present := access["roles"]
			if present != (tc.roles != nil) || present && !sameSet(roles.([]any), tc.roles) {
				t.Errorf("roles %v, expected %v", roles, tc.roles)
			}
			if !strings.HasPrefix(access["jti"].(string), "AT.") || !strings.Contains(access["jti"].(string), ".oar") {
				t.Errorf("jti %v", access["jti"])
			}
			for _, name := range []string{"typ", "scope", "azp", "client_id", "nbf", "given_name"} {
				if _, ok := access[name]; ok {
					t.Errorf("access token has %s", name)
				}
			}
			checkIdentity(t, b, got, tc.login, tc.given+" "+tc.family)
			checkUserinfo(t, b, got, tc.given, tc.family)
		})
	}
}

func checkIdentity(t *testing.T, b *browser, got map[string]any, login, name string) {
	t.Helper()
	_, id := b.verify(got["id_token"])
	for claim, want := range map[string]any{
		"sub": world.ID("00u", login), "aud": b.s.World().WebClient.ID, "nonce": "n-1", "name": name, "preferred_username": login,
		"email": login, "amr": []any{"pwd"}, "idp": b.s.world.OrgID, "iss": b.s.Issuer(), "ver": 1.0,
		"at_hash": accessHash(got["access_token"].(string)), "auth_time": float64(b.clock.now().Unix()),
	} {
		if !reflect.DeepEqual(id[claim], want) {
			t.Errorf("ID token %s = %v, expected %v", claim, id[claim], want)
		}
	}
	for _, claim := range []string{"given_name", "family_name", "roles", "email_verified"} {
		if _, ok := id[claim]; ok {
			t.Errorf("ID token is not thin: it has %s", claim)
		}
	}
}

func checkUserinfo(t *testing.T, b *browser, got map[string]any, given, family string) {
	t.Helper()
	info := b.userinfo(got["access_token"])
	body := info.json(t)
	_, id := b.verify(got["id_token"])
	if info.status != http.StatusOK || body["given_name"] != given || body["family_name"] != family || body["sub"] != id["sub"] {
		t.Errorf("userinfo: %d %s", info.status, info.body)
	}
}

func (b *browser) userinfo(token any) answer {
	b.Helper()
	return b.post(b.url("/v1/userinfo"), nil, func(r *http.Request) { r.Header.Set("Authorization", fmt.Sprint("Bearer ", token)) })
}

func sameSet(a, b []any) bool {
	count := map[any]int{}
	for _, v := range a {
		count[v]++
	}
	for _, v := range b {
		count[v]--
	}
	for _, n := range count {
		if n != 0 {
			return false
		}
	}
	return true
}

func TestUnassignedUserIsRefusedByRedirect(t *testing.T) {
	w := start(t)
	got := w.browser().signIn(w.request(), "uma@acme.test").location(t)
	if q := got.Query(); q.Get("error") != "access_denied" || q.Get("error_description") != world.NotAssigned.Text || q.Get("state") != "st-1" {
		t.Fatalf("%v", q)
	}
	if !strings.Contains(got.RawQuery, "User+is+not+assigned") {
		t.Errorf("blanks are not plus signs: %s", got.RawQuery)
	}
}

func TestSecondLoginDoesNotAsk(t *testing.T) {
	w := start(t)
	b := w.browser()
	b.tokens("ada@acme.test")
	if got := b.authorize(w.request()).location(t); got.Query().Get("code") == "" {
		t.Fatalf("asked again: %s", got)
	}
	for name, request := range map[string]url.Values{
		"prompt=login": with(w.request(), "prompt", "login"),
		"max_age":      with(w.request(), "max_age", "60"),
	} {
		w.clock.advance(61 * time.Second)
		if got := b.authorize(request).location(t); got.Path != signInPath {
			t.Errorf("%s did not ask: %s", name, got)
		}
	}
	w.clock.advance(sessionIdle)
	if got := b.authorize(w.request()).location(t); got.Path != signInPath {
		t.Errorf("idle session still lives: %s", got)
	}
}

func TestPromptNone(t *testing.T) {
	w := start(t)
	b := w.browser()
	silent := with(w.request(), "prompt", "none")
	expectRedirectError(t, b.authorize(silent), errLoginRequired)
	b.tokens("ada@acme.test")
	if got := b.authorize(silent).location(t).Query(); got.Get("code") == "" {
		t.Fatalf("signed in, but %v", got)
	}
	w.clock.advance(time.Minute)
	expectRedirectError(t, b.authorize(with(silent, "max_age", "10")), errSignOnRequired)
}

func expectRedirectError(t *testing.T, a answer, row errorRow, args ...any) {
	t.Helper()
	target := a.location(t)
	q := target.Query()
	if target.Path != "/.apisix/redirect" || q.Get("error") != row.Error || q.Get("error_description") != refuse(row, args...).Text {
		t.Fatalf("got %s, expected %s %q", target, row.Error, refuse(row, args...).Text)
	}
}

func TestSessionIDChangesAtEverySignIn(t *testing.T) {
	w := start(t)
	b := w.browser()
	b.tokens("ada@acme.test")
	before := b.cookie(sessionCookie)
	b.code(with(w.request(), "prompt", "login"), "ivan@acme.test")
	if after := b.cookie(sessionCookie); before == "" || before == after {
		t.Errorf("session id %q did not change", before)
	}
	if w.s.sessions.len() != 1 {
		t.Errorf("the old session survived: %d", w.s.sessions.len())
	}
}

func (b *browser) cookie(name string) string {
	u, _ := url.Parse(b.s.cfg.PublicURL)
	for _, c := range b.client.Jar.Cookies(u) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

func TestResponseModes(t *testing.T) {
	w := start(t)
	b := w.browser()
	b.tokens("ada@acme.test")
	if got := b.authorize(with(w.request(), "response_mode", "fragment")).location(t); !strings.Contains(got.Fragment, "code=") || got.RawQuery != "" {
		t.Errorf("fragment: %s", got)
	}
	page := b.authorize(with(w.request(), "response_mode", "form_post", "state", `"><script>`))
	if page.status != 200 || !strings.Contains(page.body, `name="code"`) || strings.Contains(page.body, `"><script>`) {
		t.Errorf("form_post: %d %s", page.status, page.body)
	}
	if csp := page.header.Get("Content-Security-Policy"); !strings.Contains(csp, "form-action http://localhost:8080") || strings.Contains(csp, "unsafe") {
		t.Errorf("policy %q", csp)
	}
	if got := b.authorize(with(w.request(), "redirect_uri", "http://localhost:8080/with?query=1")).location(t).Query(); got.Get("query") != "1" || got.Get("code") == "" {
		t.Errorf("query of the redirect URI: %v", got)
	}
}

func TestAuthorizeByPostRedirectsWithSeeOther(t *testing.T) {
	w := start(t)
	got := w.browser().post(w.url("/v1/authorize"), w.request())
	if got.status != http.StatusSeeOther || got.location(t).Path != signInPath {
		t.Fatalf("%d %s", got.status, got.header.Get("Location"))
	}
}

func TestNativeClient(t *testing.T) {
	w := start(t)
	b := w.browser()
	for _, callback := range []string{"http://localhost/callback", "http://localhost:49152/callback"} {
		request := with(w.request(), "client_id", "acme-cli", "redirect_uri", callback, "prompt", "login")
		form := with(w.exchange(b.code(request, "ivan@acme.test")), "redirect_uri", callback, "client_id", "acme-cli")
		got := b.post(w.url("/v1/token"), form)
		if got.status != 200 {
			t.Fatalf("%d %s", got.status, got.body)
		}
		if _, access := b.verify(got.json(t)["access_token"]); access["cid"] != "acme-cli" {
			t.Errorf("cid %v", access["cid"])
		}
	}
}

func TestServiceClients(t *testing.T) {
	w := start(t)
	b := w.browser()
	for i, role := range []string{"Acme Batch", "Acme WRPR"} {
		c := w.s.World().ServiceClients[i]
		got := b.post(w.url("/v1/token"), url.Values{"grant_type": {world.GrantClient}, "scope": {"one.api"}}, w.basic(c.ID, c.Secret))
		body := got.json(t)
		if got.status != 200 || body["scope"] != "one.api" || body["refresh_token"] != nil || body["id_token"] != nil {
			t.Fatalf("%d %s", got.status, got.body)
		}
		_, access := b.verify(body["access_token"])
		if access["sub"] != c.ID || access["cid"] != c.ID || access["uid"] != nil || access["auth_time"] != nil || !reflect.DeepEqual(access["roles"], []any{role}) {
			t.Errorf("%v", access)
		}
	}
}

func TestGroupChangeReachesTheNextToken(t *testing.T) {
	w := start(t)
	b := w.browser()
	first := b.tokens("nora@acme.test")
	if err := w.s.SetUserGroups("nora@acme.test", "Acme Night Shift", "Other", "ONE_STS_ADMIN "); err != nil {
		t.Fatal(err)
	}
	_, access := b.verify(b.refresh(first["refresh_token"].(string)).json(t)["access_token"])
	if !sameSet(access["roles"].([]any), []any{"Acme Night Shift", "ONE_STS_ADMIN "}) {
		t.Errorf("roles %v", access["roles"])
	}
}
