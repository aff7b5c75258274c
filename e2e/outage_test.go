package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/config"
	"github.com/portico-iam/portico/internal/store"
	"github.com/portico-iam/portico/internal/testdb"
)

// internals are what no answer may show of a store that fails.
var internals = regexp.MustCompile(`(?i)pgconn|sqlstate|sqlite|postgres|dial |socket|connection refused|broken pipe|EOF|/tmp/|\.go\b|goroutine|driver:|context (deadline|canceled)`)

// mustBeAway checks that an API's answer says that the store is away: Core's form, a reason, and nothing from inside.
func mustBeAway(t *testing.T, what string, status int, body string) {
	t.Helper()
	var e struct {
		Code, Message string
		Cause         struct{ Message string }
	}
	if err := json.Unmarshal([]byte(body), &e); err != nil || status != http.StatusServiceUnavailable || e.Code != "PT_0011" || e.Message == "" ||
		!strings.Contains(e.Cause.Message, "again") || internals.MatchString(body) {
		t.Errorf("%s: expected 503 and what to do, got %d %s", what, status, body)
	}
}

// mustBeAwayPage checks that a page says so to a person, with a reference.
func mustBeAwayPage(t *testing.T, what string, got answer) {
	t.Helper()
	shown := said(got.body)
	if got.status != http.StatusServiceUnavailable || !strings.Contains(got.header.Get("Content-Type"), "text/html") || internals.MatchString(shown) ||
		!strings.Contains(shown, "ry again") || !strings.Contains(strings.ToLower(shown), "reference") || !strings.Contains(shown, got.header.Get("X-Request-Id")) {
		t.Errorf("%s: expected a page with 503 and a reference, got %d %v %s", what, got.status, got.header, shown)
	}
}

// bearer is a technical user that manages roles: it has no session.
type bearer struct {
	*browser
	token string
}

// service maps the development Okta's service to every permission of the system.
func service(t *testing.T, p *portico, ada *browser) *bearer {
	t.Helper()
	role := ada.create("/api/sts/role/v1", map[string]any{"name": "Everything", "permissions": access.OfScope(access.ScopeSystem).Names()})
	ada.create("/api/sts/iam-role/v1", map[string]any{"name": "Acme Batch", "systemRoles": []string{role}})
	return &bearer{p.browser(), serviceToken(t, p, 0)}
}

func (b *bearer) call(method, path, body string) answer {
	req := b.request(method, path, strings.NewReader(body))
	req.Header.Set("Authorization", "Bearer "+b.token)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	return b.do(req)
}

