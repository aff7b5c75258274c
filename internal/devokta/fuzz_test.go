package devokta

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/portico-iam/portico/internal/devokta/world"
)

// Whatever a client sends: no panic, no internal error, an error object for every refusal, a state file that can be read
// again, and engines that still run.
func FuzzManagement(f *testing.F) {
	const d = "/api/v1/authorizationServers/default"
	targets := []string{
		"POST /api/v1/apps", "POST /api/v1/authorizationServers", "POST " + d + "/policies", "POST " + d + "/policies/{policy}/rules", "POST " + d + "/claims",
		"POST " + d + "/scopes", "POST /api/v1/groups", "POST /api/v1/users", "PUT /api/v1/apps/{app}", "PUT " + d, "PUT " + d + "/policies/{policy}",
		"PUT " + d + "/policies/{policy}/rules/{rule}", "PUT " + d + "/claims/{claim}", "POST /api/v1/apps/{app}/credentials/secrets",
		"POST /api/v1/apps/{app}/grants", "POST /api/v1/apps/{app}/users", "POST /api/v1/internal/apps/{app}/settings/oauth/idToken",
	}
	for i, seed := range []string{
		fmt.Sprintf(newWebApp, "x"), `{"name":"x","audiences":["y"]}`, `{"name":"x","conditions":{"clients":{"include":["ALL_CLIENTS"]}}}`, signInRule,
		`{"name":"x","claimType":"RESOURCE","valueType":"EXPRESSION","value":"{"}`, `{"name":"x"}`, `{"profile":{"name":"x"}}`,
		`{"profile":{"firstName":"a","lastName":"b","login":"a@b","email":"c"}}`, `{"settings":{"oauthClient":null}}`, `{"name":"default","audiences":[null]}`,
		`{"conditions":{"clients":null}}`, `{"name":"r","conditions":{"people":{"groups":null},"grantTypes":{"include":["authorization_code"]},"scopes":{"include":[null]}}}`,
		`{"name":"roles","claimType":"RESOURCE","valueType":"GROUPS","group_filter_type":"REGEX","value":"(a"}`, `{}`, `{"scopeId":"okta.apps.read","issuer":"x"}`, `{"id":"x"}`,
		`{"valueType":"EXPRESSION","name":"groups","value":"user.x"}`,
	} {
		f.Add(i, seed)
	}
	s, err := New(Config{PublicURL: "http://localhost:8081"})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = s.Close() })
	f.Fuzz(func(t *testing.T, target int, body string) {
		*s.world = *world.New(world.Seed{ // the same keys, which take long to make, but another org
			Profile: world.Licensed, Redirects: []string{webCallback}, SetupKey: s.setupKey.public, Now: s.now, Random: s.random.bytes,
		})
		as := s.world.Servers[0]
		replace := strings.NewReplacer("{policy}", as.Policies[0].ID, "{rule}", as.Policies[0].Rules[0].ID, "{claim}", as.Claims[len(as.Claims)-1].ID, "{app}", s.world.Apps[0].ID)
		method, path, _ := strings.Cut(replace.Replace(targets[abs(target)%len(targets)]), " ")
		r := httptest.NewRequest(method, "http://localhost:8081"+path, strings.NewReader(body))
		r.Header.Set("Authorization", "SSWS "+s.world.Tokens[0].Value)
		r.Header.Set("Content-Type", "application/json")
		got := httptest.NewRecorder()
		s.Handler().ServeHTTP(got, r)
		var answer map[string]any
		if json.Unmarshal(got.Body.Bytes(), &answer) != nil || got.Code >= 500 && got.Code != 501 || got.Code >= 400 && answer["errorCode"] == nil {
			t.Fatalf("%s %s %q: %d %s", method, path, body, got.Code, got.Body)
		}
		data, err := s.snapshot()
		if err != nil {
			t.Fatal(err)
		}
		st, err := decodeState(data)
		if err != nil {
			t.Fatalf("%q: %v", body, err)
		}
		w, err := st.org()
		if err != nil {
			t.Fatalf("%q: %v", body, err)
		}
		w.Attach(s.now, s.random.bytes)
		ada := w.UserByLogin("ada@acme.test")
		for _, as := range w.Servers {
			_, _ = w.MayUse(as, w.Client(s.World().WebClient.ID), ada, []string{"openid"})
			_, _ = w.Claims(as, world.ClaimInput{Type: world.ClaimResource, User: ada, App: w.Client(world.CLIClient), Scopes: []string{"openid"}})
		}
		for _, list := range []string{"/api/v1/apps", "/api/v1/authorizationServers", path} {
			r := httptest.NewRequest(http.MethodGet, "http://localhost:8081"+list, nil)
			r.Header.Set("Authorization", "SSWS "+s.world.Tokens[0].Value)
			s.Handler().ServeHTTP(httptest.NewRecorder(), r)
		}
	})
}

func abs(n int) int {
	if n < 0 {
		return -(n + 1)
	}
	return n
}

// Whatever is in the file: an error, or an org that works.
func FuzzState(f *testing.F) {
	s, err := New(Config{PublicURL: "http://localhost:8081"})
	if err != nil {
		f.Fatal(err)
	}
	good, err := s.snapshot()
	s.Close()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{"version":2}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		st, err := decodeState(data)
		if err != nil {
			return
		}
		w, err := st.org()
		if err != nil {
			return
		}
		w.Attach(s.now, s.random.bytes)
		for _, u := range w.Users {
			for _, a := range w.Apps {
				for _, as := range w.Servers {
					_, _ = w.MayUse(as, a, u, []string{"openid"})
				}
			}
		}
	})
}

// Parallel writes to one server and sign-ins at the same time, for the race detector; the priorities stay 1, 2, 3…
func TestParallelWrites(t *testing.T) {
	w := start(t)
	const d = "/api/v1/authorizationServers/default"
	policies := d + "/policies"
	done := make(chan struct{})
	for i := range 4 {
		a := w.api()
		go func() {
			defer func() { done <- struct{}{} }()
			for j := range 5 {
				id := a.must(201, "POST", policies, fmt.Sprintf(`{"name":"p%d-%d","priority":1,"conditions":{"clients":{"include":["ALL_CLIENTS"]}}}`, i, j)).id()
				a.must(201, "POST", policies+"/"+id+"/rules", signInRule)
				app := a.list("/api/v1/apps")[0]
				a.must(200, "PUT", "/api/v1/apps/"+app.id(), app.encode())
				a.must(200, "PUT", d, a.must(200, "GET", d, "").encode())
				if j%2 == 0 {
					a.must(204, "DELETE", policies+"/"+id, "")
				}
			}
		}()
	}
	b := w.browser()
	go func() {
		defer func() { done <- struct{}{} }()
		got := b.tokens("ada@acme.test")
		for range 10 {
			b.userinfo(got["access_token"])
			b.tokensAgain()
			b.get(b.url("/.well-known/openid-configuration?client_id=" + w.s.World().WebClient.ID))
		}
	}()
	for range 5 {
		<-done
	}
	for i, p := range w.api().list(policies) {
		if p["priority"] != float64(i+1) {
			t.Errorf("priority %v at place %d", p["priority"], i+1)
		}
	}
}
