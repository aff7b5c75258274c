package httpx

import (
	"context"
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

// LimitRefusals answers 429 instead of the refusal to an address that was refused too often of late: who guesses tokens, codes or
// cookies is told nothing any more, and soon gives up. What is answered well costs nothing and is never in the way of anybody; nor
// does a refusal count of whom it is known who they are (NoteCaller). So nobody locks out those who share their address.
func LimitRefusals(limiter *limit.Limiter[netip.Addr], trusted []netip.Prefix, next http.Handler) http.Handler {
	if limiter == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if address, counted := LimitedAddress(r, trusted); counted {
			w = &refusing{ResponseWriter: w, request: r, take: func() (time.Duration, bool) { return limiter.Take(address) }}
		}
		next.ServeHTTP(w, r)
	})
}

// isKnown tells whether it is known who sends the request (NoteCaller).
func isKnown(ctx context.Context) bool {
	r := requestOf(ctx)
	return r != nil && (r.Subject != "" || r.Session != "")
}

// refusing replaces a refusal when there are too many.
type refusing struct {
	http.ResponseWriter
	request  *http.Request
	take     func() (wait time.Duration, ok bool)
	replaced bool
}

func (w *refusing) WriteHeader(status int) {
	refuses := status == http.StatusBadRequest || status == http.StatusUnauthorized || status == http.StatusForbidden
	if w.replaced || !refuses || isKnown(w.request.Context()) {
		w.ResponseWriter.WriteHeader(status)
		return
	}
	wait, ok := w.take()
	if ok {
		w.ResponseWriter.WriteHeader(status)
		return
	}
	w.replaced = true
	for _, name := range []string{"Www-Authenticate", "Content-Length", "Content-Encoding", "Etag"} {
		w.Header().Del(name)
	}
	RetryAfter(w.ResponseWriter, wait)
	WriteError(w.ResponseWriter, w.request, fault.TooMany.New("too many requests of your address were refused; try again in %s", wait))
}

func (w *refusing) Write(b []byte) (int, error) {
	if w.replaced {
		return len(b), nil
	}
	return w.ResponseWriter.Write(b)
}

// Flush is for those who look for an http.Flusher.
func (w *refusing) Flush() { _ = http.NewResponseController(w.ResponseWriter).Flush() }

// Unwrap is for http.ResponseController.
func (w *refusing) Unwrap() http.ResponseWriter { return w.ResponseWriter }
