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

// promises measures what is not in the table, and holds all of it against the targets.
func (r *run) promises(ctx context.Context, idle float64) error {
	all := r.ofRequests()
	exchange, err := ofExchange(ctx, r.core)
	if err != nil {
		return err
	}
	all = append(all, exchange...)
	for _, c := range r.rows {
		if c.login == "" {
			continue
		}
		cpu, err := loginCost(ctx, c.at, c.login, r.logins)
		if err != nil {
			return err
		}
		p := promise{what: c.name + ": CPU of a sign-in", got: cpu, scale: " ms"}
		if c == r.session {
			p.most = 1
		}
		all = append(all, p)
	}
	starts := r.session.at.starts
	printPromises(append(all,
		promise{"Portico, ready after its first start", starts[0], 150, " ms"},
		promise{"Portico, ready after a later start", middle(starts[min(1, len(starts)-1):]), 150, " ms"},
		promise{"Portico, memory when idle", idle, 40, " MiB"},
	))
	return nil
}

// ofRequests compares rows of the table.
func (r *run) ofRequests() []promise {
	all := []promise{
		{"Portico, session / bare", r.session.cpu() / r.bare.cpu(), 1.15, ""},
		{"Portico, bearer token / bare", r.bearer.cpu() / r.bare.cpu(), 1.15, ""},
	}
	var best *contender
	for _, c := range r.rows {
		if c.at != r.session.at && c.authenticates() && (best == nil || c.cpu() < best.cpu()) {
			best = c
		}
	}
	if best == nil {
		return all
	}
	return append(all,
		promise{"Portico, session / best peer that authenticates", r.session.cpu() / best.cpu(), 1. / 3, ""},
		promise{"Portico, bearer token / best peer that authenticates", r.bearer.cpu() / best.cpu(), 1. / 3, ""})
}

// promise is a target.
type promise struct {
	what  string
	got   float64
	most  float64 // 0: it is there for comparison
	scale string
}

func printPromises(all []promise) {
	fmt.Println()
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 1, ' ', tabwriter.TabIndent)
	fmt.Fprintln(w, "|\t| measured\t| at most\t|\t|")
	fmt.Fprintln(w, "|---\t|---\t|---\t|---\t|")
	for _, p := range all {
		most, verdict := fmt.Sprintf("%.2f%s", p.most, p.scale), "met"
		switch {
		case p.most == 0:
			most, verdict = "", ""
		case p.got > p.most:
			verdict = "missed"
		}
		fmt.Fprintf(w, "| %s\t| %.2f%s\t| %s\t| %s\t|\n", p.what, p.got, p.scale, most, verdict)
	}
	_ = w.Flush()
}

var benchmarkLine = regexp.MustCompile(`(?m)^BenchmarkExchange/([a-z]+)\S*\s+\d+\s+([\d.]+) ns/op`)

// ofExchange runs the benchmark of an exchange on the proxies' core.
func ofExchange(ctx context.Context, core string) ([]promise, error) {
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
	signatures, call, endpoint := middle(all["signatures"]), middle(all["call"]), middle(all["endpoint"])
	if signatures == 0 || call == 0 || endpoint == 0 {
		return nil, fmt.Errorf("benchmark of the exchange: expected figures of signatures, call and endpoint, got\n%s", out)
	}
	return []promise{
		{"a token's two signatures alone", signatures, 0, " µs"},
		{"token exchanged on a request's way / its signatures", call / signatures, 1.6, ""},
		{"token exchanged at the endpoint / its signatures", endpoint / signatures, 1.6, ""},
	}, nil
}
