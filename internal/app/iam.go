package app

import (
	"fmt"

	"github.com/portico-iam/portico/internal/claim"
	"github.com/portico-iam/portico/internal/config"
	"github.com/portico-iam/portico/internal/iam"
)

// buildIAM makes the verifier of all issuers. The first issuer's keys are found by discovery unless they are configured.
func (a *App) buildIAM() (*iam.Verifier, *iam.Provider, *iam.Clock, error) {
	client := iam.HTTPClient()
	clock := &iam.Clock{Base: client.Transport, Now: a.now}
	client.Transport = clock
	provider := &iam.Provider{
		Issuer: a.cfg.IAM.Issuer, DiscoveryURL: a.cfg.IAM.DiscoveryURL, HTTP: client, Now: a.now, Logger: a.logger,
	}
	verifier := &iam.Verifier{Now: a.now}
	main := a.cfg.STS.IAM
	all := append([]config.Additional{{
		TokenValidation: main.TokenValidation, RolePath: main.RolePath, SubjectPath: main.SubjectPath, RoleSeparator: main.RoleSeparator,
	}}, main.Additional...)
	for i, cfg := range all {
		issuer, err := a.buildIssuer(cfg)
		if err != nil {
			return nil, nil, nil, err
		}
		issuer.Keys.HTTP = client
		issuer.SignInOnly = i == 0 && a.cfg.IAM.TokenSource == config.SourceIDToken
		if i == 0 && cfg.TokenValidation.JWKSURI == "" {
			issuer.Keys.URL = provider.JWKSURI
		}
		verifier.Issuers = append(verifier.Issuers, issuer)
	}
	a.onClose(func() error {
		verifier.Close()
		provider.Close()
		client.CloseIdleConnections()
		return nil
	})
	return verifier, provider, clock, nil
}

func (a *App) buildIssuer(cfg config.Additional) (*iam.Issuer, error) {
	roles, err := claim.Parse(cfg.RolePath)
	if err != nil {
		return nil, fmt.Errorf("rolePath: %w", err)
	}
	subject, err := claim.Parse(cfg.SubjectPath)
	if err != nil {
		return nil, fmt.Errorf("subjectPath: %w", err)
	}
	v := cfg.TokenValidation
	return &iam.Issuer{
		Issuer: v.Iss, Audience: v.Aud, Algorithms: v.Algorithms, Leeway: v.Leeway,
		RolePath: roles, SubjectPath: subject, RoleSeparator: cfg.RoleSeparator,
		Keys: &iam.KeySet{
			URL: iam.FixedURL(v.JWKSURI), RefreshAfter: v.JWKSRefreshAfter, ExpireAfter: v.JWKSExpireAfter,
			Now: a.now, Logger: a.logger,
		},
	}, nil
}
