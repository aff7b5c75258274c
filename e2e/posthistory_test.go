package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"

	"github.com/portico-iam/portico/internal/testdb"
)

// recordingCore is an external Core that takes history entries, when it is there.
type recordingCore struct {
	mu      sync.Mutex
	away    bool
	entries []struct{ Name, EntityType, Action, Source string }
}

func (c *recordingCore) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if r.URL.Path != "/api/history/v1" || r.Method != http.MethodPost {
		_, _ = io.WriteString(w, `{"values":[],"totalItems":0,"totalPages":0}`)
		return
	}
	if c.away {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	i := len(c.entries)
	c.entries = slices.Grow(c.entries, 1)[:i+1]
	if err := json.NewDecoder(r.Body).Decode(&c.entries[i]); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	w.WriteHeader(http.StatusCreated)
	_, _ = io.WriteString(w, `{"id":"6a3c0000-0000-4000-8000-000000000001"}`)
}

func (c *recordingCore) be(away bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.away = away
}

func (c *recordingCore) has(name, entityType string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range c.entries {
		if e.Name == name && e.EntityType == entityType && e.Action == "CREATED" {
			return true
		}
	}
	return false
}

// TestTheHistoryReachesAnExternalCore: what was recorded while Core was away comes after it.
func TestTheHistoryReachesAnExternalCore(t *testing.T) {
	t.Parallel()
	for _, engine := range testdb.Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			core := &recordingCore{}
			server := httptest.NewServer(core)
			t.Cleanup(server.Close)
			s := serve(t, testdb.Config(t, engine), fmt.Sprintf("core: { api: { url: %q, postHistory: true } }", server.URL))
			ada := browserAt(t, s.publicURL)
			ada.signIn("/", "ada@acme.test")
			eventually(t, "the sign-in is there", func() bool { return core.has("Ada Admin", "STS_SESSION") })
			core.be(true)
			ada.create("/api/sts/role/v1", map[string]any{"name": "While it is away", "permissions": []string{"KEY_LIST"}})
			core.be(false)
			ada.create("/api/sts/role/v1", map[string]any{"name": "When it is back", "permissions": []string{"KEY_LIST"}})
			eventually(t, "both roles are there", func() bool {
				return core.has("While it is away", "STS_ROLE") && core.has("When it is back", "STS_ROLE")
			})
		})
	}
}
