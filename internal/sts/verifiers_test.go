package sts_test

import (
	"fmt"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/sts"
)

// fetch plays a verifier that fetches the keys.
func fetch(r *sts.Ring, address, query, agent string, forwarded ...string) {
	req := httptest.NewRequest("GET", "/.well-known/jwks.json"+query, nil)
	req.RemoteAddr = address
	req.Header.Set("User-Agent", agent)
	for _, f := range forwarded {
		req.Header.Add("X-Forwarded-For", f)
	}
	r.ServeJWKS(httptest.NewRecorder(), req)
}

func (b *bench) report(t *testing.T) sts.Report {
	t.Helper()
	report, err := b.ring.Report(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func TestTheRehearsalNamesWhoHasNotFetchedTheNewKey(t *testing.T) {
	b := newBench(t)
	tell := func() (all []string) {
		next, _ := b.report(t).Key(sts.KeyNext)
		behind := b.report(t).Behind(next.KID)
		for _, v := range b.report(t).Verifiers {
			is := fmt.Sprintf("%s %s %s", v.Name, v.Address, v.Knowledge)
			if slices.ContainsFunc(behind, func(o sts.VerifierReport) bool { return o.Name == v.Name && o.Address == v.Address }) {
				is += " !"
			}
			all = append(all, is)
		}
		slices.Sort(all)
		return all
	}
	mustBe := func(rule string, want ...string) {
		t.Helper()
		if got := tell(); !slices.Equal(got, want) {
			t.Errorf("%s:\n got %q\nwant %q", rule, got, want)
		}
	}
	mustBe("nobody came", "bridge  never !", "core  never !")
	fetch(b.ring, "10.0.0.1:1", "?verifier=core", "core/1")
	fetch(b.ring, "10.0.0.9:1", "?verifier=nobody", "curl/8")
	mustBe("two came", " 10.0.0.9 knows", "bridge  never !", "core 10.0.0.1 knows")
	b.until(begin.Add(time.Hour), b.ring)
	if err := b.ring.Rotate(t.Context(), "ada", "", false); err != nil {
		t.Fatal(err)
	}
	b.now = b.now.Add(time.Second)
	mustBe("a new key is published", " 10.0.0.9 silent", "bridge  never !", "core 10.0.0.1 silent !")
	fetch(b.ring, "10.0.0.1:2", "?verifier=core", "core/1")
	mustBe("one fetched it", " 10.0.0.9 silent", "bridge  never !", "core 10.0.0.1 knows")
	b.until(b.now.Add(time.Hour), b.ring)
	fetch(b.ring, "10.0.0.2:2", "?verifier=core", "core/1")
	fetch(b.ring, "10.0.0.3:2", "", "other/1")
	if err := b.ring.Rotate(t.Context(), "ada", "", false); err != nil {
		t.Fatal(err)
	}
	b.now = b.now.Add(time.Minute)
	fetch(b.ring, "10.0.0.3:2", "", "other/1")
	fetch(b.ring, "10.0.0.4:2", "?verifier=core", "core/1")
	mustBe("one place of several has not", " 10.0.0.3 knows", " 10.0.0.9 silent", "bridge  never !", "core 10.0.0.1 silent", "core 10.0.0.2 lacks !", "core 10.0.0.4 knows")
	b.now = b.now.Add(10 * time.Minute)
	mustBe("it keeps no keys for that long", " 10.0.0.3 knows", " 10.0.0.9 silent", "bridge  never !", "core 10.0.0.1 silent", "core 10.0.0.2 silent", "core 10.0.0.4 knows")
}

func TestAFetchCountsForTheKeysThatItGot(t *testing.T) {
	b := newBench(t)
	late, err := b.open(b.key) // a replica that has not heard of the rotation
	if err != nil {
		t.Fatal(err)
	}
	b.until(begin.Add(time.Hour), b.ring)
	if err := b.ring.Rotate(t.Context(), "ada", "", false); err != nil {
		t.Fatal(err)
	}
	b.now = b.now.Add(time.Second)
	fetch(late, "10.0.0.1:1", "?verifier=core", "core/1")
	if report, err := late.Report(t.Context()); err != nil || report.Verifiers[0].Knowledge != sts.Lacks {
		t.Errorf("got %+v, %v", report.Verifiers, err)
	}
}

func TestFewWritesForManyFetches(t *testing.T) {
	b := newBench(t)
	b.maintain(t, b.ring)
	before := b.keys.writes
	for i := range 600 { // ten minutes
		b.now = begin.Add(time.Duration(i) * time.Second)
		for range 50 {
			fetch(b.ring, "10.0.0.1:1", "?verifier=core", "core/1")
			fetch(b.ring, "10.0.0.2:1", "", "other")
		}
		b.maintain(t, b.ring)
	}
	if n := b.keys.writes - before; n < 5 || n > 20 {
		t.Errorf("%d writes in ten minutes", n)
	}
}

func TestWhatIsKeptOfAFetchIsBounded(t *testing.T) {
	b := newBench(t)
	for i := range 1000 {
		b.now = b.now.Add(time.Millisecond)
		fetch(b.ring, fmt.Sprintf("10.0.%d.%d:1", i/256, i%256), "", strings.Repeat("é\x00\n<x>", 200))
		if i == 0 {
			fetch(b.ring, "10.9.9.9:1", "?verifier=core", "core/1")
		}
	}
	report := b.report(t)
	others := 0
	for _, v := range report.Verifiers {
		if v.Name == "" {
			others++
		}
		if len(v.Agent) > 100 || strings.ContainsFunc(v.Agent, func(c rune) bool { return c < ' ' || c > '~' }) {
			t.Fatalf("kept of the agent: %q", v.Agent)
		}
	}
	if others != 100 || report.Verifiers[0].Address != "10.9.9.9" {
		t.Errorf("%d others are kept; the declared one first: %+v", others, report.Verifiers[0])
	}
}

func TestWhoFetchesIsToldByProxiesThatWeTrustAlone(t *testing.T) {
	for rule, c := range map[string]struct {
		peer      string
		forwarded []string
		want      string
	}{
		"directly":                       {"192.0.2.7:1", nil, "192.0.2.7"},
		"a header that anybody can send": {"192.0.2.7:1", []string{"10.1.1.1"}, "192.0.2.7"},
		"through the proxy":              {"10.0.0.1:1", []string{"192.0.2.7"}, "192.0.2.7"},
		"through two proxies":            {"10.0.0.1:1", []string{"203.0.113.9, 192.0.2.7, 10.0.0.2"}, "192.0.2.7"},
		"in two headers":                 {"10.0.0.1:1", []string{"203.0.113.9", "192.0.2.7"}, "192.0.2.7"},
		"nonsense":                       {"10.0.0.1:1", []string{"x"}, "10.0.0.1"},
		"the proxy itself":               {"10.0.0.1:1", nil, "10.0.0.1"},
		"IPv4 within IPv6":               {"[::ffff:192.0.2.7]:1", nil, "192.0.2.7"},
		"within the process":             {"memory", nil, ""},
	} {
		b := newBench(t)
		b.ring.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
		fetch(b.ring, c.peer, "?verifier=core", "core/1", c.forwarded...)
		if got := b.report(t).Verifiers[0]; got.Address != c.want || got.Knowledge != sts.Knows {
			t.Errorf("%s: got %+v, expected %q", rule, got, c.want)
		}
	}
}
