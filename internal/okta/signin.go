package okta

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/iam"
)

// SignIn signs a person in once, by password and without a browser, through the very code that every sign-in passes, and
// returns who came out of it. It works where Okta's sign-on policies are content with a password.
func SignIn(ctx context.Context, oktaURL string, client *iam.Client, login, password string) (*access.Principal, error) {
	web := HTTPClient()
	token, err := primary(ctx, web, oktaURL, login, password)
	if err != nil {
		return nil, err
	}
	state, nonce, verifier := rand.Text(), rand.Text(), rand.Text()+rand.Text()
	address, err := client.AuthorizationURL(ctx, state, nonce, verifier, iam.Ask{})
	if err != nil {
		return nil, err
	}
	back, err := authorize(ctx, web, address+"&"+url.Values{"sessionToken": {token}, "prompt": {"none"}}.Encode())
	if err != nil {
		return nil, err
	}
	if back.Get("error") != "" {
		return nil, &iam.RefusedError{Code: clip(back.Get("error")), Description: clip(back.Get("error_description"))}
	}
	if back.Get("state") != state || back.Get("code") == "" {
		return nil, errors.New("the answer to the sign-in has no code, or is not to this request")
	}
	grant, err := client.Exchange(ctx, back.Get("code"), verifier, nonce)
	if err != nil {
		return nil, err
	}
	return grant.Principal, nil
}

// primary proves the password (POST /api/v1/authn).
func primary(ctx context.Context, web *http.Client, oktaURL, login, password string) (string, error) {
	const path = "/api/v1/authn"
	body, err := json.Marshal(map[string]string{"username": login, "password": password})
	if err != nil {
		return "", err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, oktaURL+path, bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "application/json")
	response, err := web.Do(request)
	if err != nil {
		return "", unreachable(http.MethodPost, path, err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return "", unreachable(http.MethodPost, path, err)
	}
	if response.StatusCode == http.StatusUnauthorized {
		return "", fmt.Errorf("Okta does not take the password of %s", login)
	}
	if response.StatusCode != http.StatusOK {
		return "", refusal(http.MethodPost, path, response, answer)
	}
	var result struct{ Status, SessionToken string }
	if json.Unmarshal(answer, &result) != nil {
		return "", notJSON(http.MethodPost, path, response)
	}
	if result.Status != "SUCCESS" {
		return "", fmt.Errorf("Okta wants more than a password of %s (%s): sign in with a browser instead", login, clip(result.Status))
	}
	return result.SessionToken, nil
}

// authorize follows the sign-in's address and returns what Okta sends back to the redirect URI.
func authorize(ctx context.Context, web *http.Client, address string) (url.Values, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, errors.New("the authorization endpoint's address is none")
	}
	response, err := web.Do(request)
	if err != nil {
		return nil, unreachable(http.MethodGet, "authorize", err)
	}
	defer response.Body.Close()
	if response.StatusCode/100 != 3 {
		page, _ := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
		if strings.Contains(string(page), "redirect_uri") {
			return nil, errors.New("Okta does not know the redirect URI for this application: add it under Sign-in redirect URIs")
		}
		return nil, fmt.Errorf("Okta answered the sign-in with a page (%d) and not with a redirect", response.StatusCode)
	}
	target, err := url.Parse(response.Header.Get("Location"))
	if err != nil {
		return nil, errors.New("Okta redirects to no address")
	}
	return target.Query(), nil
}
