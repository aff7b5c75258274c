//go:build linux

package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"time"
)

// play is what this program does as a process under measurement.
func play(ctx context.Context, role, listen, upstream, file, profile string) error {
	var h http.Handler
	switch role {
	case "upstream":
		h = http.HandlerFunc(answer)
	case "bare":
		h = bare(upstream, nil)
	case "pooled":
		h = bare(upstream, pool{})
	case "portico":
		return profiled(ctx, file, profile)
	default:
		return fmt.Errorf("there is no role %q", role)
	}
	server := &http.Server{Addr: listen, Handler: h, ReadHeaderTimeout: 10 * time.Second}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	if err := server.ListenAndServe(); err != http.ErrServerClosed {
		return err
	}
	return nil
}

// What the upstream, in place of Core, answers: one organisation, and a kilobyte of JSON for everything else.
var (
	organisations = fmt.Sprintf(`{"values":[{"id":%q,"name":"Acme","createdDate":"2026-01-01T00:00:00.000Z","lastModified":"2026-01-01T00:00:00.000Z"}],"totalItems":1,"totalPages":1}`, organisation)
	body          = `{"values":["` + strings.Repeat("x", 1000) + `"],"totalItems":1,"totalPages":1}`
)

func answer(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	if r.URL.Path == "/api/organisation/v1" {
		fmt.Fprint(w, organisations)
		return
	}
	fmt.Fprint(w, body)
}

func bare(upstream string, buffers httputil.BufferPool) http.Handler {
	u := &url.URL{Scheme: "http", Host: upstream}
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(u) }, BufferPool: buffers,
		Transport: &http.Transport{MaxIdleConnsPerHost: 512, DisableCompression: true},
	}
}

// pool spares a reverse proxy its copy buffers, as Portico's does.
type pool struct{}

var spare = sync.Pool{New: func() any { return new([32 << 10]byte) }}

func (pool) Get() []byte  { return spare.Get().(*[32 << 10]byte)[:] }
func (pool) Put(b []byte) { spare.Put((*[32 << 10]byte)(b)) }
