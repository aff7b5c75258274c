// Package authn answers who is calling, for every edge alike.
//
// A request that bears an Authorization header is judged by that alone: a bad token is never made up for by a cookie.
// Otherwise, in the built-in gateway, the session counts; a session's changing request must come from our own origin.
//
// Behind another gateway the access token is taken from the header by which that gateway sends it, and validated in full.
// Nothing else that a gateway says of somebody counts: no X-Userinfo, X-ID-Token, X-Forwarded-User, X-Auth-Request-… or
// OIDC_CLAIM_… header is ever read. A request that came around the gateway is refused where a shared secret or the
// gateway's addresses are configured (gateway.go). No User-Agent and no forwarded header decides anything.
package authn

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/config"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/httpx"
	"github.com/portico-iam/portico/internal/iam"
	"github.com/portico-iam/portico/internal/limit"
	"github.com/portico-iam/portico/internal/session"
)

// OrganisationHeader chooses the organisation of a call.
const OrganisationHeader = "X-Organisation-Id"

// tokenHeaders are where other gateways put the access token, beside Authorization.
var tokenHeaders = map[string]string{
	config.ModeAPISIX:      "X-Access-Token",
	config.ModeOAuth2Proxy: "X-Forwarded-Access-Token",
}

// Authenticator tells who is calling.
type Authenticator struct {
	Mode         string
	Gateway      Gateway          // the one in front
	Sessions     *session.Manager // nil but in the built-in mode
	Verifier     *iam.Verifier
	PublicOrigin string    // scheme://host[:port]
	Cuts         Cuts      // nil: no organisation was cut off
	Probation    Probation // nil: nothing ever is
	// Current refuses while this replica does not know what others have revoked; nil: there is nobody else.
	Current func() error
	// Requests bounds what one principal takes; nil: nothing does.
	Requests *limit.Limiter[Who]
}

// Who is by what a principal is counted.
type Who struct{ Issuer, Subject string }

// Probation learns of everybody who signed in: what is on probation may be confirmed by it.
type Probation interface {
	Confirm(ctx context.Context, p *access.Principal, begun time.Time)
}

// Cuts tell whether a token of the identity provider counts no more in an organisation, by when it was issued.
type Cuts interface {
	EndedIn(org access.OrganisationID, issuedAt time.Time) bool
}

// Caller is who is calling.
type Caller struct {
	Principal *access.Principal
	Session   *session.Session // nil for a bearer token
	cuts      Cuts
}

// Admit refuses an organisation to which all access was ended since the caller's token was issued. Sessions were ended
// then.
func (c *Caller) Admit(org access.OrganisationID) error {
	if c.Session == nil && c.cuts != nil && c.cuts.EndedIn(org, c.Principal.IssuedAt) {
		return fault.Unauthenticated.New("the token was issued before access to this organisation was revoked; get a new one")
	}
	return nil
}

// SessionRef names the caller's session; it is empty for a bearer token.
func (c *Caller) SessionRef() string {
	if c.Session == nil {
		return ""
	}
	return c.Session.Ref
}

// Authenticate returns the caller. Without one the error is fault.Unauthenticated. It may set cookies on w.
func (a *Authenticator) Authenticate(w http.ResponseWriter, r *http.Request) (*Caller, error) {
	c, err := a.authenticate(w, r)
	if err == nil {
		httpx.NoteCaller(r.Context(), c.Principal.Issuer, c.Principal.Subject, c.SessionRef())
		if wait, ok := a.Requests.Take(Who{c.Principal.Issuer, c.Principal.Subject}); !ok {
			httpx.RetryAfter(w, wait)
			return nil, fault.TooMany.New("you sent more requests than are allowed at once; try again in %s", wait)
		}
	}
	if err == nil && a.Probation != nil {
		a.Probation.Confirm(r.Context(), c.Principal, c.begun())
	}
	return c, err
}

// begun is when the caller signed in, as far as we see it: a session that is refreshed is no new sign-in.
func (c *Caller) begun() time.Time {
	if c.Session != nil {
		return c.Session.CreatedAt
	}
	return c.Principal.IssuedAt
}

