package observe

import (
	"context"
	"database/sql"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
)

// The kinds of errors of the store.
const (
	storeAway    = "away"
	storeRefused = "refused"
)

// Statements returns what sees each statement of the store (store.Observe).
func (m *Metrics) Statements(traces *Traces) func(ctx context.Context, name string) (context.Context, func(failed, away bool)) {
	return func(ctx context.Context, name string) (context.Context, func(failed, away bool)) {
		began := time.Now()
		ctx, span := traces.child(ctx, name, attribute.String("db.query.summary", name))
		return ctx, func(failed, away bool) {
			m.statements.WithLabelValues(name).Observe(time.Since(began).Seconds())
			if failed {
				m.storeErrors.WithLabelValues(storeError(away)).Inc()
			}
			if span == nil {
				return
			}
			if failed {
				span.SetStatus(codes.Error, storeError(away)) // the error's text may quote a value
			}
			span.End()
		}
	}
}

func storeError(away bool) string {
	if away {
		return storeAway
	}
	return storeRefused
}

// Pool has the connections of a pool shown.
func (m *Metrics) Pool(name string, stats func() sql.DBStats) {
	for _, g := range []struct {
		name, help string
		of         func(sql.DBStats) float64
	}{
		{"portico_store_connections_open", "Connections to the database, by pool.", func(s sql.DBStats) float64 { return float64(s.OpenConnections) }},
		{"portico_store_connections_in_use", "Connections that are in use.", func(s sql.DBStats) float64 { return float64(s.InUse) }},
		{"portico_store_connections_max", "How many connections there may be; 0 is any number.", func(s sql.DBStats) float64 { return float64(s.MaxOpenConnections) }},
	} {
		m.Gauge(g.name, g.help, func() float64 { return g.of(stats()) }, "pool", name)
	}
	m.Counter("portico_store_connection_waits_total", "How often a connection was waited for.", func() float64 { return float64(stats().WaitCount) }, "pool", name)
	m.Counter("portico_store_connection_wait_seconds_total", "How long connections were waited for, in all.", func() float64 { return stats().WaitDuration.Seconds() }, "pool", name)
}
