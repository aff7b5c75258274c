package app

import (
	"net/url"
	"strings"

	"github.com/portico-iam/portico/internal/desk"
	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/integration"
)

// buildDesk makes the web interface. Sign-in and sessions are added by the built-in gateway, if that is on.
func (a *App) buildDesk(p *parts) *desk.Handler {
	origin := ""
	if u, err := url.Parse(a.cfg.IAM.Issuer); err == nil && u.Host != "" {
		origin = u.Scheme + "://" + u.Host
	}
	return &desk.Handler{Config: desk.Config{
		Integration: &integration.Service{
			Config: a.cfg, Provider: p.iam.Provider, Keys: p.iam.Verifier.Issuers[0].Keys, Clock: p.iam.Clock, People: a.store, Now: a.now,
		},
		Authn: p.authn, Policy: a.policy, Organisations: p.organisations, History: p.record, Export: a.store, Reads: p.gatherer, Tallies: &history.Tallies{Store: a.store, Now: a.now}, RolePath: a.cfg.STS.IAM.RolePath,
		IssuerOrigin: origin, Secure: strings.HasPrefix(a.cfg.Server.PublicURL, "https://"), Now: a.now, Logger: a.logger,
	}}
}
