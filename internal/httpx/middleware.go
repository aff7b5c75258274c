package httpx

import (
	"fmt"
	"net/http"
	"runtime/debug"

	"github.com/portico-iam/portico/internal/fault"
)

func plausibleID(id string) bool {
	if len(id) == 0 || len(id) > 64 {
		return false
	}
	for i := range len(id) {
		c := id[i]
		if !(c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '-' || c == '_') {
			return false
		}
	}
	return true
}

// Recover turns a panic into a logged internal error. What was panicked with is not logged, only its type: it may hold
// a token. An answer that had begun is broken off, so that nobody takes it for a whole one.
func Recover(next http.Handler) http.Handler {
	return http.HandlerFunc(func(writer http.ResponseWriter, r *http.Request) {
		w := answerOf(writer)
		defer func() {
			switch p := recover(); p {
			case nil:
			case http.ErrAbortHandler: // how the proxy says that the answer broke off
				panic(p)
			default:
				Logger(r.Context()).ErrorContext(r.Context(), "panic", "type", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))
				if w.begun() {
					panic(http.ErrAbortHandler)
				}
				WriteError(w, r, fault.Internal.New("an internal error occurred"))
			}
		}()
		next.ServeHTTP(w, r)
	})
}

// SecurityHeaders sets what every answer of Portico's own carries. A handler may set its own Content-Security-Policy.
func SecurityHeaders(hsts bool, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin") // not no-referrer: browsers then hide the Origin of our own forms too
		h.Set("Cache-Control", "no-store")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		if hsts {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		next.ServeHTTP(w, r)
	})
}
