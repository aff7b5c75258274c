//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"text/tabwriter"
)

func (c *contender) median(of func(figures) float64) float64 {
	var all []float64
	for _, f := range c.all {
		all = append(all, of(f))
	}
	return middle(all)
}

func (c *contender) cpu() float64 { return c.median(func(f figures) float64 { return f.cpu }) }

// printTable prints Markdown, as docs/performance.md has it.
func printTable(contenders []*contender, base *contender) {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 1, ' ', tabwriter.TabIndent)
	fmt.Fprintln(w, "|\t| req/s\t| CPU µs/req\t| / bare\t| p50 ms\t| p99 ms\t| MiB\t| start ms\t|")
	fmt.Fprintln(w, "|---\t|---\t|---\t|---\t|---\t|---\t|---\t|---\t|")
	for _, c := range contenders {
		fmt.Fprintf(w, "| %s\t| %.0f\t| %.1f\t| %.2f\t| %.2f\t| %.2f\t| %.1f\t| %.0f\t|\n", c.name,
			c.median(func(f figures) float64 { return f.perSecond }), c.cpu(), c.cpu()/base.cpu(),
			c.median(func(f figures) float64 { return f.p50 }), c.median(func(f figures) float64 { return f.p99 }),
			c.median(func(f figures) float64 { return f.memory }), middle(c.at.starts))
	}
	_ = w.Flush()
}

// promise is a target.
type promise struct {
	what  string
	got   float64
	most  float64
	scale string
}

func printPromises(all []promise) {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 1, ' ', tabwriter.TabIndent)
	fmt.Fprintln(w, "|\t| measured\t| at most\t|\t|")
	fmt.Fprintln(w, "|---\t|---\t|---\t|---\t|")
	for _, p := range all {
		verdict := "met"
		if p.got > p.most {
			verdict = "missed"
		}
		fmt.Fprintf(w, "| %s\t| %.2f%s\t| %.2f%s\t| %s\t|\n", p.what, p.got, p.scale, p.most, p.scale, verdict)
	}
	_ = w.Flush()
}

var benchmarkLine = regexp.MustCompile(`(?m)^BenchmarkExchange/([a-z]+)\S*\s+\d+\s+([\d.]+) ns/op`)

// exchangeCost runs the benchmark of an exchange on the proxies' core, and returns microseconds by its parts.
func exchangeCost(ctx context.Context, core string) (map[string]float64, error) {
	argv := []string{"go", "test", "-run", "^$", "-bench", "^BenchmarkExchange$", "-benchtime", "300ms", "-count", "5", "./internal/sts"}
	if core != "" {
		argv = append([]string{"taskset", "-c", core}, argv...)
	}
	out, err := exec.CommandContext(ctx, argv[0], argv[1:]...).CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("benchmark of the exchange: %w\n%s", err, out)
	}
	all := map[string][]float64{}
	for _, m := range benchmarkLine.FindAllSubmatch(out, -1) {
		ns, _ := strconv.ParseFloat(string(m[2]), 64)
		all[string(m[1])] = append(all[string(m[1])], ns/1000)
	}
	cost := map[string]float64{}
	for _, part := range []string{"signatures", "call", "endpoint"} {
		if cost[part] = middle(all[part]); cost[part] == 0 {
			return nil, fmt.Errorf("benchmark of the exchange: expected BenchmarkExchange/%s, got\n%s", part, out)
		}
	}
	return cost, nil
}
