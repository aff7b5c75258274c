package devokta

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/devokta/world"
)

const grants = "authorization_code, refresh_token, client_credentials"

func TestTokenErrors(t *testing.T) {
	w := start(t)
	b := w.browser()
	web := w.s.World().WebClient
	batch := w.s.World().ServiceClients[0]
	service := url.Values{"grant_type": {world.GrantClient}, "scope": {"one.api"}}
	fresh := func() url.Values {
		return w.exchange(b.code(with(w.request(), "prompt", "login"), "ivan@acme.test"))
	}
	raw := func(header string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set("Authorization", header) }
	}
	none := func(*http.Request) {}
	for name, tc := range map[string]struct {
		form url.Values
		auth func(*http.Request)
		row  errorRow
		args []any
	}{
		"token_request_missing_grant_type":        {url.Values{}, w.webAuth(), errGrantMissing, []any{grants}},
		"unsupported_grant_type password":         {url.Values{"grant_type": {"password"}}, w.webAuth(), errGrantUnsupported, []any{grants}},
		"unsupported_grant_type exchange":         {url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:token-exchange"}}, w.webAuth(), errGrantUnsupported, []any{grants}},
		"unauthorized_client web":                 {service, w.webAuth(), errGrantNotAllowed, []any{"authorization_code, refresh_token"}},
		"unauthorized_client service":             {fresh(), w.basic(batch.ID, batch.Secret), errGrantNotAllowed, []any{"client_credentials"}},
		"missing_client_credentials":              {service, none, errNoCredentials, nil},
		"invalid_client_id basic":                 {service, w.basic("nobody", "x"), errClientID, nil},
		"invalid_client_id post":                  {with(service, "client_id", "nobody", "client_secret", "x"), none, errClientID, nil},
		"invalid_client_secret basic":             {service, w.basic(batch.ID, "x"), errClientSecret, nil},
		"invalid_client_secret post":              {with(service, "client_id", batch.ID, "client_secret", "x"), none, errClientSecret, nil},
		"another client's secret":                 {service, w.basic(batch.ID, web.Secret), errClientSecret, nil},
		"invalid_token_endpoint_auth_method bare": {with(service, "client_id", batch.ID), none, errAuthMethod, nil},
		"public client with a secret":             {with(w.exchange("x"), "client_id", "acme-cli", "client_secret", "x"), none, errAuthMethod, nil},
		"public client by basic":                  {w.exchange("x"), w.basic("acme-cli", ""), errAuthMethod, nil},
		"assertion of a secret client":            {with(service, "client_id", batch.ID, "client_assertion", "x"), none, errAuthMethod, nil},
		"client ids differ":                       {with(service, "client_id", "acme-wrpr"), w.basic(batch.ID, batch.Secret), errAuthMethod, nil},
		"multiple_client_credentials":             {with(service, "client_id", batch.ID, "client_secret", batch.Secret), w.basic(batch.ID, batch.Secret), errManyCredentials, nil},
		"multiple_client_credentials assertion":   {with(service, "client_assertion", "x"), w.basic(batch.ID, batch.Secret), errManyCredentials, nil},
		"invalid_basic_auth_creds":                {service, raw("Basic !!!"), errBasic, nil},
		"invalid_basic_auth_creds bearer":         {service, raw("Bearer x"), errBasic, nil},
		"invalid_basic_auth_creds escape":         {service, w.basic("%zz", "x"), errBasic, nil},
		"missing parameter code":                  {with(fresh(), "code", ""), w.webAuth(), errParameterMissing, []any{"code"}},
		"missing parameter redirect_uri":          {with(fresh(), "redirect_uri", ""), w.webAuth(), errParameterMissing, []any{"redirect_uri"}},
		"missing parameter refresh_token":         {url.Values{"grant_type": {world.GrantRefresh}}, w.webAuth(), errParameterMissing, []any{"refresh_token"}},
		"invalid_authorization_code":              {w.exchange("nonsense"), w.webAuth(), errCode, nil},
		"mismatched_redirect_uri":                 {with(fresh(), "redirect_uri", "http://localhost:8080/with?query=1"), w.webAuth(), errCodeRedirect, nil},
		"mismatched_client":                       {with(fresh(), "client_id", "acme-cli"), none, errCodeClient, nil},
		"NT24 pkce_missing_verifier":              {with(fresh(), "code_verifier", ""), w.webAuth(), errNoVerifier, nil},
		"NT24 pkce_verification_failed":           {with(fresh(), "code_verifier", strings.Repeat("x", 43)), w.webAuth(), errVerifier, nil},
		"NT24 challenge as verifier":              {with(fresh(), "code_verifier", challengeOf(verifier)), w.webAuth(), errVerifier, nil},
		"invalid_refresh_token":                   {url.Values{"grant_type": {world.GrantRefresh}, "refresh_token": {"x"}}, w.webAuth(), errRefreshToken, nil},
		"no_default_scopes":                       {with(service, "scope", ""), w.basic(batch.ID, batch.Secret), world.NoDefaultScopes, nil},
		"openid_not_allowed_client_creds":         {with(service, "scope", "openid one.api"), w.basic(batch.ID, batch.Secret), errOpenIDClient, nil},
		"no_matching_scope":                       {with(service, "scope", "two.api"), w.basic(batch.ID, batch.Secret), world.UnknownScope, nil},
	} {
		t.Run(name, func(t *testing.T) {
			got := b.post(w.url("/v1/token"), tc.form, tc.auth)
			got.expect(t, tc.row, tc.args...)
			if got.header.Get("Cache-Control") != "no-cache, no-store" {
				t.Errorf("cacheable: %q", got.header.Get("Cache-Control"))
			}
		})
	}
	t.Run("client_credentials_in_query", func(t *testing.T) {
		for _, query := range []string{"client_id=x", "client%5fsecret=x", "a=%zz&client_assertion=x"} {
			b.post(w.url("/v1/token?"+query), service, w.basic(batch.ID, batch.Secret)).expect(t, errCredentialsInURL)
		}
	})
	t.Run("duplicate_oauth_params", func(t *testing.T) {
		for name := range service {
			form := with(service)
			form[name] = append(form[name], form[name][0])
			b.post(w.url("/v1/token"), form, w.basic(batch.ID, batch.Secret)).expect(t, errDuplicate)
		}
	})
	t.Run("the query is not part of the form", func(t *testing.T) {
		b.post(w.url("/v1/token?grant_type=client_credentials&scope=one.api"), nil, w.basic(batch.ID, batch.Secret)).expect(t, errGrantMissing, grants)
	})
	t.Run("no_matching_policy", func(t *testing.T) {
		w.s.mu.Lock()
		w.s.world.Servers[0].Policies[2].Rules[0].Conditions.GrantTypes.Include = []string{world.GrantCode}
		w.s.mu.Unlock()
		b.post(w.url("/v1/token"), service, w.basic(batch.ID, batch.Secret)).expect(t, world.NoMatchingPolicy)
	})
}

