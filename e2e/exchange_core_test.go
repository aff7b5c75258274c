package e2e

import (
	"net/http"
	"strings"
	"testing"
)

// TestExchange_CoreTakesDelegatedTokens brings a delegated token to a Core in a process of its own: it may what the
// service's delegated role says, there, and nothing that only the user or only the service may.
func TestExchange_CoreTakesDelegatedTokens(t *testing.T) {
	w := newExchangeWorld(t, start)
	coreAt, _ := freePorts(t)
	launch(t, "Core is ready", "core", "--listen", coreAt, "--issuer", w.Info.PublicURL, "--jwks-uri", w.Info.PublicURL+"/.well-known/jwks.json", "--data", t.TempDir())
	service := serviceToken(t, w.portico, 1)
	handed, err := w.exchanged("acme-cli", w.userToken("ivan@acme.test"), "organisation_id", w.organisation, "audience", wrprAudience)
	if err != nil {
		t.Fatal(err)
	}
	delegate := func(fields ...string) string {
		token, err := w.exchanged("acme-wrpr", handed.AccessToken, append(fields, "actor_token", service, "actor_token_type", typeAccess)...)
		if err != nil {
			t.Fatal(err)
		}
		return token.AccessToken
	}
	token := delegate()
	parts := strings.Split(token, ".")
	list, create := "/api/history/v1?page=0&pageSize=5", "/api/history/v1"
	for rule, c := range map[string]struct {
		method, path, token string
		status              int
	}{
		"what the delegated role says":       {"GET", list, token, http.StatusOK},
		"in that organisation":               {"GET", list + "&organisationIds[]=" + w.organisation, token, http.StatusOK},
		"not in another":                     {"GET", list + "&organisationIds[]=" + w.other, token, http.StatusForbidden},
		"not what both may, each for itself": {"POST", create, token, http.StatusForbidden},
		"not on the system":                  {"GET", list + "&showSystemHistory=true", token, http.StatusForbidden},
		"the user's token for the service":   {"GET", list, handed.AccessToken, http.StatusUnauthorized},
		"a delegated token for another":      {"GET", list, delegate("audience", wrprAudience), http.StatusUnauthorized},
		"a delegated token that says less":   {"GET", list, delegate("scope", "REGISTRATION_CERTIFICATE_SIGN"), http.StatusForbidden},
		"another signature":                  {"GET", list, parts[0] + "." + parts[1] + "." + strings.Split(handed.AccessToken, ".")[2], http.StatusUnauthorized},
		"the service's token of the IAM":     {"GET", list, service, http.StatusUnauthorized},
		"anything that needs no permission":  {"GET", "/api/config/v1", token, http.StatusOK},
		"something that nobody of them may":  {"GET", "/api/organisation/v1?page=0&pageSize=5", token, http.StatusForbidden},
	} {
		req, _ := http.NewRequest(c.method, "http://"+coreAt+c.path, strings.NewReader(""))
		req.Header.Set("Authorization", "Bearer "+c.token)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != c.status {
			t.Errorf("%s: got %d, want %d", rule, resp.StatusCode, c.status)
		}
	}
}
