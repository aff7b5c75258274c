package httpx

import (
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/portico-iam/portico/internal/fault"
)

// maxTarget bounds the request target, in bytes.
const maxTarget = 8192

// GuardPath lets only such requests through whose path every reader understands alike, so that what is decided upon
// is what is forwarded. Everything that some server, proxy or framework is known to rewrite is refused: dot segments,
// empty segments, backslashes, encoded separators, doubly encoded ones, path parameters, fragments, control characters.
func GuardPath(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.RequestURI) > maxTarget {
			WriteError(w, r, fault.AmbiguousPath.New("expected a request target of at most %d bytes", maxTarget))
			return
		}
		path, _, _ := strings.Cut(r.RequestURI, "?")
		if why := Ambiguous(path); why != "" {
			WriteError(w, r, fault.AmbiguousPath.New("expected a plain path: %s", why))
			return
		}
		if r.URL.EscapedPath() != path || strings.Contains(r.RequestURI, "#") {
			WriteError(w, r, fault.AmbiguousPath.New("expected a plain path: it reads differently once parsed"))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// Ambiguous tells why readers could disagree on an encoded path; empty when they can't.
func Ambiguous(path string) string {
	if path == "" || path[0] != '/' {
		return "it must begin with /"
	}
	for segment := range strings.SplitSeq(path[1:], "/") {
		if segment == "." || segment == ".." {
			return "it holds a dot segment"
		}
	}
	if strings.Contains(path, "//") {
		return "it holds an empty segment"
	}
	for i := 0; i < len(path); i++ {
		switch c := path[i]; {
		case c < 0x21 || c >= 0x7f:
			return "it holds a control character, a blank or a byte outside ASCII"
		case c == '\\' || c == ';' || c == '#' || c == '?' || c == '"' || c == '<' || c == '>' || c == '^' || c == '`' || c == '{' || c == '|' || c == '}':
			return "it holds the character " + string(c)
		case c == '%':
			if why := ambiguousEscape(path[i:]); why != "" {
				return why
			}
		}
	}
	return ambiguousOnceDecoded(path)
}

// ambiguousOnceDecoded looks at what a second decoding would make of the path. It may only find escapes that are as
// harmless as those of a DID, e.g. did:web:localhost%253A3000.
func ambiguousOnceDecoded(path string) string {
	if !strings.Contains(path, "%") {
		return ""
	}
	once, err := url.PathUnescape(path)
	if err != nil {
		return "it holds a malformed escape"
	}
	for i := range len(once) {
		if once[i] != '%' {
			continue
		}
		switch b, ok := unhex(once, i+1); {
		case !ok:
			return "it holds an encoded % that begins no escape"
		case b == '%' || ambiguousByte(b):
			return "it holds a separator that is encoded twice"
		}
	}
	twice, err := url.PathUnescape(once)
	if err != nil || !utf8.ValidString(once) || !utf8.ValidString(twice) {
		return "it holds encoded bytes that are not UTF-8"
	}
	return ""
}

// ambiguousByte tells of a byte that must not be encoded: decoded, it would mean something else.
func ambiguousByte(b byte) bool {
	return b < 0x20 || b == 0x7f || strings.IndexByte(`/\.;#?`, b) >= 0
}

// ambiguousEscape looks at one escape.
func ambiguousEscape(s string) string {
	b, ok := unhex(s, 1)
	switch {
	case !ok:
		return "it holds a malformed escape"
	case b < 0x20 || b == 0x7f:
		return "it holds an encoded control character"
	case ambiguousByte(b):
		return "it holds an encoded " + string(rune(b))
	}
	return ""
}

func unhex(s string, at int) (byte, bool) {
	if len(s) < at+2 {
		return 0, false
	}
	hi, ok1 := hexDigit(s[at])
	lo, ok2 := hexDigit(s[at+1])
	return hi<<4 | lo, ok1 && ok2
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10, true
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}
