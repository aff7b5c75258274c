package e2e

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/seal"
	"github.com/portico-iam/portico/internal/store"
	"github.com/portico-iam/portico/internal/testdb"
)

// served is a portico serve with its Okta.
type served struct {
	*running
	okta                *okta
	publicURL, adminURL string
	folder              string
	database            store.Config
	within              []string // a command that runs it; none
}

// serve runs the built binary as in production, but for its Okta. more is put at the end of the configuration.
func serve(t *testing.T, database store.Config, more string) *served {
	t.Helper()
	s := prepared(t, database, more)
	s.running = s.start(t)
	return s
}

// prepared is all that serve needs, not yet started.
func prepared(t *testing.T, database store.Config, more string) *served {
	t.Helper()
	own, admin := freePorts(t)
	s := &served{publicURL: "http://" + own, adminURL: "http://" + admin, folder: t.TempDir(), database: database}
	s.okta = startOkta(t, s.publicURL)
	write(t, filepath.Join(s.folder, "key"), seal.RandomKey().Encode())
	write(t, filepath.Join(s.folder, "secret"), s.okta.world.WebClient.Secret+"\n")
	write(t, filepath.Join(s.folder, "portico.yaml"), fmt.Sprintf(`
server: { listen: %q, publicUrl: %q, adminListen: %q }
iam: { discoveryUrl: %q, clientId: %q, clientSecretFile: %q }
sts: { iam: { tokenValidation: { aud: %q } }, token: { keyEncryptionKeyFile: %q } }
store: { driver: %q, dsn: %q }
observability: { logLevel: debug }
%s`, own, s.publicURL, admin, s.okta.world.DiscoveryURL, s.okta.world.WebClient.ID, filepath.Join(s.folder, "secret"),
		s.okta.world.Audience, filepath.Join(s.folder, "key"), database.Driver, database.DSN, more))
	return s
}

// start waits for /health/ready: portico serve prints nothing.
func (s *served) start(t *testing.T) *running {
	t.Helper()
	r := &running{cmd: commandWithin(t, s.within, "serve", "--config", filepath.Join(s.folder, "portico.yaml")), output: &lockedBuffer{}, errors: &lockedBuffer{}, exited: make(chan error, 1)}
	r.cmd.Stdout, r.cmd.Stderr = r.output, r.errors
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { r.exited <- r.cmd.Wait() }()
	t.Cleanup(func() {
		http.DefaultTransport.(*http.Transport).CloseIdleConnections()
		_ = r.cmd.Process.Kill()
	})
	for range 400 {
		select {
		case err := <-r.exited:
			t.Fatalf("it ended before it was ready: %v\n%s", err, r.errors)
		case <-time.After(50 * time.Millisecond):
		}
		// Its own word first: somebody else's test may have had the operator's port when we asked.
		if !strings.Contains(r.errors.String(), "msg=ready") {
			continue
		}
		if resp, err := http.Get(s.adminURL + "/health/ready"); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusNoContent {
				return r
			}
		}
	}
	t.Fatalf("it was not ready in 20 s\n%s", r.errors)
	return nil
}

// TestServe is the story in production's shape: a file, a store that lasts, an operator's address of its own.
func TestServe(t *testing.T) {
	for _, engine := range testdb.Engines {
		t.Run(engine, func(t *testing.T) { servedStory(t, serve(t, testdb.Config(t, engine), "")) })
	}
}

func servedStory(t *testing.T, s *served) {
	for path, status := range map[string]int{"/health/live": 204, "/health/ready": 204, "/": 404, "/api/user/v1/me": 404} {
		resp, err := http.Get(s.adminURL + path)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != status {
			t.Errorf("the operator's %s: expected %d, got %d", path, status, resp.StatusCode)
		}
	}
	ada := browserAt(t, s.publicURL)
	ada.signIn("/", "ada@acme.test").mustContain(t, "Ada Admin", "ONE_STS_ADMIN")
	if got := ada.call("GET", "/health/ready", nil, nil); got.status != http.StatusNotFound {
		t.Errorf("expected no health on the public address, got %d", got.status)
	}
	organisation := ada.create("/api/organisation/v1", map[string]any{"name": "Acme"})
	role := ada.create("/api/sts/role/v1", map[string]any{"name": "Issuer", "permissions": []string{"CREDENTIAL_ISSUE", "HISTORY_LIST"}})
	ada.mayEverywhere("Acme Issuance", role, organisation)
	s.interrupt(t)
	if _, err := http.Get(s.adminURL + "/health/live"); err == nil {
		t.Error("the operator's address still answers after the end")
	}

	s.running = s.start(t)
	mustStatus(t, ada.call("GET", "/api/sts/role/v1/"+role, nil, nil), http.StatusOK)
	ivan := browserAt(t, s.publicURL)
	ivan.signIn("/", "ivan@acme.test").mustContain(t, "Ivan Issuer", "Issue credentials")
	mustStatus(t, ivan.call("GET", "/api/history/v1", nil, nil), http.StatusOK)
	mustStatus(t, ivan.call("GET", "/api/key/v1", nil, nil), http.StatusForbidden)
	s.interrupt(t)
}