func TestClientAuthenticatesByBody(t *testing.T) {
	w := start(t)
	c := w.s.World().ServiceClients[0]
	form := url.Values{"grant_type": {world.GrantClient}, "scope": {"one.api"}, "client_id": {c.ID}, "client_secret": {c.Secret}}
	if got := w.browser().post(w.url("/v1/token"), form); got.status != 200 {
		t.Fatalf("%d %s", got.status, got.body)
	}
}

func TestTokenBodyLimits(t *testing.T) {
	w := start(t)
	b := w.browser()
	b.post(w.url("/v1/token"), url.Values{"x": {strings.Repeat("a", maxBody)}}, w.webAuth()).expect(t, errTooLong)
	b.post(w.url("/v1/token"), url.Values{"code": {strings.Repeat("a", maxValue+1)}}, w.webAuth()).expect(t, errTooLong)
	got := b.post(w.url("/v1/token"), url.Values{}, func(r *http.Request) { r.Header.Set("Content-Type", "application/json") })
	if got.status != 400 || got.json(t)["errorCode"] != "E0000021" {
		t.Errorf("JSON body: %d %s", got.status, got.body)
	}
}

func TestCodeIsUsedOnceAndItsReuseRevokes(t *testing.T) {
	w := start(t)
	b := w.browser()
	form := w.exchange(b.code(w.request(), "ada@acme.test"))
	first := b.token(form).json(t)
	if b.userinfo(first["access_token"]).status != 200 {
		t.Fatal("fresh token does not work")
	}
	b.token(form).expect(t, errCode)
	if got := b.userinfo(first["access_token"]); got.status != http.StatusUnauthorized {
		t.Errorf("access token survived: %d", got.status)
	}
	b.refresh(first["refresh_token"].(string)).expect(t, errRefreshToken)
}

