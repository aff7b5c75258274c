package sts

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/httpx"
)

// ErrorCode is an error of RFC 6749 section 5.2 and RFC 8693 section 2.2.2.
type ErrorCode string

// The error codes of the endpoints here.
const (
	InvalidRequest       ErrorCode = "invalid_request"
	InvalidClient        ErrorCode = "invalid_client"
	InvalidTarget        ErrorCode = "invalid_target"
	InvalidScope         ErrorCode = "invalid_scope"
	UnauthorizedClient   ErrorCode = "unauthorized_client"
	UnsupportedGrantType ErrorCode = "unsupported_grant_type"
	UnsupportedTokenType ErrorCode = "unsupported_token_type" // RFC 7009 section 2.2.1
	// UnmetRequirements is of OpenID Connect Core Unmet Authentication Requirements 1.0: another sign-in would do.
	UnmetRequirements ErrorCode = "unmet_authentication_requirements"
)

// Error refuses a request. Its description is for the client's developer.
type Error struct {
	Code        ErrorCode
	Description string
}

func (e *Error) Error() string { return string(e.Code) + ": " + e.Description }

func refuse(code ErrorCode, format string, args ...any) error {
	return &Error{code, fmt.Sprintf(format, args...)}
}

type errorResponse struct {
	Error       ErrorCode `json:"error"`
	Description string    `json:"error_description,omitempty"`
}

// neverCached marks an answer that holds a token, or speaks of one (RFC 6749 section 5.1).
func neverCached(w http.ResponseWriter) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Pragma", "no-cache")
}

// WriteError gives an error its OAuth form. RFC 8693 section 2.2.2: an unacceptable subject token is an invalid_request;
// a place where the token can't be used is an invalid_target.
func WriteError(w http.ResponseWriter, r *http.Request, err error) {
	status, answer := http.StatusBadRequest, errorResponse{}
	var refused *Error
	f := fault.Of(err)
	code := f.Code.ID
	switch {
	case errors.As(err, &refused):
		code = string(refused.Code)
		answer = errorResponse{refused.Code, refused.Description}
		if refused.Code == InvalidClient { // RFC 6749 section 5.2
			status = http.StatusUnauthorized
			w.Header().Set("WWW-Authenticate", `Basic realm="portico"`)
		}
	case f.Code == fault.Unauthenticated:
		answer = errorResponse{InvalidRequest, f.Detail}
	case f.Code == fault.Forbidden:
		answer = errorResponse{InvalidTarget, fmt.Sprintf("%s (reference %s)", f.Detail, f.Reference)}
	case f.Code == fault.StepUp:
		w.Header().Set("WWW-Authenticate", httpx.StepUpChallenge(f.SignIn))
		answer = errorResponse{UnmetRequirements, fmt.Sprintf("%s (reference %s)", f.Detail, f.Reference)}
	case f.Code == fault.AroundGateway:
		status, answer = http.StatusForbidden, errorResponse{InvalidRequest, f.Detail}
	case f.Code == fault.Unavailable:
		status, answer = http.StatusServiceUnavailable, errorResponse{"temporarily_unavailable", f.Detail}
	case f.Code == fault.TooLarge:
		status, answer = http.StatusRequestEntityTooLarge, errorResponse{InvalidRequest, f.Detail}
	default:
		status, answer = http.StatusInternalServerError, errorResponse{"server_error", "an internal error occurred"}
	}
	httpx.NoteRefusal(r.Context(), code, f.Reference)
	if status >= 500 {
		httpx.Logger(r.Context()).ErrorContext(r.Context(), "token request failed", "error", err)
	}
	answer.Description = described(answer.Description)
	httpx.WriteJSON(w, status, answer)
}

// described leaves of a text what RFC 6749 section 5.2 admits: printable ASCII without the quote and the backslash.
func described(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '"', r == '\\', r == '’', r == '“', r == '”':
			return '\''
		case r < 0x20 || r > 0x7e:
			return '?'
		}
		return r
	}, strings.ReplaceAll(text, "…", "..."))
}

// about names the parameter whose token was refused.
func about(parameter string, err error) error {
	if f := fault.Of(err); f.Code == fault.Unauthenticated {
		return refuse(InvalidRequest, "%s: %s", parameter, f.Detail)
	}
	return err
}
