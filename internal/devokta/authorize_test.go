package devokta

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/portico-iam/portico/internal/devokta/world"
)

// Untrusted client or redirect URI: a page, never a redirect.
func TestAuthorizePage(t *testing.T) {
	w := start(t)
	b := w.browser()
	for name, tc := range map[string]struct {
		query string
		row   errorRow
		args  []any
	}{
		"client unknown":        {with(w.request(), "client_id", "nobody").Encode(), errClientID, nil},
		"client missing":        {with(w.request(), "client_id", "").Encode(), errClientID, nil},
		"client twice":          {w.request().Encode() + "&client_id=x", errDuplicate, nil},
		"client is a service":   {with(w.request(), "client_id", "acme-batch").Encode(), errServiceClient, []any{"authorize"}},
		"redirect missing":      {with(w.request(), "redirect_uri", "").Encode(), errMissingRedirect, nil},
		"redirect twice":        {w.request().Encode() + "&redirect_uri=https://evil.test", errDuplicate, nil},
		"redirect other host":   {with(w.request(), "redirect_uri", "https://evil.test/").Encode(), errIllegalRedirect, nil},
		"redirect other case":   {with(w.request(), "redirect_uri", strings.ToUpper(webCallback)).Encode(), errIllegalRedirect, nil},
		"redirect slash":        {with(w.request(), "redirect_uri", webCallback+"/").Encode(), errIllegalRedirect, nil},
		"redirect other port":   {with(w.request(), "redirect_uri", "http://localhost:9/.apisix/redirect").Encode(), errIllegalRedirect, nil},
		"native other path":     {nativeRequest(w, "http://localhost:5000/callback/x"), errIllegalRedirect, nil},
		"native other host":     {nativeRequest(w, "http://127.0.0.1:5000/callback"), errIllegalRedirect, nil},
		"native userinfo":       {nativeRequest(w, "http://localhost@evil.test:5000/callback"), errIllegalRedirect, nil},
		"native query":          {nativeRequest(w, "http://localhost:5000/callback?x=1"), errIllegalRedirect, nil},
		"native empty fragment": {nativeRequest(w, "http://localhost:5000/callback#"), errIllegalRedirect, nil},
		"native port 0":         {nativeRequest(w, "http://localhost:0/callback"), errIllegalRedirect, nil},
		"native port 080":       {nativeRequest(w, "http://localhost:080/callback"), errIllegalRedirect, nil},
		"native https":          {nativeRequest(w, "https://localhost:5000/callback"), errIllegalRedirect, nil},
		"broken encoding":       {"client_id=%zz", errMalformed, nil},
		"control character":     {with(w.request(), "state", "a\nb").Encode(), errMalformed, nil},
		"value too long":        {with(w.request(), "state", strings.Repeat("a", maxValue+1)).Encode(), errTooLong, nil},
		"query too long":        {strings.Repeat("a", maxQuery+1), errTooLong, nil},
		"too many parameters":   {strings.Repeat("a=1&", maxParameters), errTooLong, nil},
	} {
		t.Run(name, func(t *testing.T) {
			got := b.get(w.url("/v1/authorize?" + tc.query))
			text := strings.NewReplacer("'", "&#39;").Replace(refuse(tc.row, tc.args...).Text)
			if got.status != http.StatusBadRequest || got.header.Get("Location") != "" || !strings.Contains(got.body, text) {
				t.Fatalf("%d %q %s", got.status, got.header.Get("Location"), got.body)
			}
			if csp := got.header.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") {
				t.Errorf("policy %q", csp)
			}
		})
	}
}

func nativeRequest(w *testbed, redirect string) string {
	return with(w.request(), "client_id", "acme-cli", "redirect_uri", redirect).Encode()
}

