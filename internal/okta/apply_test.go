package okta_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/config"
	"github.com/portico-iam/portico/internal/devokta"
	"github.com/portico-iam/portico/internal/okta"
)

// org is a development Okta of its own, and a folder that the commands run in.
type org struct {
	*devokta.Server
	t        *testing.T
	url      string
	licensed bool // has custom authorization servers
}

func newOrg(t *testing.T, profile string) *org {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	o := &org{t: t, url: "http://localhost:" + port, licensed: profile != devokta.Unlicensed}
	if o.Server, err = devokta.New(devokta.Config{PublicURL: o.url, Profile: profile}); err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: o.Handler(), ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() {
		_ = server.Close()
		_ = o.Server.Close()
	})
	t.Chdir(t.TempDir())
	return o
}

// setup writes the file and reads it as the command does.
func (o *org) setup(text string) *okta.Setup {
	o.t.Helper()
	text = strings.ReplaceAll(text, "ORG", o.url)
	if err := os.WriteFile("okta.yaml", []byte(text), 0o600); err != nil {
		o.t.Fatal(err)
	}
	s, err := okta.LoadSetup("okta.yaml", []string{"OKTA_API_TOKEN=" + o.World().APIToken})
	if err != nil {
		o.t.Fatal(err)
	}
	return s
}

func (o *org) client(s *okta.Setup) *okta.Client {
	o.t.Helper()
	credential, err := s.Credential()
	if err != nil {
		o.t.Fatal(err)
	}
	c := okta.NewClient(s.Okta.URL, credential)
	c.Wait = func(context.Context, time.Duration) error { return nil }
	return c
}

func (o *org) plan(s *okta.Setup) *okta.Plan {
	o.t.Helper()
	plan, err := okta.MakePlan(o.t.Context(), s, o.client(s))
	if err != nil {
		o.t.Fatal(err)
	}
	return plan
}

func (o *org) apply(s *okta.Setup) *okta.Plan {
	o.t.Helper()
	plan, err := okta.Apply(o.t.Context(), s, o.client(s), o.plan(s), func(okta.Step) {})
	if err != nil {
		o.t.Fatal(err)
	}
	return plan
}

func (o *org) undo(s *okta.Setup) *okta.Plan {
	o.t.Helper()
	plan, err := okta.Undo(o.t.Context(), s, o.client(s), func(okta.Step) {})
	if err != nil {
		o.t.Fatal(err)
	}
	return plan
}

// everything reads the whole organisation, object by object, less what changes by being looked at.
func (o *org) everything() map[string]any {
	o.t.Helper()
	all := map[string]any{}
	o.read(all, "/api/v1/apps", "users", "groups", "credentials/secrets")
	o.read(all, "/api/v1/groups", "users")
	o.read(all, "/api/v1/users")
	if o.licensed {
		o.read(all, "/api/v1/authorizationServers", "policies", "claims", "scopes")
	}
	for path, list := range all {
		if strings.HasSuffix(path, "/policies") {
			for _, policy := range list.([]any) {
				o.read(all, path+"/"+policy.(map[string]any)["id"].(string)+"/rules")
			}
		}
	}
	return all
}

func (o *org) read(all map[string]any, path string, below ...string) {
	o.t.Helper()
	request, _ := http.NewRequestWithContext(o.t.Context(), http.MethodGet, o.url+path+"?limit=200", nil)
	request.Header.Set("Authorization", "SSWS "+o.World().APIToken)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		o.t.Fatal(err)
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	var list []any
	if err := json.Unmarshal(text, &list); err != nil || response.StatusCode != http.StatusOK {
		if strings.HasSuffix(path, "credentials/secrets") { // not every application has any
			return
		}
		o.t.Fatalf("%s: %d %s", path, response.StatusCode, text)
	}
	for _, item := range list {
		object := item.(map[string]any)
		delete(object, "lastUpdated")
		delete(object, "lastMembershipUpdated")
		for _, name := range below {
			o.read(all, path+"/"+object["id"].(string)+"/"+name)
		}
	}
	all[path] = list
}

// sameAs compares two readings, value by value.
func sameAs(t *testing.T, what string, before, after map[string]any) {
	t.Helper()
	was, is := map[string]string{}, map[string]string{}
	flatten(was, "", before)
	flatten(is, "", after)
	for path := range maps.Keys(was) {
		if was[path] != is[path] {
			t.Errorf("%s: %s was %s, is %s", what, path, was[path], is[path])
		}
	}
	for path := range maps.Keys(is) {
		if _, had := was[path]; !had {
			t.Errorf("%s: %s is new: %s", what, path, is[path])
		}
	}
}

