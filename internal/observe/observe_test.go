package observe

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/httpx"
)

func scrape(t *testing.T, m *Metrics) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != http.StatusOK {
		t.Fatalf("got %d %s", w.Code, w.Body)
	}
	return w.Body.String()
}

func expect(t *testing.T, metrics string, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !strings.Contains(metrics, line+"\n") {
			t.Errorf("expected the line %s", line)
		}
	}
}

func TestMetricsCount(t *testing.T) {
	m := NewMetrics()
	o := &Requests{Metrics: m}
	for _, e := range []httpx.Exchange{
		{Method: "GET", Route: "GET /a/{id}", Status: 200, Took: time.Millisecond},
		{Method: "GET", Route: "GET /a/{id}", Status: 204, Took: time.Millisecond},
		{Method: "BREW", Status: 404, Code: "PT_0002"},
		{Method: "POST", Route: "POST /b", Status: 400, Code: "made-up"},
		{Method: "POST", Route: "POST /b", Aborted: true},
	} {
		o.Metrics.inFlight.Add(1)
		o.End(t.Context(), &e)
	}
	m.Decided(access.PermissionMissing)
	m.Decided(access.Reason(200))
	m.Minted(MintDelegated, time.Millisecond)
	m.Minted("made-up", time.Millisecond)
	m.Verified(nil, time.Millisecond)
	m.Verified(fault.Unauthenticated.New("no"), time.Millisecond)
	m.Verified(fault.Unavailable.New("later"), time.Millisecond)
	m.Lookup(CacheToken)(true)
	m.Lookup(CacheToken)(false)
	m.Lookup(CacheToken)(false)
	m.Statements(nil)(t.Context(), "SELECT session")
	_, end := m.Statements(nil)(t.Context(), "SELECT session")
	end(true, true)
	m.Gauge("portico_test", "A test.", func() float64 { return 7 })
	m.Failed("a task")
	expect(t, scrape(t, m),
		`portico_http_request_duration_seconds_count{method="GET",route="GET /a/{id}",status="2xx"} 2`,
		`portico_http_request_duration_seconds_count{method="other",route="none",status="4xx"} 1`,
		`portico_http_request_duration_seconds_count{method="POST",route="POST /b",status="aborted"} 1`,
		`portico_http_requests_in_flight 0`,
		`portico_refusals_total{code="PT_0002"} 1`, `portico_refusals_total{code="other"} 1`,
		`portico_decisions_total{reason="PERMISSION_MISSING"} 1`, `portico_decisions_total{reason="GRANTED"} 0`,
		`portico_token_mint_duration_seconds_count{kind="delegated"} 1`,
		`portico_token_verify_duration_seconds_count{result="accepted"} 1`, `portico_token_verify_duration_seconds_count{result="refused"} 1`,
		`portico_token_verify_duration_seconds_count{result="unavailable"} 1`,
		`portico_cache_lookups_total{cache="verified_token",result="hit"} 1`, `portico_cache_lookups_total{cache="verified_token",result="miss"} 2`,
		`portico_store_statement_duration_seconds_count{statement="SELECT session"} 1`,
		`portico_store_errors_total{kind="away"} 1`, `portico_store_errors_total{kind="refused"} 0`,
		`portico_background_failures_total{task="a task"} 1`, `portico_test 7`, `portico_signins_total{result="completed"} 0`)
}

// Whoever sends what they like makes no label of it.
func TestLabelsAreBounded(t *testing.T) {
	m := NewMetrics()
	o := &Requests{Metrics: m}
	for i := range 1000 {
		o.Metrics.inFlight.Add(1)
		canary := "CANARY" + strings.Repeat("x", i%50)
		o.End(t.Context(), &httpx.Exchange{ID: canary, Method: canary, Status: i, Code: canary, Reference: canary, Subject: canary, Issuer: canary, Session: canary})
	}
	text := scrape(t, m)
	if strings.Contains(text, "CANARY") {
		t.Error("a label holds what somebody sent")
	}
	if n := strings.Count(text, "portico_http_request_duration_seconds_count"); n > 6 {
		t.Errorf("%d series", n)
	}
}

