package e2e

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/portico-iam/portico/internal/testbrowser"
)

// TestReadmePicture takes the README's picture of the Desk: an administrator looks up why somebody was refused.
// PORTICO_SCREENSHOTS=docs go test ./e2e -run TestReadmePicture (from the project's folder, with its full path) renews it.
func TestReadmePicture(t *testing.T) {
	p := start(t, nil)
	ada := p.browser()
	ada.signIn("/", "ada@acme.test")
	organisations, roles := map[string]string{}, map[string]string{}
	for _, name := range []string{"Ministry of Mobility", "Ministry of Health", "City of Bern"} {
		var c created
		mustStatus(t, ada.call("POST", "/api/organisation/v1", map[string]any{"name": name}, &c), http.StatusCreated)
		organisations[name] = c.ID
	}
	for name, permissions := range map[string][]string{
		"Credential issuer": {"CREDENTIAL_ISSUE", "CREDENTIAL_LIST", "CREDENTIAL_DETAIL", "CREDENTIAL_SHARE", "CREDENTIAL_SCHEMA_LIST"},
		"Verifier":          {"PROOF_ISSUE", "PROOF_LIST", "PROOF_DETAIL", "PROOF_SHARE"},
		"Auditor":           {"HISTORY_LIST", "HISTORY_DETAIL", "CREDENTIAL_LIST", "PROOF_LIST"},
		"Key custodian":     {"KEY_CREATE", "KEY_LIST", "KEY_DETAIL", "IDENTIFIER_CREATE", "IDENTIFIER_LIST"},
	} {
		var c created
		mustStatus(t, ada.call("POST", "/api/sts/role/v1", map[string]any{"name": name, "permissions": permissions}, &c), http.StatusCreated)
		roles[name] = c.ID
	}
	for iamRole, role := range map[string]string{"Acme Issuance": "Credential issuer", "Acme Verification": "Verifier", "Acme Audit": "Auditor"} {
		mustStatus(t, ada.call("POST", "/api/sts/iam-role/v1", map[string]any{
			"name": iamRole, "organisationRoles": map[string]any{organisations["Ministry of Mobility"]: []string{roles[role]}},
		}, nil), http.StatusCreated)
	}
	ivan := p.browser()
	ivan.signIn("/", "ivan@acme.test")
	var refusal struct{ Reference string }
	mustStatus(t, ivan.call("GET", "/api/key/v1", nil, &refusal), http.StatusForbidden)

	ctx := testbrowser.Start(t)
	do(t, ctx, "the refusal, explained", wide, visit(p.Info.PublicURL+"/history/"+refusal.Reference), credentials("ada@acme.test"),
		text("Why it was refused"), text("KEY_LIST"), text("Acme Issuance"), text("Key custodian"))
	do(t, ctx, "the picture", func(ctx context.Context, target *chromedp.Target) (none chromedp.Void, err error) {
		picture, err := cdp.Call(ctx, target, page.CaptureScreenshot, page.CaptureScreenshotParams{})
		if dir := os.Getenv("PORTICO_SCREENSHOTS"); dir != "" && err == nil {
			err = os.WriteFile(filepath.Join(dir, "desk.png"), picture.Data, 0o644)
		}
		return none, err
	})
}
