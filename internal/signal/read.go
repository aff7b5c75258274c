package signal

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"

	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/httpx"
	"github.com/portico-iam/portico/internal/iam"
)

const maxForm = iam.MaxToken + 4096 // bytes: one token, and what stands beside it

// readBody reads a bounded body of that media type. A query is refused: none of the addresses has one, and what stands in it ends up in
// logs.
func readBody(w http.ResponseWriter, r *http.Request, mediaType string, most int64) ([]byte, error) {
	types := r.Header.Values("Content-Type")
	if len(types) != 1 {
		types = []string{""}
	}
	if got, _, err := mime.ParseMediaType(types[0]); err != nil || got != mediaType {
		return nil, malformed("expected Content-Type %s, got %q", mediaType, clip(types[0]))
	}
	if r.URL.RawQuery != "" {
		return nil, malformed("expected no query")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, most))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, malformed("expected at most %d bytes of body", most)
	case err != nil:
		return nil, malformed("the body could not be read")
	}
	return body, nil
}

// readLogoutToken reads the form of a back-channel logout. Other parameters may stand beside it (section 2.5).
func readLogoutToken(body []byte) (string, error) {
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return "", malformed("the body is not a well-formed form")
	}
	token := values["logout_token"]
	if len(token) != 1 || token[0] == "" {
		return "", malformed("logout_token: expected once")
	}
	return token[0], nil
}

// bearer returns the token of the Authorization header (RFC 6750 section 2.1).
func bearer(r *http.Request) (string, error) {
	values := r.Header.Values("Authorization")
	const scheme = "bearer "
	if len(values) != 1 || len(values[0]) <= len(scheme) || foldASCII(values[0][:len(scheme)]) != scheme {
		return "", fault.Unauthenticated.New("expected the header Authorization: Bearer with a signed token, once")
	}
	return values[0][len(scheme):], nil
}

// oauthError is the form of an error of OAuth (RFC 6749 section 5.2).
type oauthError struct {
	Error       string `json:"error"`
	Description string `json:"error_description,omitempty"`
}

func noStore(w http.ResponseWriter) { w.Header().Set("Cache-Control", "no-store") }

// writeRefusal says why in the form of OAuth: to the sender's developer. The reference is where the administrator reads on.
func writeRefusal(w http.ResponseWriter, status int, code string, err error, reference string) {
	httpx.WriteJSON(w, status, oauthError{code, described(err, reference)})
}

// described leaves of a reason what RFC 6749 section 5.2 admits: printable ASCII without the quote and the backslash.
func described(err error, reference string) string {
	text := []byte(nil)
	reason := clip(reasonOf(err))
	if f := fault.Of(err); f.Code == fault.Internal {
		reason = "an internal error occurred"
	}
	if reference != "" {
		reason += " (reference " + reference + ")"
	}
	for _, r := range reason {
		switch {
		case r == '"' || r == '\\':
			r = '\''
		case r < 0x20 || r > 0x7e:
			r = '?'
		}
		text = append(text, byte(r))
	}
	return string(text)
}
