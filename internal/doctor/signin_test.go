package doctor_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"

	"github.com/portico-iam/portico/internal/devokta"
)

// signIn runs the code flow at an issuer and returns the token endpoint's answer.
func (b *bed) signIn(login string) string {
	b.Helper()
	return b.signInAt(b.Issuer(), login, "openid profile email offline_access")
}

func (b *bed) signInAt(issuer, login, scope string) string {
	b.Helper()
	return b.flow(issuer, login, scope, callback)
}

// signIn2 is signIn with another redirect URI.
func (b *bed) signIn2(redirect string) string {
	b.Helper()
	return b.flow(b.Issuer(), ada, "openid profile email offline_access", redirect)
}

// tryToSignIn goes as far as it gets: what Okta notes of it is what matters.
func (b *bed) tryToSignIn(login string) { b.attempt(b.Issuer(), login, "openid profile", callback) }

func (b *bed) flow(issuer, login, scope, redirect string) string {
	b.Helper()
	text, status := b.attempt(issuer, login, scope, redirect)
	if status != http.StatusOK {
		b.stop("token: %d %s", status, text)
	}
	return text
}

// attempt runs the code flow and returns the token endpoint's answer.
func (b *bed) attempt(issuer, login, scope, redirect string) (string, int) {
	b.Helper()
	jar, _ := cookiejar.New(nil)
	browser := &http.Client{Jar: jar, Transport: b.in.HTTP.Transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	verifier := strings.Repeat("v", 50)
	hash := sha256.Sum256([]byte(verifier))
	client := b.World().WebClient
	endpoint := issuer
	base, _, _ := strings.Cut(issuer, "/oauth2")
	if !strings.Contains(issuer, "/oauth2/") {
		endpoint += "/oauth2"
	}
	page := b.send(browser, http.MethodGet, endpoint+"/v1/authorize?"+url.Values{
		"client_id": {client.ID}, "redirect_uri": {redirect}, "response_type": {"code"}, "scope": {scope}, "state": {"s"}, "nonce": {"n"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(hash[:])}, "code_challenge_method": {"S256"},
	}.Encode(), nil)
	form := b.send(browser, http.MethodPost, base+page.Header.Get("Location"), url.Values{"username": {login}, "password": {devokta.Password}})
	back, err := url.Parse(form.Header.Get("Location"))
	if err != nil || back.Query().Get("code") == "" {
		b.stop("no code: %s", form.Header.Get("Location"))
	}
	answer := b.send(browser, http.MethodPost, endpoint+"/v1/token", url.Values{
		"grant_type": {"authorization_code"}, "code": {back.Query().Get("code")}, "redirect_uri": {redirect}, "code_verifier": {verifier},
		"client_id": {client.ID}, "client_secret": {client.Secret},
	})
	defer answer.Body.Close()
	text, _ := io.ReadAll(answer.Body)
	return string(text), answer.StatusCode
}

func (b *bed) send(browser *http.Client, method, address string, form url.Values) *http.Response {
	b.Helper()
	r, err := http.NewRequestWithContext(b.Context(), method, address, strings.NewReader(form.Encode()))
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := browser.Do(r)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = response.Body.Close() })
	return response
}

// part takes one token out of an answer.
func part(answer, name string) string {
	var all map[string]any
	_ = json.Unmarshal([]byte(answer), &all)
	token, _ := all[name].(string)
	return token
}

// forge makes a token of any header and claims, with a signature that nobody could verify.
func forge(header, claims object) string {
	encode := func(o object) string {
		text, _ := json.Marshal(o)
		return base64.RawURLEncoding.EncodeToString(text)
	}
	return encode(header) + "." + encode(claims) + "." + base64.RawURLEncoding.EncodeToString([]byte("not a signature"))
}

func decodeSegment(b *bed, segment string) []byte {
	b.Helper()
	text, err := base64.RawURLEncoding.DecodeString(segment)
	if err != nil {
		b.Fatal(err)
	}
	return text
}

// refresh uses a refresh token, whatever comes of it.
func (b *bed) refresh(token string) {
	b.Helper()
	client := b.World().WebClient
	b.send(b.in.HTTP, http.MethodPost, b.Issuer()+"/v1/token", url.Values{
		"grant_type": {"refresh_token"}, "refresh_token": {token}, "client_id": {client.ID}, "client_secret": {client.Secret},
	})
}

// claimsWith are a token's claims with one changed.
func claimsWith(b *bed, token, name string, value any) object {
	b.Helper()
	var claims object
	if err := json.Unmarshal(decodeSegment(b, strings.Split(token, ".")[1]), &claims); err != nil {
		b.Fatal(err)
	}
	claims[name] = value
	return claims
}
