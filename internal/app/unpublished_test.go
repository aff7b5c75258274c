package app

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/sts"
)

// TestWhenACutKeyIsGone: replicas are given the time to notice, and only then their answer counts.
func TestWhenACutKeyIsGone(t *testing.T) {
	set := func(kids ...string) string {
		return `{"keys":[{"kid":"` + strings.Join(kids, `"},{"kid":"`) + `"}]}`
	}
	for rule, c := range map[string]struct {
		answer func(waited time.Duration, w http.ResponseWriter)
		still  bool
		says   string // of the error
		waits  time.Duration
	}{
		"gone when everybody has noticed": {func(_ time.Duration, w http.ResponseWriter) { fmt.Fprint(w, set("b", "c")) }, false, "", 2 * sts.MaintainEvery},
		"gone a moment later": {func(waited time.Duration, w http.ResponseWriter) {
			if waited < 5*sts.MaintainEvery {
				fmt.Fprint(w, set("a", "b"))
				return
			}
			fmt.Fprint(w, set("b", "c"))
		}, false, "", 5 * sts.MaintainEvery},
		"a cache keeps it": {func(_ time.Duration, w http.ResponseWriter) { fmt.Fprint(w, set("a", "b")) }, true, "", 12 * sts.MaintainEvery},
		"an error":         {func(_ time.Duration, w http.ResponseWriter) { w.WriteHeader(502) }, false, "502", 2 * sts.MaintainEvery},
		"no set of keys":   {func(_ time.Duration, w http.ResponseWriter) { fmt.Fprint(w, "{") }, false, "expected the keys", 2 * sts.MaintainEvery},
		"a page for signing in": {func(_ time.Duration, w http.ResponseWriter) {
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprint(w, set("b"))
		}, false, "text/html", 2 * sts.MaintainEvery},
	} {
		var waited time.Duration
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != jwksPath || r.Header.Get("Cache-Control") != "no-cache" {
				t.Errorf("%s: asked for %s, %v", rule, r.URL, r.Header)
			}
			w.Header().Set("Content-Type", "application/jwk-set+json")
			c.answer(waited, w)
		}))
		still, err := unpublished(t.Context(), server.URL+jwksPath, "a", func(_ context.Context, d time.Duration) { waited += d })
		server.Close()
		if still != c.still || (err != nil) != (c.says != "") || err != nil && !strings.Contains(err.Error(), c.says) || waited != c.waits {
			t.Errorf("%s: got %v, %v after %s", rule, still, err, waited)
		}
	}
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	if _, err := unpublished(t.Context(), gone.URL+jwksPath, "a", func(context.Context, time.Duration) {}); err == nil {
		t.Error("nobody answers: expected an error")
	}
}
