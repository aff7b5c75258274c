package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

var shellBlock = regexp.MustCompile("(?s)```sh ([a-z]+)\n(.*?)```")

// TestExchangeExamples runs docs/exchange.md as it stands.
func TestExchangeExamples(t *testing.T) {
	for _, tool := range []string{"bash", "curl", "jq"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip(err)
		}
	}
	text, err := os.ReadFile("../docs/exchange.md")
	if err != nil {
		t.Fatal(err)
	}
	var script strings.Builder
	script.WriteString("set -euo pipefail\n")
	for _, block := range shellBlock.FindAllStringSubmatch(string(text), -1) {
		script.WriteString(block[2])
		if strings.HasPrefix(block[2], "curl") { // it prints its answer: one line, which revocation does without
			script.WriteString("\necho\n")
		}
	}
	script.WriteString(regexp.MustCompile("(?s).*```sh introspect\n(.*?)```.*").ReplaceAllString(string(text), "$1"))

	w := newExchangeWorld(t, start)
	run := exec.Command("bash", "-c", script.String())
	run.Env = append(os.Environ(), "DIR="+w.dir, "ORGANISATION="+w.organisation, "USER_TOKEN="+w.userToken("ivan@acme.test"))
	out, err := run.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var answers []map[string]any
	for line := range strings.Lines(string(out)) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		var a map[string]any
		if err := json.Unmarshal([]byte(line), &a); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		answers = append(answers, a)
	}
	if len(answers) != 4 {
		t.Fatalf("got %v", answers)
	}
	if answers[0]["scope"] != "HISTORY_LIST" || answers[1]["scope"] != "HISTORY_LIST REGISTRATION_CERTIFICATE_SIGN" ||
		answers[2]["active"] != true || answers[2]["sub"] != "ivan@acme.test" || answers[3]["active"] != false {
		t.Errorf("got %v", answers)
	}
}
