package observe

import (
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"

	"github.com/prometheus/client_golang/prometheus"
)

// Whom Portico calls.
const (
	ToCore     = "core"
	ToProvider = "iam"
)

// Transport sees calls to others: how long they took to begin an answer, and until when their certificate lasts.
type Transport struct {
	base    http.RoundTripper
	to      string
	traces  *Traces
	pass    bool // the trace goes on there
	byClass [classes]prometheus.Observer
	expires atomic.Int64 // seconds since 1970; 0: no TLS yet
}

// Transport wraps the way to somebody. pass has traces go on there (W3C Trace Context); who is not ours is not told of them.
func (m *Metrics) Transport(base http.RoundTripper, to string, traces *Traces, pass bool) *Transport {
	t := &Transport{base: base, to: to, traces: traces, pass: pass}
	for c := range t.byClass {
		t.byClass[c] = m.calls.WithLabelValues(to, class(c*100))
	}
	m.Gauge("portico_peer_certificate_expires_timestamp_seconds", "When the certificate ends that Core or the identity provider showed last; 0 without TLS.",
		func() float64 { return float64(t.expires.Load()) }, "to", to)
	return t
}

// CloseIdleConnections is for http.Client.
func (t *Transport) CloseIdleConnections() {
	if closer, ok := t.base.(interface{ CloseIdleConnections() }); ok {
		closer.CloseIdleConnections()
	}
}

// RoundTrip is of http.RoundTripper.
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, span := t.traces.child(r.Context(), t.to+" "+methodNames[methodIndex(r.Method)],
		attribute.String("http.request.method", methodNames[methodIndex(r.Method)]), attribute.String("server.address", r.URL.Hostname()))
	if span != nil {
		r = r.Clone(ctx) // a RoundTripper must not change the caller's
		if t.pass {
			propagator.Inject(ctx, propagation.HeaderCarrier(r.Header))
		}
		defer span.End()
	}
	began := time.Now()
	resp, err := t.base.RoundTrip(r)
	took := time.Since(began).Seconds()
	if err != nil {
		t.byClass[0].Observe(took)
		if span != nil {
			span.SetStatus(codes.Error, "no answer") // the error may quote an address with its query
		}
		return nil, err
	}
	c := resp.StatusCode / 100
	if c < 0 || c >= classes {
		c = 0
	}
	t.byClass[c].Observe(took)
	if resp.TLS != nil && len(resp.TLS.PeerCertificates) > 0 {
		t.expires.Store(resp.TLS.PeerCertificates[0].NotAfter.Unix())
	}
	if span != nil {
		span.SetAttributes(attribute.String("http.response.status_code", strconv.Itoa(resp.StatusCode)))
	}
	return resp, nil
}