func TestTheAccessLog(t *testing.T) {
	var log bytes.Buffer
	m := NewMetrics()
	logger := m.Logging(slog.New(slog.NewTextHandler(&log, nil)))
	o := &Requests{Metrics: m, Log: logger, Key: []byte("k")}
	o.End(t.Context(), &httpx.Exchange{
		Method: "GET", Route: "GET /a/{id}", Status: 403, Bytes: 12, Took: 1500 * time.Microsecond,
		Issuer: "https://okta", Subject: "ada@acme.test", Session: "s-1", Code: "BR_0178", Reference: "r-1",
	})
	want := `level=INFO msg=request method=GET route="GET /a/{id}" status=403 duration_ms=1.5 bytes=12 principal=` +
		PrincipalRef([]byte("k"), "https://okta", "ada@acme.test") + ` session=s-1 code=BR_0178 reference=r-1`
	if !strings.Contains(log.String(), want) || strings.Contains(log.String(), "ada") {
		t.Errorf("\n got %s\nwant %s", log.String(), want)
	}
	log.Reset()
	o.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn}))
	o.End(t.Context(), &httpx.Exchange{Method: "GET", Status: 200})
	if log.Len() > 0 {
		t.Errorf("logged below the level: %s", &log)
	}
	logger.Warn("w")
	logger.With("a", 1).Error("e")
	expect(t, scrape(t, m), `portico_log_lines_total{level="warn"} 1`, `portico_log_lines_total{level="error"} 1`)
}

func TestPrincipalsReferences(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range [][3]string{{"k", "i", "s"}, {"k", "is", ""}, {"k", "", "is"}, {"other", "i", "s"}, {"k", "i", "S"}} {
		ref := PrincipalRef([]byte(p[0]), p[1], p[2])
		if !regexp.MustCompile(`^[0-9a-f]{16}$`).MatchString(ref) || seen[ref] || ref != PrincipalRef([]byte(p[0]), p[1], p[2]) {
			t.Errorf("%q: got %s", p, ref)
		}
		seen[ref] = true
	}
}

const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

// traced sends a request from an address, whose handler calls somebody; it returns the spans, and what was sent there.
func traced(t *testing.T, remote string, pass bool) (tracetest.SpanStubs, http.Header) {
	t.Helper()
	exporter := tracetest.NewInMemoryExporter()
	traces := TracesTo(exporter, 1, []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")})
	m := NewMetrics()
	var sent http.Header
	there := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { sent = r.Header }))
	defer there.Close()
	client := &http.Client{Transport: m.Transport(there.Client().Transport, ToCore, traces, pass)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /a/{id}", func(_ http.ResponseWriter, r *http.Request) {
		_, end := m.Statements(traces)(r.Context(), "SELECT session")
		end(false, false)
		req, _ := http.NewRequestWithContext(r.Context(), "GET", there.URL+"/canary?canary=1", nil)
		req.Header.Set("Authorization", "Bearer canary")
		resp, err := client.Do(req)
		if err != nil {
			t.Error(err)
			return
		}
		resp.Body.Close()
		if req.Header.Get("Traceparent") != "" {
			t.Error("the caller's own request was changed")
		}
	})
	r := httptest.NewRequest("GET", "/a/canary?code=canary", nil)
	r.RemoteAddr = remote
	r.Header.Set("Traceparent", parent)
	r.Header.Set("Tracestate", "canary=1")
	r.Header.Set("Baggage", "canary=1")
	r.Header.Set("Cookie", "canary=1")
	httpx.Observe(slog.New(slog.DiscardHandler), &Requests{Metrics: m, Traces: traces}, mux).ServeHTTP(httptest.NewRecorder(), r)
	if err := traces.provider.ForceFlush(t.Context()); err != nil {
		t.Fatal(err)
	}
	spans := exporter.GetSpans()
	if err := traces.Close(); err != nil {
		t.Error(err)
	}
	return spans, sent
}

