package iam

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/config"
	"github.com/portico-iam/portico/internal/fault"
)

// Client is Portico as a client of the authorization server: the code flow with PKCE, refresh, userinfo, sign-out.
type Client struct {
	Provider     *Provider
	Verifier     *Verifier
	HTTP         *http.Client
	ID           string
	Secret       config.Secret
	AuthMethod   string
	Scopes       []string
	TokenSource  string // config.SourceIDToken: roles come from the ID token; else from the access token
	RedirectURI  string
	PostLogoutTo string
}

// Grant is what a code or a refresh token was exchanged for, validated.
type Grant struct {
	Principal    *access.Principal // nil beside an error only
	RefreshToken string            // empty: none was given
	IDToken      string            // empty: none was given
	Identity     Identity
}

// Identity is how the provider itself names a sign-in and whose it is, as a validated ID token says: by that it tells later
// that it is over. What it does not say is empty.
type Identity struct {
	Subject  string
	Session  string // sid (OpenID Connect Front-Channel Logout 1.0 section 3)
	Username string
	Email    string // only one that it has verified
}

func (i *Identity) complete(t *Token) {
	if t == nil {
		return
	}
	if i.Username == "" {
		i.Username = t.plain("preferred_username")
	}
	if verified, _ := t.claims["email_verified"].(bool); i.Email == "" && verified {
		i.Email = t.plain("email")
	}
}

func identityOf(id *Token) Identity {
	if id == nil {
		return Identity{}
	}
	i := Identity{Subject: id.plain("sub"), Session: id.plain("sid")}
	i.complete(id)
	return i
}

// plain returns a claim that can name somebody or something. An odd one is none: an identity is never mended.
func (t *Token) plain(name string) string {
	s := t.claim(name)
	if len(s) > 255 || s != clip(s) {
		return ""
	}
	return s
}

// ErrGrantEnded says that the authorization server will not honour a refresh token any more.
var ErrGrantEnded = errors.New("the identity provider ended the sign-in")

// RefusedError is the authorization server's own refusal (RFC 6749 sections 4.1.2.1 and 5.2).
type RefusedError struct{ Code, Description string }

func (e *RefusedError) Error() string {
	return fmt.Sprintf("the identity provider answered %s: %s", e.Code, e.Description)
}

func (c *Client) oauth(ctx context.Context) (*oauth2.Config, context.Context, error) {
	m, err := c.Provider.Metadata(ctx)
	if err != nil {
		return nil, nil, err
	}
	style := oauth2.AuthStyleInHeader
	if c.AuthMethod == config.ClientSecretPost {
		style = oauth2.AuthStyleInParams
	}
	return &oauth2.Config{
		ClientID: c.ID, ClientSecret: c.Secret.Reveal(), RedirectURL: c.RedirectURI, Scopes: c.Scopes,
		Endpoint: oauth2.Endpoint{AuthURL: m.AuthorizationEndpoint, TokenURL: m.TokenEndpoint, AuthStyle: style},
	}, context.WithValue(ctx, oauth2.HTTPClient, c.HTTP), nil
}

// Ask is what a sign-in is to be like.
type Ask struct {
	// Anew asks for the password again although somebody is signed in there: so that it can be somebody else (OpenID Connect
	// Core 1.0, prompt).
	Anew bool
	// Requires is what the sign-in must meet (RFC 9470 section 4); nil: any will do. Whether it does is for the caller to check.
	Requires *access.Requirement
}

// AuthorizationURL is where the browser begins a sign-in (RFC 6749 section 4.1.1, RFC 7636 with S256).
func (c *Client) AuthorizationURL(ctx context.Context, state, nonce, verifier string, ask Ask) (string, error) {
	cfg, _, err := c.oauth(ctx)
	if err != nil {
		return "", err
	}
	options := []oauth2.AuthCodeOption{oauth2.S256ChallengeOption(verifier), oauth2.SetAuthURLParam("nonce", nonce)}
	if ask.Anew {
		options = append(options, oauth2.SetAuthURLParam("prompt", "login"))
	}
	if q := ask.Requires; q != nil && len(q.Classes) > 0 {
		options = append(options, oauth2.SetAuthURLParam("acr_values", strings.Join(q.Classes, " ")))
	}
	if q := ask.Requires; q != nil && q.MaxAge > 0 {
		options = append(options, oauth2.SetAuthURLParam("max_age", strconv.FormatInt(int64(q.MaxAge/time.Second), 10)))
	}
	return cfg.AuthCodeURL(state, options...), nil
}

