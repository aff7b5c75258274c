package e2e

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// TestStory is design.md's story by plain HTTP: everything that the browser test clicks, as requests.
func TestStory(t *testing.T) {
	onBoth(t, func(t *testing.T, start starter) {
		p := start(t, nil)

		// 2. Not signed in: Okta, and back to the page that was asked for.
		ada := p.browser()
		home := ada.signIn("/roles", "ada@acme.test")
		if home.status != http.StatusOK || home.url.Path != "/roles" {
			t.Fatalf("expected to land on /roles, got %d at %s", home.status, home.url)
		}
		ada.open("/").mustContain(t, "Ada Admin", "ONE_STS_ADMIN")

		// 3. An organisation, a role, and the access.
		var organisation, role created
		mustStatus(t, ada.call("POST", "/api/organisation/v1", map[string]any{"name": "Acme"}, &organisation), http.StatusCreated)
		mustStatus(t, ada.call("POST", "/api/sts/role/v1", map[string]any{
			"name": "Credential issuer", "permissions": []string{"CREDENTIAL_ISSUE", "CREDENTIAL_LIST", "HISTORY_LIST"},
		}, &role), http.StatusCreated)
		var access created
		mustStatus(t, ada.call("POST", "/api/sts/iam-role/v1", map[string]any{
			"name": "Acme Issuance", "organisationRoles": map[string]any{organisation.ID: []string{role.ID}},
		}, &access), http.StatusCreated)

		// 4. Signed out here and at Okta: the next page asks again.
		out := ada.submit("/logout", nil)
		out.mustContain(t, "You are signed out")
		if again := ada.open("/"); !strings.Contains(again.body, `name="password"`) {
			t.Errorf("after signing out, expected Okta's sign-in page, got %d at %s", again.status, again.url)
		}

		ivan := p.browser()
		ivan.signIn("/", "ivan@acme.test").mustContain(t, "Ivan Issuer", "Acme", "Issue credentials", "CREDENTIAL_ISSUE")
		var me struct {
			Organisations []struct {
				ID          string   `json:"id"`
				Permissions []string `json:"permissions"`
			} `json:"organisations"`
			SystemPermissions []string `json:"systemPermissions"`
		}
		ivan.call("GET", "/api/user/v1/me", nil, &me)
		if len(me.Organisations) != 1 || me.Organisations[0].ID != organisation.ID || len(me.SystemPermissions) != 0 ||
			!slices.Equal(me.Organisations[0].Permissions, []string{"CREDENTIAL_ISSUE", "CREDENTIAL_LIST", "HISTORY_LIST"}) {
			t.Errorf("Ivan: expected exactly what was mapped, got %+v", me)
		}

		// A refused action says why, and what would grant it; nothing else is his.
		var refusal struct {
			Code, Reference string
			Cause           struct{ Message string }
		}
		mustStatus(t, ivan.call("GET", "/api/key/v1", nil, &refusal), http.StatusForbidden)
		if refusal.Code != "BR_0178" || refusal.Reference == "" || !strings.Contains(refusal.Cause.Message, "List keys") {
			t.Errorf("expected a refusal that says why, got %+v", refusal)
		}
		mustStatus(t, ivan.call("GET", "/api/sts/role/v1", nil, nil), http.StatusForbidden)
		mustStatus(t, ivan.call("GET", "/api/organisation/v1", nil, nil), http.StatusForbidden)
		ivan.open("/roles").mustContain(t, "You may not do this", "STS_ROLE_LIST")

		// 5. Core answers what he may ask.
		mustStatus(t, ivan.call("GET", "/api/history/v1", nil, nil), http.StatusOK)

		// History shows who did what, and opens the refusal by its reference.
		ada = p.browser()
		ada.signIn("/history", "ada@acme.test").mustContain(t, "ivan@acme.test", "Credential issuer")
		ada.open("/history/"+refusal.Reference).mustContain(t, "GET /api/key/v1", "KEY_LIST", "Acme Issuance")
	})
}

