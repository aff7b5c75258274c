package devokta

import (
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"
)

// Bounds on what a request may carry. Tokens are the only long values.
const (
	maxBody       = 64 << 10
	maxQuery      = 16 << 10
	maxParameters = 64
	maxValue      = 2 << 10
	maxTokenValue = 16 << 10
)

// params are a request's parameters. An empty value counts as absent (RFC 6749, section 3.1).
type params struct {
	values     map[string]string
	duplicates map[string]bool
}

func (p params) get(name string) string { return p.values[name] }

func (p params) duplicated() bool { return len(p.duplicates) > 0 }

// longValues may be as long as a token.
var longValues = map[string]bool{"token": true, "refresh_token": true, "id_token_hint": true, "access_token": true, "client_assertion": true}

// parseParams reads an encoded form or query. Duplicates are noted, not refused: whether a refusal may go to
// the redirect URI is for the endpoint to say.
func parseParams(raw string) (params, *refusal) {
	p := params{values: map[string]string{}, duplicates: map[string]bool{}}
	if strings.Count(raw, "&") >= maxParameters {
		return p, refuse(errTooLong)
	}
	values, err := url.ParseQuery(raw)
	if err != nil {
		return p, refuse(errMalformed)
	}
	for name, list := range values {
		if len(list) > 1 {
			p.duplicates[name] = true
		}
		limit := maxValue
		if longValues[name] {
			limit = maxTokenValue
		}
		if len(name) > maxValue || len(list[0]) > limit {
			return p, refuse(errTooLong)
		}
		if !printable(name) || !printable(list[0]) {
			return p, refuse(errMalformed)
		}
		if list[0] != "" {
			p.values[name] = list[0]
		}
	}
	return p, nil
}

// printable keeps control characters and broken UTF-8 out of headers, logs and pages.
func printable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return r < 0x20 || r == 0x7f })
}

// queryParams reads the URL, formParams the body; the two are never mixed.
func queryParams(r *http.Request) (params, *refusal) {
	if len(r.URL.RawQuery) > maxQuery {
		return params{}, refuse(errTooLong)
	}
	return parseParams(r.URL.RawQuery)
}

func formParams(w http.ResponseWriter, r *http.Request) (params, *refusal) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return params{}, refuse(errTooLong)
	}
	return parseParams(string(body))
}

// requestParams are the query's on GET and the body's on POST.
func requestParams(w http.ResponseWriter, r *http.Request) (params, *refusal) {
	if r.Method == http.MethodPost {
		return formParams(w, r)
	}
	return queryParams(r)
}

func isForm(r *http.Request) bool {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && media == "application/x-www-form-urlencoded"
}
