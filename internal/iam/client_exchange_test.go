package iam_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/portico-iam/portico/internal/config"
	"github.com/portico-iam/portico/internal/iam"
)

func TestACodeBecomesAGrant(t *testing.T) {
	p := newIDP(t)
	g, err := p.exchange(t)
	if err != nil {
		t.Fatal(err)
	}
	if g.Principal.Subject != "ada@acme.test" || g.Principal.Issuer != p.URL || g.RefreshToken != "refresh-2" || g.IDToken == "" {
		t.Errorf("got %+v of %+v", g, g.Principal)
	}
	sent := p.asked("/token")
	if len(sent) != 1 || sent[0].Method != http.MethodPost || sent[0].URL.RawQuery != "" {
		t.Fatalf("expected one POST without a query (RFC 6749 section 3.2), got %d", len(sent))
	}
	for name, want := range map[string]string{
		"grant_type": "authorization_code", "code": canaryCode, "redirect_uri": redirectURI, // RFC 6749 section 4.1.3
		"code_verifier": canaryVerifier, // RFC 7636 section 4.5
	} {
		if got := sent[0].PostForm[name]; len(got) != 1 || got[0] != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

// RFC 6749 section 2.3.1: either by HTTP Basic, each part form-encoded first, or in the body, and never by both.
func TestClientAuthentication(t *testing.T) {
	const id, secret = "0oa:client", "a:secret/with ümlauts & = + %2B"
	for method, inBody := range map[string]bool{config.ClientSecretBasic: false, config.ClientSecretPost: true} {
		p := newIDP(t)
		p.ID, p.Secret, p.AuthMethod = id, secret, method
		// The provider's first answer is a refusal: nothing may be tried again in another way, which would use up the code.
		p.set(func() { p.token = says(401, "application/json", `{"error":"invalid_client"}`) })
		_, exchanged := p.exchange(t)
		_, refreshed := p.Refresh(t.Context(), canaryRefresh, "")
		if exchanged == nil || refreshed == nil {
			t.Errorf("%s: expected refusals", method)
		}
		sent := p.asked("/token")
		if len(sent) != 2 {
			t.Errorf("%s: expected one request each, got %d", method, len(sent))
		}
		for _, r := range sent {
			user, password, basic := r.BasicAuth()
			user, _ = url.QueryUnescape(user)
			password, _ = url.QueryUnescape(password)
			if basic == inBody || r.PostForm.Has("client_secret") != inBody {
				t.Errorf("%s: Basic %v, in the body %v", method, basic, r.PostForm.Has("client_secret"))
			}
			if inBody {
				user, password = r.PostForm.Get("client_id"), r.PostForm.Get("client_secret")
			}
			if user != id || password != secret {
				t.Errorf("%s: got %q and %q", method, user, password)
			}
		}
	}
}

// RFC 6749 section 5.2: what the server itself says is kept, to be acted upon; and bounded.
func TestRefusalsOfTheTokenEndpoint(t *testing.T) {
	long := strings.Repeat("x", 5000)
	for rule, c := range map[string]struct {
		answer            http.HandlerFunc
		code, description string
	}{
		"a refusal":            {says(400, "application/json", `{"error":"invalid_grant","error_description":"The code has expired."}`), "invalid_grant", "The code has expired."},
		"of the client":        {says(401, "application/json", `{"error":"invalid_client"}`), "invalid_client", ""},
		"with a charset":       {says(400, "application/json; charset=UTF-8", `{"error":"invalid_request"}`), "invalid_request", ""},
		"with status 200":      {says(200, "application/json", `{"error":"access_denied","access_token":"x"}`), "access_denied", ""},
		"with status 503":      {says(503, "application/json", `{"error":"temporarily_unavailable"}`), "temporarily_unavailable", ""},
		"as a form":            {says(400, "application/x-www-form-urlencoded", `error=invalid_scope&error_description=no`), "invalid_scope", "no"},
		"with control bytes":   {says(400, "application/json", `{"error":"a\r\nb","error_description":"c\u001b[31md\u0000"}`), "ab", "c[31md"},
		"at length":            {says(400, "application/json", `{"error":"e","error_description":"`+long+`"}`), "e", long[:200] + "…"},
		"a code without limit": {says(400, "application/json", `{"error":"`+long+`"}`), long[:200] + "…", ""},
	} {
		p := newIDP(t)
		p.set(func() { p.token = c.answer })
		_, err := p.exchange(t)
		var refused *iam.RefusedError
		if !errors.As(err, &refused) || refused.Code != c.code || refused.Description != c.description {
			t.Errorf("%s: got %v", rule, err)
		}
		showsNothing(t, rule, err)
	}
}

// Whatever else stands at the token endpoint is no grant, and is not quoted.
func TestAnswersThatAreNoTokenResponse(t *testing.T) {
	away := elsewhere(t, says(200, "application/json", "{}"))
	for rule, c := range map[string]struct {
		answer  http.HandlerFunc
		because string
	}{
		"a page for people":        {html(200), "not a token response"},
		"a page, as plain text":    {says(200, "text/plain", "<html>token=1</html>"), "not a token response"},
		"a page of an error":       {html(502), "status 502"},
		"JSON of another kind":     {says(500, "application/json", `{"message":"down"}`), "status 500"},
		"an error's wrong type":    {says(400, "application/json", `{"error":{"code":7}}`), "status 400"},
		"nothing":                  {says(200, "application/json", ""), "not a token response"},
		"no content":               {says(204, "application/json", ""), "not a token response"},
		"null":                     {says(200, "application/json", "null"), "not a token response"},
		"an array":                 {says(200, "application/json", "[]"), "not a token response"},
		"two documents":            {says(200, "application/json", "{}{}"), "not a token response"},
		"too large":                {says(200, "application/json", `{"access_token":"x","p":"`+strings.Repeat("x", 1<<20)+`"}`), "not a token response"},
		"everything that was sent": {echo(200, "text/html"), "not a token response"},
		"everything, as an error":  {echo(400, "text/html"), "status 400"},
		"a redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, away.URL+"/?"+r.PostForm.Encode(), http.StatusTemporaryRedirect)
		}, "redirects are not followed"},
		"a broken connection": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "can't be reached"},
		"cut off": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = w.Write([]byte("{"))
		}, "not a token response"},
	} {
		p := newIDP(t)
		p.set(func() { p.token = c.answer })
		_, err := p.exchange(t)
		var refused *iam.RefusedError
		if err == nil || !strings.Contains(err.Error(), c.because) || errors.As(err, &refused) {
			t.Errorf("%s: expected an error that says %q, got %v", rule, c.because, err)
		}
		showsNothing(t, rule, err)
		_, err = p.Refresh(t.Context(), canaryRefresh, "")
		if err == nil || errors.Is(err, iam.ErrGrantEnded) {
			t.Errorf("%s: it does not end a sign-in, got %v", rule, err)
		}
		showsNothing(t, rule+", refreshing", err)
	}
}