func (a *Authenticator) authenticate(w http.ResponseWriter, r *http.Request) (*Caller, error) {
	if err := a.Gateway.Admit(r); err != nil {
		return nil, err
	}
	if a.Current != nil {
		if err := a.Current(); err != nil {
			return nil, err
		}
	}
	// Another gateway in front adds its token to whatever a browser sends, so a foreign page's request has one too.
	if a.Mode != config.ModeBuiltin && changes(r) && fromBrowser(r) && !httpx.FromOrigin(r, a.PublicOrigin) {
		return nil, a.crossOrigin()
	}
	if values := r.Header.Values("Authorization"); len(values) > 0 {
		return a.bearer(r.Context(), values)
	}
	if name, ok := tokenHeaders[a.Mode]; ok {
		if values := r.Header.Values(name); len(values) == 1 {
			return a.token(r.Context(), strings.TrimPrefix(values[0], "Bearer "))
		}
		return nil, fault.Unauthenticated.New("expected an access token in %s, from the gateway in front", name)
	}
	if a.Sessions == nil {
		return nil, fault.Unauthenticated.New("expected an access token of the identity provider: Authorization: Bearer …")
	}
	s, err := a.Sessions.Find(w, r)
	if err != nil {
		return nil, err
	}
	if changes(r) && !httpx.FromOrigin(r, a.PublicOrigin) {
		return nil, a.crossOrigin()
	}
	return &Caller{Principal: &s.Principal, Session: s}, nil
}

func (a *Authenticator) crossOrigin() error {
	return fault.CrossOrigin.New("a change from a browser must come from %s", a.PublicOrigin)
}

func (a *Authenticator) bearer(ctx context.Context, values []string) (*Caller, error) {
	scheme, token, ok := strings.Cut(values[0], " ")
	if len(values) != 1 || !ok || !strings.EqualFold(scheme, "Bearer") { // RFC 9110 section 11.1: the scheme has no case
		return nil, fault.Unauthenticated.New("expected one header: Authorization: Bearer …")
	}
	return a.token(ctx, token)
}

func (a *Authenticator) token(ctx context.Context, raw string) (*Caller, error) {
	t, err := a.Verifier.Verify(ctx, raw)
	if err != nil {
		return nil, err
	}
	return &Caller{Principal: t.Principal, cuts: a.Cuts}, nil
}

// changes tells whether a request may change something. A WebSocket can, though it begins with GET, and browsers let
// any site open one.
func changes(r *http.Request) bool {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return r.Header.Get("Upgrade") != ""
	}
	return true
}

func fromBrowser(r *http.Request) bool {
	return r.Header.Get("Origin") != "" || r.Header.Get("Sec-Fetch-Site") != ""
}

// OrganisationCookie is where the Desk keeps the active organisation when another gateway owns the session. It only
// chooses among the organisations that the caller has.
const OrganisationCookie = "portico_organisation"

func (c *Caller) active(r *http.Request) access.OrganisationID {
	if c.Session != nil {
		return c.Session.ActiveOrganisation
	}
	if cookie, err := r.Cookie(OrganisationCookie); err == nil {
		return access.OrganisationID(cookie.Value)
	}
	return access.System
}

// Organisation returns the organisation that the call is about: the header's, else the session's active one, else the
// only one that the caller has. None of them is fault.OrganisationNotChosen.
func (c *Caller) Organisation(r *http.Request, snapshot *access.Snapshot) (access.OrganisationID, error) {
	org, err := c.chosen(r, snapshot)
	if err == nil {
		err = c.Admit(org)
	}
	if err != nil {
		return access.System, err
	}
	return org, nil
}

func (c *Caller) chosen(r *http.Request, snapshot *access.Snapshot) (access.OrganisationID, error) {
	switch values := r.Header.Values(OrganisationHeader); len(values) {
	case 0:
	case 1:
		id, err := httpx.ParseUUID(values[0])
		if err != nil {
			return access.System, fault.InvalidInput.New("%s: %s", strings.ToLower(OrganisationHeader), fault.Of(err).Detail)
		}
		return access.OrganisationID(id), nil
	default:
		return access.System, fault.InvalidInput.New("%s: expected once", strings.ToLower(OrganisationHeader))
	}
	if active := c.active(r); active != access.System {
		if !snapshot.Reachable(c.Principal, active).IsEmpty() {
			return active, nil
		}
	}
	only, more := snapshot.OnlyOrganisation(c.Principal)
	switch {
	case more:
		return access.System, fault.OrganisationNotChosen.New("you have access to several organisations: choose one by the header %s", strings.ToLower(OrganisationHeader))
	case only == nil:
		return access.System, fault.OrganisationNotChosen.New("you have access to no organisation")
	}
	return only.ID, nil
}
