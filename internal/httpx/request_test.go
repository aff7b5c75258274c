package httpx

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/portico-iam/portico/internal/fault"
)

type observed struct {
	began int
	seen  []Exchange
}

func (o *observed) Begin(r *http.Request) context.Context {
	o.began++
	return r.Context()
}

func (o *observed) End(_ context.Context, e *Exchange) { o.seen = append(o.seen, *e) }

// watched serves a mux behind the whole chain, and returns what was observed of one request.
func watched(t *testing.T, target string, h http.HandlerFunc) (Exchange, *httptest.ResponseRecorder) {
	t.Helper()
	o := &observed{}
	mux := http.NewServeMux()
	if h != nil {
		mux.HandleFunc("GET /things/{id}", h)
	}
	w := httptest.NewRecorder()
	func() {
		defer func() { recover() }()
		r := httptest.NewRequest("GET", target, nil)
		Observe(slog.New(slog.DiscardHandler), o, Recover(SecurityHeaders(true, GuardPath(mux)))).ServeHTTP(w, r)
	}()
	if o.began != 1 || len(o.seen) != 1 {
		t.Fatalf("it began %d times and ended %d times", o.began, len(o.seen))
	}
	return o.seen[0], w
}

func TestWhatIsObservedOfARequest(t *testing.T) {
	refused := fault.Forbidden.New("no")
	refused.Reference = "ref-1"
	for _, c := range []struct {
		rule, target string
		handler      http.HandlerFunc
		want         Exchange
	}{
		{"a plain answer", "/things/7?canary=1", func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("seven")) }, Exchange{Status: 200, Bytes: 5}},
		{"an answer of nothing", "/things/7", func(http.ResponseWriter, *http.Request) {}, Exchange{Status: 200}},
		{"who called", "/things/7", func(w http.ResponseWriter, r *http.Request) {
			NoteCaller(r.Context(), "iss", "sub", "session")
			w.WriteHeader(204)
		}, Exchange{Status: 204, Issuer: "iss", Subject: "sub", Session: "session"}},
		{"a refusal", "/things/7", func(w http.ResponseWriter, r *http.Request) { WriteError(w, r, refused) }, Exchange{Status: 403, Bytes: 94, Code: "BR_0178", Reference: "ref-1"}},
		{"a panic", "/things/7", func(http.ResponseWriter, *http.Request) { panic("canary") }, Exchange{Status: 500, Bytes: 98, Code: "BR_0000"}},
		{"an answer that broke off", "/things/7", func(w http.ResponseWriter, _ *http.Request) {
			w.Write([]byte("half"))
			panic(http.ErrAbortHandler)
		}, Exchange{Status: 200, Bytes: 4, Aborted: true}},
		{"one that broke off before it began", "/things/7", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, Exchange{Aborted: true}},
	} {
		got, _ := watched(t, c.target, c.handler)
		if got.ID == "" || got.Took <= 0 || got.Route != "GET /things/{id}" || got.Method != "GET" {
			t.Errorf("%s: got %+v", c.rule, got)
		}
		got.ID, got.Took, got.Route, got.Method = "", 0, "", ""
		if c.want.Status >= 400 {
			got.Bytes, c.want.Bytes = min(got.Bytes, 1), 1
		}
		if got != c.want {
			t.Errorf("%s:\n got %+v\nwant %+v", c.rule, got, c.want)
		}
	}
	if got, _ := watched(t, "/elsewhere/canary", nil); got.Route != "" || got.Status != 404 {
		t.Errorf("what no handler matches: got %+v", got)
	}
	if got, _ := watched(t, "/things/..%2fcanary", nil); got.Route != "" || got.Status != 400 || got.Code != "PT_0013" {
		t.Errorf("an ambiguous path: got %+v", got)
	}
}

func TestLinesCarryTheRequestsID(t *testing.T) {
	var log bytes.Buffer
	logger := Logging(slog.New(slog.NewTextHandler(&log, nil)))
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("X-Request-Id", "id-1")
	WithRequestID(logger, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		logger.With("a", 1).InfoContext(r.Context(), "by a service")
		Logger(r.Context()).InfoContext(r.Context(), "by an edge")
		Logger(r.Context()).Info("without a context")
		logger.Info("about nobody")
	})).ServeHTTP(httptest.NewRecorder(), r)
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	for i, want := range []int{1, 1, 1, 0} {
		if got := strings.Count(lines[i], "request_id=id-1"); got != want {
			t.Errorf("expected the id %d times: %s", want, lines[i])
		}
	}
}

func TestObservingAllocatesNothing(t *testing.T) {
	h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) })
	logger := slog.New(slog.DiscardHandler)
	cost := func(observer Observer) float64 {
		chain := Observe(logger, observer, Recover(h))
		w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil)
		r.Header.Set("X-Request-Id", "id-1")
		return testing.AllocsPerRun(200, func() { chain.ServeHTTP(w, r) })
	}
	if with, without := cost(silentObserver{}), cost(nil); with > without {
		t.Errorf("%v allocations with an observer, %v without", with, without)
	}
}

type silentObserver struct{}

func (silentObserver) Begin(r *http.Request) context.Context { return r.Context() }
func (silentObserver) End(context.Context, *Exchange)        {}

// Before: the same without an Observer.
func BenchmarkObserve(b *testing.B) {
	h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) })
	logger := slog.New(slog.DiscardHandler)
	for name, observer := range map[string]Observer{"nobody": nil, "somebody": silentObserver{}} {
		b.Run(name, func(b *testing.B) {
			chain := Observe(logger, observer, Recover(h))
			w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil)
			r.Header.Set("X-Request-Id", "id-1")
			b.ReportAllocs()
			for b.Loop() {
				chain.ServeHTTP(w, r)
			}
		})
	}
}
