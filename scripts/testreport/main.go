// Testreport reads the output of go test -json and prints what a person wants to see of it: the result of each package,
// what failed with all that it said, what was skipped and why, what took long, and how much ran.
//
// It exits with 1 if something failed, or if nothing ran; with PORTICO_TEST_REQUIRE=1 also if a test was skipped without
// saying that it is optional.
package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"
)

func main() {
	r := report{out: os.Stdout, output: map[string][]string{}}
	if err := r.read(os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, "testreport:", err)
		os.Exit(1)
	}
	if !r.close(os.Getenv("PORTICO_TEST_REQUIRE") == "1") {
		os.Exit(1)
	}
}

// event is one line of the input; see go doc test2json.
type event struct {
	Action, Package, ImportPath, Test, Output string
	Elapsed                                   float64
}

type report struct {
	out     io.Writer
	output  map[string][]string // of tests and packages that have not ended yet
	skipped []string
	failed  []string
	slow    []slow
	passed  int
	failure bool // go test itself ended so
}

// slow is a test that took long by the clock, together with those beside which it ran.
type slow struct {
	name    string
	seconds float64
}

const (
	long      = 5 // seconds, from which on a test is named
	mostNamed = 25
)

func (r *report) read(in io.Reader) error {
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			r.line(line)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (r *report) line(line []byte) {
	var e event
	if json.Unmarshal(line, &e) != nil {
		fmt.Fprintf(r.out, "%s", line) // go's own complaints are not JSON
		return
	}
	key := e.Package + "\x00" + e.Test
	switch e.Action {
	case "output":
		r.output[key] = append(r.output[key], e.Output)
	case "build-output":
		fmt.Fprint(r.out, e.Output)
	case "build-fail":
		r.failed = append(r.failed, e.ImportPath+" (does not build)")
	case "exit-fail": // from scripts/test.sh
		r.failure = true
	case "pass", "fail", "skip":
		if e.Test != "" {
			r.test(e, r.output[key])
		} else {
			r.pack(e, r.output[key])
		}
		delete(r.output, key)
	}
}

func (r *report) test(e event, output []string) {
	name := e.Package + " " + e.Test
	if e.Elapsed >= long && !strings.Contains(e.Test, "/") {
		r.slow = append(r.slow, slow{name, e.Elapsed})
	}
	switch e.Action {
	case "pass":
		r.passed++
	case "skip":
		r.skipped = append(r.skipped, name+": "+reason(output))
	case "fail":
		r.failed = append(r.failed, name)
		fmt.Fprint(r.out, strings.Join(output, ""))
	}
}

// pack prints the line with which go test ends a package, and everything that it said if it failed.
func (r *report) pack(e event, output []string) {
	if e.Action != "fail" {
		if n := len(output); n > 0 {
			fmt.Fprint(r.out, output[n-1])
		}
		return
	}
	fmt.Fprint(r.out, strings.Join(output, ""))
	for key, rest := range r.output { // a test that was cut off by a panic, a timeout or an exit
		if name, cut := strings.CutPrefix(key, e.Package+"\x00"); cut && name != "" {
			fmt.Fprint(r.out, strings.Join(rest, ""))
			r.failed = append(r.failed, e.Package+" "+name+" (did not end)")
			delete(r.output, key)
		}
	}
	for _, failed := range r.failed {
		if strings.HasPrefix(failed, e.Package+" ") {
			return
		}
	}
	r.failed = append(r.failed, e.Package)
}

// reason is what the test said when it was skipped, without its place.
func reason(output []string) string {
	for _, line := range output {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "===") || strings.HasPrefix(line, "---") || line == "" {
			continue
		}
		if _, said, found := strings.Cut(line, ": "); found {
			return said
		}
		return line
	}
	return "without a reason"
}

var began = time.Now()

// close prints the sum, and tells whether all is well.
func (r *report) close(require bool) bool {
	fmt.Fprintln(r.out)
	if r.failure && len(r.failed) == 0 {
		r.failed = append(r.failed, "go test, for a reason that it did not report")
	}
	var amiss int
	for _, line := range r.skipped {
		if _, why, _ := strings.Cut(line, ": "); require && !strings.HasPrefix(why, "optional") {
			amiss++
			line += " (must run here)"
		}
		fmt.Fprintln(r.out, "skipped:", line)
	}
	for _, line := range r.failed {
		fmt.Fprintln(r.out, "failed: ", line)
	}
	slices.SortFunc(r.slow, func(a, b slow) int { return cmp.Compare(b.seconds, a.seconds) })
	for _, s := range r.slow[:min(len(r.slow), mostNamed)] {
		fmt.Fprintf(r.out, "slow: %4.0f s %s\n", s.seconds, s.name)
	}
	fmt.Fprintf(r.out, "tests took %s\n", time.Since(began).Round(time.Second))
	fmt.Fprintf(r.out, "%d passed, %d failed, %d skipped\n", r.passed, len(r.failed), len(r.skipped))
	if r.passed == 0 {
		fmt.Fprintln(r.out, "nothing ran")
	}
	return len(r.failed) == 0 && amiss == 0 && r.passed > 0
}
