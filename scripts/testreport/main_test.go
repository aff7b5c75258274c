package main

import (
	"strings"
	"testing"
)

func TestReport(t *testing.T) {
	pass := `{"Action":"run","Package":"p","Test":"A"}
{"Action":"output","Package":"p","Test":"A","Output":"chatter\n"}
{"Action":"pass","Package":"p","Test":"A","Elapsed":0.1}
`
	ok := `{"Action":"output","Package":"p","Output":"ok  \tp\t0.1s\n"}
{"Action":"pass","Package":"p"}
`
	skip := func(why string) string {
		return `{"Action":"output","Package":"p","Test":"B","Output":"=== RUN   B\n"}
{"Action":"output","Package":"p","Test":"B","Output":"    b_test.go:7: ` + why + `\n"}
{"Action":"output","Package":"p","Test":"B","Output":"--- SKIP: B (0.00s)\n"}
{"Action":"skip","Package":"p","Test":"B"}
`
	}
	fail := `{"Action":"output","Package":"p","Test":"C","Output":"    c_test.go:7: expected 1, got 2\n"}
{"Action":"fail","Package":"p","Test":"C"}
{"Action":"output","Package":"p","Output":"FAIL\tp\t0.1s\n"}
{"Action":"fail","Package":"p"}
`
	for name, c := range map[string]struct {
		input         string
		require, well bool
		want          string
	}{
		"all passed":                {pass + ok, true, true, "ok  \tp\t0.1s\n\ntests took"},
		"counts":                    {pass + skip("no database") + ok, false, true, "\n1 passed, 0 failed, 1 skipped\n"},
		"skipped":                   {pass + skip("no database") + ok, false, true, "skipped: p B: no database\n"},
		"skipped where it must run": {pass + skip("no database") + ok, true, false, "no database (must run here)\n"},
		"optional":                  {pass + skip("optional: takes hours") + ok, true, true, "skipped: p B: optional: takes hours\n"},
		"failed":                    {pass + fail, false, false, "c_test.go:7: expected 1, got 2\nFAIL\tp\t0.1s\n\nfailed:  p C\n"},
		"slow":                      {`{"Action":"pass","Package":"p","Test":"S","Elapsed":7.2}` + "\n" + pass + ok, true, true, "\nslow:    7 s p S\ntests took"},
		"nothing ran":               {ok, false, false, "nothing ran"},
		"cut off": {
			pass + `{"Action":"output","Package":"p","Test":"D","Output":"panic: boom\n"}` + "\n" + `{"Action":"fail","Package":"p"}`,
			false, false, "panic: boom\n\nfailed:  p D (did not end)\n",
		},
		"package failed alone": {pass + `{"Action":"output","Package":"p","Output":"goroutine leak\n"}` + "\n" + `{"Action":"fail","Package":"p"}`, false, false, "goroutine leak\n\nfailed:  p\n"},
		"does not build": {
			pass + ok + `{"ImportPath":"q","Action":"build-output","Output":"q.go:1: syntax error\n"}` + "\n" + `{"ImportPath":"q","Action":"build-fail"}`,
			false, false, "q.go:1: syntax error\n\nfailed:  q (does not build)\n",
		},
		"no JSON":        {"go: warning\n" + pass + ok, false, true, "go: warning\nok"},
		"go test failed": {pass + ok + `{"Action":"exit-fail"}`, false, false, "failed:  go test"},
	} {
		var out strings.Builder
		r := report{out: &out, output: map[string][]string{}}
		if err := r.read(strings.NewReader(c.input)); err != nil {
			t.Fatal(err)
		}
		if well := r.close(c.require); well != c.well || !strings.Contains(out.String(), c.want) {
			t.Errorf("%s: expected %v and %q, got %v and %q", name, c.well, c.want, well, out.String())
		}
	}
}