// eventually repeats an attempt until it succeeds.
func eventually(t *testing.T, what string, attempt func() bool) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for !attempt() {
		if time.Now().After(deadline) {
			t.Fatalf("30 s later it is still not so: %s", what)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// mustBeStored looks for roles in the database itself.
func mustBeStored(t *testing.T, database store.Config, ids []string) {
	t.Helper()
	model, err := testdb.OpenConfig(t, database).LoadModel(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		if !slices.ContainsFunc(model.Roles, func(r *access.Role) bool { return string(r.ID) == id }) {
			t.Errorf("role %s was answered 201, and is not stored", id)
		}
	}
}

// leastStaleness is the shortest that a configuration may say.
const leastStaleness = 5 * time.Second

// TestPostgresStops while Portico runs, and is started again.
func TestPostgresStops(t *testing.T) {
	t.Parallel()
	server := testdb.NewServer(t)
	admin, _ := freePorts(t)
	database := server.Config()
	p := startOn(t, database, func(c *config.Config) { c.Server.AdminListen, c.Store.MaxStaleness = admin, leastStaleness })
	s := seeded(t, p)
	batch := service(t, p, s.ada)
	ready := func() int {
		resp, err := http.Get("http://" + admin + "/health/ready")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	server.Stop()

	// What is in memory goes on, for a while.
	mustStatus(t, s.ada.call("GET", "/api/sts/role/v1", nil, nil), http.StatusOK)
	mustStatus(t, batch.call("GET", "/api/sts/role/v1", ""), http.StatusOK)
	mustStatus(t, batch.call("GET", "/api/sts/role/v1/"+s.role.ID, ""), http.StatusOK)
	mustStatus(t, batch.call("GET", "/api/user/v1/me", ""), http.StatusOK)
	mustStatus(t, batch.call("GET", "/api/key/v1", ""), http.StatusBadRequest) // a decision: no organisation is named
	if exchanged(t, p, batch.token) == "" {
		t.Error("no token")
	}
	// Whatever needs the store is refused.
	for _, c := range [][3]string{
		{"POST", "/api/sts/role/v1", `{"name":"New","permissions":[]}`},
		{"DELETE", "/api/sts/iam-role/v1/" + s.access.ID, ""},
		{"POST", "/api/organisation/v1", `{"name":"New"}`},
		{"PATCH", "/api/organisation/v1/" + s.acme.ID, `{"deactivate":true}`},
		{"GET", "/api/organisation/v1", ""},
		{"GET", "/api/history/v1?showSystemHistory=true", ""},
	} {
		got := batch.call(c[0], c[1], c[2])
		mustBeAway(t, c[0]+" "+c[1], got.status, got.body)
	}
	mustBeAwayPage(t, "a form", s.ada.submit("/roles/new", url.Values{"name": {"New"}, "do": {"save"}, "step": {"2"}, "permissions": {"KEY_LIST"}}))
	mustBeAwayPage(t, "signing in", p.browser().signIn("/", "ivan@acme.test"))
	mustBeAwayPage(t, "signing out", s.ada.submit("/logout", nil))
	// Then nobody is let in by memory: whoever it is may have been sent away elsewhere.
	eventually(t, "a token is not believed any more", func() bool { return batch.call("GET", "/api/user/v1/me", "").status != http.StatusOK })
	for what, got := range map[string]answer{
		"a session": s.ada.call("GET", "/api/sts/role/v1", nil, nil), "a token": batch.call("GET", "/api/user/v1/me", ""),
	} {
		mustBeAway(t, what, got.status, got.body)
	}
	if got := batch.submit("/api/sts/token/v1", url.Values{
		"grant_type": {"urn:ietf:params:oauth:grant-type:token-exchange"}, "subject_token": {batch.token},
		"subject_token_type": {"urn:ietf:params:oauth:token-type:access_token"},
	}); got.status != http.StatusServiceUnavailable {
		t.Errorf("an exchange: expected 503, got %d %s", got.status, got.body)
	}
	mustBeAwayPage(t, "a page", s.ada.open("/roles"))
	if got := ready(); got != http.StatusServiceUnavailable {
		t.Errorf("ready: expected 503, got %d", got)
	}

	server.Start()
	eventually(t, "still signed in", func() bool { return s.ada.call("GET", "/api/sts/role/v1", nil, nil).status == http.StatusOK })
	role := s.ada.create("/api/sts/role/v1", map[string]any{"name": "New", "permissions": []string{"KEY_LIST"}})
	organisation := s.ada.create("/api/organisation/v1", map[string]any{"name": "New"})
	s.ada.mayEverywhere("Acme Audit", role, organisation)
	p.browser().signIn("/", "ivan@acme.test").mustContain(t, "Ivan Issuer", "Issue credentials")
	if got := ready(); got != http.StatusNoContent {
		t.Errorf("ready: expected 204, got %d", got)
	}
	id := s.ada.cookie(sessionCookie)
	s.ada.submit("/logout", nil).mustContain(t, "You are signed out")
	mustStatus(t, s.ada.stolen(id).call("GET", "/api/user/v1/me", nil, nil), http.StatusUnauthorized)
	mustBeStored(t, database, []string{s.role.ID, role})
}

// TestConnectionsAreCut again and again while roles are made: each is made or refused, and none that was made is lost.
func TestConnectionsAreCut(t *testing.T) {
	t.Parallel()
	wire := newWire(t, testdb.NewServer(t))
	p := startOn(t, wire.database, nil)
	s := seeded(t, p)
	var all sync.WaitGroup
	var mu sync.Mutex
	var made []string
	refused := 0
	for writer := range 3 {
		all.Go(func() {
			for n := range 40 {
				if n%4 == writer {
					go wire.Cut()
				}
				id, err := createRole(s.ada, fmt.Sprintf("role %d %d", writer, n))
				var other *unexpected
				mu.Lock()
				switch {
				case err == nil:
					made = append(made, id)
				case errors.As(err, &other):
					refused++
					mustBeAway(t, "a role", other.status, other.body)
				default:
					t.Error(err)
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	t.Logf("%d roles were made, %d refused", len(made), refused)
	if len(made) == 0 || refused == 0 {
		t.Error("expected some of each")
	}
	eventually(t, "all is well", func() bool { return s.ada.call("GET", "/api/user/v1/me", nil, nil).status == http.StatusOK })
	mustHaveRoles(t, s.ada, made)
	mustBeStored(t, wire.database, made)
}

// TestTheAnswerToACommitIsLost: nobody knows whether it counted, and so it is said; what did count shows by itself.
func TestTheAnswerToACommitIsLost(t *testing.T) {
	t.Parallel()
	wire := newWire(t, testdb.NewServer(t))
	p := startOn(t, wire.database, nil)
	s := seeded(t, p)
	const name = "In doubt" // what Portico writes by itself meanwhile is not lost
	lost := func(what string, do func() error) {
		t.Helper()
		wire.loseCommit.Store(new(name))
		err := do()
		var other *unexpected
		if !errors.As(err, &other) {
			t.Fatalf("%s: expected a refusal, got %v", what, err)
		}
		mustBeAway(t, what, other.status, other.body)
		if !strings.Contains(other.body, "look whether") {
			t.Errorf("%s: expected doubt, got %s", what, other.body)
		}
	}
	lost("a role", func() error { _, err := createRole(s.ada, name); return err })
	eventually(t, "the role shows", func() bool { return strings.Contains(s.ada.open("/roles").body, name) })
	const id = "7d0c3b32-9a52-4c58-8a30-5f2b0f0c8c11"
	lost("an organisation", func() error {
		got := s.ada.call("POST", "/api/organisation/v1", map[string]any{"name": name, "id": id}, nil)
		return &unexpected{got.status, got.body}
	})
	eventually(t, "the organisation can be worked in", func() bool {
		return s.ada.call("POST", "/api/sts/iam-role/v1", map[string]any{"name": "Acme Audit", "organisationRoles": map[string]any{id: []string{s.role.ID}}}, nil).status == http.StatusCreated
	})
}

// TestPostgresHangs: it neither answers nor hangs up. Nobody waits for ever, and all is well once it is back.
func TestPostgresHangs(t *testing.T) {
	t.Parallel()
	wire := newWire(t, testdb.NewServer(t))
	p := startOn(t, wire.database, func(c *config.Config) { c.Store.MaxStaleness = leastStaleness })
	s := seeded(t, p)
	batch := service(t, p, s.ada)
	wire.Hold()
	mustStatus(t, batch.call("GET", "/api/sts/role/v1", ""), http.StatusOK)
	var all sync.WaitGroup
	for n := range 4 { // one after the other, yet each within the browser's 30 s
		all.Go(func() {
			got := batch.call("POST", "/api/sts/role/v1", fmt.Sprintf(`{"name":"Hangs %d","permissions":[]}`, n))
			mustBeAway(t, "a change", got.status, got.body)
		})
	}
	all.Go(func() { mustBeAwayPage(t, "signing in", p.browser().signIn("/", "ivan@acme.test")) })
	all.Go(func() {
		eventually(t, "the session is asked for anew", func() bool { return s.ada.open("/roles").status == http.StatusServiceUnavailable })
	})
	all.Wait()
	got := batch.call("GET", "/api/sts/role/v1", "")
	mustBeAway(t, "a token", got.status, got.body)
	wire.Mend()
	eventually(t, "it is back", func() bool { return s.ada.call("GET", "/api/user/v1/me", nil, nil).status == http.StatusOK })
	role := s.ada.create("/api/sts/role/v1", map[string]any{"name": "Afterwards", "permissions": []string{"KEY_LIST"}})
	mustBeStored(t, wire.database, []string{role})
}
