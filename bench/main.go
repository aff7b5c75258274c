// Command bench measures, in one run on one machine, what a request by session or by bearer token costs Portico beside
// a bare Go reverse proxy: same upstream, same load, each proxy in a process of its own on one core. It also measures how
// soon portico dev is ready, and what it holds then.
//
// It starts everything itself, on loopback, and stops by itself. CPU per request is the steadier figure.
//
//	main.go     the parts it plays, and the table
//	prepare.go  a role, its mapping, a session and a bearer token
//	load.go     the closed loop, and what the kernel knows of a process
//	startup.go  portico dev, started again and again
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime/pprof"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/portico-iam/portico/internal/config"
	"github.com/portico-iam/portico/internal/dev"
)

const (
	organisation = "11111111-2222-3333-4444-555555555555"
	target       = "/api/credential/v1?page=0&pageSize=10"
)

func main() {
	role := flag.String("role", "", "used by the command itself")
	upstream := flag.String("upstream", "", "used by the command itself")
	data := flag.String("data", "", "used by the command itself")
	seconds := flag.Int("seconds", 8, "length of one run")
	runs := flag.Int("runs", 3, "runs of each proxy; the median counts")
	connections := flag.Int("connections", 64, "connections of the load")
	starts := flag.Int("starts", 5, "starts of portico dev; the median counts")
	profile := flag.String("profile", "", "folder for CPU profiles of Portico under each load, taken after the measurement")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var err error
	switch *role {
	case "upstream":
		err = serve(ctx, http.HandlerFunc(answer))
	case "bare":
		err = serve(ctx, bare(*upstream, nil))
	case "pooled":
		err = serve(ctx, bare(*upstream, pool{}))
	case "portico":
		err = portico(ctx, *upstream, *data, *profile)
	default:
		err = measure(ctx, *seconds, *runs, *connections, *profile)
		if err == nil {
			err = startUp(ctx, *starts)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// serve prints its address and serves until its standard input ends: a child dies with its parent.
func serve(ctx context.Context, h http.Handler) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println("http://" + l.Addr().String())
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		_ = server.Close()
	}()
	context.AfterFunc(ctx, func() { _ = server.Close() })
	if err := server.Serve(l); err != http.ErrServerClosed {
		return err
	}
	return nil
}

var body = []byte(`{"values":["` + strings.Repeat("x", 1000) + `"],"totalItems":1,"totalPages":1}`)

// answer plays Core: one organisation, and a kilobyte of JSON for everything else.
func answer(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	if r.URL.Path == "/api/organisation/v1" {
		fmt.Fprintf(w, `{"values":[{"id":%q,"name":"Acme","createdDate":"2026-01-01T00:00:00.000Z","lastModified":"2026-01-01T00:00:00.000Z"}],"totalItems":1,"totalPages":1}`, organisation)
		return
	}
	_, _ = w.Write(body)
}

// pool spares a reverse proxy its copy buffers, as Portico's does.
type pool struct{}

var spare = sync.Pool{New: func() any { return new([32 << 10]byte) }}

func (pool) Get() []byte  { return spare.Get().(*[32 << 10]byte)[:] }
func (pool) Put(b []byte) { spare.Put((*[32 << 10]byte)(b)) }

func bare(upstream string, buffers httputil.BufferPool) http.Handler {
	u, err := url.Parse(upstream)
	if err != nil {
		panic(err)
	}
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(u) }, Transport: &http.Transport{MaxIdleConnsPerHost: 512, DisableCompression: true}, BufferPool: buffers,
	}
}

// portico runs a development Portico whose Core is the upstream.
func portico(ctx context.Context, upstream, data, profile string) error {
	if profile != "" {
		f, err := os.Create(profile)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	d, err := dev.Start(ctx, dev.Options{
		Listen: "127.0.0.1:0", OktaListen: "127.0.0.1:0", DataDir: data, Logger: slog.New(slog.DiscardHandler),
		Configure: func(c *config.Config) { c.Core.API.URL = upstream },
	})
	if err != nil {
		return err
	}
	fmt.Println(d.Info.PublicURL)
	ctx, stop := context.WithCancel(ctx)
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		stop()
	}()
	return d.Run(ctx)
}

// child is a process under measurement.
type child struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	url string

	data string // its folder, removed with it; empty: none
}