// A token response that lacks something, or whose parts don't belong together, is no sign-in.
func TestTokenResponsesThatAreNoSignIn(t *testing.T) {
	for rule, c := range map[string]struct {
		changes func(*idp) object
		because string
	}{
		"no access token":            {func(*idp) object { return object{"access_token": absent{}} }, "not a token response"},
		"an empty access token":      {func(*idp) object { return object{"access_token": ""} }, "not a token response"},
		"a number as access token":   {func(*idp) object { return object{"access_token": 1} }, "not a token response"},
		"an opaque access token":     {func(*idp) object { return object{"access_token": "canary"} }, "ID token: "},
		"no ID token":                {func(*idp) object { return object{"id_token": absent{}} }, "no ID token"},
		"an empty ID token":          {func(*idp) object { return object{"id_token": ""} }, "no ID token"},
		"null as ID token":           {func(*idp) object { return object{"id_token": nil} }, "no ID token"},
		"an object as ID token":      {func(*idp) object { return object{"id_token": object{}} }, "no ID token"},
		"another nonce":              {func(p *idp) object { return object{"id_token": p.idToken(object{"nonce": "n-2"})} }, "nonce"},
		"no nonce":                   {func(p *idp) object { return object{"id_token": p.idToken(object{"nonce": absent{}})} }, "nonce"},
		"another client's ID token":  {func(p *idp) object { return object{"id_token": p.idToken(object{"aud": "other"})} }, "for the client"},
		"another access token's":     {func(p *idp) object { return object{"id_token": p.idToken(object{"at_hash": atHash("x")})} }, "another access token"},
		"the access token twice":     {func(p *idp) object { return object{"id_token": p.accessToken(nil)} }, "ID token: "},
		"another service's":          {func(p *idp) object { return p.pair(object{"aud": "api://other"}) }, "access token: "},
		"an expired access token":    {func(p *idp) object { return p.pair(object{"exp": begin.Unix() - 31}) }, "access token: "},
		"another issuer's":           {func(p *idp) object { return p.pair(object{"iss": "https://evil.test"}) }, "access token: "},
		"bound to a key (RFC 9449)":  {func(*idp) object { return object{"token_type": "DPoP"} }, "expected an access token of the type Bearer, got DPoP"},
		"of the type mac":            {func(*idp) object { return object{"token_type": "mac"} }, "of the type Bearer"},
		"not an access token at all": {func(*idp) object { return object{"token_type": "N_A"} }, "of the type Bearer"}, // RFC 8693 section 2.2.1
		"of two types":               {func(*idp) object { return object{"token_type": "Bearer DPoP"} }, "of the type Bearer"},
		"of a type that is no text":  {func(*idp) object { return object{"token_type": []string{"Bearer"}} }, "not a token response"},
		"of a type without limit":    {func(*idp) object { return object{"token_type": "\n" + strings.Repeat("x", 5000)} }, "xxx…"},
	} {
		p := newIDP(t)
		p.set(func() { p.token = writes(p.answers(c.changes(p))) })
		g, err := p.exchange(t)
		if err == nil || g != nil || !strings.Contains(err.Error(), c.because) || len(err.Error()) > 1000 {
			t.Errorf("%s: expected an error that says %q, got %v", rule, c.because, err)
		}
		showsNothing(t, rule, err)
	}
}

