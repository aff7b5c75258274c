package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/portico-iam/portico/internal/config"
)

const (
	wrprAudience  = "one-wallet-relying-party-registry"
	grantExchange = "urn:ietf:params:oauth:grant-type:token-exchange"
	typeAccess    = "urn:ietf:params:oauth:token-type:access_token"
)

// exchangeWorld is an organisation in which Ivan issues and the WRPR may sign for issuers.
type exchangeWorld struct {
	*portico
	dir, organisation, other string
	ada                      *browser
}

func newExchangeWorld(t *testing.T, start starter) *exchangeWorld {
	t.Helper()
	w := &exchangeWorld{}
	w.portico = start(t, func(c *config.Config) {
		w.dir = filepath.Dir(c.STS.Token.KeyEncryptionKeyFile)
		c.STS.Token.Audiences = []string{"one-core", wrprAudience, "https://own.acme.test"}
		c.STS.Token.Clients = []config.ServiceClient{{Audience: wrprAudience, ClientID: "acme-wrpr"}}
	})
	w.ada = w.browser()
	w.ada.signIn("/", "ada@acme.test")
	w.organisation = w.ada.create("/api/organisation/v1", map[string]any{"name": "Acme"})
	w.other = w.ada.create("/api/organisation/v1", map[string]any{"name": "Zeta"})
	issuer := w.ada.create("/api/sts/role/v1", map[string]any{"name": "Issuer", "permissions": []string{"CREDENTIAL_ISSUE", "HISTORY_CREATE"}})
	worker := w.ada.create("/api/sts/role/v1", map[string]any{"name": "Worker", "permissions": []string{"HISTORY_LIST", "HISTORY_CREATE"}})
	signer := w.ada.create("/api/sts/role/v1", map[string]any{
		"name": "Signer for issuers", "permissions": []string{"REGISTRATION_CERTIFICATE_SIGN", "HISTORY_LIST"},
		"delegation": map[string]any{"restricted": true, "requiredUserPermissions": []string{"CREDENTIAL_ISSUE"}},
	})
	w.ada.mayEverywhere("Acme Issuance", issuer, w.organisation, w.other)
	w.ada.create("/api/sts/iam-role/v1", map[string]any{
		"name": "Acme WRPR", "organisationRoles": map[string]any{w.organisation: []string{worker, signer}},
	})
	return w
}

// userToken signs somebody in with the command-line client, by the code flow with PKCE.
func (w *exchangeWorld) userToken(login string) string {
	w.t.Helper()
	b := w.browser()
	b.client.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if r.URL.Path == "/callback" {
			return http.ErrUseLastResponse
		}
		return nil
	}
	cfg := oauth2.Config{
		ClientID: w.Info.CLIClient.ClientID, RedirectURL: "http://localhost/callback", Scopes: []string{"openid", "profile"},
		Endpoint: oauth2.Endpoint{AuthURL: w.Info.Issuer + "/v1/authorize", TokenURL: w.Info.Issuer + "/v1/token", AuthStyle: oauth2.AuthStyleInParams},
	}
	verifier := oauth2.GenerateVerifier()
	back := b.signIn(cfg.AuthCodeURL("state-of-this-test", oauth2.S256ChallengeOption(verifier)), login)
	location, err := url.Parse(back.header.Get("Location"))
	if err != nil || location.Query().Get("code") == "" {
		w.t.Fatalf("no code: %d %s", back.status, back.header.Get("Location"))
	}
	token, err := cfg.Exchange(context.Background(), location.Query().Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		w.t.Fatal(err)
	}
	return token.AccessToken
}

// exchanged asks by golang.org/x/oauth2, which knows nothing of us. Fields are name, value, …
func (w *exchangeWorld) exchanged(client, subject string, fields ...string) (*oauth2.Token, error) {
	params := url.Values{"grant_type": {grantExchange}, "subject_token": {subject}, "subject_token_type": {typeAccess}}
	for i := 0; i < len(fields); i += 2 {
		params.Add(fields[i], fields[i+1])
	}
	cfg := clientcredentials.Config{ClientID: client, TokenURL: w.Info.PublicURL + "/api/sts/token/v1", EndpointParams: params, AuthStyle: oauth2.AuthStyleInParams}
	return cfg.Token(context.Background())
}