// spawn starts this program in a role, on one core if taskset is there.
func spawn(role string, args ...string) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	argv := append([]string{self, "-role", role}, args...)
	if taskset, err := exec.LookPath("taskset"); err == nil && role != "upstream" {
		argv = append([]string{taskset, "-c", "0"}, argv...)
	}
	c := &child{cmd: exec.Command(argv[0], argv[1:]...)}
	c.cmd.Stderr = os.Stderr
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	if _, err := fmt.Fscanln(out, &c.url); err != nil {
		return nil, fmt.Errorf("%s did not start: %w", role, err)
	}
	return c, nil
}

func (c *child) stop() {
	_ = c.in.Close()
	_ = c.cmd.Wait()
	if c.data != "" {
		_ = os.RemoveAll(c.data)
	}
}

type figures struct {
	perSecond, cpu float64 // requests; microseconds per request
	p50, p99       time.Duration
	rss            int // KiB, at the end
}

// contender is one row of the table.
type contender struct {
	name   string
	at     *child
	header http.Header
	all    []figures
}

func measure(ctx context.Context, seconds, runs, connections int, profile string) error {
	upstream, err := spawn("upstream")
	if err != nil {
		return err
	}
	defer upstream.stop()
	bareProxy, err := spawn("bare", "-upstream", upstream.url)
	if err != nil {
		return err
	}
	defer bareProxy.stop()
	pooled, err := spawn("pooled", "-upstream", upstream.url)
	if err != nil {
		return err
	}
	defer pooled.stop()
	ours, session, bearer, err := startPortico(upstream.url)
	if err != nil {
		return err
	}
	defer ours.stop()
	contenders := []*contender{
		{name: "bare ReverseProxy", at: bareProxy},
		{name: "the same, buffers pooled", at: pooled},
		{name: "Portico, session", at: ours, header: session},
		{name: "Portico, bearer token", at: ours, header: bearer},
	}
	idle := residentKiB(ours.cmd.Process.Pid)
	for range runs { // interleaved, so that whatever else the machine does hits all alike
		for _, c := range contenders {
			f, err := load(ctx, c.at, c.header, time.Duration(seconds)*time.Second, connections)
			if err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			c.all = append(c.all, f)
		}
	}
	report(contenders)
	fmt.Printf("Portico's memory before the load: %.1f MiB\n", float64(idle)/1024)
	if profile == "" {
		return nil
	}
	for name, pick := range map[string]func(session, bearer http.Header) http.Header{
		"session": func(session, _ http.Header) http.Header { return session },
		"bearer":  func(_, bearer http.Header) http.Header { return bearer },
	} {
		profiled, session, bearer, err := startPortico(upstream.url, "-profile", filepath.Join(profile, name+".pprof"))
		if err != nil {
			return err
		}
		_, err = load(ctx, profiled, pick(session, bearer), time.Duration(seconds)*time.Second, connections)
		profiled.stop()
		if err != nil {
			return err
		}
	}
	return nil
}

// startPortico starts a Portico in front of the upstream, and returns what gets requests through it.
func startPortico(upstream string, args ...string) (c *child, session, bearer http.Header, err error) {
	data, err := os.MkdirTemp("", "portico-bench-")
	if err != nil {
		return nil, nil, nil, err
	}
	if c, err = spawn("portico", append(args, "-upstream", upstream, "-data", data)...); err != nil {
		return nil, nil, nil, errors.Join(err, os.RemoveAll(data))
	}
	c.data = data
	if session, bearer, err = prepare(c.url, data); err != nil {
		c.stop()
	}
	return c, session, bearer, err
}

func report(contenders []*contender) {
	median := func(c *contender, of func(figures) float64) float64 {
		var all []float64
		for _, f := range c.all {
			all = append(all, of(f))
		}
		return middle(all)
	}
	cpuOf := func(f figures) float64 { return f.cpu }
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "\treq/s\tCPU µs/req\t/ bare\tp50 ms\tp99 ms\tMiB\t")
	for _, c := range contenders {
		fmt.Fprintf(w, "%s\t%.0f\t%.1f\t%.2f\t%.2f\t%.2f\t%.1f\t\n", c.name, median(c, func(f figures) float64 { return f.perSecond }),
			median(c, cpuOf), median(c, cpuOf)/median(contenders[0], cpuOf), median(c, func(f figures) float64 { return float64(f.p50) / 1e6 }),
			median(c, func(f figures) float64 { return float64(f.p99) / 1e6 }), median(c, func(f figures) float64 { return float64(f.rss) / 1024 }))
	}
	_ = w.Flush()
}

func middle(all []float64) float64 {
	slices.Sort(all)
	return all[len(all)/2]
}

func decode(r io.Reader, into any) error {
	return json.NewDecoder(io.LimitReader(r, 1<<20)).Decode(into)
}
