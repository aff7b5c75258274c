package devokta

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Every way in which a change can be interrupted: before the work, and after it.
func TestInterruptedChanges(t *testing.T) {
	file := filepath.Join(t.TempDir(), "okta.json")
	w := start(t, func(c *Config) { c.StateFile = file })
	a := w.api()
	group := func(name string) string { return `{"profile":{"name":"` + name + `"}}` }
	exists := func(name string) bool { return len(a.list("/api/v1/groups?q="+name)) > 0 }
	for name, tc := range map[string]struct {
		fault   Fault
		applied bool
		status  int // 0 = no answer
	}{
		"dropped before": {Fault{Drop: true}, false, 0},
		"dropped after":  {Fault{Drop: true, Late: true}, true, 0},
		"500 before":     {Fault{Status: 500}, false, 500},
		"500 after":      {Fault{Status: 500, Late: true}, true, 500},
		"truncated":      {Fault{Truncate: true}, true, 0},
		"HTML":           {Fault{Status: 503, Body: HTMLPage}, false, 503},
		"slow":           {Fault{Delay: 20 * time.Millisecond}, true, 200},
	} {
		t.Run(name, func(t *testing.T) {
			tc.fault.Endpoint, tc.fault.Method, tc.fault.Times = "management/groups", "POST", 1
			w.s.Inject(tc.fault)
			status, broken := a.attempt("POST", "/api/v1/groups", group(name))
			if broken != (tc.status == 0) || !broken && status != tc.status {
				t.Errorf("status %d, broken %v", status, broken)
			}
			if exists(strings.ReplaceAll(name, " ", "+")) != tc.applied {
				t.Errorf("applied: %v", !tc.applied)
			}
		})
	}
}

// attempt tells the status, or that no whole answer came.
func (a *api) attempt(method, path, body string) (status int, broken bool) {
	r, err := http.NewRequestWithContext(a.Context(), method, a.s.cfg.PublicURL+path, strings.NewReader(body))
	if err != nil {
		a.Fatal(err)
	}
	r.Header.Set("Authorization", a.authorization)
	r.Header.Set("Content-Type", "application/json")
	r.GetBody = nil // so that the client does not try again by itself
	resp, err := a.client.Do(r)
	if err != nil {
		return 0, true
	}
	defer resp.Body.Close()
	var any json.RawMessage
	err = json.NewDecoder(resp.Body).Decode(&any)
	return resp.StatusCode, err != nil && strings.Contains(resp.Header.Get("Content-Type"), "json")
}

func TestFaultsAtRequestN(t *testing.T) {
	w := start(t)
	a := w.api()
	var seen []string
	stop := w.s.Observe(func(r Request) { seen = append(seen, fmt.Sprint(r.Method, " ", r.Path, " ", r.Area, " ", r.Changes())) })
	w.s.Inject(Fault{Endpoint: "management", Skip: 2, Times: 1, Status: 423})
	var got []int
	for range 4 {
		got = append(got, a.call("GET", "/api/v1/authorizationServers", "").status)
	}
	if fmt.Sprint(got) != "[200 200 423 200]" {
		t.Errorf("%v", got)
	}
	a.call("DELETE", "/api/v1/groups/00gX", "")
	stop()
	a.call("GET", "/api/v1/org", "")
	if len(seen) != 5 || seen[0] != "GET /api/v1/authorizationServers authorizationServers false" || seen[4] != "DELETE /api/v1/groups/00gX groups true" {
		t.Errorf("%q", seen)
	}
}

func TestFaultCodes(t *testing.T) {
	w := start(t)
	a := w.api()
	for status, code := range map[int]string{423: "E0000239", 429: "E0000047", 500: "E0000009", 401: "E0000011", 403: "E0000006", 409: "E0000195"} {
		w.s.Inject(Fault{Endpoint: "management/apps", Times: 1, Status: status, RetryIn: 2 * time.Second})
		got := a.call("GET", "/api/v1/apps", "")
		got.refusedWith(t, status, code, "")
		reset, _ := strconv.ParseInt(got.header.Get("X-Rate-Limit-Reset"), 10, 64)
		if date, err := http.ParseTime(got.header.Get("Date")); err != nil || time.Unix(reset, 0).Sub(date) != 2*time.Second {
			t.Errorf("%d: reset %d, date %s", status, reset, got.header.Get("Date"))
		}
	}
}

func TestRateLimit(t *testing.T) {
	w := start(t)
	a := w.api()
	w.s.SetRateLimit(2)
	a.mustList(200, "/api/v1/apps")
	a.mustList(200, "/api/v1/apps")
	got := a.call("GET", "/api/v1/apps", "")
	got.refusedWith(t, 429, "E0000047", "")
	if got.header.Get("X-Rate-Limit-Limit") != "2" || got.header.Get("X-Rate-Limit-Remaining") != "0" {
		t.Errorf("%v", got.header)
	}
	a.mustList(200, "/api/v1/groups") // another area
	w.clock.advance(time.Minute)
	a.mustList(200, "/api/v1/apps")
}

func TestOddities(t *testing.T) {
	w := start(t)
	b := w.browser()
	before := b.tokens("ada@acme.test")
	w.s.SetOddities(Oddities{EmptyKeySet: true, IssuerSlash: true})
	if doc := b.get(w.s.World().DiscoveryURL).json(t); doc["issuer"] != w.s.Issuer()+"/" {
		t.Errorf("%v", doc["issuer"])
	}
	if keys := b.get(w.url("/v1/keys")).json(t)["keys"].([]any); len(keys) != 0 {
		t.Errorf("%v", keys)
	}
	w.s.SetOddities(Oddities{})
	w.s.SetClockSkew(-10 * time.Minute)
	got := b.get(w.url("/v1/keys"))
	if date, _ := http.ParseTime(got.header.Get("Date")); !date.Equal(w.clock.now().Add(-10 * time.Minute)) {
		t.Errorf("Date %s", date)
	}
	if _, access := b.verify(b.tokensAgain()["access_token"]); access["iat"] != float64(w.clock.now().Add(-10*time.Minute).Unix()) {
		t.Errorf("iat %v", access["iat"])
	}
	w.s.SetClockSkew(0)
	w.s.VanishKeys()
	b.userinfoExpect(t, before["access_token"], errAccessInvalid)
	if b.userinfo(b.tokensAgain()["access_token"]).status != 200 {
		t.Error("the new keys do not work")
	}
}

func TestSearchLagsBehind(t *testing.T) {
	w := start(t)
	a := w.api()
	w.s.SetSwitches(func(s *Switches) { s.SearchDelay = time.Second })
	g := a.must(200, "POST", "/api/v1/groups", `{"profile":{"name":"Late"}}`)
	search := func() int { return len(a.list("/api/v1/groups?search=profile.name+eq+%22Late%22")) }
	if search() != 0 {
		t.Error("found at once")
	}
	a.must(200, "GET", "/api/v1/groups/"+g.id(), "")
	w.clock.advance(time.Second)
	if search() != 1 {
		t.Error("never found")
	}
}