func flatten(into map[string]string, path string, value any) {
	switch v := value.(type) {
	case map[string]any:
		for name, item := range v {
			flatten(into, path+"."+name, item)
		}
	case []any:
		into[path] = fmt.Sprint(len(v), " items")
		for i, item := range v {
			flatten(into, fmt.Sprint(path, "[", i, "]"), item)
		}
	default:
		into[path] = fmt.Sprint(v)
	}
}

const fresh = `
okta: {url: ORG}
publicUrl: http://127.0.0.1:9999
authorizationServer: {id: default}
application: {groups: [Acme Issuance, Everyone]}
bootstrap: {people: [ada@acme.test]}
`

// TestFreshOrganisation: all of the guide from nothing; a second apply changes nothing; undo leaves no trace.
func TestFreshOrganisation(t *testing.T) {
	o := newOrg(t, "fresh-free")
	before := o.everything()
	s := o.setup(fresh)

	planned := o.plan(s)
	sameAs(t, "planning", before, o.everything())
	if _, err := os.Stat("portico.yaml"); err == nil {
		t.Error("planning wrote the configuration")
	}
	applied := o.apply(s)
	if names(planned) != names(applied) {
		t.Errorf("planned\n%s\ndone\n%s", names(planned), names(applied))
	}
	if again := o.plan(s); again.Changes() {
		t.Errorf("expected no changes after apply, got\n%s", names(again))
	}
	cfg, err := config.LoadFile("portico.yaml", []string{"PORTICO_store__dsn=" + filepath.Join(t.TempDir(), "p.db")})
	if err != nil {
		t.Fatalf("the configuration that apply wrote: %v", err)
	}
	if cfg.IAM.ClientID != applied.Values.ClientID || cfg.IAM.ClientSecret.Reveal() == "" || cfg.STS.IAM.TokenValidation.Aud != "api://default" {
		t.Errorf("unexpected values %+v", applied.Values)
	}
	for _, file := range []string{"client-secret", "key-encryption-key", "okta.yaml.applied.json", "portico.yaml"} {
		if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: expected it readable by its owner alone, got %v, %v", file, info, err)
		}
	}
	if text, _ := os.ReadFile("okta.yaml.applied.json"); strings.Contains(string(text), cfg.IAM.ClientSecret.Reveal()) || strings.Contains(string(text), o.World().APIToken) {
		t.Error("the record holds a secret")
	}

	o.undo(s)
	sameAs(t, "undo", before, o.everything())
	if _, err := os.Stat("okta.yaml.applied.json"); err == nil {
		t.Error("expected the record to be gone with the last of what it told")
	}
	if again := o.undo(s); len(again.Steps) != 0 {
		t.Errorf("expected nothing to undo twice, got\n%s", names(again))
	}
}

func names(p *okta.Plan) string {
	lines := make([]string, 0, len(p.Steps))
	for _, s := range p.Steps {
		lines = append(lines, fmt.Sprintf("%s %s", s.Action, s.Title))
	}
	return strings.Join(lines, "\n")
}

// TestInterruptedAnywhere: a connection that breaks at any request, before or after Okta did its work, costs nothing but
// another run: nothing stands twice, and undo still finds everything.
func TestInterruptedAnywhere(t *testing.T) {
	o := newOrg(t, "fresh-free")
	before := o.everything()
	s := o.setup(fresh)
	requests := 0
	stop := o.Observe(func(devokta.Request) { requests++ })
	if _, err := okta.Apply(t.Context(), s, o.client(s), nil, func(okta.Step) {}); err != nil {
		t.Fatal(err)
	}
	stop()
	o.undo(s)
	for _, late := range []bool{false, true} {
		for nth := range requests {
			what := fmt.Sprintf("request %d of %d, answer lost %v", nth+1, requests, late)
			mend := o.Inject(devokta.Fault{Endpoint: "management", Skip: nth, Drop: true, Late: late})
			if _, err := okta.Apply(t.Context(), s, o.client(s), nil, func(okta.Step) {}); err == nil {
				t.Errorf("%s: expected the run to break", what)
			}
			mend()
			o.apply(s)
			if again := o.plan(s); again.Changes() {
				t.Errorf("%s: expected no changes after the second run, got\n%s", what, names(again))
			}
			mend = o.Inject(devokta.Fault{Endpoint: "management", Skip: nth % 17, Drop: true, Late: late})
			_, _ = okta.Undo(t.Context(), s, o.client(s), func(okta.Step) {}) // undo may be interrupted too
			mend()
			o.undo(s)
			sameAs(t, what, before, o.everything())
			if t.Failed() {
				return
			}
		}
	}
}
