package app

import (
	"net/http"

	"github.com/portico-iam/portico/internal/iam"
	"github.com/portico-iam/portico/internal/signal"
)

// mountSignals listens to those who tell that somebody's sign-in is over. It needs sessions, so the built-in gateway.
func (a *App) mountSignals(mux *http.ServeMux, p *parts) {
	settings, like := a.cfg.Signals, a.cfg.STS.IAM.TokenValidation
	var global, shared *iam.Issuer
	if g := settings.GlobalTokenRevocation; g.Enabled {
		global = p.iam.Speaker(g.Issuer, g.JWKSURI, like)
	}
	if s := settings.SharedSignals; s.Issuer != "" {
		shared = p.iam.Speaker(s.Issuer, s.JWKSURI, like)
	}
	client := iam.HTTPClient() // not the provider's: its answers tell what clock the provider has
	a.onClose(func() error { client.CloseIdleConnections(); return nil })
	service := signal.New(signal.Config{
		PublicURL: a.cfg.Server.PublicURL, ClientID: a.cfg.IAM.ClientID, SignIn: p.iam.Verifier.Issuers[0], Global: global, Shared: shared, Settings: settings,
		Store: a.store, Revocations: p.revocations, Sessions: p.sessions, History: p.record, HTTP: client, Now: a.now, Logger: a.logger,
	})
	service.Mount(mux)
	if interval, polls := service.Polls(); polls {
		a.every(interval, "poll for shared signals", service.Poll)
	}
}
