package config

import (
	"strings"
	"testing"
)

func TestHeaderLines(t *testing.T) {
	traces := Traces{Headers: "x-api-key: canary:with colon \r\n\n  Authorization:Basic canary=="}
	got, err := traces.HeaderLines()
	if err != nil || len(got) != 2 || got["X-Api-Key"] != "canary:with colon" || got["Authorization"] != "Basic canary==" {
		t.Errorf("got %v, %v", got, err)
	}
}

// What is accepted can be sent as a header, and what is refused is not quoted.
func FuzzHeaderLines(f *testing.F) {
	for _, seed := range []string{"A: b", "A: b\nB: c", "A", ": b", "A:", "A b: c", "A: \x00", "É: e", "a: 1\nA: 2"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		traces := Traces{Headers: Secret(text)}
		got, err := traces.HeaderLines()
		if err != nil {
			if len(err.Error()) > 80 {
				t.Fatalf("the error is long: %v", err)
			}
			return
		}
		for name, value := range got {
			if name == "" || value == "" || strings.ContainsAny(name+value, "\r\n\x00") || strings.ContainsAny(name, " :") || !strings.Contains(text, value) {
				t.Fatalf("%q: %q", name, value)
			}
		}
	})
}

func TestSecretsFindsAll(t *testing.T) {
	c := load(t, full)
	all := strings.Join(c.Secrets(), "\n")
	for _, want := range []string{"canary-client", "canary-static", "canary-dsn", "canary-headers"} {
		if !strings.Contains(all, want) {
			t.Errorf("%s is not among them", want)
		}
	}
	if n := len(c.Secrets()); n < 5 {
		t.Errorf("only %d", n)
	}
}
