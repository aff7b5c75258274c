package app

import (
	"context"
	"encoding/json"
	"net/http"
	"runtime/pprof"
	"strings"
	"time"

	"github.com/portico-iam/portico/internal/httpx"
	"github.com/portico-iam/portico/internal/iam"
	"github.com/portico-iam/portico/internal/observe"
	"github.com/portico-iam/portico/internal/seal"
	"github.com/portico-iam/portico/internal/sts"
)

// buildObserve is first: what is built afterwards is seen.
func (a *App) buildObserve(ctx context.Context) (err error) {
	a.metrics = observe.NewMetrics()
	a.logger = httpx.Logging(a.metrics.Logging(a.logger))
	a.traces, err = observe.NewTraces(ctx, a.cfg.Observability.Traces, a.cfg.Server.TrustedProxies, a.logger)
	if err == nil {
		a.onClose(a.traces.Close)
	}
	return err
}

// seeProvider has the calls to the identity provider seen, and what comes of its tokens.
func (a *App) seeProvider(c *iam.Connection) {
	c.Clock.Base = a.metrics.Transport(c.Clock.Base, observe.ToProvider, a.traces, false)
	c.Verifier.Looked, c.Verifier.Judged = a.metrics.Lookup(observe.CacheToken), a.metrics.Verified
}

// requests sees every public request.
func (a *App) requests(keys *seal.Keys) *observe.Requests {
	seen := &observe.Requests{Metrics: a.metrics, Traces: a.traces, Key: keys.Sealing().Derive("references of principals in the log")}
	if a.cfg.Observability.AccessLog {
		seen.Log = a.logger
	}
	return seen
}

// buildGauges registers what is read with every scrape. Nothing of it asks the store.
func (a *App) buildGauges() {
	m := a.metrics
	a.store.Pools(m.Pool)
	m.Gauge("portico_ready", "1 while this replica should get requests (/health/ready), else 0.", func() float64 {
		for _, p := range a.readiness() {
			if !p.Ready {
				return 0
			}
		}
		return 1
	})
	m.Gauge("portico_policy_version", "The version of roles and mappings that decides here.", func() float64 { return float64(a.policy.Version()) })
	m.Gauge("portico_store_silence_seconds", "For how long this replica has not heard what others changed.", func() float64 { return a.feed.Silence().Seconds() })
	m.Gauge("portico_cluster_message_lag_seconds", "How long the last message of our own took through the database; 0 where there are no messages.", func() float64 { return a.feed.Lag().Seconds() })
	m.Counter("portico_cluster_missed_total", "Changes that were found by their numbers, because no message of them came.", func() float64 { return float64(a.feed.Missed()) })
	m.Gauge("portico_history_seal_lag_seconds", "For how long history entries may have waited for their place in the chain.", func() float64 { return a.sealer.Lag().Seconds() })
	for _, state := range []sts.KeyState{sts.KeyNext, sts.KeyActive, sts.KeyRetired} {
		m.Gauge("portico_signing_keys", "Signing keys, by state.", func() float64 { return float64(len(a.keysIn(state))) }, "state", string(state))
	}
	m.Gauge("portico_signing_key_age_seconds", "For how long the key signs that signs now.", func() float64 {
		for _, k := range a.keysIn(sts.KeyActive) {
			return a.now().Sub(k.ActivatesAt).Seconds()
		}
		return 0
	})
	m.Gauge("portico_signing_key_rotation_seconds", "For how long a key is to sign (sts.token.keyRotation).", func() float64 { return a.cfg.STS.Token.KeyRotation.Seconds() })
}

func (a *App) keysIn(state sts.KeyState) (found []sts.KeyRecord) {
	for _, k := range a.ring.Keys() {
		if k.State == state {
			found = append(found, k)
		}
	}
	return found
}

// Readiness is whether a part of this replica can do its work.
type Readiness struct {
	Part   string `json:"part"`
	Ready  bool   `json:"ready"`
	Reason string `json:"reason,omitempty"` // for the operator; the log has the cause
	cause  error
}

// readiness tells of every part. A database that is away for a moment is no reason to take a replica out: it is so for the others
// too, and what was seen goes on everywhere.
func (a *App) readiness() []Readiness {
	return []Readiness{
		readinessOf("store", a.feed.Current(), "the store does not answer: what others have revoked is not known here"),
		readinessOf("signing keys", a.ring.Ready(), "the signing keys in the store can't be used here"),
	}
}

func readinessOf(part string, err error, reason string) Readiness {
	if err == nil {
		return Readiness{Part: part, Ready: true}
	}
	return Readiness{Part: part, Reason: reason, cause: err}
}

// serveReady answers 503 with the reasons, a line each, or with every part in JSON for who asks for that.
func (a *App) serveReady(w http.ResponseWriter, r *http.Request) {
	parts := a.readiness()
	ready, reasons := true, []string{}
	for _, p := range parts {
		if !p.Ready {
			a.logger.WarnContext(r.Context(), "not ready", "part", p.Part, "error", p.cause)
			ready, reasons = false, append(reasons, p.Reason)
		}
	}
	status := http.StatusOK
	if !ready {
		status = http.StatusServiceUnavailable
	}
	switch {
	case strings.Contains(r.Header.Get("Accept"), "application/json"):
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(map[string]any{"ready": ready, "parts": parts})
	case !ready:
		http.Error(w, strings.Join(reasons, "\n"), status)
	default:
		w.WriteHeader(http.StatusNoContent)
	}
}

// serveGoroutines writes what runs, by where it stands. Not as a crash would: without the arguments of functions, which may be
// addresses of secrets or their first bytes.
func serveGoroutines(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_ = pprof.Lookup("goroutine").WriteTo(w, 1)
}

// adminHandler is for the operator's network only.
func (a *App) adminHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+LivePath, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	mux.HandleFunc("GET "+ReadyPath, a.serveReady)
	mux.Handle("GET /metrics", a.metrics.Handler())
	mux.HandleFunc("GET /debug/goroutines", serveGoroutines)
	return httpx.WithRequestID(a.logger, httpx.Recover(mux))
}

// repeat does background work until ctx ends.
func (a *App) repeat(ctx context.Context, t task) {
	a.metrics.Task(t.what)
	ticker := time.NewTicker(t.interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if err := t.do(ctx); err != nil && ctx.Err() == nil {
				a.metrics.Failed(t.what)
				a.logger.WarnContext(ctx, "background work failed", "task", t.what, "error", err)
			}
		}
	}
}
