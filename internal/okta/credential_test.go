package okta_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/devokta"
	"github.com/portico-iam/portico/internal/okta"
)

// as writes the setup with another credential.
func (o *org) as(token string) *okta.Setup {
	o.t.Helper()
	o.setup(fresh)
	s, err := okta.LoadSetup("okta.yaml", []string{"OKTA_API_TOKEN=" + token})
	if err != nil {
		o.t.Fatal(err)
	}
	return s
}

func (o *org) asApp(label, role string, scopes ...string) *okta.Setup {
	o.t.Helper()
	app, err := o.NewServiceApp(label, role, true, scopes...)
	if err != nil {
		o.t.Fatal(err)
	}
	if err := os.WriteFile("key.pem", []byte(app.PrivateKeyPEM), 0o600); err != nil {
		o.t.Fatal(err)
	}
	return o.setup(strings.Replace(fresh, "{url: ORG}", "{url: ORG, clientId: "+app.ClientID+", privateKeyFile: key.pem}", 1))
}

// TestLeastScopes: a service application with exactly the scopes that the plan names can do all of it, by DPoP.
func TestLeastScopes(t *testing.T) {
	o := newOrg(t, "fresh-free")
	s := o.asApp("Portico setup", "SUPER_ADMIN", okta.Scopes()...)
	before := o.everything()
	o.apply(s)
	if again := o.plan(s); again.Changes() {
		t.Errorf("expected no changes, got\n%s", names(again))
	}
	o.undo(s)
	sameAs(t, "undo", before, o.everything())
}

// TestCredentialThatLacksARight: which right, where to give it, and a second run finishes what the first began.
func TestCredentialThatLacksARight(t *testing.T) {
	for _, c := range []struct {
		rule    string
		setup   func(*org) *okta.Setup
		planned bool // the plan, which only reads, works
		want    string
	}{
		{"an expired token", func(o *org) *okta.Setup { return o.as(o.NewAPIToken(devokta.APIToken{Expired: true})) }, false, "Security > API > Tokens"},
		{"a token of another organisation", func(o *org) *okta.Setup { return o.as("00canary") }, false, "Security > API > Tokens"},
		{"an administrator who may only read", func(o *org) *okta.Setup { return o.as(o.NewAPIToken(devokta.APIToken{ReadOnly: true})) }, true, "okta.apps.manage"},
		{"a service application without scopes", func(o *org) *okta.Setup { return o.asApp("none", "SUPER_ADMIN") }, false, "Okta API Scopes"},
		{"a service application without a role", func(o *org) *okta.Setup { return o.asApp("roleless", "", okta.Scopes()...) }, false, "Admin roles"},
		{"a service application that nobody knows", func(o *org) *okta.Setup {
			s := o.asApp("gone", "SUPER_ADMIN", okta.Scopes()...)
			s.Okta.ClientID = "0oaunknown"
			return s
		}, false, "okta.clientId"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			o := newOrg(t, "fresh-free")
			s := c.setup(o)
			if _, err := okta.MakePlan(t.Context(), s, o.client(s)); (err == nil) != c.planned {
				t.Errorf("expected planned=%v, got %v", c.planned, err)
			}
			_, err := okta.Apply(t.Context(), s, o.client(s), nil, func(okta.Step) {})
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "canary") {
				t.Errorf("expected %q, got %v", c.want, err)
			}
			o.apply(o.setup(fresh)) // with the right
		})
	}
}

// TestOktaAtItsLimits: waits are announced and bounded, and the work gets done.
func TestOktaAtItsLimits(t *testing.T) {
	for _, c := range []struct {
		rule  string
		fault devokta.Fault
		why   string
	}{
		{"the rate limit is used up", devokta.Fault{Endpoint: "management", Skip: 3, Times: 2, Status: 429, RetryIn: 20 * time.Second}, "rate limit"},
		{"priorities are being reconciled", devokta.Fault{Endpoint: "management", Method: "POST", Skip: 3, Times: 2, Status: 423}, "priorities"},
		{"Okta fails now and then", devokta.Fault{Endpoint: "management", Method: "GET", Skip: 5, Times: 1, Status: 500}, "Okta failed"},
	} {
		o := newOrg(t, "fresh-free")
		s := o.setup(fresh)
		client := o.client(s)
		var waits []string
		client.Wait = func(_ context.Context, d time.Duration) error {
			if d > 90*time.Second {
				t.Errorf("%s: waits %s", c.rule, d)
			}
			return nil
		}
		client.Waiting = func(why string, d time.Duration) { waits = append(waits, why) }
		o.Inject(c.fault)
		if _, err := okta.Apply(t.Context(), s, client, nil, func(okta.Step) {}); err != nil {
			t.Errorf("%s: %v", c.rule, err)
		}
		if !strings.Contains(strings.Join(waits, ";"), c.why) {
			t.Errorf("%s: expected to be told of it, got %q", c.rule, waits)
		}
	}
}

// TestManyApplications: ours is found among more that are called alike than two pages of 200 hold.
func TestManyApplications(t *testing.T) {
	o := newOrg(t, "fresh-free")
	for i := range 450 {
		o.call("POST", "/api/v1/apps", fmt.Sprintf(webApp, fmt.Sprintf("Procivis One %d", i)))
	}
	s := o.setup(fresh)
	if plan := o.apply(s); does(plan, "application") != okta.Create {
		t.Errorf("expected one of our own, got\n%s", names(plan))
	}
	if again := o.plan(s); again.Changes() {
		t.Errorf("expected no changes, got\n%s", names(again))
	}
}
