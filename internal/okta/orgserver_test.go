package okta_test

import (
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/config"
	"github.com/portico-iam/portico/internal/devokta"
	"github.com/portico-iam/portico/internal/iam"
	"github.com/portico-iam/portico/internal/okta"
)

var ownServer = strings.NewReplacer("{id: default}", "{id: org}", "{groups:", "{label: Portico, groups:").Replace(fresh)

// setGroupsClaim is the click that the plan leaves to a person.
func (o *org) setGroupsClaim(clientID, filter, value string) {
	o.t.Helper()
	o.call("POST", "/api/v1/internal/apps/"+clientID+"/settings/oauth/idToken", `{"valueType":"GROUPS","groupFilterType":"`+filter+`","name":"groups","value":"`+value+`"}`)
}

// TestOrganisationsOwnServer: without API Access Management everything is done but one click, which the plan describes and
// sees when it was done; then an administrator signs in, with roles from the ID token.
func TestOrganisationsOwnServer(t *testing.T) {
	o := newOrg(t, devokta.Unlicensed)
	before := o.everything()
	s := o.setup(ownServer)
	var text strings.Builder
	plan := o.plan(s)
	plan.Print(&text, "apply")
	for _, want := range []string{"by hand", "Groups claim filter: groups, Matches regex, .*", "Sign On > OpenID Connect ID Token", "includes Everyone"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("expected %q in\n%s", want, text.String())
		}
	}
	if strings.Contains(text.String(), "okta.authorizationServers.manage") {
		t.Error("asks for a scope that nothing needs")
	}
	applied := o.apply(s)
	cfg, err := config.LoadFile("portico.yaml", nil)
	if err != nil {
		t.Fatal(err)
	}
	if cfg.IAM.TokenSource != config.SourceIDToken || cfg.IAM.Issuer != o.url || cfg.STS.IAM.RolePath != "groups" || !slices.Contains(cfg.IAM.Scopes, "groups") {
		t.Errorf("unexpected configuration %+v", cfg.IAM)
	}
	if again := o.plan(s); again.Changes() || len(again.ByHand()) != 1 {
		t.Errorf("expected only the click to be left, got\n%s", names(again))
	}

	o.setGroupsClaim(applied.Values.ClientID, "STARTS_WITH", "Acme")
	if again := o.plan(s); len(again.ByHand()) != 1 || len(again.ByHand()[0].Changes) != 1 {
		t.Errorf("a filter that leaves the administrators out is not what was asked for, and only that: got %+v", again.ByHand())
	}
	o.setGroupsClaim(applied.Values.ClientID, "REGEX", ".*")
	if again := o.plan(s); again.Changes() || len(again.ByHand()) != 0 {
		t.Errorf("expected nothing to be left, got\n%s", names(again))
	}
	connection, err := iam.Connect(cfg, time.Now, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = connection.Close() }()
	p, err := okta.SignIn(t.Context(), o.url, connection.Client, "ada@acme.test", devokta.Password)
	if err != nil || !slices.Contains(p.IAMRoles, "ONE_STS_ADMIN") {
		t.Errorf("expected an administrator, got %+v, %v", p, err)
	}
	o.undo(s)
	sameAs(t, "undo", before, o.everything())
}

// TestClaimThatOktaDoesNotShow: what can't be seen is not called done.
func TestClaimThatOktaDoesNotShow(t *testing.T) {
	o := newOrg(t, devokta.Unlicensed)
	s := o.setup(ownServer)
	applied := o.apply(s)
	o.setGroupsClaim(applied.Values.ClientID, "REGEX", ".*")
	o.Inject(devokta.Fault{Path: "/api/v1/internal/apps/" + applied.Values.ClientID + "/settings/oauth/idToken", Status: 403, Body: `{"errorCode":"E0000006"}`})
	if left := o.plan(s).ByHand(); len(left) != 1 || !left[0].Unseen {
		t.Errorf("expected it to be left to a person, got %+v", left)
	}
}

// TestOwnServerNeedsOurSignIn: behind another gateway the configuration would not start.
func TestOwnServerNeedsOurSignIn(t *testing.T) {
	o := newOrg(t, devokta.Unlicensed)
	s := o.setup(ownServer)
	if err := os.WriteFile("portico.yaml", []byte("gateway: {mode: apisix}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := okta.MakePlan(t.Context(), s, o.client(s)); err == nil || !strings.Contains(err.Error(), "portico.yaml: gateway.mode is apisix") {
		t.Errorf("got %v", err)
	}
}
