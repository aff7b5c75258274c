package sts

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/httpx"
)

// The identifiers of RFC 8693 section 3.
const (
	GrantTokenExchange = "urn:ietf:params:oauth:grant-type:token-exchange"
	TypeAccessToken    = "urn:ietf:params:oauth:token-type:access_token"
	TypeJWT            = "urn:ietf:params:oauth:token-type:jwt"
)

const maxForm = 128 << 10 // bytes: a token may be 64 KiB, and is encoded

// ErrorCode is an error of RFC 6749 section 5.2 and RFC 8693 section 2.2.2.
type ErrorCode string

// The error codes of the token endpoint.
const (
	InvalidRequest       ErrorCode = "invalid_request"
	InvalidTarget        ErrorCode = "invalid_target"
	InvalidScope         ErrorCode = "invalid_scope"
	UnsupportedGrantType ErrorCode = "unsupported_grant_type"
)

// Error refuses an exchange. Its description is for the client's developer.
type Error struct {
	Code        ErrorCode
	Description string
}

func (e *Error) Error() string { return string(e.Code) + ": " + e.Description }

// Exchange is the token endpoint.
type Exchange struct {
	Service *Service
	History *history.Recorder
	// Verify validates an IAM access token and returns its principal.
	Verify func(ctx context.Context, token string) (*access.Principal, error)
}

var _ http.Handler = (*Exchange)(nil)

type exchangeResponse struct {
	AccessToken     string `json:"access_token"`
	IssuedTokenType string `json:"issued_token_type"`
	TokenType       string `json:"token_type"`
	ExpiresIn       int64  `json:"expires_in"`
	Scope           string `json:"scope"`
}

type errorResponse struct {
	Error       ErrorCode `json:"error"`
	Description string    `json:"error_description,omitempty"`
}

// ServeHTTP answers as RFC 8693 section 2.2 says. The answer is never cached.
func (x *Exchange) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Pragma", "no-cache")
	token, err := x.exchange(w, r)
	if err == nil {
		httpx.WriteJSON(w, http.StatusOK, exchangeResponse{
			AccessToken: token.Value, IssuedTokenType: TypeAccessToken, TokenType: "Bearer",
			ExpiresIn: int64(token.ExpiresAt.Sub(x.Service.Now()).Seconds()), Scope: strings.Join(token.Permissions.Names(), " "),
		})
		return
	}
	status, answer := x.refusal(err)
	if status >= 500 {
		httpx.Logger(r.Context()).ErrorContext(r.Context(), "exchange failed", "error", err)
	}
	httpx.WriteJSON(w, status, answer)
}

// refusal gives an error its OAuth form. RFC 8693 section 2.2.2: an unacceptable subject token is an invalid_request; a
// place where the token can't be used is an invalid_target.
func (x *Exchange) refusal(err error) (status int, answer errorResponse) {
	var refused *Error
	if errors.As(err, &refused) {
		return http.StatusBadRequest, errorResponse{refused.Code, refused.Description}
	}
	f := fault.Of(err)
	switch f.Code {
	case fault.Unauthenticated:
		return http.StatusBadRequest, errorResponse{InvalidRequest, "subject_token: " + f.Detail}
	case fault.Forbidden:
		return http.StatusBadRequest, errorResponse{InvalidTarget, fmt.Sprintf("%s (reference %s)", f.Detail, f.Reference)}
	case fault.Unavailable:
		return http.StatusServiceUnavailable, errorResponse{"temporarily_unavailable", f.Detail}
	case fault.TooLarge:
		return http.StatusRequestEntityTooLarge, errorResponse{InvalidRequest, f.Detail}
	}
	return http.StatusInternalServerError, errorResponse{"server_error", "an internal error occurred"}
}