// TestExchange_Delegation goes the whole way: a person's token is handed to a service, the service acts for them at Core.
func TestExchange_Delegation(t *testing.T) {
	onBoth(t, func(t *testing.T, start starter) {
		w := newExchangeWorld(t, start)
		ivan, service := w.userToken("ivan@acme.test"), serviceToken(t, w.portico, 1)
		handed, err := w.exchanged("acme-cli", ivan, "organisation_id", w.organisation, "audience", wrprAudience)
		if err != nil || handed.Type() != "Bearer" || handed.RefreshToken != "" || handed.Extra("issued_token_type") != typeAccess {
			t.Fatalf("got %v, %v", handed, err)
		}
		delegated, err := w.exchanged("acme-wrpr", handed.AccessToken, "actor_token", service, "actor_token_type", typeAccess)
		if err != nil {
			t.Fatal(err)
		}
		claims := claimsOf(t, delegated.AccessToken)
		act, _ := claims["act"].(map[string]any)
		if claims["sub"] != "ivan@acme.test" || act["sub"] != "acme-wrpr" || act["iss"] != w.Info.Issuer || act["iat"] == nil || len(act) != 3 || claims["organisationId"] != w.organisation ||
			fmt.Sprint(claims["permissions"]) != "[HISTORY_LIST REGISTRATION_CERTIFICATE_SIGN]" || claims["exp"].(float64)-claims["iat"].(float64) > 60 {
			t.Errorf("got %v", claims)
		}
		w.recordsBoth(t)

		for rule, c := range map[string]struct{ subject, actor, code string }{
			"laundered on the plain path":     {delegated.AccessToken, "", "invalid_request"},
			"spliced to another's token":      {ivan, service, "invalid_request"},
			"another service":                 {handed.AccessToken, serviceToken(t, w.portico, 0), "invalid_request"},
			"no actor but an app token":       {handed.AccessToken, handed.AccessToken, "invalid_request"},
			"for itself":                      {service, service, "invalid_request"},
			"once more for the same":          {delegated.AccessToken, service, "invalid_request"},
			"a token of nobody we know":       {"x.y.z", service, "invalid_request"},
			"an actor token of nobody's":      {handed.AccessToken, "x.y.z", "invalid_request"},
			"the delegated token as an actor": {handed.AccessToken, delegated.AccessToken, "invalid_request"},
		} {
			fields := []string{"organisation_id", w.organisation}
			if c.actor != "" {
				fields = append(fields, "actor_token", c.actor, "actor_token_type", typeAccess)
			}
			_, err := w.exchanged("", c.subject, fields...)
			var refused *oauth2.RetrieveError
			if !asRetrieve(err, &refused) || refused.ErrorCode != c.code {
				t.Errorf("%s: got %v", rule, err)
			}
		}
		// Vera may not issue, which the role requires.
		vera := w.userToken("vera@acme.test")
		if _, err := w.exchanged("acme-cli", vera, "organisation_id", w.organisation, "audience", wrprAudience); err == nil || !strings.Contains(err.Error(), "invalid_target") {
			t.Errorf("got %v", err)
		}
		// Where the service has no delegated role, nobody opens one for it.
		elsewhere, err := w.exchanged("acme-cli", ivan, "organisation_id", w.other, "audience", wrprAudience)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.exchanged("acme-wrpr", elsewhere.AccessToken, "actor_token", service, "actor_token_type", typeAccess); err == nil || !strings.Contains(err.Error(), "reference") {
			t.Errorf("got %v", err)
		}
	})
}

func asRetrieve(err error, into **oauth2.RetrieveError) bool {
	e, ok := err.(*oauth2.RetrieveError)
	*into = e
	return ok
}