func TestCodeExpires(t *testing.T) {
	w := start(t)
	b := w.browser()
	form := w.exchange(b.code(w.request(), "ada@acme.test"))
	w.clock.advance(codeLifetime)
	b.token(form).expect(t, errCode)
}

func TestCodeSurvivesAForgottenParameterButNotAWrongVerifier(t *testing.T) {
	w := start(t)
	b := w.browser()
	form := w.exchange(b.code(w.request(), "ada@acme.test"))
	b.token(with(form, "code_verifier", "")).expect(t, errNoVerifier)
	b.token(with(form, "code_verifier", strings.Repeat("y", 43))).expect(t, errVerifier)
	b.token(form).expect(t, errCode)
}

// NT24: a verifier for a code that was issued without a challenge means that the challenge was stripped.
func TestNT24_StrippedChallenge(t *testing.T) {
	w := start(t)
	w.s.mu.Lock()
	no := false
	w.s.world.Apps[0].Credentials.OAuthClient.PKCERequired = &no
	w.s.mu.Unlock()
	b := w.browser()
	plain := with(w.request(), "code_challenge", "", "code_challenge_method", "")
	b.token(w.exchange(b.code(plain, "ada@acme.test"))).expect(t, errVerifierUnasked)
	if got := b.token(with(w.exchange(b.code(with(plain, "prompt", "login"), "ada@acme.test")), "code_verifier", "")); got.status != 200 {
		t.Errorf("an application without PKCE: %d %s", got.status, got.body)
	}
}

func TestNoRefreshTokenWithoutOfflineAccess(t *testing.T) {
	w := start(t)
	b := w.browser()
	got := b.token(w.exchange(b.code(with(w.request(), "scope", "openid"), "ada@acme.test"))).json(t)
	if got["refresh_token"] != nil {
		t.Error("there is one")
	}
	got = b.token(w.exchange(b.code(with(w.request(), "scope", "one.api", "prompt", "login"), "ada@acme.test"))).json(t)
	if got["id_token"] != nil {
		t.Error("ID token without openid")
	}
	b.userinfoExpect(t, got["access_token"], errAccessScopes)
}

func TestTooManyGroups(t *testing.T) {
	w := start(t)
	b := w.browser()
	var groups []string
	for i := range 101 {
		groups = append(groups, "Acme "+strings.Repeat("x", i))
	}
	if err := w.s.SetUserGroups("nora@acme.test", groups...); err != nil {
		t.Fatal(err)
	}
	b.token(w.exchange(b.code(w.request(), "nora@acme.test"))).expect(t, world.TooManyGroups)
}

func TestAccessTokenLifetimeIsTheRules(t *testing.T) {
	w := start(t)
	w.s.SetAccessTokenLifetime(5 * time.Minute)
	b := w.browser()
	got := b.tokens("ada@acme.test")
	if got["expires_in"] != 300.0 {
		t.Errorf("expires_in %v", got["expires_in"])
	}
	w.clock.advance(5 * time.Minute)
	b.userinfoExpect(t, got["access_token"], errAccessExpired)
}
