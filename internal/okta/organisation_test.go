package okta_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/portico-iam/portico/internal/devokta"
	"github.com/portico-iam/portico/internal/okta"
)

// look reads the organisation as the doctor does.
func (o *org) look(s *okta.Setup, want okta.Lookup) *okta.Organisation {
	o.t.Helper()
	client, err := s.ReadingClient(o.t.Context(), okta.HTTPClient())
	if err != nil {
		o.t.Fatal(err)
	}
	want.Setup = s
	got, err := client.Organisation(o.t.Context(), want)
	if err != nil {
		o.t.Fatal(err)
	}
	return got
}

const existing = `
okta: {url: ORG}
publicUrl: http://127.0.0.1:9999
authorizationServer: {id: default}
`

// TestAnOrganisationIsRead and nothing in it is changed.
func TestAnOrganisationIsRead(t *testing.T) {
	o := newOrg(t, "licensed")
	stop := o.Observe(func(r devokta.Request) {
		if r.Changes() {
			t.Errorf("%s %s", r.Method, r.Path)
		}
	})
	defer stop()
	w := o.World()
	got := o.look(o.setup(existing), okta.Lookup{ClientID: w.WebClient.ID, Issuer: w.Issuer, Login: "ada@acme.test"})
	if got.App == nil || got.App.ClientID != w.WebClient.ID || got.App.Status != "ACTIVE" || !got.App.Assigned || !got.App.PKCE || got.App.SignOnPolicy == "" || got.ByLabel {
		t.Errorf("application %+v", got.App)
	}
	s := got.Server
	if s == nil || s.Issuer != w.Issuer || !slices.Equal(s.Audiences, []string{w.Audience}) || !slices.Contains(s.Scopes, "offline_access") || len(s.Policies) != 3 {
		t.Fatalf("server %+v", s)
	}
	if p := s.Policies[0]; !p.Active() || !p.Covers(w.WebClient.ID) || p.Covers("other") || len(p.Rules) != 1 || !slices.Contains(p.Rules[0].Grants, "authorization_code") {
		t.Errorf("policy %+v", p)
	}
	i := slices.IndexFunc(s.Claims, func(c okta.ClaimFacts) bool { return c.Name == "roles" })
	if i < 0 {
		t.Fatalf("claims %+v", s.Claims)
	}
	if lets, judged := s.Claims[i].Lets("ONE_STS_ADMIN"); !lets || !judged {
		t.Errorf("claim %+v", s.Claims[i])
	}
	if len(got.Groups) != 1 || got.Groups[0].Name != "ONE_STS_ADMIN" || got.Groups[0].Active != 1 {
		t.Errorf("groups %+v", got.Groups)
	}
	if got.User == nil || !got.User.In(got.Groups[0].ID) || len(got.Refused) > 0 {
		t.Errorf("user %+v, refused %v", got.User, got.Refused)
	}
}

// TestWhatResemblesIsFoundToo: a client id in another case, an application by its label, a group by nearly its name.
func TestWhatResemblesIsFoundToo(t *testing.T) {
	o := newOrg(t, "licensed")
	s := o.setup(existing)
	if got := o.look(s, okta.Lookup{ClientID: "0oaNobody"}); got.App == nil || !got.ByLabel {
		t.Errorf("by a client id of nobody: %+v", got.App)
	}
	for role, want := range map[string]int{"one sts admin": 1, "ONE-sts.admin": 1, "ONE_STS": 0, "Acme Audit": 1} {
		if got := o.look(s, okta.Lookup{AdminRole: role}); len(got.Groups) != want {
			t.Errorf("%s: groups %+v", role, got.Groups)
		}
	}
	// A client id that is not the application's id, and the rules of its policy.
	got := o.look(s, okta.Lookup{ClientID: "acme-cli"})
	if got.App == nil || got.App.ClientID != "acme-cli" || got.ByLabel {
		t.Errorf("application %+v", got.App)
	}
	for _, p := range got.Server.Policies {
		if p.Covers("acme-cli") == (len(p.Rules) == 0) {
			t.Errorf("policy %+v", p)
		}
	}
	if got := o.look(s, okta.Lookup{Issuer: "https://login.acme.test/oauth2/default"}); got.Server == nil { // a custom domain is another host
		t.Error("the server is not found by its path")
	}
	if got := o.look(s, okta.Lookup{Issuer: o.url}); got.Server != nil { // the organisation's own server is none of these
		t.Errorf("server %+v", got.Server)
	}
}

// TestRefusalsAreNoted: one of the credential ends the reading, one of a part does not.
func TestRefusalsAreNoted(t *testing.T) {
	o := newOrg(t, "licensed")
	s := o.setup(existing)
	o.Inject(devokta.Fault{Endpoint: "management/groups", Status: http.StatusForbidden, Body: `{"errorCode":"E0000006"}`})
	if got := o.look(s, okta.Lookup{Login: "ada@acme.test"}); len(got.Refused) != 1 || got.App == nil || got.User == nil {
		t.Errorf("refused %v, application %v, user %v", got.Refused, got.App, got.User)
	}
	s.Okta.APIToken = "00wrong"
	if got := o.look(s, okta.Lookup{Login: "ada@acme.test"}); len(got.Refused) != 1 || got.Refused[0].Code != "E0000011" || got.App != nil {
		t.Errorf("refused %v", got.Refused)
	}
}

// TestReadingDoesNotWaitForARateLimit: somebody is waiting for the doctor.
func TestReadingDoesNotWaitForARateLimit(t *testing.T) {
	o := newOrg(t, "licensed")
	o.Inject(devokta.Fault{Endpoint: "management", Status: http.StatusTooManyRequests})
	got := o.look(o.setup(existing), okta.Lookup{})
	if len(got.Refused) != 1 || got.Refused[0].Status != http.StatusTooManyRequests {
		t.Errorf("refused %v", got.Refused)
	}
}