// recordsBoth looks the delegated token up in the history.
func (w *exchangeWorld) recordsBoth(t *testing.T) {
	t.Helper()
	var page struct {
		Values []struct{ ID, User string }
	}
	mustStatus(t, w.ada.call("GET", "/api/history/v1?showSystemHistory=true&entityTypes[]=STS_TOKEN&actions[]=CREATED&page=0&pageSize=30", nil, &page), http.StatusOK)
	for _, v := range page.Values {
		var entry struct {
			User     string
			Metadata json.RawMessage
		}
		mustStatus(t, w.ada.call("GET", "/api/history/v1/"+v.ID, nil, &entry), http.StatusOK)
		if entry.User == "ivan@acme.test" && strings.Contains(string(entry.Metadata), `"acme-wrpr"`) {
			return
		}
	}
	t.Errorf("no entry names both: %v", page.Values)
}

// TestExchange_TechnicalUser: a service's role is mapped as any other, and its token is for the services that it names.
func TestExchange_TechnicalUser(t *testing.T) {
	w := newExchangeWorld(t, start)
	service := serviceToken(t, w.portico, 1)
	for rule, c := range map[string]struct {
		fields []string
		aud    []any
		code   string
	}{
		"for Core":             {nil, []any{"one-core"}, ""},
		"for another service":  {[]string{"audience", wrprAudience}, []any{wrprAudience}, ""},
		"for one by address":   {[]string{"resource", "https://own.acme.test"}, []any{"https://own.acme.test"}, ""},
		"for two":              {[]string{"audience", wrprAudience, "resource", "https://own.acme.test"}, []any{"https://own.acme.test", wrprAudience}, ""},
		"for anybody else":     {[]string{"audience", "one-bridge"}, nil, "invalid_target"},
		"for one of ours also": {[]string{"audience", "one-core", "audience", "one-bridge"}, nil, "invalid_target"},
	} {
		token, err := w.exchanged("acme-wrpr", service, append(c.fields, "organisation_id", w.organisation)...)
		if c.code != "" {
			if err == nil || !strings.Contains(err.Error(), c.code) {
				t.Errorf("%s: got %v", rule, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", rule, err)
			continue
		}
		// The role that is restricted to delegation does not count, though it holds one of these too.
		claims := claimsOf(t, token.AccessToken)
		if !slices.Equal(claims["aud"].([]any), c.aud) || claims["sub"] != "acme-wrpr" || claims["act"] != nil || fmt.Sprint(claims["permissions"]) != "[HISTORY_CREATE HISTORY_LIST]" {
			t.Errorf("%s: got %v", rule, claims)
		}
	}
}

// TestExchange_Discovery: a client that knows the public address alone finds its way.
func TestExchange_Discovery(t *testing.T) {
	w := newExchangeWorld(t, start)
	b := w.browser()
	challenge := b.do(b.request("GET", "/api/user/v1/me", nil)).header.Get("WWW-Authenticate")
	_, rest, _ := strings.Cut(challenge, `resource_metadata="`)
	where, _, _ := strings.Cut(rest, `"`)
	var resource struct {
		Resource             string
		AuthorizationServers []string `json:"authorization_servers"`
	}
	b.call("GET", where, nil, &resource)
	if resource.Resource != w.Info.PublicURL || !slices.Equal(resource.AuthorizationServers, []string{w.Info.Issuer}) {
		t.Errorf("%s: got %+v", challenge, resource)
	}
	var server map[string]any
	b.call("GET", "/.well-known/oauth-authorization-server", nil, &server)
	for member, want := range map[string]any{
		"issuer": w.Info.PublicURL, "token_endpoint": w.Info.PublicURL + "/api/sts/token/v1",
		"introspection_endpoint": w.Info.PublicURL + "/api/sts/token/v1/introspect", "revocation_endpoint": w.Info.PublicURL + "/api/sts/token/v1/revoke",
		"grant_types_supported": []any{grantExchange}, "token_endpoint_auth_methods_supported": []any{"none"},
	} {
		if fmt.Sprint(server[member]) != fmt.Sprint(want) {
			t.Errorf("%s: got %v", member, server[member])
		}
	}
}