// pair is an access token with changes, and the ID token that belongs to it.
func (p *idp) pair(changes object) object {
	access := p.accessToken(changes)
	return object{"access_token": access, "id_token": p.idToken(object{"at_hash": atHash(access)})}
}

func TestTokenResponsesThatAreOne(t *testing.T) {
	for rule, changes := range map[string]object{
		"the type in another case (RFC 6749 section 5.1)": {"token_type": "bEARER"},
		"without a type":                 {"token_type": absent{}},
		"without a life":                 {"expires_in": absent{}},
		"a life as text":                 {"expires_in": "3600"},
		"a life that has ended":          {"expires_in": -1},
		"a life without end":             {"expires_in": 1 << 60},
		"members that we don't know":     {"session_state": "x", "not-before-policy": 0},
		"no error, as null":              {"error": nil},
		"without a refresh token":        {"refresh_token": absent{}},
		"an ID token without an at_hash": {"id_token": newIDPToken},
	} {
		p := newIDP(t)
		if changes["id_token"] == newIDPToken {
			changes = object{"id_token": p.idToken(nil)}
		}
		p.set(func() { p.token = writes(p.answers(changes)) })
		g, err := p.exchange(t)
		if err != nil || g.Principal.Subject != "ada@acme.test" {
			t.Errorf("%s: got %v", rule, err)
			continue
		}
		if _, none := changes["refresh_token"]; none && g.RefreshToken != "" {
			t.Errorf("%s: got the refresh token %q", rule, g.RefreshToken)
		}
	}
}

// newIDPToken stands for an ID token of the provider that the test makes.
const newIDPToken = "made by the test"
