package world

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestFilterKinds(t *testing.T) {
	for _, tc := range []struct {
		kind, value, name string
		want              bool
	}{
		{FilterRegex, RolesFilter, "ONE_STS_ADMIN", true},
		{FilterRegex, RolesFilter, "Acme Issuance", true},
		{FilterRegex, RolesFilter, "Acme", false},
		{FilterRegex, RolesFilter, "xONE_STS_ADMIN", false},
		{FilterRegex, RolesFilter, "Everyone", false},
		{FilterRegex, "ONE_", "ONE_STS_ADMIN", false}, // the whole name
		{FilterRegex, "A|B", "AB", false},             // the alternation is inside
		{FilterRegex, ".*", "anything", true},
		{FilterRegex, "(?m)^a$", "a\nb", false},
		{FilterStartsWith, "Acme", "Acme Audit", true},
		{FilterStartsWith, "acme", "Acme Audit", false},
		{FilterEquals, "Acme", "Acme", true},
		{FilterEquals, "Acme", "Acme ", false},
		{FilterContains, "Aud", "Acme Audit", true},
		{FilterEquals, "", "whatever", true}, // blank includes all
	} {
		match, err := compileFilter(tc.kind, tc.value)
		if err != nil {
			t.Fatal(err)
		}
		if match(tc.name) != tc.want {
			t.Errorf("%s %q on %q: %v", tc.kind, tc.value, tc.name, !tc.want)
		}
	}
	for _, bad := range [][2]string{{FilterRegex, "("}, {FilterRegex, "a)(b"}, {FilterRegex, "(?!x)"}, {"ENDS_WITH", "x"}} {
		if _, err := compileFilter(bad[0], bad[1]); err == nil {
			t.Errorf("%v compiles", bad)
		}
	}
}

func TestFilterProperties(t *testing.T) {
	name := rapid.StringMatching(`[A-Za-z_. ]{0,12}`)
	rapid.Check(t, func(t *rapid.T) {
		prefix, middle, suffix := name.Draw(t, "prefix"), name.Draw(t, "middle"), name.Draw(t, "suffix")
		whole := prefix + middle + suffix
		must := func(kind, value string, want bool) {
			match, err := compileFilter(kind, value)
			if err != nil {
				t.Fatal(err)
			}
			if match(whole) != want {
				t.Fatalf("%s %q on %q is not %v", kind, value, whole, want)
			}
		}
		quoted := strings.ReplaceAll(whole, ".", `\.`)
		must(FilterStartsWith, prefix, true)
		must(FilterContains, middle, true)
		must(FilterEquals, whole, true)
		must(FilterEquals, whole+"x", false)
		must(FilterRegex, quoted, true)
		must(FilterRegex, quoted+"x", false)
	})
}

// The first matching rule by (policy priority, rule priority) wins, and the answer does not depend on the order in which
// policies and rules are stored.
func TestPolicyEngineProperties(t *testing.T) {
	clients, scopes := []string{"a", "b"}, []string{"s1", "s2", "s3"}
	groups := []*Group{{GroupObject: GroupObject{ID: "g1"}}, {GroupObject: GroupObject{ID: "g2"}}}
	rapid.Check(t, func(t *rapid.T) {
		s := &Server{Policies: drawPolicies(t, clients, scopes)}
		request := AccessRequest{
			ClientID: rapid.SampledFrom(clients).Draw(t, "client"),
			Grant:    rapid.SampledFrom([]string{GrantCode, GrantClient}).Draw(t, "grant"),
			Scopes:   rapid.SliceOfDistinct(rapid.SampledFrom(scopes), rapid.ID).Draw(t, "scopes"),
		}
		if request.Grant == GrantCode {
			request.User = &User{UserObject: UserObject{ID: "u1"}}
			request.Groups = rapid.SliceOfDistinct(rapid.SampledFrom(groups), func(g *Group) string { return g.ID }).Draw(t, "groups")
		}
		got, why := s.Evaluate(request)
		want, found := naive(s.Policies, request)
		if (why == nil) != found || found && got.ID != want {
			t.Fatalf("got %v %v, expected %q %v", got, why, want, found)
		}
		slices.Reverse(s.Policies)
		if again, _ := s.Evaluate(request); again != got {
			t.Fatalf("the stored order counts: %v, then %v", got, again)
		}
	})
}

func drawPolicies(t *rapid.T, clients, scopes []string) []*Policy {
	var out []*Policy
	for i := range rapid.IntRange(0, 4).Draw(t, "policies") {
		p := &Policy{PolicyObject: PolicyObject{
			Priority: i, Status: drawStatus(t),
			Conditions: PolicyConditions{&Include{rapid.SliceOf(rapid.SampledFrom(append(clients, AllClients))).Draw(t, "clients")}},
		}}
		for j := range rapid.IntRange(0, 3).Draw(t, "rules") {
			p.Rules = append(p.Rules, &Rule{
				ID: string(rune('A'+i)) + string(rune('a'+j)), Priority: j, Status: drawStatus(t),
				Conditions: RuleConditions{
					GrantTypes: &Include{rapid.SliceOf(rapid.SampledFrom([]string{GrantCode, GrantClient})).Draw(t, "grants")},
					Scopes:     &Include{rapid.SliceOf(rapid.SampledFrom(append(scopes, anyScope))).Draw(t, "rule scopes")},
					People: &RulePeople{Groups: &People{
						Include: rapid.SliceOf(rapid.SampledFrom([]string{"g1", "g2", Everyone})).Draw(t, "include"),
						Exclude: rapid.SliceOf(rapid.SampledFrom([]string{"g1", "g2"})).Draw(t, "exclude"),
					}},
				},
			})
		}
		slices.Reverse(p.Rules)
		out = append(out, p)
	}
	return out
}