func (x *Exchange) exchange(w http.ResponseWriter, r *http.Request) (Token, error) {
	form, err := readForm(w, r)
	if err != nil {
		return Token{}, err
	}
	req, subjectToken, err := form.request()
	if err != nil {
		return Token{}, err
	}
	if req.Principal, err = x.Verify(r.Context(), subjectToken); err != nil {
		return Token{}, err
	}
	token, err := x.Service.Issue(r.Context(), req)
	if err != nil {
		return Token{}, err
	}
	if req.Limit != nil && token.Permissions.IsEmpty() && !req.Limit.IsEmpty() {
		return Token{}, &Error{InvalidScope, "none of the requested permissions is granted there"}
	}
	x.History.Record(r.Context(), history.Entry{
		Action: history.Created, EntityType: history.STSToken, Name: strings.Join(token.Audiences, " "), Source: history.SourceSTS,
		OrganisationID: token.Organisation, User: req.Principal.Subject,
		Metadata: history.Details(map[string]any{"client": req.Principal.ClientID, "permissions": token.Permissions.Names(), "expires": httpx.Timestamp(token.ExpiresAt)}),
	})
	return token, nil
}

// form is the body of a token request.
type form url.Values

func readForm(w http.ResponseWriter, r *http.Request) (form, error) {
	if mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || mediaType != "application/x-www-form-urlencoded" {
		return nil, &Error{InvalidRequest, "expected Content-Type application/x-www-form-urlencoded"}
	}
	if r.URL.RawQuery != "" { // RFC 6749 section 3.2: a token in a URL ends up in logs
		return nil, &Error{InvalidRequest, "expected the parameters in the body, got a query"}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxForm))
	if err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return nil, fault.TooLarge.New("expected at most %d bytes of body", maxForm)
		}
		return nil, &Error{InvalidRequest, "the body could not be read"}
	}
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, &Error{InvalidRequest, "the body is not a well-formed form"}
	}
	for name, all := range values {
		if len(all) > 1 && name != "audience" && name != "resource" { // section 3.2; RFC 8693 section 2.1 admits these two
			return nil, &Error{InvalidRequest, clip(name) + ": expected once"}
		}
	}
	return form(values), nil
}

func (f form) get(name string) string { return url.Values(f).Get(name) }

// request reads the parameters of RFC 8693 section 2.1. Unrecognised ones are ignored (RFC 6749 section 3.2).
func (f form) request() (Request, string, error) {
	switch grant := f.get("grant_type"); grant {
	case GrantTokenExchange:
	case "":
		return Request{}, "", &Error{InvalidRequest, "grant_type: expected " + GrantTokenExchange}
	default:
		return Request{}, "", &Error{UnsupportedGrantType, "grant_type: expected " + GrantTokenExchange}
	}
	subjectToken := f.get("subject_token")
	switch t := f.get("subject_token_type"); {
	case subjectToken == "":
		return Request{}, "", &Error{InvalidRequest, "subject_token: required, an access token of the identity provider"}
	case t != TypeAccessToken && t != TypeJWT:
		return Request{}, "", &Error{InvalidRequest, "subject_token_type: expected " + TypeAccessToken}
	}
	if f.get("actor_token") != "" || f.get("actor_token_type") != "" {
		return Request{}, "", &Error{InvalidRequest, "actor_token: delegation is not offered here; send the subject_token alone"}
	}
	if t := f.get("requested_token_type"); t != "" && t != TypeAccessToken && t != TypeJWT {
		return Request{}, "", &Error{InvalidRequest, "requested_token_type: expected " + TypeAccessToken}
	}
	if len(f["resource"]) > 0 {
		return Request{}, "", &Error{InvalidTarget, "resource: name the service by audience instead"}
	}
	req := Request{Audiences: f["audience"], Route: "POST /api/sts/token/v1"}
	if len(req.Audiences) > 10 {
		return Request{}, "", &Error{InvalidTarget, "audience: expected at most 10"}
	}
	if id := f.get("organisation_id"); id != "" {
		parsed, err := httpx.ParseUUID(id)
		if err != nil {
			return Request{}, "", &Error{InvalidRequest, "organisation_id: " + fault.Of(err).Detail}
		}
		req.Organisation = access.OrganisationID(parsed)
	}
	if scope := f.get("scope"); scope != "" {
		limit, unknown := access.ParseSet(strings.Fields(scope))
		if len(unknown) > 0 {
			return Request{}, "", &Error{InvalidScope, "there is no permission " + clip(unknown[0])}
		}
		req.Limit = &limit
	}
	return req, subjectToken, nil
}
