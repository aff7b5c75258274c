package iam

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/claim"
	"github.com/portico-iam/portico/internal/config"
)

// Connection is the identity provider as the configuration names it, with all that is needed to sign people in there and
// to judge its tokens, and those of the additional issuers.
type Connection struct {
	Provider *Provider
	Verifier *Verifier
	Client   *Client
	Clock    *Clock

	speakers []*Issuer
	now      func() time.Time
	logger   *slog.Logger
}

// Connect makes the connection of a checked configuration. Nobody is called yet. The first issuer's keys are found by
// discovery unless they are configured.
func Connect(cfg *config.Config, now func() time.Time, logger *slog.Logger) (*Connection, error) {
	http := HTTPClient()
	c := &Connection{now: now, logger: logger, Clock: &Clock{Base: http.Transport, Now: now}, Verifier: &Verifier{Now: now, Verified: NewVerified()}}
	http.Transport = c.Clock
	c.Provider = &Provider{Issuer: cfg.IAM.Issuer, DiscoveryURL: cfg.IAM.DiscoveryURL, HTTP: http, Now: now, Logger: logger}
	c.Client = &Client{
		Provider: c.Provider, Verifier: c.Verifier, HTTP: http,
		ID: cfg.IAM.ClientID, Secret: cfg.IAM.ClientSecret, AuthMethod: cfg.IAM.ClientAuth, Scopes: cfg.IAM.Scopes,
		TokenSource:  cfg.IAM.TokenSource,
		RedirectURI:  cfg.Server.PublicURL + cfg.Gateway.CallbackPath,
		PostLogoutTo: cfg.Server.PublicURL + cfg.Gateway.PostLogoutPath,
	}
	main := cfg.STS.IAM
	all := append([]config.Additional{{
		TokenValidation: main.TokenValidation, RolePath: main.RolePath, SubjectPath: main.SubjectPath, RoleSeparator: main.RoleSeparator,
	}}, main.Additional...)
	for i, additional := range all {
		issuer, err := newIssuer(additional, now, logger)
		if err != nil {
			return nil, err
		}
		issuer.Keys.HTTP = http
		if i == 0 {
			issuer.SignInOnly = cfg.IAM.TokenSource == config.SourceIDToken
			if additional.TokenValidation.JWKSURI == "" {
				issuer.Keys.URL = c.Provider.JWKSURI
			}
		}
		c.Verifier.Issuers = append(c.Verifier.Issuers, issuer)
	}
	return c, nil
}

// Principal, Subject and Identity read tokens that are to be exchanged.
func (c *Connection) Principal(ctx context.Context, raw string) (*access.Principal, error) {
	return c.Verifier.Principal(ctx, raw)
}

// Subject is Verifier.Subject.
func (c *Connection) Subject(ctx context.Context, raw string) (*access.Principal, *access.MayAct, error) {
	return c.Verifier.Subject(ctx, raw)
}

// Identity is Client.Identity.
func (c *Connection) Identity(ctx context.Context, raw string) (*access.Principal, error) {
	return c.Client.Identity(ctx, raw)
}

// Speaker is an issuer whose statements count, and no token of which does. like says how its signatures are judged.
func (c *Connection) Speaker(issuer, jwksURI string, like config.TokenValidation) *Issuer {
	speaker := &Issuer{
		Issuer: issuer, Algorithms: like.Algorithms, Leeway: like.Leeway,
		Keys: &KeySet{
			URL: FixedURL(jwksURI), HTTP: c.Provider.HTTP, RefreshAfter: like.JWKSRefreshAfter, ExpireAfter: like.JWKSExpireAfter, Now: c.now, Logger: c.logger,
		},
	}
	c.speakers = append(c.speakers, speaker)
	return speaker
}

// Close waits for what is under way.
func (c *Connection) Close() error {
	for _, speaker := range c.speakers {
		speaker.Keys.Close()
	}
	c.Verifier.Close()
	c.Provider.Close()
	c.Provider.HTTP.CloseIdleConnections()
	return nil
}

func newIssuer(cfg config.Additional, now func() time.Time, logger *slog.Logger) (*Issuer, error) {
	roles, err := claim.Parse(cfg.RolePath)
	if err != nil {
		return nil, fmt.Errorf("rolePath: %w", err)
	}
	subject, err := claim.Parse(cfg.SubjectPath)
	if err != nil {
		return nil, fmt.Errorf("subjectPath: %w", err)
	}
	v := cfg.TokenValidation
	return &Issuer{
		Issuer: v.Iss, Audience: v.Aud, Algorithms: v.Algorithms, Leeway: v.Leeway,
		RolePath: roles, SubjectPath: subject, RoleSeparator: cfg.RoleSeparator,
		Keys: &KeySet{
			URL: FixedURL(v.JWKSURI), RefreshAfter: v.JWKSRefreshAfter, ExpireAfter: v.JWKSExpireAfter, Now: now, Logger: logger,
		},
	}, nil
}
