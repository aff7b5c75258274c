package sts

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/maypok86/otter/v2"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/fault"
)

// Policy says what a principal may do.
type Policy interface {
	// Permissions returns everything the principal may do there and the version of the policy; it refuses as a fault.
	Permissions(ctx context.Context, p *access.Principal, org access.OrganisationID, route string) (access.PermissionSet, int64, error)
}

// Config is what a Service needs.
type Config struct {
	Issuer    string
	Audiences []string // the services that tokens may be for; the first is Core
	TTL       time.Duration
	Ring      *Ring
	Policy    Policy
	Now       func() time.Time
}

// Service mints tokens.
type Service struct {
	Config
	fresh *otter.Cache[tokenKey, Token]
}

// maxFresh bounds the tokens that are kept for reuse.
const maxFresh = 20_000

// New returns a service that is ready to mint.
func New(cfg Config) *Service {
	return &Service{Config: cfg, fresh: otter.Must(&otter.Options[tokenKey, Token]{MaximumSize: maxFresh})}
}

// Token is a minted token.
type Token struct {
	Value        string
	Permissions  access.PermissionSet
	Organisation access.OrganisationID
	Audiences    []string
	IssuedAt     time.Time
	ExpiresAt    time.Time
}

// String keeps the token out of logs.
func (Token) String() string { return "[redacted]" }

// Request says what a token is wanted for.
type Request struct {
	Principal    *access.Principal
	Organisation access.OrganisationID // System: a token without an organisation
	Audiences    []string              // none: Core
	Limit        *access.PermissionSet // never more than these; nil: all that is granted
	Route        string                // what for, in the record of a refusal
}

// tokenKey is everything that a token depends on. A token is reused only for an equal key.
type tokenKey struct {
	issuer, subject, client, iamRoles, audiences string
	organisation                                 access.OrganisationID
	permissions                                  access.PermissionSet
	version, notAfter                            int64
	kid                                          string
}

// claims is the payload of an app token. Core accepts exactly this (spec: Core v1.74.2, STS token validation).
type claims struct {
	Issuer         string                `json:"iss"`
	Audience       []string              `json:"aud"`
	Subject        string                `json:"sub"`
	ClientID       string                `json:"client_id,omitempty"`
	IssuedAt       int64                 `json:"iat"`
	ExpiresAt      int64                 `json:"exp"`
	ID             string                `json:"jti"`
	OrganisationID access.OrganisationID `json:"organisationId,omitempty"`
	Permissions    []string              `json:"permissions"`
	Mapping        int64                 `json:"mapping"`
}

// Issue mints a token, or returns one minted a moment ago for an equal request. Every token of Portico comes from here.
func (s *Service) Issue(ctx context.Context, req Request) (Token, error) {
	audiences := req.Audiences
	if len(audiences) == 0 {
		audiences = s.Audiences[:1]
	}
	for _, audience := range audiences {
		if !slices.Contains(s.Audiences, audience) {
			return Token{}, &Error{Code: InvalidTarget, Description: fmt.Sprintf("%q is not an audience of this service; expected one of: %s", clip(audience), strings.Join(s.Audiences, ", "))}
		}
	}
	set, version, err := s.Policy.Permissions(ctx, req.Principal, req.Organisation, req.Route)
	if err != nil {
		return Token{}, err
	}
	if req.Limit != nil {
		set = set.Intersect(*req.Limit)
	}
	p, now := req.Principal, s.Now()
	if !now.Before(p.NotAfter) {
		return Token{}, fault.Unauthenticated.New("the identity provider's token has expired")
	}
	key := tokenKey{
		issuer: p.Issuer, subject: p.Subject, client: p.ClientID, iamRoles: strings.Join(p.IAMRoles, "\x00"),
		audiences: strings.Join(audiences, "\x00"), organisation: req.Organisation, permissions: set,
		version: version, notAfter: p.NotAfter.Unix(), kid: s.Ring.current.Load().active.kid,
	}
	if token, ok := s.fresh.GetIfPresent(key); ok && now.Before(token.renewAt()) {
		return token, nil
	}
	token := s.mint(p, req.Organisation, audiences, set, version, now)
	s.fresh.Set(key, token)
	return token, nil
}

// IssueOwn mints a token by which Portico itself calls Core, e.g. to learn which organisations there are. It acts for
// nobody and in no organisation.
func (s *Service) IssueOwn(permissions access.PermissionSet) Token {
	now := s.Now()
	self := &access.Principal{Issuer: s.Issuer, Subject: ownSubject, ClientID: ownSubject, NotAfter: now.Add(s.TTL)}
	return s.mint(self, access.System, s.Audiences[:1], permissions, 0, now)
}

// ownSubject names Portico in Core's records.
const ownSubject = "portico"

// renewAt leaves a fifth of the token's life for its way through Core.
func (t Token) renewAt() time.Time { return t.ExpiresAt.Add(-t.ExpiresAt.Sub(t.IssuedAt) / 5) }

func (s *Service) mint(p *access.Principal, org access.OrganisationID, audiences []string, set access.PermissionSet, version int64, now time.Time) Token {
	expires := now.Add(s.TTL)
	if p.NotAfter.Before(expires) {
		expires = p.NotAfter
	}
	payload, err := json.Marshal(claims{
		Issuer: s.Issuer, Audience: audiences, Subject: p.Subject, ClientID: p.ClientID,
		IssuedAt: now.Unix(), ExpiresAt: expires.Unix(), ID: uuid.NewString(),
		OrganisationID: org, Permissions: set.Names(), Mapping: version,
	})
	if err != nil {
		panic(err) // strings and numbers always marshal
	}
	value, _ := s.Ring.sign(payload)
	return Token{Value: value, Permissions: set, Organisation: org, Audiences: audiences, IssuedAt: now, ExpiresAt: expires}
}

func clip(s string) string {
	const most = 100
	if len(s) > most {
		s = s[:most] + "…"
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}