func TestTraces(t *testing.T) {
	for _, c := range []struct {
		rule, remote string
		pass         bool
		joined       bool
	}{
		{"a trusted proxy's trace goes on", "10.1.2.3:4000", true, true},
		{"a stranger's does not", "192.0.2.1:4000", true, false},
		{"who is not ours is not told", "10.1.2.3:4000", false, true},
	} {
		spans, sent := traced(t, c.remote, c.pass)
		if len(spans) != 3 {
			t.Fatalf("%s: got %d spans", c.rule, len(spans))
		}
		statement, call, request := spans[0], spans[1], spans[2]
		if statement.Name != "SELECT session" || call.Name != "core GET" || request.Name != "GET /a/{id}" {
			t.Errorf("%s: got %s, %s, %s", c.rule, statement.Name, call.Name, request.Name)
		}
		trace := request.SpanContext.TraceID().String()
		if (trace == "0af7651916cd43dd8448eb211c80319c") != c.joined {
			t.Errorf("%s: the trace is %s", c.rule, trace)
		}
		if call.SpanContext.TraceID() != request.SpanContext.TraceID() || call.Parent.SpanID() != request.SpanContext.SpanID() || statement.Parent.SpanID() != request.SpanContext.SpanID() {
			t.Errorf("%s: the spans do not hang together", c.rule)
		}
		want := ""
		if c.pass {
			want = "00-" + trace + "-" + call.SpanContext.SpanID().String() + "-01"
		}
		if got := sent.Get("Traceparent"); got != want {
			t.Errorf("%s: sent %q, want %q", c.rule, got, want)
		}
		if sent.Get("Baggage") != "" {
			t.Errorf("%s: baggage was passed on", c.rule)
		}
		for _, span := range spans {
			for _, a := range append(span.Attributes, span.Resource.Attributes()...) {
				if strings.Contains(a.Value.Emit(), "canary") {
					t.Errorf("%s: the attribute %s is %s", c.rule, a.Key, a.Value.Emit())
				}
			}
		}
	}
}

func TestWithoutTracesThereIsNothing(t *testing.T) {
	var none *Traces
	r := httptest.NewRequest("GET", "/", nil)
	if none.begin(r) != r.Context() || none.Close() != nil {
		t.Error("something was begun")
	}
	if _, span := none.child(t.Context(), "x"); span != nil {
		t.Error("there is a span")
	}
	none.end(t.Context(), &httpx.Exchange{})
}

// failing is a collector that is away.
type failing struct{ err error }

func (f *failing) ExportSpans(context.Context, []sdktrace.ReadOnlySpan) error { return f.err }
func (*failing) Shutdown(context.Context) error                               { return nil }

func TestACollectorThatIsAwayIsSaidOnce(t *testing.T) {
	var log bytes.Buffer
	f := &failing{fault.Unavailable.New("canary")}
	q := &quiet{SpanExporter: f, logger: slog.New(slog.NewTextHandler(&log, nil))}
	for range 5 {
		if q.ExportSpans(t.Context(), nil) != nil {
			t.Error("OpenTelemetry would log it too")
		}
	}
	f.err = nil
	_, _ = q.ExportSpans(t.Context(), nil), q.ExportSpans(t.Context(), nil)
	if strings.Count(log.String(), "can't be exported") != 1 || strings.Count(log.String(), "exported again") != 1 || strings.Contains(log.String(), "canary") {
		t.Errorf("logged:\n%s", &log)
	}
}

func BenchmarkRequests(b *testing.B) {
	o := &Requests{Metrics: NewMetrics()}
	r := httptest.NewRequest("GET", "/", nil)
	e := httpx.Exchange{Method: "GET", Route: "GET /api/credential/v1", Status: 200, Took: time.Millisecond}
	b.ReportAllocs()
	for b.Loop() {
		o.End(o.Begin(r), &e)
	}
}

func TestObservingARequestAllocatesNothing(t *testing.T) {
	o := &Requests{Metrics: NewMetrics()}
	r := httptest.NewRequest("GET", "/", nil)
	e := httpx.Exchange{Method: "GET", Route: "GET /api/credential/v1", Status: 403, Code: "BR_0178"}
	o.End(o.Begin(r), &e) // the first of its kind makes its counters
	if n := testing.AllocsPerRun(100, func() { o.End(o.Begin(r), &e) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkTheAccessLog(b *testing.B) {
	o := &Requests{Metrics: NewMetrics(), Log: slog.New(slog.NewJSONHandler(io.Discard, nil)), Key: make([]byte, 32)}
	r := httptest.NewRequest("GET", "/", nil)
	e := httpx.Exchange{Method: "GET", Route: "GET /api/credential/v1", Status: 200, Took: time.Millisecond, Issuer: "https://okta", Subject: "ada@acme.test", Session: "s"}
	b.ReportAllocs()
	for b.Loop() {
		o.End(o.Begin(r), &e)
	}
}

func BenchmarkATrace(b *testing.B) {
	traces := TracesTo(&failing{}, 1, nil)
	defer traces.Close()
	o := &Requests{Metrics: NewMetrics(), Traces: traces}
	r := httptest.NewRequest("GET", "/", nil)
	e := httpx.Exchange{Method: "GET", Route: "GET /api/credential/v1", Status: 200, Took: time.Millisecond}
	b.ReportAllocs()
	for b.Loop() {
		o.End(o.Begin(r), &e)
	}
}
