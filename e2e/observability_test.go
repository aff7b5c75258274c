package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/portico-iam/portico/internal/store"
	"github.com/portico-iam/portico/internal/testdb"
)

// used lets the metrics of everyday work appear: a sign-in, a change, a refusal, calls to Core.
func used(t *testing.T, s *served) (ada, ivan *browser) {
	t.Helper()
	ada, ivan = browserAt(t, s.publicURL), browserAt(t, s.publicURL)
	ada.signIn("/", "ada@acme.test")
	organisation := ada.create("/api/organisation/v1", map[string]any{"name": "Acme"})
	role := ada.create("/api/sts/role/v1", map[string]any{"name": "Acme Reading", "permissions": []string{"HISTORY_LIST"}})
	ada.mayEverywhere("Acme Issuance", role, organisation)
	ivan.signIn("/", "ivan@acme.test")
	mustStatus(t, ivan.call("GET", "/api/history/v1", nil, nil), http.StatusOK)
	return ada, ivan
}

// operator asks the operator's address.
func (s *served) operator(t *testing.T, path string, accept string) (status int, body string) {
	t.Helper()
	req, _ := http.NewRequest("GET", s.adminURL+path, nil)
	req.Header.Set("Accept", accept)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

var helpLine = regexp.MustCompile(`(?m)^# HELP (\S+) (.*)$`)

// TestMetricsAreDocumented: docs/observability.md has a row for each metric of ours, in the metric's own words, and the dashboard
// and the alerts name none that a running Portico does not have. What happened before has been counted.
func TestMetricsAreDocumented(t *testing.T) {
	for _, engine := range testdb.Engines {
		t.Run(engine, func(t *testing.T) {
			s := serve(t, testdb.Config(t, engine), "")
			used(t, s)
			status, text := s.operator(t, "/metrics", "")
			if status != http.StatusOK {
				t.Fatalf("got %d", status)
			}
			for _, series := range []string{
				`portico_signins_total{result="completed"}`, `portico_token_mint_duration_seconds_count{kind="direct"}`, `portico_token_mint_duration_seconds_count{kind="own"}`,
				`portico_token_verify_duration_seconds_count{result="accepted"}`, `portico_cache_lookups_total{cache="session",result="hit"}`,
				`portico_cache_lookups_total{cache="app_token",result="miss"}`, `portico_decisions_total{reason="GRANTED"}`, `portico_decisions_total{reason="GRANTED_BY_BOOTSTRAP"}`,
				`portico_outgoing_request_duration_seconds_count{status="2xx",to="core"}`, `portico_outgoing_request_duration_seconds_count{status="2xx",to="iam"}`,
				`portico_http_request_duration_seconds_count{method="POST",route="POST /api/sts/role/v1",status="2xx"}`, `portico_store_statement_duration_seconds_count{statement="INSERT session"}`,
				`portico_ready`, `portico_policy_version`, `portico_signing_keys{state="active"}`, `portico_signing_keys{state="next"}`, `go_goroutines`, `process_resident_memory_bytes`,
			} {
				if m := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(series) + ` (\S+)$`).FindStringSubmatch(text); m == nil || m[1] == "0" {
					t.Errorf("%s: got %v", series, m)
				}
			}
			types := map[string]string{}
			for _, m := range regexp.MustCompile(`(?m)^# TYPE (\S+) (\S+)$`).FindAllStringSubmatch(text, -1) {
				types[m[1]] = m[2]
			}
			docs := readFile(t, "../docs/observability.md")
			documented := map[string]bool{}
			for _, m := range regexp.MustCompile("(?m)^\\| `(portico_\\w+)").FindAllStringSubmatch(docs, -1) {
				documented[m[1]] = true
			}
			for _, m := range helpLine.FindAllStringSubmatch(text, -1) {
				name, help := m[1], m[2]
				if !strings.HasPrefix(name, "portico_") {
					continue
				}
				row := regexp.MustCompile("(?m)^\\| `" + name + "(\\{[^`]*\\})?` \\| " + types[name] + " \\| " + regexp.QuoteMeta(strings.ReplaceAll(help, `\\`, `\`)) + " \\|$")
				if !row.MatchString(docs) {
					t.Errorf("docs/observability.md lacks the row\n| `%s` | %s | %s |", name, types[name], help)
				}
				delete(documented, name)
			}
			for name := range documented {
				t.Errorf("docs/observability.md has %s, which is no metric", name)
			}
			for place, expressions := range map[string][]string{"the dashboard": dashboardExpressions(t), "the alerts": alertExpressions(t)} {
				for _, e := range expressions {
					checkPromQL(t, place, e, types)
				}
			}
		})
	}
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// dashboardExpressions are those of every panel.
func dashboardExpressions(t *testing.T) (all []string) {
	t.Helper()
	var dashboard struct {
		UID    string `json:"uid"`
		Panels []struct {
			ID      int    `json:"id"`
			Title   string `json:"title"`
			Type    string `json:"type"`
			Targets []struct {
				Expr string `json:"expr"`
			} `json:"targets"`
		} `json:"panels"`
	}
	if err := json.Unmarshal([]byte(readFile(t, "../deploy/grafana/portico.json")), &dashboard); err != nil {
		t.Fatal(err)
	}
	ids := map[int]bool{}
	for _, p := range dashboard.Panels {
		if ids[p.ID] || p.Title == "" || p.Type != "row" && len(p.Targets) == 0 {
			t.Errorf("the panel %d %q", p.ID, p.Title)
		}
		ids[p.ID] = true
		for _, target := range p.Targets {
			all = append(all, target.Expr)
		}
	}
	checkByPromtool(t, all)
	if dashboard.UID != "portico" || len(all) < 30 {
		t.Errorf("%q has %d expressions", dashboard.UID, len(all))
	}
	return all
}

// alertExpressions are those of every alert; each has a line in the documentation that says what to do.
func alertExpressions(t *testing.T) (all []string) {
	t.Helper()
	var file struct {
		Groups []struct {
			Rules []struct {
				Alert       string
				Expr        string
				Labels      struct{ Severity string }
				Annotations struct{ Summary string }
			}
		}
	}
	if err := yaml.Unmarshal([]byte(readFile(t, "../deploy/prometheus/alerts.yaml")), &file); err != nil {
		t.Fatal(err)
	}
	docs := readFile(t, "../docs/observability.md")
	for _, g := range file.Groups {
		for _, r := range g.Rules {
			if r.Alert == "" || r.Annotations.Summary == "" || !slices.Contains([]string{"critical", "warning"}, r.Labels.Severity) {
				t.Errorf("the alert %q is not whole", r.Alert)
			}
			if !strings.Contains(docs, "| `"+r.Alert+"` |") {
				t.Errorf("docs/observability.md does not say what to do about %s", r.Alert)
			}
			all = append(all, r.Expr)
		}
	}
	for _, m := range regexp.MustCompile("(?m)^\\| `(Portico\\w+)` ").FindAllStringSubmatch(docs, -1) {
		if !strings.Contains(readFile(t, "../deploy/prometheus/alerts.yaml"), "alert: "+m[1]+"\n") {
			t.Errorf("docs/observability.md has %s, which is no alert", m[1])
		}
	}
	if len(all) < 15 {
		t.Errorf("only %d alerts", len(all))
	}
	checkByPromtool(t, all)
	return all
}

// checkByPromtool parses expressions by Prometheus' own tool, where it is installed.
func checkByPromtool(t *testing.T, expressions []string) {
	t.Helper()
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		return
	}
	type rule struct {
		Record string `yaml:"record"`
		Expr   string `yaml:"expr"`
	}
	var rules []rule
	for i, e := range expressions {
		rules = append(rules, rule{fmt.Sprintf("rule%d", i), strings.NewReplacer("$__rate_interval", "5m").Replace(e)})
	}
	text, err := yaml.Marshal(map[string]any{"groups": []any{map[string]any{"name": "all", "rules": rules}}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "rules.yaml")
	write(t, file, string(text))
	if out, err := exec.Command(promtool, "check", "rules", file).CombinedOutput(); err != nil {
		t.Errorf("promtool: %s", out)
	}
}

var promWords = []string{
	"sum", "min", "max", "topk", "by", "le", "rate", "increase", "absent", "and", "or", "histogram_quantile", "time", "m", "h", "s", "d",
}

// checkPromQL is no parser: it knows the brackets, and every word that is no metric, label or function of ours.
func checkPromQL(t *testing.T, place, expression string, types map[string]string) {
	t.Helper()
	text := regexp.MustCompile(`"[^"]*"`).ReplaceAllString(expression, `""`)
	text = regexp.MustCompile(`\$__rate_interval`).ReplaceAllString(text, "5m")
	var open []rune
	for _, r := range text {
		switch r {
		case '(', '[', '{':
			open = append(open, r)
		case ')', ']', '}':
			if len(open) == 0 || open[len(open)-1] != map[rune]rune{')': '(', ']': '[', '}': '{'}[r] {
				t.Fatalf("%s: brackets: %s", place, expression)
			}
			open = open[:len(open)-1]
		}
	}
	if len(open) > 0 || strings.Count(expression, `"`)%2 != 0 {
		t.Errorf("%s: brackets or quotes: %s", place, expression)
	}
	text = regexp.MustCompile(`\{[^}]*\}|by \([^)]*\)|\[[0-9a-z]+\]`).ReplaceAllString(text, " ")
	metrics := 0
	for _, word := range regexp.MustCompile(`[a-zA-Z_]\w*`).FindAllString(text, -1) {
		family := word
		for _, suffix := range []string{"_bucket", "_count", "_sum"} {
			if base, ok := strings.CutSuffix(word, suffix); ok && types[base] == "histogram" {
				family = base
			}
		}
		switch {
		case types[family] == "histogram" && family == word:
			t.Errorf("%s: %s is a histogram: %s", place, word, expression)
		case types[family] != "":
			metrics++
		case !slices.Contains(promWords, word):
			t.Errorf("%s: there is no metric %s: %s", place, word, expression)
		}
	}
	if metrics == 0 {
		t.Errorf("%s: no metric in %s", place, expression)
	}
}

// TestTheAccessLogLeadsToTheRecord: from a refusal's page, by its reference, to the line of the log, and from there to all lines of
// the request.
func TestTheAccessLogLeadsToTheRecord(t *testing.T) {
	s := serve(t, testdb.Config(t, store.SQLite), "")
	ada, ivan := used(t, s)
	req := ivan.request("GET", "/api/key/v1?canary=canary-query", nil)
	req.Header.Set("X-Request-Id", "asked-by-ivan")
	refused := ivan.do(req)
	var body struct{ Reference string }
	if err := json.Unmarshal([]byte(refused.body), &body); err != nil || body.Reference == "" || refused.status != http.StatusForbidden {
		t.Fatalf("got %d %s", refused.status, refused.body)
	}
	mustStatus(t, ada.call("GET", "/api/history/v1/"+body.Reference, nil, nil), http.StatusOK)
	var found []string
	eventually(t, "the request is logged", func() bool {
		found = nil
		for line := range strings.Lines(s.errors.String()) {
			if strings.Contains(line, "msg=request ") && strings.Contains(line, "request_id=asked-by-ivan") {
				found = append(found, line)
			}
		}
		return len(found) > 0
	})
	want := regexp.MustCompile(`level=INFO msg=request method=GET route="GET /api/key/v1" status=403 duration_ms=[0-9.]+ bytes=` + fmt.Sprint(len(refused.body)) +
		` principal=[0-9a-f]{16} session=[0-9a-f-]{36} code=BR_0178 reference=` + body.Reference + ` request_id=asked-by-ivan\n$`)
	if len(found) != 1 || !want.MatchString(found[0]) {
		t.Errorf("logged %q", found)
	}
	if strings.Contains(s.errors.String(), "canary-query") || strings.Contains(s.errors.String(), "ivan@acme.test") {
		t.Error("the log has a query, or somebody's name")
	}
	t.Setenv("PORTICO_observability__accessLog", "false")
	s.interrupt(t)
	s.running = s.start(t)
	mustStatus(t, ivan.call("GET", "/api/history/v1", nil, nil), http.StatusOK)
	if strings.Contains(s.errors.String(), "msg=request ") {
		t.Error("the access log can't be switched off")
	}
}

func TestReadySaysWhichPartIsNot(t *testing.T) {
	s := serve(t, testdb.Config(t, store.SQLite), "")
	if status, body := s.operator(t, "/health/ready", "application/json"); status != 200 ||
		body != `{"parts":[{"part":"store","ready":true},{"part":"signing keys","ready":true}],"ready":true}`+"\n" {
		t.Errorf("got %d %s", status, body)
	}
	if status, body := s.operator(t, "/debug/goroutines", ""); status != 200 || !strings.Contains(body, "goroutine profile: total") || strings.Contains(body, "goroutine 1 [") {
		t.Errorf("got %d %.80s", status, body)
	}
	for _, path := range []string{"/metrics", "/debug/goroutines", "/health/ready"} {
		resp, err := http.Get(s.publicURL + path)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode == http.StatusOK && !strings.Contains(resp.Request.URL.Path, "authorize") && resp.Request.URL.Path == path {
			t.Errorf("%s answers on the public address", path)
		}
	}
}

// bundle makes a support bundle and returns its files.
func (s *served) bundle(t *testing.T) (files map[string]string, said string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "bundle.tar.gz")
	cmd := command(t, "support-bundle", "--config", filepath.Join(s.folder, "portico.yaml"), "--output", file)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != fs.FileMode(0o600) {
		t.Errorf("the bundle's mode: %v, %v", info, err)
	}
	return untar(t, readFile(t, file)), string(out)
}

func TestSupportBundle(t *testing.T) {
	for _, engine := range testdb.Engines {
		t.Run(engine, func(t *testing.T) {
			s := serve(t, testdb.Config(t, engine), "")
			used(t, s)
			files, said := s.bundle(t)
			for name, holds := range map[string]string{
				"version.txt": "go1.", "doctor.txt": "", "config.yaml": "[redacted]", "store.json": `"history": `, "keys.json": `"state": "active"`,
				"ready.json": `"ready":true`, "metrics.txt": "portico_signins_total", "goroutines.txt": "goroutine profile: total", "CONTENTS.txt": "metrics.txt: ",
			} {
				if content, there := files[name]; !there || !strings.Contains(content, holds) {
					t.Errorf("%s: expected %q in %.200q", name, holds, content)
				}
				if !strings.Contains(said, name) && name != "CONTENTS.txt" {
					t.Errorf("the user is not told of %s:\n%s", name, said)
				}
			}
			for _, contents := range []string{"Ivan", "acme.test", "Acme Issuance", "Acme Reading"} {
				for name, content := range files {
					if strings.Contains(content, contents) {
						t.Errorf("%s holds %q", name, contents)
					}
				}
			}
			var facts store.Facts
			if err := json.Unmarshal([]byte(files["store.json"]), &facts); err != nil || facts.Engine != engine || facts.Rows["role"] != 1 || facts.Rows["session"] != 2 ||
				len(facts.Migrations) < 10 || facts.Migrations[0].AppliedAt.IsZero() {
				t.Errorf("%v: %s", err, files["store.json"])
			}
			s.interrupt(t)
			files, said = s.bundle(t) // nobody runs: what is stored can still be told
			if files["store.json"] == "" || files["metrics.txt"] != "" || !strings.Contains(said, "not included: no Portico answers at server.adminListen") {
				t.Errorf("got %v\n%s", slices.Sorted(maps.Keys(files)), said)
			}
		})
	}
}

func TestASupportBundleOfABrokenConfiguration(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "portico.yaml"), "server: { publicUrl: https://desk.example.com }\niam: { clientSecret: canary-broken-secret }\n")
	file := filepath.Join(dir, "b.tar.gz")
	out, err := command(t, "support-bundle", "--json", "--config", filepath.Join(dir, "portico.yaml"), "--output", file).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	files := untar(t, readFile(t, file))
	if !strings.Contains(files["config-faults.txt"], "iam.issuer: required") || strings.Contains(fmt.Sprint(files)+string(out), "canary-broken") {
		t.Errorf("got %v\n%s", files, out)
	}
	if out, err := command(t, "support-bundle", "--config", filepath.Join(dir, "portico.yaml"), "--output", file).CombinedOutput(); err == nil || !bytes.Contains(out, []byte("choose another file with --output")) {
		t.Errorf("a file was overwritten: %s", out)
	}
}