// Exchange redeems a code and validates everything that comes back.
func (c *Client) Exchange(ctx context.Context, code, verifier, nonce string) (*Grant, error) {
	cfg, ctx, err := c.oauth(ctx)
	if err != nil {
		return nil, err
	}
	token, err := cfg.Exchange(ctx, code, oauth2.VerifierOption(verifier))
	if err != nil {
		return nil, refusedBy(err)
	}
	rawID, _ := token.Extra("id_token").(string)
	if rawID == "" {
		return nil, errors.New("the identity provider sent no ID token; the scope openid is required")
	}
	id, err := c.Verifier.VerifyIDToken(ctx, rawID, c.ID, nonce, token.AccessToken)
	if err != nil {
		return nil, fmt.Errorf("ID token: %w", err)
	}
	return c.grant(ctx, token, id, nil, rawID)
}

// Refresh redeems a refresh token; idToken is the last one that the sign-in brought. ErrGrantEnded means that the sign-in
// is over; any other error may pass. A grant beside an error has tokens to keep, and no principal.
func (c *Client) Refresh(ctx context.Context, refreshToken, idToken string) (*Grant, error) {
	before, err := c.before(idToken)
	if err != nil {
		return nil, errors.Join(ErrGrantEnded, err)
	}
	cfg, ctx, err := c.oauth(ctx)
	if err != nil {
		return nil, err
	}
	token, err := cfg.TokenSource(ctx, &oauth2.Token{RefreshToken: refreshToken}).Token()
	if err != nil {
		err = refusedBy(err)
		var refused *RefusedError
		if errors.As(err, &refused) && refused.Code == "invalid_grant" {
			return nil, errors.Join(ErrGrantEnded, err)
		}
		return nil, err
	}
	rawID, _ := token.Extra("id_token").(string)
	var id *Token
	if rawID != "" {
		if id, err = c.Verifier.VerifyIDToken(ctx, rawID, c.ID, "", token.AccessToken); err != nil {
			if rawID != idToken { // some providers send the one of before once more
				err = ofTheClock(err)
			}
			return unjudged(token, "", err), fmt.Errorf("ID token: %w", err)
		}
	}
	grant, err := c.grant(ctx, token, id, before, rawID)
	if err != nil {
		err = ofTheClock(err)
	}
	if grant == nil && err != nil {
		grant = unjudged(token, rawID, err)
	}
	return grant, err
}

// ofTheClock judges a refusal of a token that was issued just now: if that is for its times, one of the clocks is wrong. This machine
// must not end people's sessions for it, which other replicas can still serve.
func ofTheClock(err error) error {
	if !errors.Is(err, errUntimely) {
		return err
	}
	return fault.Unavailable.New("this server's clock and the identity provider's differ; tell your administrator").Because(err)
}

// unjudged keeps the tokens of a refresh whose outcome can't be judged for the moment, because the keys can't be had or the
// clock is wrong: the refresh token of before may count no more.
func unjudged(token *oauth2.Token, rawID string, err error) *Grant {
	if !fault.Unavailable.Is(err) {
		return nil
	}
	return &Grant{RefreshToken: token.RefreshToken, IDToken: rawID}
}

// grant makes the principal of what the token endpoint answered. Where that is of the access token, it validates it, and
// completes the names: access token, else ID token, else userinfo.
func (c *Client) grant(ctx context.Context, token *oauth2.Token, id, before *Token, rawID string) (*Grant, error) {
	// A token of a kind that we don't understand must not be used (RFC 6749 section 7.1), e.g. one bound to a DPoP key.
	if kind := token.Type(); kind != "Bearer" {
		return nil, fmt.Errorf("expected an access token of the type Bearer, got %s", clip(kind))
	}
	if c.TokenSource == config.SourceIDToken {
		return c.idTokenGrant(ctx, token, id, before, rawID)
	}
	verified, err := c.Verifier.verify(ctx, token.AccessToken, delegation...) // once: nothing to remember
	if err != nil {
		return nil, fmt.Errorf("access token: %w", err)
	}
	p := verified.Principal
	p.IssuedAt = c.Verifier.Now() // by our own clock
	known := identityOf(id)
	if id != nil {
		complete(p, id)
		if p.GivenName == "" && p.FamilyName == "" {
			// Names are a courtesy: a sign-in does not fail for want of them.
			if info, err := c.userinfo(ctx, token.AccessToken, id.Subject()); err == nil {
				complete(p, info)
				known.complete(info)
			}
		}
	}
	return &Grant{Principal: p, RefreshToken: token.RefreshToken, IDToken: rawID, Identity: known}, nil
}

