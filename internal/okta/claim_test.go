package okta

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestFilters: which group names a filter of Okta's lets through.
func TestFilters(t *testing.T) {
	for _, c := range []struct {
		kind, value, name string
		lets, judged      bool
	}{
		{"STARTS_WITH", "ONE_", "ONE_STS_ADMIN", true, true},
		{"STARTS_WITH", "one_", "ONE_STS_ADMIN", false, true},
		{"CONTAINS", "STS", "ONE_STS_ADMIN", true, true},
		{"EQUALS", "ONE_STS_ADMIN ", "ONE_STS_ADMIN", false, true},
		{"REGEX", "ONE_.*", "ONE_STS_ADMIN", true, true},
		{"REGEX", "ONE_", "ONE_STS_ADMIN", false, true}, // the whole name must match
		{"REGEX", "a)(b", "ab", false, false},
		{"REGEX", "(?<=x)y", "y", false, false}, // Java's, not ours to judge
		{"REGEX", "", "anything", true, true},
	} {
		if lets, judged := admits(c.kind, c.value, c.name); lets != c.lets || judged != c.judged {
			t.Errorf("%s %q on %q: expected %v, %v; got %v, %v", c.kind, c.value, c.name, c.lets, c.judged, lets, judged)
		}
	}
}

// TestWideningAddsOneName: a widened filter lets through what it did before, and the bootstrap role.
func TestWideningAddsOneName(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kind := rapid.SampledFrom([]string{"STARTS_WITH", "CONTAINS", "EQUALS"}).Draw(t, "kind")
		value := rapid.StringMatching(`[A-Za-z_.*+() ]{1,6}`).Draw(t, "value")
		name := rapid.OneOf(rapid.StringMatching(`[A-Za-z_.*+() ]{0,12}`), rapid.Just("ONE_STS_ADMIN"), rapid.Just(value+"x"), rapid.Just("x"+value)).Draw(t, "name")
		r := &run{Setup: &Setup{Bootstrap: Bootstrap{Group: "ONE_STS_ADMIN"}}, plan: &Plan{}}
		wide, _, err := r.widened(object{"valueType": "GROUPS", "group_filter_type": kind, "value": value})
		if err != nil {
			t.Fatal(err)
		}
		before, _ := admits(kind, value, name)
		after, judged := admits("REGEX", wide, name)
		if !judged || after != (before || name == "ONE_STS_ADMIN") {
			t.Fatalf("%s %q became %q: %q was %v, is %v", kind, value, wide, name, before, after)
		}
	})
}

func TestRolePathOfClaim(t *testing.T) {
	for name, want := range map[string]string{"roles": "roles", "https://acme.test/roles": "https://acme.test/roles", "acme.roles": "$['acme.roles']"} {
		if got := rolePath(name); got != want {
			t.Errorf("%s: expected %s, got %s", name, want, got)
		}
	}
}

func TestScopesOfRequests(t *testing.T) {
	for request, want := range map[string]string{
		"GET /api/v1/apps/x": "okta.apps.read", "PUT /api/v1/apps/x/groups/y": "okta.apps.manage",
		"POST /api/v1/authorizationServers/x/claims": "okta.authorizationServers.manage", "GET /api/v1/users/x": "okta.users.read",
		"PUT /api/v1/groups/x/users/y": "okta.groups.manage", "GET /api/v1/logs": "okta.logs.read",
	} {
		method, path, _ := strings.Cut(request, " ")
		if got := scopeOf(method, path); got != want {
			t.Errorf("%s: expected %s, got %s", request, want, got)
		}
	}
}
