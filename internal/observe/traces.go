package observe

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/portico-iam/portico/internal/config"
	"github.com/portico-iam/portico/internal/httpx"
)

// Traces makes spans. A nil one makes none, and costs nothing.
type Traces struct {
	provider *sdktrace.TracerProvider
	tracer   trace.Tracer
	trusted  []netip.Prefix
}

// propagator is W3C Trace Context. Baggage is not passed on: anybody may put anything into it.
var propagator = propagation.TraceContext{}

const exportWithin = 10 * time.Second

// NewTraces exports spans as the configuration says; nil where it names no endpoint. Nobody is called yet.
func NewTraces(ctx context.Context, cfg config.Traces, trusted []netip.Prefix, logger *slog.Logger) (*Traces, error) {
	if cfg.Endpoint == "" {
		return nil, nil
	}
	headers, err := cfg.HeaderLines()
	if err != nil {
		return nil, err
	}
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(cfg.Endpoint), otlptracehttp.WithHeaders(headers), otlptracehttp.WithTimeout(exportWithin))
	if err != nil {
		return nil, fmt.Errorf("observability.traces: %w", err)
	}
	return TracesTo(&quiet{SpanExporter: exporter, logger: logger}, cfg.SampleRatio, trusted), nil
}

// TracesTo exports spans to an exporter. Of the traces that begin here that ratio is taken; whether to take one that a trusted proxy
// began, that proxy has said.
func TracesTo(exporter sdktrace.SpanExporter, ratio float64, trusted []netip.Prefix) *Traces {
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithBatcher(exporter, sdktrace.WithExportTimeout(exportWithin)),
		sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.TraceIDRatioBased(ratio))),
		sdktrace.WithResource(resource.NewSchemaless(attribute.String("service.name", "portico"))),
		sdktrace.WithRawSpanLimits(sdktrace.SpanLimits{AttributeValueLengthLimit: 256, AttributeCountLimit: 32, EventCountLimit: 8, LinkCountLimit: 1, AttributePerEventCountLimit: 8, AttributePerLinkCountLimit: 8}),
	)
	return &Traces{provider: provider, tracer: provider.Tracer("github.com/portico-iam/portico"), trusted: trusted}
}

// Close exports what is left, within a few seconds.
func (t *Traces) Close() error {
	if t == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), exportWithin/2)
	defer cancel()
	_ = t.provider.Shutdown(ctx) // spans that can't be exported keep nobody from stopping
	return nil
}

// quiet logs that spans can't be exported when that begins and ends, and not each time. What the error says stays out: it may
// quote the collector's answer.
type quiet struct {
	sdktrace.SpanExporter
	logger *slog.Logger
	failed atomic.Bool
}

func (q *quiet) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	err := q.SpanExporter.ExportSpans(ctx, spans)
	switch {
	case err != nil && q.failed.CompareAndSwap(false, true):
		q.logger.WarnContext(ctx, "traces can't be exported; those of now are lost: look whether observability.traces.endpoint answers, and whether the headers are right")
	case err == nil && q.failed.CompareAndSwap(true, false):
		q.logger.InfoContext(ctx, "traces are exported again")
	}
	return nil // else OpenTelemetry would log it too, in its own way
}

// begin begins a request's span. A trace goes on that a trusted proxy began; what anybody else says of one is not heard: they
// could have everything traced, or join what is not theirs.
func (t *Traces) begin(r *http.Request) context.Context {
	ctx := r.Context()
	if t == nil {
		return ctx
	}
	if httpx.FromTrusted(r, t.trusted) {
		ctx = propagator.Extract(ctx, propagation.HeaderCarrier(r.Header))
	}
	ctx, _ = t.tracer.Start(ctx, "request", trace.WithSpanKind(trace.SpanKindServer))
	return ctx
}

// end ends it, by the name of the route that it took.
func (t *Traces) end(ctx context.Context, e *httpx.Exchange) {
	if t == nil {
		return
	}
	span := trace.SpanFromContext(ctx)
	defer span.End()
	if !span.IsRecording() {
		return
	}
	name := e.Route
	if name == "" {
		name = noRoute
	}
	span.SetName(name)
	span.SetAttributes(
		attribute.String("http.request.method", methodNames[methodIndex(e.Method)]), attribute.String("http.route", name),
		attribute.Int("http.response.status_code", e.Status), attribute.String("portico.request_id", e.ID))
	if e.Code != "" {
		span.SetAttributes(attribute.String("portico.code", e.Code), attribute.String("portico.reference", e.Reference))
	}
	if e.Status >= 500 || e.Aborted {
		span.SetStatus(codes.Error, e.Code)
	}
}

// child begins a span within one that is recorded; else there is none, and span is nil.
func (t *Traces) child(ctx context.Context, name string, attributes ...attribute.KeyValue) (_ context.Context, span trace.Span) {
	if t == nil || !trace.SpanFromContext(ctx).IsRecording() {
		return ctx, nil
	}
	return t.tracer.Start(ctx, name, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attributes...))
}
