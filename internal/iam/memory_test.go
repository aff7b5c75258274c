package iam_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/portico-iam/portico/internal/httpx"
	"github.com/portico-iam/portico/internal/iam"
)

// stage is a server without a port, for tests in a bubble of synctest: there time passes only when everybody waits, so
// that a bound of ten seconds is proven in no time, and a wait without a bound is found out.
type stage struct {
	fetches atomic.Int64
	handler atomic.Pointer[http.HandlerFunc]
	client  *http.Client
	close   func()
}

const stageURL = "http://idp.memory"

func newStage(h http.HandlerFunc) *stage {
	s := &stage{client: iam.HTTPClient()}
	s.answer(h)
	listener := httpx.NewMemory()
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.fetches.Add(1)
		(*s.handler.Load())(w, r)
	})}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(listener) // until it is closed
	}()
	// The client's own bounds stay; only the way to the server is another.
	transport := s.client.Transport.(*http.Transport)
	transport.DialContext, transport.Proxy = listener.Transport().DialContext, nil
	s.close = func() {
		s.client.CloseIdleConnections()
		_ = server.Close()
		<-done
	}
	return s
}

func (s *stage) answer(h http.HandlerFunc) { s.handler.Store(&h) }

// hangs sends the begin of an answer and nothing more.
func hangs(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write([]byte(`{`))
	w.(http.Flusher).Flush()
	<-r.Context().Done()
}

// silentServer accepts a request and never answers.
func silentServer(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// held holds every answer back until release is closed.
func held(release <-chan struct{}, then http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
			then(w, r)
		case <-r.Context().Done():
		}
	}
}

// counting is a logger that counts.
type counting struct {
	slog.Handler
	lines *atomic.Int64
}

func (c counting) Handle(context.Context, slog.Record) error {
	c.lines.Add(1)
	return nil
}

func countingLogger() (*slog.Logger, *atomic.Int64) {
	lines := new(atomic.Int64)
	return slog.New(counting{slog.NewTextHandler(io.Discard, nil), lines}), lines
}

func says(status int, contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

func html(status int) http.HandlerFunc {
	return says(status, "text/html; charset=utf-8", `<!doctype html><title>Sign in</title>`)
}

// elsewhere is a server that must not be asked.
func elsewhere(t *testing.T, what http.HandlerFunc) *httptest.Server {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t.Errorf("a redirect was followed to %s with the header %v", r.URL, r.Header)
		what(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}
