package okta_test

import (
	"strings"
	"testing"
)

// TestPlanSpeaksAsTheConsoleDoes: whoever reads it finds every field and every choice under the name it has there.
func TestPlanSpeaksAsTheConsoleDoes(t *testing.T) {
	o := newOrg(t, "fresh-free")
	var text strings.Builder
	o.plan(o.setup(fresh)).Print(&text, "apply")
	for _, word := range []string{"settings.", "credentials.", "conditions.", "alwaysIncludeInToken", "authorization_code", "client_secret_basic", "REGEX", "GROUPS", "EVERYONE", "true"} {
		if strings.Contains(text.String(), word) {
			t.Errorf("%q is a word of the API's, in\n%s", word, text.String())
		}
	}
	for _, line := range []string{"Grant types: Authorization Code, Refresh Token", "User is: Any user assigned the app", "Filter: Matches regex", "includes Everyone"} {
		if !strings.Contains(text.String(), line) {
			t.Errorf("expected %q in\n%s", line, text.String())
		}
	}
}
