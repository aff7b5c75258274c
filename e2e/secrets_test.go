package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/portico-iam/portico/internal/devokta"
	"github.com/portico-iam/portico/internal/store"
	"github.com/portico-iam/portico/internal/testdb"
)

// TestNT51_RealSecrets: of all that Okta handed out, all that Core was sent and all that browsers keep, nothing stands
// in a log at debug level, in a page or in an address.
func TestNT51_RealSecrets(t *testing.T) {
	core := newFakeCore(t)
	s := serve(t, testdb.Config(t, store.SQLite), "core: { api: { url: "+core.URL+" } }")
	var shown strings.Builder
	note := func(a answer) answer {
		fmt.Fprintln(&shown, a.url, a.body)
		return a
	}
	ada, ivan := browserAt(t, s.publicURL), browserAt(t, s.publicURL)
	note(ada.signIn("/", "ada@acme.test"))
	role := ada.create("/api/sts/role/v1", map[string]any{"name": "All", "permissions": []string{"CREDENTIAL_LIST", "KEY_LIST"}})
	ada.mayEverywhere("Acme Issuance", role, acmeID)
	note(ivan.signIn("/", "ivan@acme.test"))
	cookies := []string{ada.cookie(sessionCookie), ivan.cookie(sessionCookie)}
	note(ivan.call("GET", "/api/credential/v1", nil, nil))
	note(ivan.call("GET", "/api/task/v1", nil, nil))
	note(ivan.call("GET", "/api/sts/role/v1", nil, nil))
	for _, path := range []string{"/", "/roles", "/access", "/organisations", "/history", "/nowhere", "/.well-known/jwks.json"} {
		note(ada.open(path))
		note(ivan.open(path))
	}
	// A sign-in that fails with a code and a state in its address, and a token where none belongs.
	shown.WriteString(ivan.open("/.apisix/redirect?code=canary-code-0123456789&state=canary-state-0123456789").body)
	s.okta.mu.Lock()
	token := s.okta.issued[0]
	s.okta.mu.Unlock()
	for _, authorization := range []string{"Bearer " + token + "x", "Bearer " + token, "Basic " + token, "Bearer canary-bearer-0123456789"} {
		req := ada.request("GET", "/api/sts/role/v1/7", nil)
		req.Header.Set("Authorization", authorization)
		note(ada.do(req))
	}
	clear := s.okta.Inject(devokta.Fault{Endpoint: "token", Status: http.StatusInternalServerError})
	note(browserAt(t, s.publicURL).signIn("/", "nora@acme.test"))
	clear()
	core.Close()
	note(ivan.call("GET", "/api/credential/v1", nil, nil))
	note(ada.submit("/logout", nil))

	secrets := []string{s.okta.world.WebClient.Secret, "canary-code-0123456789", "canary-state-0123456789", "canary-bearer-0123456789"}
	secrets = append(secrets, cookies...)
	s.okta.mu.Lock()
	secrets = append(secrets, s.okta.issued...)
	s.okta.mu.Unlock()
	for _, r := range core.take() {
		if bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
			secrets = append(secrets, bearer)
		}
	}
	if len(secrets) < 14 { // 6 so far, three sign-ins' tokens, two app tokens
		t.Errorf("only %d secrets were seen", len(secrets))
	}
	key, err := os.ReadFile(filepath.Join(s.folder, "key"))
	if err != nil {
		t.Fatal(err)
	}
	secrets = append(secrets, strings.TrimSpace(string(key)))
	database, _ := os.ReadFile(s.database.DSN)
	wal, _ := os.ReadFile(s.database.DSN + "-wal")
	places := map[string]string{"the log": s.errors.String() + s.output.String(), "a page": shown.String(), "the database": string(database) + string(wal)}
	if len(places["the log"]) < 500 || len(places["the database"]) < 10_000 {
		t.Errorf("expected more to search: %d and %d bytes", len(places["the log"]), len(places["the database"]))
	}
	for place, text := range places {
		for _, secret := range secrets {
			parts := strings.Split(secret, ".")
			if strings.Contains(text, secret) || len(parts) == 3 && strings.Contains(text, parts[2]) {
				t.Errorf("%.12s… (%d bytes) stands in %s", secret, len(secret), place)
			}
		}
		if found := regexp.MustCompile(`eyJ[\w-]{10,}\.[\w-]+\.[\w-]*`).FindString(text); found != "" {
			t.Errorf("something like a token stands in %s: %.20s…", place, found)
		}
	}
}

// TestNT51_SecretsAreNotLogged plants nothing: it looks for the real secrets in everything that was logged.
func TestNT51_SecretsAreNotLogged(t *testing.T) {
	onBoth(t, func(t *testing.T, start starter) {
		p := start(t, nil)
		ada := p.browser()
		ada.signIn("/", "ada@acme.test")
		ada.call("GET", "/api/organisation/v1", nil, nil)
		iam := serviceToken(t, p, 0)
		resp, err := http.PostForm(p.Info.PublicURL+"/api/sts/token/v1", url.Values{"grant_type": {"x"}, "subject_token": {iam}})
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		base, _ := url.Parse(p.Info.PublicURL)
		secrets := []string{p.Info.WebClient.ClientSecret, iam, strings.Split(iam, ".")[2]}
		for _, c := range ada.client.Jar.Cookies(base) {
			if len(c.Value) > 8 {
				secrets = append(secrets, c.Value)
			}
		}
		for _, secret := range secrets {
			if strings.Contains(p.logs.String(), secret) {
				t.Errorf("a secret of %d bytes stands in the log", len(secret))
			}
		}
		if strings.Contains(p.logs.String(), "eyJ") {
			t.Error("something that looks like a token stands in the log")
		}
	})
}
