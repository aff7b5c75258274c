package attack_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/portico-iam/portico/internal/attack"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func attacked(t *testing.T, target attack.Target) *attack.Report {
	t.Helper()
	target.Pace, target.Local = 10_000, true
	report, err := attack.Run(t.Context(), target, nil)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// weakIn lists the probes that found something.
func weakIn(report *attack.Report) (ids []string) {
	for _, r := range report.Results {
		if len(r.Findings) > 0 {
			ids = append(ids, r.ID+" "+r.Title)
		}
	}
	return ids
}

// TestEveryPlantedWeaknessIsFound, by the probe that is for it, and none is found where none is planted.
func TestEveryPlantedWeaknessIsFound(t *testing.T) {
	for weakness, id := range map[string]string{
		"":                     "",
		"confusion":            "NT01",
		"none":                 "NT02",
		"signature unread":     "NT02",
		"unknown algorithm":    "NT03",
		"own key":              "NT03",
		"encrypted":            "NT04",
		"presence":             "NT08",
		"token in the address": "NT02",
		"any cookie":           "NT09",
		"identity header":      "NT10",
		"rewrite":              "NT12",
		"claimed host":         "NT12",
		"claimed address":      "NT13",
		"health check":         "NT14",
		"query":                "NT15",
		"spelling":             "NT16",
		"method":               "NT16",
		"open redirect":        "NT18",
		"one state":            "NT20",
		"no PKCE":              "NT20",
		"unbound answer":       "NT21",
		"reflected":            "NT21",
		"bare cookie":          "NT30",
		"large headers":        "NT39",
		"cors":                 "NT47",
		"cross-site":           "NT47",
		"headers":              "NT47",
		"broken":               "NT51",
		"metrics":              "NT51",
		"private keys":         "NT51",
		"cached":               "NT51",
	} {
		t.Run(weakness, func(t *testing.T) {
			t.Parallel()
			g := newGateway(t, weakness)
			report := attacked(t, attack.Target{URL: g.server.URL, Token: g.token(), Cookie: g.cookie})
			found := weakIn(report)
			switch {
			case weakness == "" && len(found) > 0:
				t.Errorf("nothing is planted, found %q: %+v", found, report.Results)
			case weakness != "" && !strings.Contains(strings.Join(found, "\n"), id+" "):
				t.Errorf("expected %s, found %q", id, found)
			}
			var text, raw bytes.Buffer
			report.Print(&text)
			if err := report.JSON(&raw); err != nil || !json.Valid(raw.Bytes()) {
				t.Error(err)
			}
			if shown := text.String() + raw.String(); strings.Contains(shown, g.token()) || strings.Contains(shown, g.cookie) {
				t.Error("the report shows what was given to it in confidence")
			}
		})
	}
}

func TestSmugglingIsFound(t *testing.T) {
	g := newGateway(t, "")
	at, err := url.Parse(g.server.URL)
	if err != nil {
		t.Fatal(err)
	}
	found := weakIn(attacked(t, attack.Target{URL: smuggler(t, at)}))
	if !strings.Contains(strings.Join(found, "\n"), "smuggled") {
		t.Errorf("found %q", found)
	}
}

// TestWhatCannotBeJudgedIsSaid instead of a clean report.
func TestWhatCannotBeJudgedIsSaid(t *testing.T) {
	g := newGateway(t, "")
	for what, target := range map[string]attack.Target{
		"a path that is public":      {URL: g.server.URL, Protected: "/favicon.ico"},
		"a path that is not there":   {URL: g.server.URL, Protected: "/nowhere"},
		"nobody listens":             {URL: "http://127.0.0.1:1"},
		"a token that is refused":    {URL: g.server.URL, Token: "e30.e30.x"},
		"a cookie that is refused":   {URL: g.server.URL, Cookie: "session=x"},
		"a token that is no JWT":     {URL: g.server.URL, Token: "x"},
		"a secret in clear":          {URL: g.server.URL, Token: g.token()},
		"an address that is none":    {URL: "desk.example.com"},
		"an address with a path":     {URL: g.server.URL + "/x"},
		"an address of another kind": {URL: "ftp://x"},
	} {
		target.Local = what != "a secret in clear"
		if report, err := attack.Run(t.Context(), target, nil); err == nil {
			t.Errorf("%s: got %+v", what, report)
		} else if strings.HasPrefix(what, "a path") && !errors.Is(err, attack.ErrBaseline) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for _, r := range attacked(t, attack.Target{URL: g.server.URL}).Results {
		if r.Skipped == "" && r.Requests == 0 {
			t.Errorf("%s %s: neither tried nor said why not", r.ID, r.Title)
		}
	}
}

// TestWhoLimitsUsIsNotJudged: 429 lets nobody in, and tells nothing.
func TestWhoLimitsUsIsNotJudged(t *testing.T) {
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if asked++; asked > 1 {
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		w.WriteHeader(http.StatusUnauthorized)
	}))
	t.Cleanup(server.Close)
	var text bytes.Buffer
	attacked(t, attack.Target{URL: server.URL}).Print(&text)
	if strings.Contains(text.String(), "held       NT08") || !strings.Contains(text.String(), "not told   NT08") {
		t.Error(text.String())
	}
}
