package observe

import (
	"context"
	"log/slog"

	"go.opentelemetry.io/otel/trace"
)

// Logging returns a logger whose lines are counted, and carry the id of the trace that they belong to.
func (m *Metrics) Logging(logger *slog.Logger) *slog.Logger {
	return slog.New(counting{logger.Handler(), m})
}

type counting struct {
	slog.Handler
	metrics *Metrics
}

func (h counting) Handle(ctx context.Context, line slog.Record) error {
	switch {
	case line.Level >= slog.LevelError:
		h.metrics.lines.WithLabelValues("error").Inc()
	case line.Level >= slog.LevelWarn:
		h.metrics.lines.WithLabelValues("warn").Inc()
	}
	if span := trace.SpanContextFromContext(ctx); span.IsSampled() {
		line.AddAttrs(slog.String("trace_id", span.TraceID().String()))
	}
	return h.Handler.Handle(ctx, line)
}

func (h counting) WithAttrs(attrs []slog.Attr) slog.Handler {
	return counting{h.Handler.WithAttrs(attrs), h.metrics}
}

func (h counting) WithGroup(name string) slog.Handler {
	return counting{h.Handler.WithGroup(name), h.metrics}
}