func complete(p *access.Principal, from *Token) {
	given, family, login := from.Names()
	if p.GivenName == "" && p.FamilyName == "" {
		p.GivenName, p.FamilyName = given, family
	}
	if p.Login == "" {
		p.Login = login
	}
	// Okta tells auth_time in both tokens, amr in the ID token alone, and acr where it was asked for.
	told := signIn(from.claims)
	if p.SignIn.At == 0 {
		p.SignIn.At = told.At
	}
	if p.SignIn.Class == "" {
		p.SignIn.Class = told.Class
	}
	if len(p.SignIn.Methods) == 0 {
		p.SignIn.Methods = told.Methods
	}
}

const maxUserinfo = 64 << 10 // bytes

// userinfo reads the claims of OpenID Connect Core 1.0 section 5.3, which must be about the same person (5.3.2).
func (c *Client) userinfo(ctx context.Context, accessToken, subject string) (*Token, error) {
	m, err := c.Provider.Metadata(ctx)
	if err != nil {
		return nil, err
	}
	if m.UserinfoEndpoint == "" {
		return nil, errNoUserinfo
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, m.UserinfoEndpoint, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+accessToken)
	resp, err := c.HTTP.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusOK:
	case http.StatusUnauthorized, http.StatusForbidden: // RFC 6750 section 3.1: it will be no better in a moment
		return nil, refuse("userinfo does not take the access token that came with it: status %d", resp.StatusCode)
	default:
		return nil, fmt.Errorf("userinfo: expected status 200, got %d", resp.StatusCode)
	}
	if mediaType, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")); mediaType == "application/jwt" {
		return nil, refuse("userinfo is a signed JWT; have the identity provider answer JSON to this client")
	}
	info := &Token{}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxUserinfo)).Decode(&info.claims); err != nil {
		return nil, fmt.Errorf("userinfo: %w", err)
	}
	if info.Subject() != subject {
		return nil, refuse("userinfo is about somebody else than the ID token")
	}
	return info, nil
}

// EndSessionURL is where the browser ends the sign-in at the identity provider too (OpenID Connect RP-Initiated Logout
// 1.0 section 2). Without an end-session endpoint it is empty.
func (c *Client) EndSessionURL(ctx context.Context, idToken string) (string, error) {
	m, err := c.Provider.Metadata(ctx)
	if err != nil || m.EndSessionEndpoint == "" || idToken == "" {
		return "", err
	}
	target, err := url.Parse(m.EndSessionEndpoint)
	if err != nil {
		return "", fmt.Errorf("end_session_endpoint: %w", err)
	}
	query := target.Query() // an endpoint may have one of its own
	query.Set("id_token_hint", idToken)
	query.Set("post_logout_redirect_uri", c.PostLogoutTo)
	target.RawQuery = query.Encode()
	return target.String(), nil
}

// NamesItself tells whether the provider's answers to the browser bear its name, iss (RFC 9207): then one without it is
// not its answer.
func (c *Client) NamesItself(ctx context.Context) (bool, error) {
	m, err := c.Provider.Metadata(ctx)
	if err != nil {
		return false, err
	}
	return m.IssParameterSupported, nil
}

// refusedBy keeps what the server said and drops the rest: an oauth2 error may quote a whole answer.
func refusedBy(err error) error {
	var retrieve *oauth2.RetrieveError
	if !errors.As(err, &retrieve) {
		var urlErr *url.Error
		if errors.As(err, &urlErr) {
			return fmt.Errorf("the identity provider can't be reached: %w", urlErr.Err)
		}
		return errors.New("the identity provider's answer is not a token response")
	}
	if retrieve.ErrorCode == "" {
		return fmt.Errorf("the identity provider's token endpoint answered with status %d", retrieve.Response.StatusCode)
	}
	return &RefusedError{Code: clip(retrieve.ErrorCode), Description: clip(retrieve.ErrorDescription)}
}
