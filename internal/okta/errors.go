package okta

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/portico-iam/portico/internal/fault"
)

// Error is a refusal of the Management API, or of the organisation's token endpoint.
type Error struct {
	Method, Path string
	Status       int
	Code         string // E0000006, or an OAuth code
	Summary      string
	Causes       []string
	ID           string // Okta's errorId, by which its support finds the request
}

func (e *Error) Error() string {
	text := fmt.Sprintf("Okta refused %s %s: %d %s", e.Method, e.Path, e.Status, e.Code)
	if e.Summary != "" {
		text += " " + e.Summary
	}
	if len(e.Causes) > 0 {
		text += " (" + strings.Join(e.Causes, "; ") + ")"
	}
	if remedy := e.remedy(); remedy != "" {
		text += "\n  " + remedy
	}
	return text
}

// Codes of the Management API that mean something to us.
const (
	codePermission  = "E0000006"
	codeToken       = "E0000011"
	codeFeature     = "E0000015"
	codeSession     = "E0000005"
	codeAuth        = "E0000004"
	codeHTML        = "html"
	codeNoScopes    = "consent_required"
	codeScope       = "invalid_scope"
	codeClient      = "invalid_client"
	codeDPoP        = "invalid_dpop_proof"
	codeDPoPNonce   = "use_dpop_nonce"
	codeScopesShort = "insufficient_scope"
)

// remedy says what to do about a refusal, where that is known.
func (e *Error) remedy() string {
	switch e.Code {
	case codeToken, codeAuth, codeSession:
		return "The API token is wrong, expired, revoked or of another organisation: make a new one at Security > API > Tokens, and check okta.url."
	case codePermission:
		return fmt.Sprintf("The credential may not do this. A token has the rights of the administrator who made it; a service application needs the scope %s (Applications > the application > Okta API Scopes) and, under Admin roles, API Access Management Administrator with Group Administrator, or Super Administrator.", scopeOf(e.Method, e.Path))
	case codeFeature:
		return "This organisation has no API Access Management, so no custom authorization servers, the default one included. Ask Okta for it, or do without: with authorizationServer: {id: org} the roles come in the ID token of the organisation's own server (iam.tokenSource: id_token)."
	case codeNoScopes, codeScope, codeScopesShort:
		return "The service application lacks scopes: a super administrator grants them at Applications > the application > Okta API Scopes."
	case codeClient:
		return "The service application is unknown or its key does not match: compare okta.clientId and the public key at Applications > the application > General > Client Credentials."
	case codeHTML:
		return "That address answers with a web page: okta.url must be the organisation's own address, such as https://dev-12345.okta.com."
	}
	if e.Status == http.StatusTooManyRequests {
		return "Okta's rate limit is used up, also after waiting: run this again later, it goes on where it stopped."
	}
	if e.Status >= 500 {
		return "Okta failed. Run this again later: it goes on where it stopped."
	}
	return ""
}

// IsNotFound tells of a resource that does not exist.
func IsNotFound(err error) bool { return hasStatus(err, http.StatusNotFound) }

// IsUnlicensed tells that the organisation has no API Access Management (E0000015).
func IsUnlicensed(err error) bool {
	var refused *Error
	return errors.As(err, &refused) && refused.Code == codeFeature
}

func hasStatus(err error, status int) bool {
	var refused *Error
	return errors.As(err, &refused) && refused.Status == status
}

// refusal reads an error answer: the Management API's shape, OAuth's, or whatever else there is.
func refusal(method, path string, response *http.Response, answer []byte) error {
	e := &Error{Method: method, Path: pathOnly(path), Status: response.StatusCode}
	var body struct {
		ErrorCode, ErrorSummary, ErrorID string
		ErrorCauses                      []struct{ ErrorSummary string }
		Error                            string `json:"error"`
		Description                      string `json:"error_description"`
	}
	if json.Unmarshal(answer, &body) != nil {
		return notJSON(method, path, response)
	}
	e.Code, e.Summary, e.ID = clip(body.ErrorCode), clip(body.ErrorSummary), clip(body.ErrorID)
	if e.Code == "" {
		e.Code, e.Summary = clip(body.Error), clip(body.Description)
	}
	for _, cause := range body.ErrorCauses {
		e.Causes = append(e.Causes, clip(cause.ErrorSummary))
	}
	return e
}

func notJSON(method, path string, response *http.Response) error {
	kind := response.Header.Get("Content-Type")
	return &Error{
		Method: method, Path: pathOnly(path), Status: response.StatusCode, Code: codeHTML,
		Summary: fmt.Sprintf("expected JSON, got %s", clip(kind)),
	}
}

// clip bounds text of others that goes into a message, and keeps it on one line.
func clip(s string) string { return fault.Clip(s, 300) }

// scopeOf names the OAuth scope that a request needs (okta.md 4).
func scopeOf(method, path string) string {
	area := "apps"
	switch {
	case strings.HasPrefix(path, "/api/v1/authorizationServers"):
		area = "authorizationServers"
	case strings.HasPrefix(path, "/api/v1/groups"):
		area = "groups"
	case strings.HasPrefix(path, "/api/v1/users"):
		area = "users"
	case strings.HasPrefix(path, "/api/v1/logs"):
		return "okta.logs.read"
	case strings.HasPrefix(path, "/api/v1/org"):
		return "okta.orgs.read"
	}
	if method == http.MethodGet {
		return "okta." + area + ".read"
	}
	return "okta." + area + ".manage"
}
