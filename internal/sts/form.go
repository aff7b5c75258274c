package sts

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"

	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/httpx"
)

const maxForm = 256 << 10 // bytes: two tokens of 64 KiB each, and they are encoded

// form is the body of a request to the token endpoint and those beside it.
type form url.Values

// readForm reads a form. Each parameter stands once (RFC 6749 section 3.2), but for those named.
func readForm(w http.ResponseWriter, r *http.Request, repeatable ...string) (form, error) {
	types := r.Header.Values("Content-Type")
	if len(types) != 1 {
		types = []string{""}
	}
	if mediaType, _, err := mime.ParseMediaType(types[0]); err != nil || mediaType != "application/x-www-form-urlencoded" {
		return nil, refuse(InvalidRequest, "expected Content-Type application/x-www-form-urlencoded")
	}
	if r.URL.RawQuery != "" { // RFC 6749 section 3.2: a token in a URL ends up in logs
		return nil, refuse(InvalidRequest, "expected the parameters in the body, got a query")
	}
	body, err := io.ReadAll(httpx.Body(w, r, maxForm))
	if err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return nil, fault.TooLarge.New("expected at most %d bytes of body", maxForm)
		}
		return nil, refuse(InvalidRequest, "the body could not be read")
	}
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, refuse(InvalidRequest, "the body is not a well-formed form")
	}
	for name, all := range values {
		// One without a value counts as absent (RFC 6749 section 3.2).
		all = slices.DeleteFunc(all, func(v string) bool { return v == "" })
		values[name] = all
		if len(all) > 1 && !slices.Contains(repeatable, name) {
			return nil, refuse(InvalidRequest, "%s: expected once", clip(name))
		}
	}
	return form(values), nil
}

// get returns a parameter, "" for an absent one.
func (f form) get(name string) string { return url.Values(f).Get(name) }

// checkClient refuses the ways of client authentication that are not offered: a secret comes by HTTP Basic alone.
func (f form) checkClient() error {
	if f.get("client_secret") != "" || f.get("client_assertion") != "" {
		return refuse(InvalidClient, "a client authenticates by HTTP Basic with the secret of sts.token.clients, or by its token alone")
	}
	return nil
}