func TestAuthorizeRedirectErrors(t *testing.T) {
	w := start(t)
	b := w.browser()
	for name, tc := range map[string]struct {
		query url.Values
		row   errorRow
		args  []any
	}{
		"state missing":             {with(w.request(), "state", ""), errState, nil},
		"response type missing":     {with(w.request(), "response_type", ""), errResponseType, []any{"code"}},
		"response type implicit":    {with(w.request(), "response_type", "id_token"), errResponseType, []any{"code"}},
		"response type hybrid":      {with(w.request(), "response_type", "code id_token"), errResponseType, []any{"code"}},
		"response mode unknown":     {with(w.request(), "response_mode", "okta_post_message"), errResponseMode, nil},
		"scope missing":             {with(w.request(), "scope", ""), world.NoDefaultScopes, nil},
		"scope unknown":             {with(w.request(), "scope", "openid groups"), world.UnknownScope, nil},
		"scope differs in case":     {with(w.request(), "scope", "OpenID"), world.UnknownScope, nil},
		"profile without openid":    {with(w.request(), "scope", "profile one.api"), errOpenIDRequired, nil},
		"NT24 no challenge":         {with(w.request(), "code_challenge", "", "code_challenge_method", ""), errNoChallenge, nil},
		"NT24 method without it":    {with(w.request(), "code_challenge", ""), errNoChallenge, nil},
		"NT24 plain":                {with(w.request(), "code_challenge_method", "plain"), errChallengeMethod, nil},
		"NT24 method left out":      {with(w.request(), "code_challenge_method", ""), errChallengeMethod, nil},
		"NT24 method other case":    {with(w.request(), "code_challenge_method", "s256"), errChallengeMethod, nil},
		"challenge short":           {with(w.request(), "code_challenge", "abc"), errBadChallenge, nil},
		"challenge not base64url":   {with(w.request(), "code_challenge", strings.Repeat("+", 43)), errBadChallenge, nil},
		"prompt unknown":            {with(w.request(), "prompt", "create"), errPrompt, nil},
		"prompt none and login":     {with(w.request(), "prompt", "none login"), errPrompt, nil},
		"max_age negative":          {with(w.request(), "max_age", "-1"), errMaxAge, nil},
		"max_age beyond 2^31-1":     {with(w.request(), "max_age", "2147483648"), errMaxAge, nil},
		"max_age zero, prompt none": {with(w.request(), "max_age", "0", "prompt", "none"), errPromptZeroAge, nil},
		"request object":            {with(w.request(), "request", "e30."), errFeatureDisabled, nil},
		"request_uri":               {with(w.request(), "request_uri", "urn:okta:x"), errFeatureDisabled, nil},
	} {
		t.Run(name, func(t *testing.T) {
			got := b.authorize(tc.query)
			expectRedirectError(t, got, tc.row, tc.args...)
			if state := got.location(t).Query().Get("state"); state != tc.query.Get("state") {
				t.Errorf("state %q", state)
			}
		})
	}
	t.Run("duplicate parameter", func(t *testing.T) {
		expectRedirectError(t, b.get(w.url("/v1/authorize?"+w.request().Encode()+"&scope=openid")), errDuplicate)
	})
	t.Run("duplicate state is not echoed", func(t *testing.T) {
		got := b.get(w.url("/v1/authorize?" + w.request().Encode() + "&state=other"))
		expectRedirectError(t, got, errDuplicate)
		if got.location(t).Query().Has("state") {
			t.Error("state was echoed")
		}
	})
}

func TestPolicyRefusesAtAuthorize(t *testing.T) {
	w := start(t)
	b := w.browser()
	refreshable := b.tokens("ivan@acme.test")["refresh_token"].(string)
	w.s.mu.Lock()
	w.s.world.Servers[0].Policies[0].Status = world.Inactive
	w.s.mu.Unlock()
	expectRedirectError(t, b.authorize(w.request()), world.NoMatchingPolicy)
	b.refresh(refreshable).expect(t, world.NoMatchingPolicy)
}

func TestOktaCharactersOfStatePass(t *testing.T) {
	w := start(t)
	b := w.browser()
	for _, state := range []string{"abc.,_-9", "b64+/=", "nonce:/path?a=b&c=d", "ünï"} {
		if got := b.signIn(with(w.request(), "state", state, "prompt", "login"), "ada@acme.test").location(t).Query().Get("state"); got != state {
			t.Errorf("state %q came back as %q", state, got)
		}
	}
}
