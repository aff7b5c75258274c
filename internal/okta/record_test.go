package okta

import (
	"net/http"
	"testing"
)

// TestNoPathLeadsElsewhere: whatever a record says, the credential goes to the organisation alone.
func TestNoPathLeadsElsewhere(t *testing.T) {
	for _, path := range []string{"@evil.test/c", ".evil.test/c", ":80/c", "//evil.test/c", "/other", "/api/v1/apps/../../x", ""} {
		f := newFake(t, func(http.ResponseWriter, *http.Request) { t.Errorf("%q was called", path) })
		if err := f.call(t.Context(), http.MethodDelete, path, nil, nil); err == nil {
			t.Errorf("%q: accepted", path)
		}
	}
}
