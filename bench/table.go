//go:build linux

package main

import (
	"fmt"
	"os"
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
