// Command bench measures, in one run on one machine, what a request by session costs Portico beside a bare Go reverse
// proxy: same upstream, same load, each proxy in a process of its own on one core.
//
// It starts everything itself, on loopback, and stops by itself. CPU per request is the steadier figure.
package main

import (
	"context"
	"encoding/json"
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
	"slices"
	"strings"
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
	seconds := flag.Int("seconds", 5, "length of one run")
	runs := flag.Int("runs", 3, "runs of each proxy; the median counts")
	connections := flag.Int("connections", 64, "connections of the load")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var err error
	switch *role {
	case "upstream":
		err = serve(ctx, http.HandlerFunc(answer))
	case "bare":
		err = serve(ctx, bare(*upstream))
	case "portico":
		err = portico(ctx, *upstream, *data)
	default:
		err = measure(ctx, *seconds, *runs, *connections)
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

func bare(upstream string) http.Handler {
	u, err := url.Parse(upstream)
	if err != nil {
		panic(err)
	}
	return &httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(u) },
		Transport: &http.Transport{MaxIdleConnsPerHost: 512, DisableCompression: true},
	}
}

// portico runs a development Portico whose Core is the upstream.
func portico(ctx context.Context, upstream, data string) error {
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
}

type figures struct {
	perSecond, cpu float64 // requests; microseconds per request
	p50, p99       time.Duration
}

func measure(ctx context.Context, seconds, runs, connections int) error {
	data, err := os.MkdirTemp("", "portico-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(data)
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
	ours, err := spawn("portico", "-upstream", upstream.url, "-data", data)
	if err != nil {
		return err
	}
	defer ours.stop()
	cookie, err := prepare(ours.url)
	if err != nil {
		return err
	}
	results := map[string][]figures{}
	for range runs {
		for _, p := range []struct {
			name, cookie string
			at           *child
		}{{"bare ReverseProxy", "", bareProxy}, {"Portico, session", cookie, ours}} {
			f, err := load(ctx, p.at, p.cookie, time.Duration(seconds)*time.Second, connections)
			if err != nil {
				return fmt.Errorf("%s: %w", p.name, err)
			}
			results[p.name] = append(results[p.name], f)
		}
	}
	report(results, ours)
	return nil
}

func report(results map[string][]figures, ours *child) {
	median := func(name string, of func(figures) float64) float64 {
		var all []float64
		for _, f := range results[name] {
			all = append(all, of(f))
		}
		slices.Sort(all)
		return all[len(all)/2]
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "\treq/s\tCPU µs/req\tp50 ms\tp99 ms\t")
	cpu := map[string]float64{}
	for _, name := range []string{"bare ReverseProxy", "Portico, session"} {
		cpu[name] = median(name, func(f figures) float64 { return f.cpu })
		fmt.Fprintf(w, "%s\t%.0f\t%.1f\t%.2f\t%.2f\t\n", name, median(name, func(f figures) float64 { return f.perSecond }), cpu[name],
			median(name, func(f figures) float64 { return float64(f.p50) / 1e6 }), median(name, func(f figures) float64 { return float64(f.p99) / 1e6 }))
	}
	_ = w.Flush()
	fmt.Printf("CPU, Portico / bare: %.2f   memory of Portico after the load: %d KiB\n",
		cpu["Portico, session"]/cpu["bare ReverseProxy"], residentKiB(ours.cmd.Process.Pid))
}

func decode(r io.Reader, into any) error {
	return json.NewDecoder(io.LimitReader(r, 1<<20)).Decode(into)
}
