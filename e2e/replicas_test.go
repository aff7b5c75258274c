package e2e

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/store"
	"github.com/portico-iam/portico/internal/testdb"
)

// beside starts another replica on the same database and for the same public address; own is where it listens.
func (s *served) beside(t *testing.T) (other *served, own string) {
	t.Helper()
	return s.besideAs(t, func(configuration string) string { return configuration })
}

func (s *served) besideAs(t *testing.T, edit func(configuration string) string) (other *served, own string) {
	t.Helper()
	own, admin := freePorts(t)
	text, err := os.ReadFile(filepath.Join(s.folder, "portico.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	another := *s
	another.folder, another.adminURL = t.TempDir(), "http://"+admin
	write(t, filepath.Join(another.folder, "portico.yaml"), edit(strings.NewReplacer(
		fmt.Sprintf("listen: %q", strings.TrimPrefix(s.publicURL, "http://")), fmt.Sprintf("listen: %q", own),
		strings.TrimPrefix(s.adminURL, "http://"), admin,
	).Replace(string(text))))
	another.running = another.start(t)
	return &another, own
}

// TestReplicasHearOfEachOther: what is done at one counts at the other, whatever it remembers, in a moment. The bounds are
// wide for a busy machine; docs/replicas.md has figures.
func TestReplicasHearOfEachOther(t *testing.T) {
	s := serve(t, testdb.Config(t, store.Postgres), "")
	other, own := s.beside(t)
	at := func(path string) string { return "http://" + own + path }
	ada, ivan := browserAt(t, s.publicURL), browserAt(t, s.publicURL)
	ada.signIn("/", "ada@acme.test")
	ivan.signIn("/", "ivan@acme.test")
	heard := func(what string, ok func() bool) {
		t.Helper()
		began := time.Now()
		eventually(t, what, ok)
		t.Logf("%s: after %s", what, time.Since(began).Round(time.Millisecond))
	}
	may := func(b *browser) func() bool {
		return func() bool { return b.call("GET", at("/api/sts/role/v1"), nil, nil).status == http.StatusOK }
	}
	if may(ivan)() {
		t.Fatal("nothing was mapped to him")
	}
	role := ada.create("/api/sts/role/v1", map[string]any{"name": "Readers", "permissions": []string{"STS_ROLE_LIST"}})
	access := ada.create("/api/sts/iam-role/v1", map[string]any{"name": "Acme Issuance", "systemRoles": []string{role}})
	heard("a mapping", may(ivan))
	mustStatus(t, ada.call("DELETE", at("/api/sts/iam-role/v1/"+access), nil, nil), http.StatusNoContent) // and the other way round
	heard("no mapping", func() bool { return ivan.call("GET", "/api/sts/role/v1", nil, nil).status == http.StatusForbidden })

	inside := ada.create("/api/sts/role/v1", map[string]any{"name": "Inside", "permissions": []string{"KEY_LIST"}})
	first, second := ada.create("/api/organisation/v1", map[string]any{"name": "First"}), ada.create("/api/organisation/v1", map[string]any{"name": "Second"})
	ada.mayEverywhere("Acme Issuance", inside, first, second)
	active := func() string {
		var me struct{ ActiveOrganisationID string }
		ivan.call("GET", at("/api/user/v1/me"), nil, &me)
		return me.ActiveOrganisationID
	}
	heard("organisations", func() bool {
		got := ivan.call("PUT", at("/api/user/v1/active-organisation"), map[string]any{"organisationId": first}, nil)
		return got.status == http.StatusNoContent
	})
	mustStatus(t, ivan.call("PUT", "/api/user/v1/active-organisation", map[string]any{"organisationId": second}, nil), http.StatusNoContent)
	heard("another active organisation", func() bool { return active() == second })

	kids := func() string { return ada.call("GET", at("/.well-known/jwks.json"), nil, nil).body }
	before := kids()
	var keys struct {
		Values []struct{ KID, State string }
	}
	mustStatus(t, ada.call("GET", "/api/sts/key/v1", nil, &keys), http.StatusOK)
	for _, k := range keys.Values {
		if k.State == "next" {
			mustStatus(t, ada.call("POST", "/api/sts/key/v1/rotation", map[string]any{"force": true, "kid": k.KID}, nil), http.StatusNoContent)
		}
	}
	heard("another key", func() bool { return kids() != before })

	cookie := ivan.cookie(sessionCookie)
	ivan.submit("/logout", nil)
	heard("a sign-out", func() bool {
		return ivan.stolen(cookie).call("GET", at("/api/user/v1/me"), nil, nil).status == http.StatusUnauthorized
	})
	other.interrupt(t)
	s.interrupt(t)
}

// TestNT29_AReplicaThatIsCutOff goes on with what it remembers for the time that it was told, then lets nobody in and says
// that it is not ready. Once it hears again it knows who was sent away meanwhile.
func TestNT29_AReplicaThatIsCutOff(t *testing.T) {
	t.Setenv("PORTICO_store__maxStaleness", leastStaleness.String())
	wire := newWire(t, testdb.NewServer(t))
	s := serve(t, wire.direct, "")
	other, own := s.besideAs(t, func(configuration string) string {
		return strings.ReplaceAll(configuration, fmt.Sprintf("%q", wire.direct.DSN), fmt.Sprintf("%q", wire.database.DSN))
	})
	ada, ivan := browserAt(t, s.publicURL), browserAt(t, s.publicURL)
	ada.signIn("/", "ada@acme.test")
	ivan.signIn("/", "ivan@acme.test")
	there := func() int { return ivan.call("GET", "http://"+own+"/api/user/v1/me", nil, nil).status }
	if got := there(); got != http.StatusOK {
		t.Fatalf("the other one does not know the session: %d", got)
	}
	wire.Hold()
	cut := time.Now()
	mustStatus(t, ada.call("POST", "/api/sts/revocation/v1", map[string]any{"person": map[string]any{"issuer": s.okta.world.Issuer, "subject": "ivan@acme.test"}}, nil), http.StatusOK)
	if got := there(); got != http.StatusOK {
		t.Errorf("it does not go on for a while: %d", got)
	}
	eventually(t, "it lets nobody in", func() bool { return there() == http.StatusServiceUnavailable })
	if waited := time.Since(cut); waited < leastStaleness-2*time.Second {
		t.Errorf("it gave up after %s", waited)
	}
	eventually(t, "it is not ready", func() bool { return other.ready(t) == http.StatusServiceUnavailable })
	if _, body := other.operator(t, "/health/ready", ""); body != "the store does not answer: what others have revoked is not known here\n" {
		t.Errorf("in plain text it says %q", body)
	}
	if _, body := other.operator(t, "/health/ready", "application/json"); !strings.Contains(body, `{"part":"store","ready":false,"reason":"the store does not answer: `) ||
		!strings.Contains(body, `{"part":"signing keys","ready":true}`) || !strings.HasSuffix(body, `"ready":false}`+"\n") {
		t.Errorf("in JSON it says %s", body)
	}
	if _, metrics := other.operator(t, "/metrics", ""); !strings.Contains(metrics, "\nportico_ready 0\n") || !regexp.MustCompile(`(?m)^portico_store_silence_seconds ([5-9]|\d\d)`).MatchString(metrics) {
		t.Error("the metrics do not tell of it, with the store away")
	}
	wire.Mend()
	eventually(t, "it knows", func() bool { return there() == http.StatusUnauthorized })
	eventually(t, "it is ready", func() bool { return other.ready(t) == http.StatusNoContent })
	other.interrupt(t)
	s.interrupt(t)
}

func (s *served) ready(t *testing.T) int {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.adminURL+"/health/ready", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0
	}
	resp.Body.Close()
	return resp.StatusCode
}
