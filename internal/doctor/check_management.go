package doctor

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/portico-iam/portico/internal/okta"
)

// refused returns the Management API's first refusal with one of the codes; nil when there was none.
func (e *Evidence) refused(codes ...string) *okta.Error {
	if e.Org == nil {
		return nil
	}
	for _, r := range e.Org.Refused {
		if slices.Contains(codes, r.Code) {
			return r
		}
	}
	return nil
}

// read tells whether a part of the organisation could be read at all: what is missing there is missing in Okta.
func (e *Evidence) read(path string) bool {
	if e.Org == nil || e.OrgErr != nil {
		return false
	}
	return !slices.ContainsFunc(e.Org.Refused, func(r *okta.Error) bool {
		return strings.HasPrefix(r.Path, path) || !strings.HasPrefix(r.Path, "/api/v1/") ||
			r.Status == http.StatusTooManyRequests || r.Status == http.StatusUnauthorized && r.Code != "E0000015"
	})
}

// checkManagement is about the credential that the doctor itself, and okta apply, use.
func checkManagement(e *Evidence, f *findings) {
	if e.Org == nil {
		return
	}
	for _, r := range e.Org.Refused {
		seen := clip(fmt.Sprintf("%d %s from %s", r.Status, r.Code, r.Path))
		switch r.Code {
		case "E0000015": // a row of its own
		case "E0000011", "E0000004", "E0000005":
			finding := Finding{
				What: "The API token is refused: expired after 30 days without use, revoked, or of another organisation.", Seen: seen,
				Setting: "okta.apiToken: a new token; okta.url: the organisation that it is of",
			}
			token := e.Setup.Okta.APIToken.Reveal()
			if strings.HasPrefix(strings.ToUpper(token), "SSWS") || token != strings.TrimSpace(token) {
				finding.Near = "The token is written with SSWS before it, or with blanks: only the token itself belongs there."
			}
			f.add("api-token", finding)
		case "consent_required", "invalid_scope", "access_denied":
			f.add("scopes-not-granted", Finding{
				What: "The service application was not granted the okta.* scopes.", Seen: seen + " " + clip(r.Summary),
				Setting: "Grant, as a super administrator: " + strings.Join(okta.Scopes(), ", "),
				Call:    "POST /api/v1/apps/{id}/grants with {\"scopeId\":\"okta.apps.manage\",\"issuer\":\"" + e.Org.URL + "\"}",
			})
		case "invalid_client":
			f.add("setup-client", Finding{
				What: "The service application is unknown, or its key is not the one that signs.", Seen: seen + " " + clip(r.Summary),
				Setting: "okta.clientId: the Client ID of the service application; and there the public key of okta.privateKeyFile",
			})
		case "invalid_dpop_proof", "use_dpop_nonce":
			f.add("dpop", Finding{
				Console: atService + " > General > Client Credentials > Proof of possession",
				What:    "The service application requires DPoP in a way that is not met.", Seen: seen + " " + clip(r.Summary),
				Setting: "Proof of possession off for the service application", Call: "PUT /api/v1/apps/{id} with settings.oauthClient.dpop_bound_access_tokens: false",
			})
		case "E0000006", "insufficient_scope":
			f.add("no-admin-role", Finding{
				What: "The credential may not read everything that matters: its administrator role or its scopes are too small.", Seen: seen,
				Setting: "A service application: API Access Management Administrator and Group Administrator, or Super Administrator. A token: made by such an administrator.",
				Call:    "POST /oauth2/v1/clients/{clientId}/roles with {\"type\":\"API_ACCESS_MANAGEMENT_ADMIN\"}",
			})
		default:
			if r.Status == http.StatusTooManyRequests {
				f.add("rate-limit", Finding{What: "Okta's rate limit for the Management API is used up.", Seen: seen, Setting: "Wait until X-Rate-Limit-Reset and try again."})
				continue
			}
			f.add("management", Finding{What: "The Management API refused.", Seen: seen + " " + clip(r.Summary), Setting: "okta.url and the credential in the setup file"})
		}
	}
}
