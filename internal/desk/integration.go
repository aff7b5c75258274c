package desk

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/authn"
	"github.com/portico-iam/portico/internal/config"
	"github.com/portico-iam/portico/internal/desk/view"
	"github.com/portico-iam/portico/internal/integration"
)

func (h *Handler) mountIntegration(mux *http.ServeMux) {
	mux.Handle("GET "+view.IntegrationPath, h.page(h.showIntegration))
	mux.Handle("POST "+view.IntegrationPath, h.page(h.checkIntegration))
}

func (h *Handler) showIntegration(w http.ResponseWriter, r *http.Request, c *authn.Caller) error {
	v, err := h.integration(r, c)
	if err != nil {
		return err
	}
	h.render(w, r, http.StatusOK, view.IntegrationPage(v))
	return nil
}

// checkIntegration shows what the doctor finds. It stores nothing, so the answer is the page itself.
func (h *Handler) checkIntegration(w http.ResponseWriter, r *http.Request, c *authn.Caller) error {
	v, err := h.integration(r, c)
	if err != nil {
		return err
	}
	report, err := h.Integration.Examine(r.Context())
	if err != nil {
		return err
	}
	v.Checked, v.Unlooked = true, report.Notes
	for _, f := range report.Findings {
		v.Problems = append(v.Problems, view.Problem{What: f.What, Seen: f.Seen, Near: f.Near, Setting: f.Setting, Console: f.Console, Call: f.Call})
	}
	h.render(w, r, http.StatusOK, view.IntegrationPage(v))
	return nil
}

func (h *Handler) integration(r *http.Request, c *authn.Caller) (view.Integration, error) {
	if err := h.Policy.Enforce(r.Context(), c.Principal, access.System, "see the integration", access.STSAccessExplain); err != nil {
		return view.Integration{}, err
	}
	state, err := h.Integration.State(r.Context())
	if err != nil {
		return view.Integration{}, err
	}
	return view.Integration{Page: h.frame(r, c), Conditions: conditions(state), Values: guideValues(h.Integration.Config)}, nil
}

func conditions(s integration.State) []view.Condition {
	list := []view.Condition{
		fetched("Metadata", s.Metadata, s.Now, "The discovery document was read"),
		fetched("Keys", s.Keys, s.Now, count(len(s.KeyIDs), "key")+", read"),
	}
	keys := &list[1]
	keys.Exact = s.KeyIDs
	if age := s.Now.Sub(s.Keys.At); s.Keys.Err != nil && !s.Keys.At.IsZero() && age < s.KeysExpire {
		keys.Tone, keys.Word = "warning", "the last good ones count"
		keys.Text = fmt.Sprintf("%s (they count for %s more), read", s.Keys.Err, strings.TrimSuffix((s.KeysExpire-age).Round(time.Minute).String(), "0s"))
	}
	return append(list, clock(s), lastSeen(s), mode(s))
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func fetched(label string, f integration.Fetch, now time.Time, text string) view.Condition {
	c := view.Condition{Label: label, Tone: "success", Word: "fine", Text: text, When: &view.When{At: f.At, Now: now}}
	switch {
	case f.Err != nil:
		c.Tone, c.Word, c.Text = "danger", "failed", f.Err.Error()+"; last read"
	case f.At.IsZero():
		c.Tone, c.Word, c.Text = "", "", "Not needed yet: read at the first sign-in."
	}
	if f.At.IsZero() {
		c.When = nil
		if f.Err != nil {
			c.Text = f.Err.Error()
		}
	}
	return c
}

func clock(s integration.State) view.Condition {
	c := view.Condition{Label: "Clock"}
	if s.Clock == nil {
		c.Text = "Not compared yet."
		return c
	}
	ahead := s.Clock.Ahead
	c.Tone, c.Word, c.Text = "success", "fine", "The same as the provider’s, compared"
	if ahead.Abs() > time.Second {
		c.Text = fmt.Sprintf("The provider’s is %s %s, compared", ahead.Abs(), map[bool]string{true: "ahead", false: "behind"}[ahead > 0])
	}
	switch {
	case ahead.Abs() > s.Leeway:
		c.Tone, c.Word = "danger", "too far apart"
	case ahead.Abs() > s.Leeway/2:
		c.Tone, c.Word = "warning", "drifting"
	}
	c.When = &view.When{At: s.Clock.At, Now: s.Now}
	return c
}

func lastSeen(s integration.State) view.Condition {
	c := view.Condition{Label: "Roles in tokens"}
	if s.LastSeen == nil {
		c.Text = "Nobody signed in within a day."
		return c
	}
	c.Tone, c.Word = "success", "fine"
	if s.WithRoles == 0 {
		c.Tone, c.Word = "danger", "none"
	} else if s.WithRoles*2 < s.Seen {
		c.Tone, c.Word = "warning", "few"
	}
	c.Text = fmt.Sprintf("%d of %s within a day came with roles; the last", s.WithRoles, count(s.Seen, "sign-in"))
	c.When = &view.When{At: s.LastSeen.SeenAt, Now: s.Now}
	return c
}

func mode(s integration.State) view.Condition {
	text := map[string]string{
		config.ModeBuiltin: "Portico’s own sign-in", config.ModeAPISIX: "behind APISIX", config.ModeOAuth2Proxy: "behind OAuth2-Proxy",
		config.ModeBearer: "bearer tokens only",
	}[s.Gateway]
	if s.TokenSource == config.SourceIDToken {
		text += "; roles come from the ID token"
	}
	return view.Condition{Label: "Gateway", Text: text}
}

// guideValues is the guide's table, with our values.
func guideValues(cfg *config.Config) (values []view.GuideValue) {
	add := func(name, value, okta string) {
		if value != "" {
			values = append(values, view.GuideValue{Name: name, Value: value, Okta: okta})
		}
	}
	app, server := "Applications > your application > General", "Security > API > Authorization Servers > your server"
	if cfg.Gateway.Mode == config.ModeBuiltin {
		add("Client ID", cfg.IAM.ClientID, app+" > Client Credentials")
		add("Sign-in redirect URI", cfg.Server.PublicURL+cfg.Gateway.CallbackPath, app+" > Login")
		add("Sign-out redirect URI", cfg.Server.PublicURL+cfg.Gateway.PostLogoutPath, app+" > Login")
	}
	add("Issuer URI", cfg.STS.IAM.TokenValidation.Iss, server+" > Issuer URI")
	add("OIDC Discovery URL", cfg.IAM.DiscoveryURL, server+" > Metadata URI")
	add("Audience", cfg.STS.IAM.TokenValidation.Aud, server+" > Audience; sts.iam.tokenValidation.aud here")
	add("Roles claim", cfg.STS.IAM.RolePath, server+" > Claims; sts.iam.rolePath here")
	if cfg.STS.IAM.Bootstrap {
		add("First administrators", cfg.STS.IAM.AdminRole, "Directory > Groups; sts.iam.adminRole here")
	}
	return values
}
