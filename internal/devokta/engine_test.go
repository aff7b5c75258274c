package devokta

import (
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
		{filterRegex, rolesFilter, "ONE_STS_ADMIN", true},
		{filterRegex, rolesFilter, "Acme Issuance", true},
		{filterRegex, rolesFilter, "Acme", false},
		{filterRegex, rolesFilter, "xONE_STS_ADMIN", false},
		{filterRegex, rolesFilter, "Everyone", false},
		{filterRegex, "ONE_", "ONE_STS_ADMIN", false}, // the whole name
		{filterRegex, "A|B", "AB", false},             // the alternation is inside
		{filterRegex, ".*", "anything", true},
		{filterRegex, "(?m)^a$", "a\nb", false},
		{filterStartsWith, "Acme", "Acme Audit", true},
		{filterStartsWith, "acme", "Acme Audit", false},
		{filterEquals, "Acme", "Acme", true},
		{filterEquals, "Acme", "Acme ", false},
		{filterContains, "Aud", "Acme Audit", true},
		{filterEquals, "", "whatever", true}, // blank includes all
	} {
		match, err := compileFilter(tc.kind, tc.value)
		if err != nil {
			t.Fatal(err)
		}
		if match(tc.name) != tc.want {
			t.Errorf("%s %q on %q: %v", tc.kind, tc.value, tc.name, !tc.want)
		}
	}
	for _, bad := range [][2]string{{filterRegex, "("}, {filterRegex, "a)(b"}, {filterRegex, "(?!x)"}, {"ENDS_WITH", "x"}} {
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
		must(filterStartsWith, prefix, true)
		must(filterContains, middle, true)
		must(filterEquals, whole, true)
		must(filterEquals, whole+"x", false)
		must(filterRegex, regexpQuote(whole), true)
		must(filterRegex, regexpQuote(whole)+"x", false)
	})
}

func regexpQuote(s string) string { return strings.ReplaceAll(s, ".", `\.`) }

// The first matching rule by (policy priority, rule priority) wins, and the answer does not depend on the
// order in which policies and rules are stored.
func TestPolicyEngineProperties(t *testing.T) {
	clients, scopes := []string{"a", "b"}, []string{"s1", "s2", "s3"}
	groups := []*group{{ID: "g1"}, {ID: "g2"}}
	rapid.Check(t, func(t *rapid.T) {
		as := &authServer{Policies: drawPolicies(t, clients, scopes)}
		request := accessRequest{
			ClientID: rapid.SampledFrom(clients).Draw(t, "client"),
			Grant:    rapid.SampledFrom([]string{grantCode, grantClient}).Draw(t, "grant"),
			Scopes:   rapid.SliceOfDistinct(rapid.SampledFrom(scopes), rapid.ID).Draw(t, "scopes"),
			User:     &user{ID: "u1"}, Groups: rapid.SliceOfDistinct(rapid.SampledFrom(groups), func(g *group) string { return g.ID }).Draw(t, "groups"),
		}
		got, why := as.evaluate(request)
		want, found := naive(as.Policies, request)
		if (why == nil) != found || found && got.ID != want {
			t.Fatalf("got %q %v, expected %q %v", got.ID, why, want, found)
		}
		slices.Reverse(as.Policies)
		if again, _ := as.evaluate(request); again.ID != got.ID {
			t.Fatalf("the stored order counts: %q, then %q", got.ID, again.ID)
		}
	})
}

func drawPolicies(t *rapid.T, clients, scopes []string) []accessPolicy {
	var out []accessPolicy
	n := rapid.IntRange(0, 4).Draw(t, "policies")
	for i := range n {
		p := accessPolicy{Priority: i, Status: drawStatus(t), Clients: rapid.SliceOf(rapid.SampledFrom(append(clients, anyClient))).Draw(t, "clients")}
		for j := range rapid.IntRange(0, 3).Draw(t, "rules") {
			p.Rules = append(p.Rules, rule{
				ID: string(rune('A'+i)) + string(rune('a'+j)), Priority: j, Status: drawStatus(t), AccessLifetime: time.Hour,
				GrantTypes: rapid.SliceOf(rapid.SampledFrom([]string{grantCode, grantClient})).Draw(t, "grants"),
				Scopes:     rapid.SliceOf(rapid.SampledFrom(append(scopes, anyScope))).Draw(t, "rule scopes"),
				Groups: people{
					Include: rapid.SliceOf(rapid.SampledFrom([]string{"g1", "g2", everyone})).Draw(t, "include"),
					Exclude: rapid.SliceOf(rapid.SampledFrom([]string{"g1", "g2"})).Draw(t, "exclude"),
				},
			})
		}
		slices.Reverse(p.Rules)
		out = append(out, p)
	}
	return out
}

