package e2e

import (
	"net/http"
	"testing"
)

// second lets Otto administer mappings besides Ada, and signs him in. He is a second administrator of all that s has.
func (s *seed) second(browse func() *browser) *browser {
	role := s.ada.create("/api/sts/role/v1", map[string]any{"name": "Administrator", "permissions": []string{
		"STS_ROLE_CREATE", "STS_ROLE_LIST", "STS_ROLE_DETAIL", "STS_ROLE_EDIT", "STS_ROLE_DELETE", "STS_ACCESS_EXPLAIN", "STS_ORGANISATION_LIST", "STS_ORGANISATION_DETAIL",
		"STS_IAM_ROLE_CREATE", "STS_IAM_ROLE_LIST", "STS_IAM_ROLE_DETAIL", "STS_IAM_ROLE_EDIT", "STS_IAM_ROLE_DELETE", "SYSTEM_HISTORY_LIST", "SYSTEM_HISTORY_DETAIL",
	}})
	s.ada.create("/api/sts/iam-role/v1", map[string]any{"name": "Acme Audit", "systemRoles": []string{role}})
	otto := browse()
	otto.signIn("/", "otto@acme.test")
	return otto
}

// TestASecondAdministratorInTheDesk: what one asks for, and the other approves, counts from then on and not before.
func TestASecondAdministratorInTheDesk(t *testing.T) {
	onBoth(t, func(t *testing.T, start starter) {
		p := start(t, nil)
		s := seeded(t, p)
		demand := s.ada.open("/organisations/" + s.acme.ID + "/four-eyes/demand")
		demand.mustContain(t, "A request waits for seven days.")
		alone := s.ada.next(demand, "confirm")
		mustStatus(t, alone, http.StatusConflict)
		alone.mustContain(t, "Nobody else who could approve was seen in the last 90 days", "Nothing was changed.")
		otto, vera := s.second(p.browser), p.browser()
		vera.signIn("/", "vera@acme.test")
		reads := func() int { return vera.in(s.acme.ID, "GET", "/api/history/v1?page=0&pageSize=1").status }
		s.ada.next(s.ada.open(demand.url.Path), "confirm").mustContain(t, "From now on a second administrator must approve", "demanded")

		named := s.ada.next(s.ada.open("/access/new"), "next", "name", "Acme Verification")
		review := s.ada.next(named, "next", "addOrganisation", s.acme.ID, "addRole", s.role.ID)
		review.mustContain(t, "Needs a second administrator", "Ask for approval")
		empty := s.ada.next(review, "save", "reason", " ")
		mustStatus(t, empty, http.StatusUnprocessableEntity)
		empty.mustContain(t, "Enter a reason")
		asked := s.ada.next(empty, "save", "reason", "Two new colleagues\nfrom Monday on")
		asked.mustContain(t, "You asked for approval.", "Two new colleagues from Monday on", "You asked for it yourself: somebody else must decide.", "Withdraw")
		asked.mustNotContain(t, "Refuse")
		if reads() != http.StatusForbidden {
			t.Error("it counts already")
		}

		otto.open("/").mustContain(t, "1 request waits for you")
		otto.open("/requests?state=you").mustContain(t, "Acme Verification", "waits for you", asked.url.Path)
		otto.open(asked.url.Path).mustContain(t, "Approve", "Refuse", "Two new colleagues from Monday on", "Issuer in Acme", "2 people who were seen in the last 90 days")
		confirm := otto.open(asked.url.Path + "/approve")
		confirm.mustContain(t, "The change that")
		s.ada.create("/api/sts/role/v1", map[string]any{"name": "Meanwhile", "permissions": []string{"KEY_LIST"}})
		stale := otto.next(confirm, "confirm")
		mustStatus(t, stale, http.StatusConflict)
		stale.mustContain(t, "were changed since you looked")
		otto.next(stale, "confirm").mustContain(t, "The request is approved, and its change made.", "approved")
		if reads() != http.StatusOK {
			t.Error("it does not count")
		}
		otto.next(stale, "confirm").mustContain(t, "The request was no longer open")
		s.ada.open("/history?action=ACCEPTED").mustContain(t, "Acme Verification")
		otto.open("/").mustNotContain(t, "waits for you")

		refused := s.ada.next(s.ada.open("/organisations/"+s.acme.ID+"/four-eyes/release"), "confirm", "reason", "we are few")
		refused.mustContain(t, "You asked for approval.")
		otto.next(otto.open(refused.url.Path+"/refuse"), "confirm", "reason", "we are two").mustContain(t, "The request is refused.", "we are two")
		s.ada.open("/organisations/"+s.acme.ID).mustContain(t, "Demand no second administrator")
	})
}
