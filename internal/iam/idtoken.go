package iam

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/oauth2"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/config"
)

// RolesLiveFor bounds how long the roles of an ID token count without a refresh, where the token itself lives longer:
// some providers' do for a day.
const RolesLiveFor = time.Hour

// errNoUserinfo says that the provider has no userinfo endpoint.
var errNoUserinfo = errors.New("the identity provider has no userinfo endpoint")

// idTokenGrant makes the principal from the ID token, where access tokens are not for us: they are neither validated nor
// used but to ask userinfo. An ID token that comes with an access token may lack roles and names (OpenID Connect Core 1.0
// section 5.4), which are in userinfo then. id is nil where a refresh brought none; before is the one of before, nil at a
// sign-in.
//
// A grant beside an error holds the tokens and no principal: they are new, but what to make of them is not known yet.
func (c *Client) idTokenGrant(ctx context.Context, token *oauth2.Token, id, before *Token, rawID string) (*Grant, error) {
	if before != nil && id != nil {
		if err := sameSignIn(before, id); err != nil {
			return nil, fmt.Errorf("refreshed ID token: %w", err)
		}
	}
	about := id
	if about == nil {
		about = before
	}
	p, err := c.Verifier.Issuers[0].principal(about.claims)
	if err != nil {
		return nil, fmt.Errorf("ID token: %w", err)
	}
	p.ClientID, p.IssuedAt, p.NotAfter = c.ID, c.Verifier.Now(), c.rolesEnd(token, id)
	grant := &Grant{RefreshToken: token.RefreshToken, IDToken: rawID, Identity: identityOf(id)}
	if err := c.completeFromUserinfo(ctx, p, token.AccessToken, id, about); err != nil {
		return grant, err
	}
	grant.Principal = p
	return grant, nil
}

// Identity validates an ID token that somebody brings. Whether such may be brought at all is not for here to say.
func (c *Client) Identity(ctx context.Context, raw string) (*access.Principal, error) {
	t, err := c.Verifier.VerifyIDToken(ctx, raw, c.ID, "", "")
	if err != nil {
		return nil, err
	}
	for _, name := range delegation {
		if _, has := t.claims[name]; has {
			return nil, refuse("it carries %s: a delegated token is not accepted here", name)
		}
	}
	p, err := c.Verifier.Issuers[0].principal(t.claims)
	if err != nil {
		return nil, err
	}
	p.ClientID, p.IssuedAt, p.NotAfter = c.ID, t.life.issuedBefore(c.Verifier.Issuers[0].Leeway), t.ExpiresAt
	if err := c.Verifier.checkRevoked(ctx, p); err != nil {
		return nil, err
	}
	return p, nil
}

// completeFromUserinfo reads the roles that no fresh ID token has, and missing names, from userinfo.
func (c *Client) completeFromUserinfo(ctx context.Context, p *access.Principal, accessToken string, id, about *Token) error {
	path := c.Verifier.Issuers[0].RolePath
	hasRoles := id.has(path)
	if hasRoles && (p.GivenName != "" || p.FamilyName != "") {
		return nil
	}
	info, err := c.userinfo(ctx, accessToken, about.Subject())
	switch {
	case err == nil:
		complete(p, info)
	case hasRoles: // names are a courtesy
		return nil
	case !errors.Is(err, errNoUserinfo):
		return fmt.Errorf("roles: %w", err)
	}
	switch {
	case hasRoles:
	case info.has(path):
		p.IAMRoles, p.Odd = path.Roles(info.claims, c.Verifier.Issuers[0].RoleSeparator)
	case id == nil && about.has(path):
		// They were in the ID token, and nothing that came tells them now: a new sign-in will.
		return errors.Join(ErrGrantEnded, errors.New("the refreshed answer has no ID token, which held the roles"))
	default:
		p.Odd = []string{fmt.Sprintf("neither the ID token nor userinfo has a claim at %q", path)}
	}
	return nil
}

// rolesEnd is when a principal must be refreshed at the latest.
func (c *Client) rolesEnd(token *oauth2.Token, id *Token) time.Time {
	now := c.Verifier.Now()
	end := now.Add(RolesLiveFor)
	if id != nil && id.ExpiresAt.Before(end) {
		return id.ExpiresAt
	}
	if life := time.Duration(token.ExpiresIn) * time.Second; id == nil && life > 0 && life < RolesLiveFor {
		return now.Add(life)
	}
	return end
}

// sameSignIn holds a refreshed, validated ID token against the one before it (OpenID Connect Core 1.0 section 12.2).
// Issuer, audience and azp are the same since each was validated against the same.
func sameSignIn(before, id *Token) error {
	if id.Subject() != before.Subject() {
		return refuse("it is about somebody else")
	}
	for _, name := range []string{"auth_time", "nonce"} {
		was, had := before.claims[name]
		if is, has := id.claims[name]; had && has && fmt.Sprint(is) != fmt.Sprint(was) {
			return refuse("it is of another sign-in: its %s is another", name)
		}
	}
	return nil
}

// before reads the ID token of before, which we validated when it came and kept sealed since. It may have expired. Where
// roles come from access tokens nobody needs it.
func (c *Client) before(raw string) (*Token, error) {
	if c.TokenSource != config.SourceIDToken {
		return nil, nil
	}
	p, err := parse(raw)
	if err != nil {
		return nil, err
	}
	if p.issuer() != c.Verifier.Issuers[0].Issuer {
		return nil, refuse("it is of another issuer, who was configured before")
	}
	return &Token{claims: p.claims}, nil
}
