package desk

import (
	"context"
	"net/http"
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
	return view.Integration{Page: h.frame(r, c), Conditions: conditions(r.Context(), state), Values: guideValues(h.Integration.Config)}, nil
}

func conditions(ctx context.Context, s integration.State) []view.Condition {
	list := []view.Condition{
		fetched(ctx, say(ctx, "Metadata"), s.Metadata, s.Now, say(ctx, "The discovery document was read")),
		fetched(ctx, say(ctx, "Keys"), s.Keys, s.Now, say(ctx, "%d keys, read", len(s.KeyIDs))),
	}
	keys := &list[1]
	keys.Exact = s.KeyIDs
	if age := s.Now.Sub(s.Keys.At); s.Keys.Err != nil && !s.Keys.At.IsZero() && age < s.KeysExpire {
		keys.Tone, keys.Word = "warning", say(ctx, "the last good ones count")
		keys.Text = say(ctx, "%s (they count for %s more), read", s.Keys.Err, view.Span((s.KeysExpire - age).Round(time.Minute)))
	}
	return append(list, clock(ctx, s), lastSeen(ctx, s), mode(ctx, s))
}

func fetched(ctx context.Context, label string, f integration.Fetch, now time.Time, text string) view.Condition {
	c := view.Condition{Label: label, Tone: "success", Word: say(ctx, "fine"), Text: text, When: &view.When{At: f.At, Now: now}}
	switch {
	case f.Err != nil:
		c.Tone, c.Word, c.Text = "danger", say(ctx, "failed"), say(ctx, "%s; last read", f.Err)
	case f.At.IsZero():
		c.Tone, c.Word, c.Text = "", "", say(ctx, "Not needed yet: read at the first sign-in.")
	}
	if f.At.IsZero() {
		c.When = nil
		if f.Err != nil {
			c.Text = f.Err.Error()
		}
	}
	return c
}

func clock(ctx context.Context, s integration.State) view.Condition {
	c := view.Condition{Label: say(ctx, "Clock")}
	if s.Clock == nil {
		c.Text = say(ctx, "Not compared yet.")
		return c
	}
	ahead := s.Clock.Ahead
	c.Tone, c.Word, c.Text = "success", say(ctx, "fine"), say(ctx, "The same as the provider’s, compared")
	switch {
	case ahead > time.Second:
		c.Text = say(ctx, "The provider’s is %s ahead, compared", ahead)
	case ahead < -time.Second:
		c.Text = say(ctx, "The provider’s is %s behind, compared", -ahead)
	}
	switch {
	case ahead.Abs() > s.Leeway:
		c.Tone, c.Word = "danger", say(ctx, "too far apart")
	case ahead.Abs() > s.Leeway/2:
		c.Tone, c.Word = "warning", say(ctx, "drifting")
	}
	c.When = &view.When{At: s.Clock.At, Now: s.Now}
	return c
}

func lastSeen(ctx context.Context, s integration.State) view.Condition {
	c := view.Condition{Label: say(ctx, "Roles in tokens")}
	if s.LastSeen == nil {
		c.Text = say(ctx, "Nobody signed in within a day.")
		return c
	}
	c.Tone, c.Word = "success", say(ctx, "fine")
	if s.WithRoles == 0 {
		c.Tone, c.Word = "danger", say(ctx, "none")
	} else if s.WithRoles*2 < s.Seen {
		c.Tone, c.Word = "warning", say(ctx, "few")
	}
	c.Text = say(ctx, "%d of %d sign-ins within a day came with roles; the last", s.WithRoles, s.Seen)
	c.When = &view.When{At: s.LastSeen.SeenAt, Now: s.Now}
	return c
}

var modes = map[string]string{
	config.ModeBuiltin: key("Portico’s own sign-in"), config.ModeAPISIX: key("behind APISIX"), config.ModeOAuth2Proxy: key("behind OAuth2-Proxy"),
	config.ModeBearer: key("bearer tokens only"),
}

func mode(ctx context.Context, s integration.State) view.Condition {
	text := sayKey(ctx, modes[s.Gateway])
	if s.TokenSource == config.SourceIDToken {
		text = say(ctx, "%s; roles come from the ID token", text)
	}
	return view.Condition{Label: say(ctx, "Gateway"), Text: text}
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
