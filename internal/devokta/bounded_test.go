package devokta

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/portico-iam/portico/internal/devokta/world"
)

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
	o := world.New(world.Seed{
		Profile: world.Licensed, Redirects: []string{webCallback}, SetupKey: []byte("{}"),
		Now: func() time.Time { return time.Unix(0, 0) }, Random: func(n int) []byte { return make([]byte, n) },
	})
	web := o.Apps[0].ClientID()
	f.Add("client_id=" + web + "&redirect_uri=http%3A%2F%2Flocalhost%3A8080%2F.apisix%2Fredirect&response_type=code&scope=openid&state=x&code_challenge=" + challengeOf(verifier) + "&code_challenge_method=S256")
	f.Add("client_id=acme-cli&redirect_uri=http%3A%2F%2Flocalhost%3A1%2Fcallback&max_age=1&prompt=none")
	f.Add("client_id=a&client_id=b&%zz=;")
	f.Fuzz(func(t *testing.T, raw string) {
		p, why := parseParams(raw)
		if why != nil {
			return
		}
		app, target, why := trustedTarget(o, p)
		if why != nil {
			return
		}
		ok := slices.Contains(app.OAuth().RedirectURIs, target) ||
			app.Type() == world.AppNative && strings.HasPrefix(target, "http://localhost:") && strings.HasSuffix(target, "/callback")
		if !ok {
			t.Fatalf("%q is trusted", target)
		}
		req, why := parseAuthorize(o.Servers[0], p, app, target)
		if strings.ContainsAny(req.State+req.RedirectURI, "\r\n") {
			t.Fatal("control characters passed")
		}
		if why == nil && (req.State == "" || req.Challenge == "" || len(req.Scopes) == 0 || p.duplicated()) {
			t.Fatalf("incomplete request passed: %+v", req)
		}
	})
}
