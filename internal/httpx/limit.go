package httpx

import (
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/limit"
)

// RetryAfter says when it is worth trying again (RFC 9110 section 10.2.3).
func RetryAfter(w http.ResponseWriter, wait time.Duration) {
	w.Header().Set("Retry-After", strconv.Itoa(int(wait.Seconds())))
}

// LimitRefusals refuses an address that was refused too often of late: who guesses tokens, codes or cookies, or is broken. What is
// answered well costs it nothing.
func LimitRefusals(limiter *limit.Limiter[netip.Addr], trusted []netip.Prefix, next http.Handler) http.Handler {
	if limiter == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		address, counted := LimitedAddress(r, trusted)
		if !counted {
			next.ServeHTTP(w, r)
			return
		}
		if wait, ok := limiter.Left(address); !ok {
			RetryAfter(w, wait)
			WriteError(w, r, fault.TooMany.New("too many requests of your address were refused; try again in %s", wait))
			return
		}
		noted := &refusal{ResponseWriter: w}
		next.ServeHTTP(noted, r)
		if noted.refused {
			limiter.Take(address)
		}
	})
}

// refusal notes whether an answer refuses the caller.
type refusal struct {
	http.ResponseWriter
	refused bool
}

func (w *refusal) WriteHeader(status int) {
	w.refused = status == http.StatusBadRequest || status == http.StatusUnauthorized || status == http.StatusForbidden
	w.ResponseWriter.WriteHeader(status)
}

// Flush is for those who look for an http.Flusher.
func (w *refusal) Flush() { _ = http.NewResponseController(w.ResponseWriter).Flush() }

// Unwrap is for http.ResponseController.
func (w *refusal) Unwrap() http.ResponseWriter { return w.ResponseWriter }
