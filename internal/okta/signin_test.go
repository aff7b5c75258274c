package okta_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/config"
	"github.com/portico-iam/portico/internal/devokta"
	"github.com/portico-iam/portico/internal/iam"
	"github.com/portico-iam/portico/internal/okta"
)

// TestTrialSignIn passes the code of every sign-in, and says in plain words what stands in the way.
func TestTrialSignIn(t *testing.T) {
	o := newOrg(t, "fresh-free")
	o.apply(o.setup(strings.Replace(fresh, "[Acme Issuance, Everyone]", "[Acme Issuance]", 1)))
	cfg, err := config.LoadFile("portico.yaml", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		rule, login, password string
		change                func(*config.Config)
		want                  string
	}{
		{"an administrator", "ada@acme.test", devokta.Password, nil, ""},
		{"a wrong password", "ada@acme.test", "canary", nil, "does not take the password"},
		{"nobody by that login", "eve@acme.test", devokta.Password, nil, "does not take the password"},
		{"somebody who is not assigned", "nora@acme.test", devokta.Password, nil, "access_denied"},
		{"a wrong secret", "ada@acme.test", devokta.Password, func(c *config.Config) { c.IAM.ClientSecret = "canary" }, "invalid_client"},
		{"an unregistered redirect URI", "ada@acme.test", devokta.Password, func(c *config.Config) { c.Gateway.CallbackPath = "/other" }, "redirect URI"},
		{"another audience", "ada@acme.test", devokta.Password, func(c *config.Config) { c.STS.IAM.TokenValidation.Aud = "api://other" }, "audience"},
	} {
		changed := *cfg
		if c.change != nil {
			c.change(&changed)
		}
		connection, err := iam.Connect(&changed, time.Now, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		p, err := okta.SignIn(t.Context(), o.url, connection.Client, c.login, c.password)
		if err := connection.Close(); err != nil {
			t.Error(err)
		}
		switch {
		case c.want == "" && (err != nil || !slices.Contains(p.IAMRoles, "ONE_STS_ADMIN")):
			t.Errorf("%s: expected the bootstrap role, got %+v, %v", c.rule, p, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "canary")):
			t.Errorf("%s: expected %q, got %v", c.rule, c.want, err)
		}
	}
}

// TestTrialSignInWithMoreThanAPassword is for a browser.
func TestTrialSignInWithMoreThanAPassword(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"status":"MFA_REQUIRED","stateToken":"canary"}`))
	}))
	defer server.Close()
	_, err := okta.SignIn(t.Context(), server.URL, &iam.Client{}, "ada@acme.test", "x")
	if err == nil || !strings.Contains(err.Error(), "more than a password of ada@acme.test (MFA_REQUIRED)") || strings.Contains(err.Error(), "canary") {
		t.Errorf("got %v", err)
	}
}
