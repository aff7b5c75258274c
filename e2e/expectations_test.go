package e2e

import (
	"net/http"
	"path/filepath"
	"testing"

	"github.com/portico-iam/portico/internal/config"
)

// TestExpectationsAreHeldBeforeEverySave: the review names what would break, and neither the Desk nor the API saves it.
func TestExpectationsAreHeldBeforeEverySave(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "expectations.yaml")
	write(t, file, "version: 1\nexpect: [IAM role Acme Issuance in Acme may CREDENTIAL_ISSUE]\n")
	p := start(t, func(cfg *config.Config) { cfg.STS.Expectations = file })
	s := seeded(t, p)
	remove := s.ada.open("/access/" + s.access.ID + "/delete")
	remove.mustContain(t, "It would break an expectation", "IAM role Acme Issuance in Acme may CREDENTIAL_ISSUE")
	got := s.ada.call("PATCH", "/api/sts/role/v1/"+s.role.ID, map[string]any{"permissions": []string{"HISTORY_LIST"}}, nil)
	mustStatus(t, got, http.StatusConflict)
	got.mustContain(t, "PT_0025", "IAM role Acme Issuance in Acme may CREDENTIAL_ISSUE")

	form := s.ada.next(s.ada.open("/access/"+s.access.ID+"/edit"), "next", "name", "Acme Issuers")
	review := s.ada.next(form, "next")
	review.mustContain(t, "after this these expectations would not hold any more")
	s.ada.next(review, "save").mustContain(t, "Nothing was saved.", "IAM role Acme Issuance in Acme may CREDENTIAL_ISSUE")

	write(t, file, "version: 1\nexpect: [IAM role Acme Issuance in Acme may not KEY_LIST]\n") // replaced while it runs
	mustStatus(t, s.ada.call("DELETE", "/api/sts/iam-role/v1/"+s.access.ID, nil, nil), http.StatusNoContent)
}
