package sts

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/fault"
)

// TestTheExchangeAsksForAnotherSignIn by OpenID Connect's own error, with what RFC 9470 section 3 says of it.
func TestTheExchangeAsksForAnotherSignIn(t *testing.T) {
	f := fault.StepUp.New("it takes another sign-in")
	f.Reference, f.SignIn = "ref-1", &access.Requirement{Classes: []string{"phr", "urn:okta:loa:2fa:any"}, MaxAge: 15 * time.Minute}
	w := httptest.NewRecorder()
	WriteError(w, httptest.NewRequest("POST", TokenPath, nil), f)
	challenge := w.Header().Get("WWW-Authenticate")
	if w.Code != 400 || !strings.Contains(w.Body.String(), `"unmet_authentication_requirements"`) || !strings.Contains(w.Body.String(), "ref-1") ||
		!strings.HasPrefix(challenge, "Bearer ") || !strings.Contains(challenge, `acr_values="phr urn:okta:loa:2fa:any"`) || !strings.Contains(challenge, `max_age="900"`) {
		t.Errorf("got %d %s with %s", w.Code, w.Body, challenge)
	}
}