func drawStatus(t *rapid.T) Status {
	return rapid.SampledFrom([]Status{active, active, inactive}).Draw(t, "status")
}

// naive is the documented rule written down a second time: collect everything that fits, take the smallest id,
// since ids grow with priority.
func naive(policies []accessPolicy, r accessRequest) (string, bool) {
	var fits []string
	for _, p := range policies {
		for _, rl := range p.Rules {
			if p.Status == active && rl.Status == active && (slices.Contains(p.Clients, r.ClientID) || slices.Contains(p.Clients, anyClient)) &&
				slices.Contains(rl.GrantTypes, r.Grant) && (slices.Contains(rl.Scopes, anyScope) || len(missing(r.Scopes, rl.Scopes)) == 0) &&
				(r.Grant == grantClient || peopleFit(rl, r)) {
				fits = append(fits, rl.ID)
			}
		}
	}
	if len(fits) == 0 {
		return "", false
	}
	return slices.Min(fits), true
}

func peopleFit(rl rule, r accessRequest) bool {
	in := slices.Contains(rl.Groups.Include, everyone)
	for _, g := range r.Groups {
		if slices.Contains(rl.Groups.Exclude, g.ID) {
			return false
		}
		in = in || slices.Contains(rl.Groups.Include, g.ID)
	}
	return in
}

func TestBounded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := newBounded[int](3)
		var order []string
		for i, key := range rapid.SliceOf(rapid.SampledFrom([]string{"a", "b", "c", "d", "e"})).Draw(t, "keys") {
			b.put(key, i)
			if !slices.Contains(order, key) {
				order = append(order, key)
			}
			order = order[max(0, len(order)-3):]
		}
		var got []string
		for key := range b.all {
			got = append(got, key)
		}
		if !slices.Equal(got, order) || b.len() != len(order) {
			t.Fatalf("%v, expected %v", got, order)
		}
	})
}

func FuzzAuthorize(f *testing.F) {
	o := seedOrg(Config{PublicURL: "http://localhost:8081", WebRedirectURIs: []string{webCallback}}, time.Unix(0, 0))
	web := o.Apps[0].ClientID
	f.Add("client_id=" + web + "&redirect_uri=http%3A%2F%2Flocalhost%3A8080%2F.apisix%2Fredirect&response_type=code&scope=openid&state=x&code_challenge=" + challengeOf(verifier) + "&code_challenge_method=S256")
	f.Add("client_id=acme-cli&redirect_uri=http%3A%2F%2Flocalhost%3A1%2Fcallback&max_age=1&prompt=none")
	f.Add("client_id=a&client_id=b&%zz=;")
	f.Fuzz(func(t *testing.T, raw string) {
		p, why := parseParams(raw)
		if why != nil {
			return
		}
		app, target, why := o.trustedTarget(p)
		if why != nil {
			return
		}
		ok := slices.Contains(app.RedirectURIs, target) ||
			app.Type == appNative && strings.HasPrefix(target, "http://localhost:") && strings.HasSuffix(target, "/callback")
		if !ok {
			t.Fatalf("%q is trusted", target)
		}
		req, why := o.Server.parseAuthorize(p, app, target)
		if strings.ContainsAny(req.State+req.RedirectURI, "\r\n") {
			t.Fatal("control characters passed")
		}
		if why == nil && (req.State == "" || req.Challenge == "" || len(req.Scopes) == 0 || p.duplicated()) {
			t.Fatalf("incomplete request passed: %+v", req)
		}
	})
}
