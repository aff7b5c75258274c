package doctor_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/config"
	"github.com/portico-iam/portico/internal/devokta"
)

// hosts notes whom the doctor speaks to.
type hosts struct {
	next http.RoundTripper
	mu   sync.Mutex
	seen map[string]int
}

func (h *hosts) RoundTrip(r *http.Request) (*http.Response, error) {
	h.mu.Lock()
	h.seen[r.URL.Host]++
	h.mu.Unlock()
	return h.next.RoundTrip(r)
}

func watch(b *bed) *hosts {
	h := &hosts{next: b.in.HTTP.Transport, seen: map[string]int{}}
	b.in.HTTP = &http.Client{Transport: h}
	return h
}

// TestOfflineIsOffline whatever else is given.
func TestOfflineIsOffline(t *testing.T) {
	t.Parallel()
	b := newBed(t, "licensed")
	b.config().okta("")
	b.in.Token = b.signIn(ada)
	h := watch(b)
	b.in.Offline = true
	b.examine()
	if len(h.seen) > 0 {
		t.Errorf("asked were %v", h.seen)
	}
}

// TestNobodyElseIsAsked: a discovery document may name any address; only the configured hosts are contacted.
func TestNobodyElseIsAsked(t *testing.T) {
	t.Parallel()
	b := newBed(t, "licensed")
	b.config()
	body, _ := json.Marshal(object{
		"issuer": b.Issuer(), "authorization_endpoint": "https://evil.test/authorize", "token_endpoint": "https://evil.test/token", "jwks_uri": "https://evil.test/keys",
	})
	b.Inject(devokta.Fault{Endpoint: "discovery", Status: http.StatusOK, Body: string(body)})
	b.in.Token = b.signIn(ada)
	h := watch(b)
	b.examine()
	if len(h.seen) != 1 || h.seen[strings.TrimPrefix(b.url, "http://")] == 0 {
		t.Errorf("asked were %v", h.seen)
	}
}

// TestAnswersAreBounded: one that never ends is cut off, and one that never comes is given up.
func TestAnswersAreBounded(t *testing.T) {
	t.Parallel()
	b := newBed(t, "licensed")
	b.config()
	endless := roundTrip(func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(zeros{}), Request: r}, nil
	})
	b.in.HTTP = &http.Client{Transport: endless}
	if report := b.examine(); len(report.Findings) == 0 {
		t.Error("an endless answer counts as a good one")
	}
	b.in.HTTP = &http.Client{Timeout: 50 * time.Millisecond, Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		<-r.Context().Done()
		return nil, r.Context().Err()
	})}
	if report := b.examine(); len(report.Findings) == 0 || report.Findings[0].ID != "unreachable" {
		t.Errorf("found is %+v", report.Findings)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

// TestNothingIsChanged: neither at Okta, but for what its log notes, nor in a file.
func TestNothingIsChanged(t *testing.T) {
	t.Parallel()
	b := newBed(t, "licensed")
	b.config(func(c *config.Config) { c.IAM.Scopes = append(c.IAM.Scopes, "groups") }).okta("")
	b.put(b.rulePath(), "conditions.scopes.include", []string{"openid"})
	stop := b.Observe(func(r devokta.Request) {
		if r.Changes() {
			t.Errorf("%s %s", r.Method, r.Path)
		}
	})
	defer stop()
	if report := b.examine(); len(report.Findings) == 0 {
		t.Error("nothing is found")
	}
}

// TestAReadOnlyServiceApplicationIsEnough: the scopes for reading, where those for changing were not granted.
func TestAReadOnlyServiceApplicationIsEnough(t *testing.T) {
	t.Parallel()
	for _, dpop := range []bool{false, true} {
		b := newBed(t, "licensed")
		serviceApp(b, "SUPER_ADMIN", dpop, "okta.apps.read", "okta.authorizationServers.read", "okta.groups.read", "okta.users.read")
		b.call(http.MethodDelete, adminGroup(b), nil)
		if report := b.examine(); len(report.Findings) != 1 || report.Findings[0].ID != "admin-missing" {
			t.Errorf("found is %+v", report.Findings)
		}
	}
}
