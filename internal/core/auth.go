package core

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/httpx"
)

// caller is who calls, and what they may do.
type caller struct {
	everything  bool // UNSAFE modes: every permission
	permissions access.PermissionSet
	session     *session // nil in the UNSAFE modes: no organisation to compare, nobody to attribute to
}

// session is what a token says of its bearer.
type session struct {
	user         string
	organisation access.OrganisationID // empty: none
	actor        string                // the service that acts for the user; logged, not stored
}

type callerKey struct{}

func callerOf(ctx context.Context) (caller, bool) {
	c, ok := ctx.Value(callerKey{}).(caller)
	return c, ok
}

// reason is why a bearer was refused. It is for the log alone: the caller gets 401 with an empty body.
type reason string

func (r reason) Error() string { return string(r) }

// The reasons; the names are Core's, but for the last three, for which it has none.
const (
	emptyToken              reason = "EmptyToken"
	failedToDecodeJWT       reason = "FailedToDecodeJwt"
	unsupportedAlgorithm    reason = "UnsupportedAlgorithm"
	missingKid              reason = "MissingKid"
	noMatchingKey           reason = "NoMatchingKey"
	failedToVerifySignature reason = "FailedToVerifySignature"
	missingIssuer           reason = "MissingIssuer"
	incorrectIssuer         reason = "IncorrectIssuer"
	missingAudience         reason = "MissingAudience"
	incorrectAudience       reason = "IncorrectAudience"
	missingExpirationDate   reason = "MissingExpirationDate"
	expiredToken            reason = "ExpiredToken"
	notBeforeToken          reason = "NotBeforeToken"
	missingSubject          reason = "MissingSubject"
	noBearer                reason = "NoBearer"
	wrongStaticToken        reason = "WrongStaticToken"
)

// authenticator tells who calls.
type authenticator struct {
	mode        Mode
	staticToken Secret
	tokens      *validator // STS
}

// guard lets nobody past who asks for anything under /api and is not authenticated. It looks at the decoded path, so
// that no encoding of /api slips by; what is encoded oddly is refused further in.
func (a *authenticator) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !underAPI(r.URL.Path) {
			next.ServeHTTP(w, r)
			return
		}
		c, err := a.authenticate(r.Header)
		if err != nil {
			httpx.Logger(r.Context()).WarnContext(r.Context(), "bearer refused", "reason", err.Error(), "method", r.Method, "path", r.URL.Path)
			w.Header().Set("WWW-Authenticate", "Bearer") // RFC 9110 section 15.5.2
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if c.session != nil && c.session.actor != "" {
			httpx.Logger(r.Context()).InfoContext(r.Context(), "delegated call", "actor", c.session.actor, "method", r.Method, "path", r.URL.Path)
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), callerKey{}, c)))
	})
}

func (a *authenticator) authenticate(h http.Header) (caller, error) {
	if a.mode == ModeUnsafeNone {
		return caller{everything: true}, nil
	}
	token, ok := bearer(h)
	if !ok {
		return caller{}, noBearer
	}
	switch a.mode {
	case ModeSTS:
		return a.tokens.validate(token)
	case ModeUnsafeStatic:
		if a.staticToken == "" || !equal(token, string(a.staticToken)) {
			return caller{}, wrongStaticToken
		}
		return caller{everything: true}, nil
	}
	return caller{}, noBearer
}

// bearer takes the token out of the header: the scheme's case and its single blank are exact, as in Core. Two headers
// are none, for readers disagree on which one counts.
func bearer(h http.Header) (string, bool) {
	values := h.Values("Authorization")
	if len(values) != 1 {
		return "", false
	}
	return strings.CutPrefix(values[0], "Bearer ")
}

// equal compares in a time that tells nothing of either's content or length.
func equal(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}