func drawStatus(t *rapid.T) Status {
	return rapid.SampledFrom([]Status{Active, Active, Inactive}).Draw(t, "status")
}

// naive is the documented rule written down a second time: collect everything that fits, take the smallest id, since ids
// grow with priority.
func naive(policies []*Policy, r AccessRequest) (string, bool) {
	var fits []string
	for _, p := range policies {
		clients := p.Conditions.Clients.Include
		for _, rule := range p.Rules {
			c := rule.Conditions
			if p.Status == Active && rule.Status == Active && (slices.Contains(clients, r.ClientID) || slices.Contains(clients, AllClients)) &&
				slices.Contains(c.GrantTypes.Include, r.Grant) && (slices.Contains(c.Scopes.Include, anyScope) || subset(r.Scopes, c.Scopes.Include)) &&
				(r.Grant == GrantClient || peopleFit(c.People.Groups, r)) {
				fits = append(fits, rule.ID)
			}
		}
	}
	if len(fits) == 0 {
		return "", false
	}
	return slices.Min(fits), true
}

func peopleFit(p *People, r AccessRequest) bool {
	in := slices.Contains(p.Include, Everyone)
	for _, g := range r.Groups {
		if slices.Contains(p.Exclude, g.ID) {
			return false
		}
		in = in || slices.Contains(p.Include, g.ID)
	}
	return in
}

// Whatever is written in whatever order, priorities are 1, 2, 3… and the item that was written has the place it asked for.
func TestPrioritiesAreRenumbered(t *testing.T) {
	priority := func(r *Rule) *int { return &r.Priority }
	rapid.Check(t, func(t *rapid.T) {
		var list []*Rule
		for i := range rapid.IntRange(1, 20).Draw(t, "writes") {
			at := rapid.IntRange(0, 8).Draw(t, "at")
			item := &Rule{ID: fmt.Sprint(i)}
			switch {
			case len(list) > 0 && rapid.Bool().Draw(t, "again"):
				item = rapid.SampledFrom(list).Draw(t, "item")
			case len(list) > 0 && rapid.IntRange(0, 4).Draw(t, "remove") == 0:
				list = renumber(without(list, rapid.SampledFrom(list).Draw(t, "removed")), priority)
				continue
			}
			list = place(list, item, at, priority)
			want := min(at, len(list))
			if at == 0 {
				want = len(list)
			}
			if item.Priority != want {
				t.Fatalf("asked for %d of %d, got %d", at, len(list), item.Priority)
			}
		}
		for i, item := range list {
			if item.Priority != i+1 {
				t.Fatalf("priority %d at place %d", item.Priority, i+1)
			}
		}
		if !slices.IsSortedFunc(list, func(a, b *Rule) int { return cmp.Compare(a.Priority, b.Priority) }) {
			t.Fatal("not in order")
		}
	})
}

// bench is a licensed org in memory.
func bench(profile string) *World {
	n := byte(0)
	return New(Seed{
		Profile: profile, Redirects: []string{"http://localhost/x"}, SetupKey: []byte(`{}`),
		Now: func() time.Time { return time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC) },
		Random: func(size int) []byte {
			n++
			return append(make([]byte, size-1), n)
		},
	})
}

func TestSystemLogIsBounded(t *testing.T) {
	w := bench(Licensed)
	for i := range maxEvents + 10 {
		w.Note("x", fmt.Sprint("r", i), nil)
	}
	if len(w.Log) != maxEvents || *w.Log[0].Outcome.Reason != "r10" {
		t.Errorf("%d events, the first is %s", len(w.Log), *w.Log[0].Outcome.Reason)
	}
}

func TestHundredGroups(t *testing.T) {
	w := bench(Licensed)
	nora := w.UserByLogin("nora@acme.test")
	var names []string
	for i := range 100 {
		names = append(names, fmt.Sprintf("ONE_%03d", i))
	}
	must(w.SetGroups(nora, names))
	claims := func() (map[string]any, *Refusal) {
		return w.Claims(w.Servers[0], ClaimInput{Type: ClaimResource, User: nora, App: w.Client(CLIClient)})
	}
	if got, why := claims(); why != nil || len(got["roles"].([]string)) != 100 {
		t.Errorf("a hundred: %v", why)
	}
	must(w.SetGroups(nora, append(names, "ONE_100")))
	if _, why := claims(); why == nil || why.Reason != TooManyGroups.Reason {
		t.Errorf("a hundred and one: %v", why)
	}
	w.Switches.IgnoreGroupLimit = true
	if got, why := claims(); why != nil || len(got["roles"].([]string)) != 101 {
		t.Errorf("without the limit: %v", why)
	}
}

func TestProfiles(t *testing.T) {
	for _, profile := range Profiles() {
		if err := bench(profile).Check(); err != nil {
			t.Errorf("%s: %v", profile, err)
		}
	}
	fresh := bench(FreshFree)
	if len(fresh.Apps) != 0 || len(fresh.Servers[0].Policies) != 0 || fresh.GroupByName(BootGroup) != nil || len(fresh.Users) != 6 || fresh.Servers[0].Audience() != FreshAudience {
		t.Error("fresh-free is not fresh")
	}
	if len(bench(Unlicensed).Servers) != 0 {
		t.Error("unlicensed has a custom authorization server")
	}
}
