package e2e

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/portico-iam/portico/internal/config"
)

// TestExchange_RoleMadeInTheDesk: what an administrator ticks under "Advanced options" decides an exchange.
func TestExchange_RoleMadeInTheDesk(t *testing.T) {
	w := newExchangeWorld(t, start)
	w.ada.submit("/roles/new", url.Values{
		"do": {"save"}, "step": {"2"}, "name": {"Verifier's helper"}, "permissions": {"PROOF_ISSUE"}, "restricted": {"true"}, "requiredUserPermissions": {"HISTORY_LIST"},
	}).mustContain(t, "The role is created", "Counts only when a service acts for a user")
	var roles struct{ Values []struct{ ID, Name string } }
	w.ada.call("GET", "/api/sts/role/v1?pageSize=100", nil, &roles)
	made := map[string]string{}
	for _, r := range roles.Values {
		made[r.Name] = r.ID
	}
	watcher := w.ada.create("/api/sts/role/v1", map[string]any{"name": "Watcher", "permissions": []string{"HISTORY_LIST"}})
	w.ada.mayEverywhere("Acme Verification", watcher, w.organisation)
	w.ada.mayEverywhere("Acme Batch", made["Verifier's helper"], w.other) // elsewhere: of no account here

	var mapping struct{ Values []struct{ ID, Name string } }
	w.ada.call("GET", "/api/sts/iam-role/v1?pageSize=100", nil, &mapping)
	for _, m := range mapping.Values {
		if m.Name == "Acme WRPR" {
			body := map[string]any{"organisationRoles": map[string]any{w.organisation: []string{made["Verifier's helper"]}}}
			mustStatus(t, w.ada.call("PATCH", "/api/sts/iam-role/v1/"+m.ID, body, nil), http.StatusNoContent)
		}
	}
	service := serviceToken(t, w.portico, 1)
	delegated := func(login string) (*oauth2.Token, error) {
		t.Helper()
		handed, err := w.exchanged("acme-cli", w.userToken(login), "organisation_id", w.organisation, "audience", wrprAudience)
		if err != nil {
			t.Fatal(err)
		}
		return w.exchanged("acme-wrpr", handed.AccessToken, "actor_token", service, "actor_token_type", typeAccess)
	}
	token, err := delegated("vera@acme.test")
	if err != nil {
		t.Fatal(err)
	}
	if claims := claimsOf(t, token.AccessToken); claims["sub"] != "vera@acme.test" || len(claims["permissions"].([]any)) != 1 || claims["permissions"].([]any)[0] != "PROOF_ISSUE" {
		t.Errorf("got %v", claims)
	}
	if _, err := delegated("ivan@acme.test"); err == nil || !strings.Contains(err.Error(), "none of the permissions") {
		t.Errorf("Ivan lacks what the role requires: %v", err)
	}
}

// TestExchange_ClientSecret: a service that has a secret here uses it by a library's usual means, everywhere.
func TestExchange_ClientSecret(t *testing.T) {
	const secret = "a secret: of 24 characters + more/="
	p := start(t, func(c *config.Config) {
		c.STS.Token.Audiences = []string{"one-core", wrprAudience}
		c.STS.Token.Clients = []config.ServiceClient{{Audience: wrprAudience, ClientID: "acme-wrpr", ClientSecret: secret}}
	})
	service := serviceToken(t, p, 1)
	ask := func(secret string) (*oauth2.Token, error) {
		cfg := clientcredentials.Config{
			ClientID: "acme-wrpr", ClientSecret: secret, TokenURL: p.Info.PublicURL + "/api/sts/token/v1", AuthStyle: oauth2.AuthStyleInHeader,
			EndpointParams: url.Values{"grant_type": {grantExchange}, "subject_token": {service}, "subject_token_type": {typeAccess}, "audience": {wrprAudience}},
		}
		return cfg.Token(context.Background())
	}
	token, err := ask(secret)
	if err != nil {
		t.Fatal(err)
	}
	for _, wrong := range []string{"", secret + "x"} {
		var refused *oauth2.RetrieveError
		if _, err := ask(wrong); !asRetrieve(err, &refused) || refused.ErrorCode != "invalid_client" || refused.Response.StatusCode != http.StatusUnauthorized {
			t.Errorf("%q: got %v", wrong, err)
		}
	}
	post := func(path, secret string) (status int, answer map[string]any) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.Info.PublicURL+"/api/sts/token/v1"+path, strings.NewReader(url.Values{"token": {token.AccessToken}}.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.SetBasicAuth("acme-wrpr", url.QueryEscape(secret))
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		_ = json.NewDecoder(resp.Body).Decode(&answer)
		return resp.StatusCode, answer
	}
	if status, answer := post("/introspect", secret); status != http.StatusOK || answer["active"] != true {
		t.Errorf("introspection: %d %v", status, answer)
	}
	if status, answer := post("/introspect", "wrong"); status != http.StatusUnauthorized || answer["error"] != "invalid_client" {
		t.Errorf("introspection by a wrong secret: %d %v", status, answer)
	}
	if status, _ := post("/revoke", secret); status != http.StatusOK {
		t.Errorf("revocation: %d", status)
	}
	if _, answer := post("/introspect", secret); answer["active"] != false {
		t.Errorf("afterwards: %v", answer)
	}
	if strings.Contains(p.logs.String(), "24 characters") {
		t.Error("NT51: the secret is in the log")
	}
	var server map[string]any
	p.browser().call("GET", "/.well-known/oauth-authorization-server", nil, &server)
	if methods, _ := server["token_endpoint_auth_methods_supported"].([]any); len(methods) != 2 || methods[1] != "client_secret_basic" {
		t.Errorf("the metadata does not tell: %v", server)
	}
}

// TestExchange_IDToken: where it is switched on, the ID token of a sign-in is good for an exchange, and for nothing else.
func TestExchange_IDToken(t *testing.T) {
	okta := newProvider(t, entra())
	p := start(t, func(c *config.Config) {
		okta.configure(c)
		c.STS.IAM.RolePath, c.STS.Token.IDTokens, c.IAM.Scopes = "roles", true, []string{"openid", "profile", "email", "offline_access"}
	})
	okta.signsIn("ada")
	p.browser().open("/").mustContain(t, "Ada Acme")
	id := okta.issued("id_token")
	params := url.Values{"grant_type": {grantExchange}, "subject_token": {id}, "subject_token_type": {"urn:ietf:params:oauth:token-type:id_token"}}
	exchange := func() (*oauth2.Token, error) {
		cfg := clientcredentials.Config{ClientID: okta.clientID, TokenURL: p.Info.PublicURL + "/api/sts/token/v1", EndpointParams: params, AuthStyle: oauth2.AuthStyleInParams}
		return cfg.Token(context.Background())
	}
	token, err := exchange()
	if err != nil || !strings.Contains(token.Extra("scope").(string), "STS_ROLE_CREATE") {
		t.Fatalf("got %v, %v", token, err)
	}
	params.Set("subject_token_type", typeAccess)
	if _, err := exchange(); err == nil {
		t.Error("as an access token it is accepted")
	}
	if got := p.bearer("GET", "/api/user/v1/me", id); got.status != http.StatusUnauthorized {
		t.Errorf("as a bearer token: %d", got.status)
	}
}