type created struct{ ID string }

func mustStatus(t *testing.T, p answer, status int) {
	t.Helper()
	if p.status != status {
		t.Fatalf("%s: expected %d, got %d: %.500s", p.url, status, p.status, p.body)
	}
}

// TestExchange takes a technical user from Okta's client credentials to an app token that Core accepts.
func TestExchange(t *testing.T) {
	onBoth(t, func(t *testing.T, start starter) {
		p := start(t, nil)
		ada := p.browser()
		ada.signIn("/", "ada@acme.test")
		var organisation, role created
		mustStatus(t, ada.call("POST", "/api/organisation/v1", map[string]any{"name": "Acme"}, &organisation), http.StatusCreated)
		mustStatus(t, ada.call("POST", "/api/sts/role/v1", map[string]any{"name": "Batch", "permissions": []string{"CREDENTIAL_LIST", "HISTORY_LIST"}}, &role), http.StatusCreated)
		mustStatus(t, ada.call("POST", "/api/sts/iam-role/v1", map[string]any{
			"name": "Acme Batch", "organisationRoles": map[string]any{organisation.ID: []string{role.ID}},
		}, nil), http.StatusCreated)

		iam := serviceToken(t, p, 0)
		form := url.Values{
			"grant_type": {"urn:ietf:params:oauth:grant-type:token-exchange"}, "subject_token": {iam},
			"subject_token_type": {"urn:ietf:params:oauth:token-type:access_token"}, "organisation_id": {organisation.ID},
			"scope": {"HISTORY_LIST"},
		}
		resp, err := http.PostForm(p.Info.PublicURL+"/api/sts/token/v1", form)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		var reply struct {
			AccessToken string `json:"access_token"`
			TokenType   string `json:"token_type"`
			Scope       string `json:"scope"`
			ExpiresIn   int    `json:"expires_in"`
		}
		if err := json.NewDecoder(resp.Body).Decode(&reply); err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("expected a token, got %d: %v", resp.StatusCode, err)
		}
		if reply.Scope != "HISTORY_LIST" || reply.TokenType != "Bearer" || reply.ExpiresIn < 200 || reply.ExpiresIn > 300 {
			t.Errorf("unexpected answer: %q %q %d", reply.Scope, reply.TokenType, reply.ExpiresIn)
		}
		claims := claimsOf(t, reply.AccessToken)
		if claims["organisationId"] != organisation.ID || claims["iss"] != p.Info.PublicURL {
			t.Errorf("unexpected claims: %v", claims)
		}

		// The app token is for Core, not for us: as an IAM token it is refused. The IAM token itself opens the API.
		for token, status := range map[string]int{reply.AccessToken: http.StatusUnauthorized, iam: http.StatusOK} {
			req, _ := http.NewRequest("GET", p.Info.PublicURL+"/api/user/v1/me", nil)
			req.Header.Set("Authorization", "Bearer "+token)
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != status {
				t.Errorf("expected %d, got %d", status, resp.StatusCode)
			}
		}
	})
}

// serviceToken signs a service of the development Okta in.
func serviceToken(t *testing.T, p *portico, index int) string {
	t.Helper()
	client := p.Info.ServiceClients[index]
	req, _ := http.NewRequest("POST", p.Info.Issuer+"/v1/token", strings.NewReader(url.Values{"grant_type": {"client_credentials"}, "scope": {"one.api"}}.Encode()))
	req.SetBasicAuth(client.ClientID, client.ClientSecret)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var reply struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&reply); err != nil || reply.AccessToken == "" {
		t.Fatalf("client credentials: %d %v", resp.StatusCode, err)
	}
	return reply.AccessToken
}

func claimsOf(t *testing.T, token string) map[string]any {
	t.Helper()
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	var claims map[string]any
	if err := json.Unmarshal(payload, &claims); err != nil {
		t.Fatal(err)
	}
	return claims
}
