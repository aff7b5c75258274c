package e2e

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/config"
)

// TestStoryWithAnotherCore is the story with core.api.url: organisations made here by the API and by the Desk, and
// changed at Core behind our back.
func TestStoryWithAnotherCore(t *testing.T) {
	t.Parallel()
	coreAt, _ := freePorts(t)
	p := start(t, func(c *config.Config) { c.Core.API.URL = "http://" + coreAt })
	launch(t, "Core is ready", "core", "--listen", coreAt, "--issuer", p.Info.PublicURL, "--jwks-uri", p.Info.PublicURL+"/.well-known/jwks.json", "--data", t.TempDir())
	ada := p.browser()
	ada.signIn("/", "ada@acme.test").mustContain(t, "Ada Admin")
	byAPI := ada.create("/api/organisation/v1", map[string]any{"name": "By the API"})
	page := ada.submit("/organisations/new", url.Values{"name": {"By the Desk"}})
	page.mustContain(t, "The organisation is created.", "By the Desk")
	byDesk := strings.TrimPrefix(page.url.Path, "/organisations/")
	ada.open("/organisations").mustContain(t, "By the API", "By the Desk")

	role := ada.create("/api/sts/role/v1", map[string]any{"name": "Issuer", "permissions": []string{"CREDENTIAL_ISSUE", "HISTORY_LIST"}})
	ada.mayEverywhere("Acme Issuance", role, byAPI, byDesk)
	ivan := p.browser()
	ivan.signIn("/", "ivan@acme.test").mustContain(t, "By the API", "By the Desk")
	for _, organisation := range []string{byAPI, byDesk} {
		mustStatus(t, ivan.in(organisation, "GET", "/api/history/v1"), http.StatusOK)
	}
	mustStatus(t, ivan.in(byAPI, "GET", "/api/key/v1"), http.StatusForbidden)
	ada.open("/history").mustContain(t, "ivan@acme.test")

	// A technical user with an app token of ours deactivates one at Core itself, where we are not asked.
	system := ada.create("/api/sts/role/v1", map[string]any{"name": "Keeper", "permissions": []string{"STS_ORGANISATION_EDIT", "STS_ORGANISATION_LIST"}})
	ada.create("/api/sts/iam-role/v1", map[string]any{"name": "Acme Batch", "systemRoles": []string{system}})
	token := exchanged(t, p, serviceToken(t, p, 0))
	req, _ := http.NewRequest("PATCH", "http://"+coreAt+"/api/organisation/v1/"+byAPI, strings.NewReader(`{"deactivate":true}`))
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusNoContent {
		t.Fatalf("expected Core to take it, got %d", resp.StatusCode)
	}
	// Core refuses from now on; that passes through, or is ours once the mirror has learned of it.
	for _, end := 0, time.Now().Add(30*time.Second); ; {
		got := ivan.in(byAPI, "GET", "/api/history/v1")
		if got.status == http.StatusForbidden && strings.Contains(got.body, "reference") {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("30 s after the deactivation at Core it is still %d %s", got.status, got.body)
		}
		time.Sleep(200 * time.Millisecond)
	}
	mustStatus(t, ivan.in(byDesk, "GET", "/api/history/v1"), http.StatusOK)
	ada.open("/organisations/"+byAPI).mustContain(t, "eactivate")
	// Brought back through us it works at once.
	mustStatus(t, ada.call("PATCH", "/api/organisation/v1/"+byAPI, map[string]any{"deactivate": false}, nil), http.StatusNoContent)
	mustStatus(t, ivan.in(byAPI, "GET", "/api/history/v1"), http.StatusOK)
}

// exchanged trades an IAM token for a system token.
func exchanged(t *testing.T, p *portico, iam string) string {
	t.Helper()
	resp, err := http.PostForm(p.Info.PublicURL+"/api/sts/token/v1", url.Values{
		"grant_type": {"urn:ietf:params:oauth:grant-type:token-exchange"}, "subject_token": {iam},
		"subject_token_type": {"urn:ietf:params:oauth:token-type:access_token"},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var reply struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&reply); err != nil || reply.AccessToken == "" {
		t.Fatalf("exchange: %d %v", resp.StatusCode, err)
	}
	return reply.AccessToken
}

// TestExternalCore points core.api.url to a second Portico process that plays Core.
func TestExternalCore(t *testing.T) {
	coreAt, _ := freePorts(t)
	p := start(t, func(c *config.Config) { c.Core.API.URL = "http://" + coreAt })
	// Portico started without its Core, and goes on until that is there.
	ada := p.browser()
	ada.signIn("/", "ada@acme.test")
	mustStatus(t, ada.call("POST", "/api/organisation/v1", map[string]any{"name": "Acme"}, nil), http.StatusBadGateway)

	r := launch(t, "Core is ready", "core", "--listen", coreAt, "--issuer", p.Info.PublicURL, "--data", t.TempDir())
	var organisation, role created
	mustStatus(t, ada.call("POST", "/api/organisation/v1", map[string]any{"name": "Acme"}, &organisation), http.StatusCreated)
	mustStatus(t, ada.call("POST", "/api/sts/role/v1", map[string]any{"name": "Reader", "permissions": []string{"HISTORY_LIST"}}, &role), http.StatusCreated)
	mustStatus(t, ada.call("POST", "/api/sts/iam-role/v1", map[string]any{
		"name": "Acme Issuance", "organisationRoles": map[string]any{organisation.ID: []string{role.ID}},
	}, nil), http.StatusCreated)
	ivan := p.browser()
	ivan.signIn("/", "ivan@acme.test")
	var list struct {
		Values []struct{ Action, EntityType, User string }
	}
	mustStatus(t, ivan.call("GET", "/api/history/v1", nil, &list), http.StatusOK)
	if len(list.Values) != 1 || list.Values[0].EntityType != "ORGANISATION" || list.Values[0].User != "ada@acme.test" {
		t.Errorf("expected Core's own record of the organisation, got %+v", list.Values)
	}
	// A deactivation through us counts at once.
	mustStatus(t, ada.call("PATCH", "/api/organisation/v1/"+organisation.ID, map[string]any{"deactivate": true}, nil), http.StatusNoContent)
	mustStatus(t, ivan.call("GET", "/api/history/v1", nil, nil), http.StatusForbidden) // nothing is left to him
	ada.open("/organisations").mustContain(t, "Acme", "deactivated")
	r.interrupt(t)
	mustStatus(t, ada.call("GET", "/api/organisation/v1", nil, nil), http.StatusBadGateway)
}
