package httpx

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"

	"github.com/google/uuid"

	"github.com/portico-iam/portico/internal/fault"
)

type requestKey struct{}

// request is what the middleware knows of a request.
type request struct {
	id     string
	logger *slog.Logger
}

// Logger returns the request's logger, which carries its id. It is made only when something is to be logged.
func Logger(ctx context.Context) *slog.Logger {
	if r, ok := ctx.Value(requestKey{}).(*request); ok {
		return r.logger.With("request_id", r.id)
	}
	return slog.Default()
}

// RequestID returns the request's id; empty outside a request.
func RequestID(ctx context.Context) string {
	if r, ok := ctx.Value(requestKey{}).(*request); ok {
		return r.id
	}
	return ""
}

// WithRequestID gives every request an id, the caller's own where it is a plausible one, and a logger that carries it.
func WithRequestID(logger *slog.Logger, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get("X-Request-Id")
		if !plausibleID(id) {
			id = uuid.NewString()
		}
		w.Header().Set("X-Request-Id", id)
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), requestKey{}, &request{id, logger})))
	})
}

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
		w := &begun{ResponseWriter: writer}
		defer func() {
			switch p := recover(); p {
			case nil:
			case http.ErrAbortHandler: // how the proxy says that the answer broke off
				panic(p)
			default:
				Logger(r.Context()).ErrorContext(r.Context(), "panic", "type", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))
				if w.begun {
					panic(http.ErrAbortHandler)
				}
				WriteError(w, r, fault.Internal.New("an internal error occurred"))
			}
		}()
		next.ServeHTTP(w, r)
	})
}

// begun notes whether an answer has begun.
type begun struct {
	http.ResponseWriter
	begun bool
}

func (w *begun) WriteHeader(status int) {
	w.begun = w.begun || status >= 200 || status == http.StatusSwitchingProtocols
	w.ResponseWriter.WriteHeader(status)
}

func (w *begun) Write(b []byte) (int, error) {
	w.begun = true
	return w.ResponseWriter.Write(b)
}

// Flush is for those who look for an http.Flusher.
func (w *begun) Flush() {
	w.begun = true
	_ = http.NewResponseController(w.ResponseWriter).Flush()
}

// Unwrap is for http.ResponseController.
func (w *begun) Unwrap() http.ResponseWriter { return w.ResponseWriter }

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
