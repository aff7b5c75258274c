package e2e

import (
	"net/http"
	"slices"
	"testing"
)

// roleUsage is what the API says of a role.
type roleUsage struct {
	Since       string
	Permissions []struct{ Name, LastUsed, LastHandedOut string }
	Unused      []string
}

// TestWhichPermissionsOfARoleAreUsed: what went through a route is used; the rest is one click from the review of a smaller role,
// and nothing is saved by the click.
func TestWhichPermissionsOfARoleAreUsed(t *testing.T) {
	onBoth(t, func(t *testing.T, start starter) {
		p := start(t, nil)
		s := seeded(t, p)
		usage := func() (u roleUsage) {
			t.Helper()
			mustStatus(t, s.ada.call("GET", "/api/sts/role/v1/"+s.role.ID+"/usage", nil, &u), http.StatusOK)
			return u
		}
		if u := usage(); !slices.Equal(u.Unused, []string{"CREDENTIAL_ISSUE", "HISTORY_LIST"}) || u.Since == "" {
			t.Fatalf("at first: %+v", u)
		}
		ivan := p.browser()
		ivan.signIn("/", "ivan@acme.test")
		mustStatus(t, ivan.in(s.acme.ID, "GET", "/api/history/v1?page=0&pageSize=1"), http.StatusOK)
		if u := usage(); !slices.Equal(u.Unused, []string{"CREDENTIAL_ISSUE"}) {
			t.Fatalf("after a use: %+v", u)
		}
		mustStatus(t, ivan.in(s.acme.ID, "GET", "/api/sts/role/v1/"+s.role.ID+"/usage"), http.StatusForbidden)

		page := s.ada.open("/roles/" + s.role.ID)
		page.mustContain(t, "Not used in the last 90 days: 1 of 2 permissions.", "not used", "today")
		review := s.ada.open(page.linkTo(t, "Preview the role without them"))
		review.mustContain(t, "The role as it will be", "People with this role lose", "CREDENTIAL_ISSUE")
		if u := usage(); len(u.Permissions) != 2 {
			t.Fatalf("the click saved something: %+v", u)
		}
		s.ada.next(review, "save").mustContain(t, "The role is saved.")
		if u := usage(); len(u.Permissions) != 1 || len(u.Unused) != 0 {
			t.Errorf("after saving: %+v", u)
		}
	})
}
