package observe

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"net/http"
	"time"

	"github.com/portico-iam/portico/internal/httpx"
)

// Requests sees every request: it is the httpx.Observer.
type Requests struct {
	Metrics *Metrics
	Traces  *Traces // nil: none
	// Log is where each request gets a line; nil: nowhere.
	Log *slog.Logger
	// Key is what principals' references are made with, the same on every replica.
	Key []byte
}

var _ httpx.Observer = (*Requests)(nil)

// Begin is of httpx.Observer.
func (o *Requests) Begin(r *http.Request) context.Context {
	o.Metrics.inFlight.Add(1)
	return o.Traces.begin(r)
}

// End is of httpx.Observer.
func (o *Requests) End(ctx context.Context, e *httpx.Exchange) {
	o.Metrics.inFlight.Add(-1)
	o.Metrics.observe(e.Route, e.Method, e.Status, e.Took)
	if e.Code != "" {
		o.Metrics.refused(e.Code)
	}
	o.Traces.end(ctx, e)
	if o.Log != nil && o.Log.Enabled(ctx, slog.LevelInfo) {
		o.line(ctx, e)
	}
}

// line writes the access log. What is empty is left out.
func (o *Requests) line(ctx context.Context, e *httpx.Exchange) {
	route := e.Route
	if route == "" {
		route = noRoute
	}
	attrs := make([]slog.Attr, 0, 12)
	attrs = append(attrs,
		slog.String("method", methodNames[methodIndex(e.Method)]), slog.String("route", route), slog.Int("status", e.Status),
		slog.Float64("duration_ms", float64(e.Took.Round(time.Microsecond))/float64(time.Millisecond)), slog.Int64("bytes", e.Bytes))
	if e.Aborted {
		attrs = append(attrs, slog.Bool("aborted", true))
	}
	if e.Subject != "" {
		attrs = append(attrs, slog.String("principal", PrincipalRef(o.Key, e.Issuer, e.Subject)))
	}
	for _, a := range [...]struct{ name, value string }{{"session", e.Session}, {"code", e.Code}, {"reference", e.Reference}} {
		if a.value != "" {
			attrs = append(attrs, slog.String(a.name, a.value))
		}
	}
	o.Log.LogAttrs(ctx, slog.LevelInfo, "request", attrs...)
}

// PrincipalRef names somebody in the log: the same for one person each time, and nobody learns from it who that is without the key.
// A subject is often an e-mail address, which has no place in a log; a plain hash of one could be guessed.
func PrincipalRef(key []byte, issuer, subject string) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(issuer))
	mac.Write([]byte{0})
	mac.Write([]byte(subject))
	return hex.EncodeToString(mac.Sum(nil)[:8])
}
