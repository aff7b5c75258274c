package sts

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
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
	// Permissions returns everything the principal may do there; it refuses as a fault.
	Permissions(ctx context.Context, p *access.Principal, org access.OrganisationID, route string) (access.Rights, error)
	// Delegated returns everything the service may do there for the user, who holds those permissions there; nil: those
	// that their IAM roles give.
	Delegated(ctx context.Context, service, user *access.Principal, held *access.PermissionSet, org access.OrganisationID, route string) (access.Rights, error)
	// NoteToken notes that a token with these permissions left Portico, NoteDelegated one by which a service acts for a user.
	NoteToken(p *access.Principal, org access.OrganisationID, set access.PermissionSet)
	NoteDelegated(service, user *access.Principal, org access.OrganisationID, set access.PermissionSet)
	// Version returns the version that decides now.
	Version() int64
}

// Config is what a Service needs.
type Config struct {
	Issuer     string
	Audiences  []string // the services that tokens may be for; the first is Core
	Clients    []ServiceClient
	TTL        time.Duration
	Delegation Delegation
	Ring       *Ring
	Policy     Policy
	Revoked    RevokedStore
	Cuts       Cuts // nil: nobody is revoked, and no session is known
	// Current refuses while this replica does not know what others have revoked; nil: there is nobody else.
	Current func() error
	Now     func() time.Time
	// Looked is told whether a token was found that was minted before, Minted of each that is signed, by its kind, and how
	// long that took; nil: nobody is.
	Looked func(found bool)
	Minted func(kind string, took time.Duration)
}

func (s *Service) current() error {
	if s.Current == nil {
		return nil
	}
	return s.Current()
}

// Cuts tell what counts no more though it has not expired.
type Cuts interface {
	EndedFor(issuer, subject string, issuedAt time.Time) bool
	EndedIn(org access.OrganisationID, issuedAt time.Time) bool
	// SessionAlive asks the store: what is exchanged for a token of a session must not outlive it.
	SessionAlive(ctx context.Context, ref string) (bool, error)
}

// Delegation bounds delegated tokens. The zero value refuses them.
type Delegation struct {
	TTL      time.Duration
	MaxDepth int // how many services may act one behind the other
}

// Service mints tokens.
type Service struct {
	Config
	fresh   *otter.Cache[tokenKey, Token]
	revoked *revoked
}

// maxFresh bounds the tokens that are kept for reuse.
const maxFresh = 20_000

// New returns a service that is ready to mint.
func New(cfg Config) *Service {
	return &Service{
		Config: cfg, fresh: otter.Must(&otter.Options[tokenKey, Token]{MaximumSize: maxFresh}),
		revoked: &revoked{ids: map[string]revokedID{}, by: map[string]int{}},
	}
}

// Token is a minted token.
type Token struct {
	Value        string
	ID           string // jti
	Permissions  access.PermissionSet
	Organisation access.OrganisationID
	Audiences    []string
	Actors       []string // who acts for the subject, the latest first
	actors       *actorClaim
	originatedAt int64
	IssuedAt     time.Time
	ExpiresAt    time.Time
	Reused       bool // it was minted for an equal request before
}

// String keeps the token out of logs.
func (Token) String() string { return "[redacted]" }

// Request says what a token is wanted for.
type Request struct {
	Principal    *access.Principal
	Actor        *access.Principal     // acts for the principal; nil: nobody does
	From         *AppToken             // the app token that says what the principal may do; nil: their IAM roles do
	MayAct       *access.MayAct        // who may act for the principal, as their token has it; nil: it does not say
	Organisation access.OrganisationID // System: a token without an organisation
	Audiences    []string              // none: those of From, else Core
	Limit        *access.PermissionSet // never more than these; nil: all that is granted
	Session      string                // the ref of the session that it is for; empty: none
	Route        string                // what for, in the record of a refusal
	own          bool                  // Portico's own
}

// client returns the client that the token is issued to.
func (r *Request) client() string {
	if r.Actor != nil {
		return r.Actor.ClientID
	}
	return r.Principal.ClientID
}

// session is the ref of the session behind the request, also through an app token.
func (r *Request) session() string {
	if r.From != nil {
		return r.From.Session
	}
	return r.Session
}

// originatedAt is when the identity provider's token was issued by which the subject came, in seconds; 0 where it does not
// say, and for a session.
func (r *Request) originatedAt() int64 {
	switch {
	case r.From != nil:
		return r.From.OriginatedAt
	case r.Session != "":
		return 0
	}
	return seconds(r.Principal.IssuedAt)
}

// notAfter is when the first of the tokens behind the request ends.
func (r *Request) notAfter() time.Time {
	end := r.Principal.NotAfter
	if r.Actor != nil && r.Actor.NotAfter.Before(end) {
		end = r.Actor.NotAfter
	}
	return end
}

// tokenKey is everything that a token depends on. A token is reused only for an equal key.
type tokenKey struct {
	issuer, subject, client, iamRoles, audiences string
	actors, signInClass, signInMethods           string
	session, ancestors                           string
	organisation                                 access.OrganisationID
	permissions                                  access.PermissionSet
	version, notAfter, signInAt                  int64
	originatedAt, actorIssuedAt                  int64
	kid                                          string
}

// Issue mints a token, or returns one minted a moment ago for an equal request. Every token of Portico comes from here.
func (s *Service) Issue(ctx context.Context, req Request) (Token, error) {
	if err := s.current(); err != nil {
		return Token{}, err
	}
	audiences, err := s.audiences(&req)
	if err != nil {
		return Token{}, err
	}
	if req.Actor != nil {
		if err := s.checkDelegation(&req); err != nil {
			return Token{}, err
		}
	}
	if err := s.checkFrom(&req, audiences); err != nil {
		return Token{}, err
	}
	if err := s.checkCuts(&req); err != nil {
		return Token{}, err
	}
	rights, err := s.rights(ctx, &req)
	if err != nil {
		return Token{}, err
	}
	set := rights.Permissions
	signer, err := s.Ring.signing()
	if err != nil {
		return Token{}, err
	}
	if req.Limit != nil {
		if set = set.Intersect(*req.Limit); set.IsEmpty() && !req.Limit.IsEmpty() {
			return Token{}, refuse(InvalidScope, "none of the requested permissions is granted there")
		}
	}
	now, notAfter := s.Now(), req.notAfter()
	if notAfter.Sub(now) < time.Second { // a token tells its end in whole seconds
		return Token{}, fault.Unauthenticated.New("the identity provider's token has expired")
	}
	p := req.Principal
	token := Token{Permissions: set, Organisation: req.Organisation, Audiences: audiences, IssuedAt: now, originatedAt: req.originatedAt()}
	key := tokenKey{
		issuer: p.Issuer, subject: p.Subject, client: req.client(), iamRoles: strings.Join(p.IAMRoles, "\x00"),
		audiences: strings.Join(audiences, "\x00"), organisation: req.Organisation, permissions: set,
		version: rights.Version, notAfter: notAfter.Unix(), kid: signer.kid,
		signInAt: p.SignIn.At, signInClass: p.SignIn.Class, signInMethods: strings.Join(p.SignIn.Methods, "\x00"),
		session: req.session(), ancestors: strings.Join(req.From.lineage(), "\x00"), originatedAt: token.originatedAt,
	}
	ttl := s.TTL
	if req.Actor != nil {
		ttl = s.Delegation.TTL
		token.Actors = append([]string{req.Actor.Subject}, req.From.actors()...)
		token.actors = &actorClaim{Subject: req.Actor.Subject, Issuer: req.Actor.Issuer, IssuedAt: seconds(req.Actor.IssuedAt)}
		if req.From != nil {
			token.actors.Before = req.From.Actor
		}
		key.actors, key.actorIssuedAt = req.Actor.Issuer+"\x00"+strings.Join(token.Actors, "\x00"), token.actors.IssuedAt
	}
	usable := func(t *Token) bool {
		return !now.Before(t.IssuedAt) && now.Before(t.renewAt()) && !s.revoked.has(t.ID)
	}
	if fresh, ok := s.fresh.GetIfPresent(key); ok && usable(&fresh) {
		fresh.Reused = true
		s.looked(true)
		return fresh, nil
	}
	s.looked(false)
	token.ExpiresAt = access.First(earlier(now.Add(ttl), notAfter), rights.Until) // nobody holds by a token what has ended
	// Of many who ask for the same at once, one has it signed.
	s.fresh.Compute(key, func(fresh Token, found bool) (Token, otter.ComputeOp) {
		if found && usable(&fresh) {
			token, token.Reused = fresh, true
			return fresh, otter.CancelOp
		}
		if err = s.mint(&token, &req, rights.Version); err != nil {
			return fresh, otter.CancelOp
		}
		return token, otter.WriteOp
	})
	return token, err
}

// checkCuts refuses who was revoked since their token was found valid, and whose token is from before an organisation was.
// So what is kept is not handed out any more either: the caller's own token counts as little. A session is not asked here:
// one that was revoked is not found.
func (s *Service) checkCuts(req *Request) error {
	switch {
	case s.Cuts == nil:
		return nil
	case req.Actor != nil && s.endedFor(req.Actor.Issuer, req.Actor.Subject, req.Organisation, req.Actor.IssuedAt):
	case req.From != nil && s.isCut(req.From):
	case req.From != nil, req.Session != "":
		return nil
	case s.endedFor(req.Principal.Issuer, req.Principal.Subject, req.Organisation, req.Principal.IssuedAt):
	default:
		return nil
	}
	return fault.Unauthenticated.New("the token was issued before access was revoked; get a new one")
}

// audiences returns the services that the token is for. One that is not configured is refused.
func (s *Service) audiences(req *Request) ([]string, error) {
	audiences := req.Audiences
	switch {
	case len(audiences) > 0:
	case req.From != nil && req.Actor == nil:
		audiences = req.From.Audience
	default:
		audiences = s.Audiences[:1]
	}
	for _, audience := range audiences {
		if !slices.Contains(s.Audiences, audience) {
			return nil, refuse(InvalidTarget, "%q is not an audience of this service; expected one of: %s", clip(audience), strings.Join(s.Audiences, ", "))
		}
	}
	return audiences, nil
}

// rights asks the policy. What is exchanged for an app token rests on what that one says; from the second actor on it is
// within it, so that a chain of services never gathers permissions.
func (s *Service) rights(ctx context.Context, req *Request) (rights access.Rights, err error) {
	t := req.From
	switch {
	case req.Actor == nil && t == nil:
		return s.Policy.Permissions(ctx, req.Principal, req.Organisation, req.Route)
	case req.Actor == nil:
		return access.Rights{Permissions: t.permissions, Version: t.Mapping}, nil
	case t == nil:
		return s.Policy.Delegated(ctx, req.Actor, req.Principal, nil, req.Organisation, req.Route)
	}
	rights, err = s.Policy.Delegated(ctx, req.Actor, req.Principal, &t.permissions, req.Organisation, req.Route)
	if err == nil && rights.Version != t.Mapping { // they changed this very moment
		err = errStale
	}
	if t.Actor != nil {
		rights.Permissions = rights.Permissions.Intersect(t.permissions)
	}
	return rights, err
}

// IssueOwn mints a token by which Portico itself calls Core, e.g. to learn which organisations there are. It acts for
// nobody and in no organisation.
func (s *Service) IssueOwn(permissions access.PermissionSet) (Token, error) {
	return s.own(permissions, ownSubject)
}

// IssueRecord mints a token by which Portico adds to Core's history what user did, for Core takes the user from the token. It
// allows nothing else.
func (s *Service) IssueRecord(user string) (Token, error) {
	return s.own(access.SetOf(access.HistoryCreate), cmp.Or(user, ownSubject))
}

func (s *Service) own(permissions access.PermissionSet, subject string) (Token, error) {
	now := s.Now()
	token := Token{
		Permissions: permissions, Organisation: access.System, Audiences: s.Audiences[:1],
		IssuedAt: now, ExpiresAt: now.Add(s.TTL), originatedAt: now.Unix(),
	}
	err := s.mint(&token, &Request{Principal: &access.Principal{Subject: subject, ClientID: ownSubject}, own: true}, 0)
	return token, err
}

// ownSubject names Portico in Core's records.
const ownSubject = "portico"

// renewAt leaves a fifth of the token's life for its way through Core.
func (t Token) renewAt() time.Time { return t.ExpiresAt.Add(-t.ExpiresAt.Sub(t.IssuedAt) / 5) }

func (s *Service) looked(found bool) {
	if s.Looked != nil {
		s.Looked(found)
	}
}

// kind is that of the token that a request leads to.
func (r *Request) kind() string {
	switch {
	case r.own:
		return "own"
	case r.Actor != nil:
		return "delegated"
	case r.From != nil:
		return "exchanged"
	}
	return "direct"
}

func (s *Service) mint(t *Token, req *Request, version int64) (err error) {
	if s.Minted != nil {
		began := time.Now()
		defer func() { s.Minted(req.kind(), time.Since(began)) }()
	}
	p := req.Principal
	t.ID = uuid.NewString()
	payload := encode(claims{
		Issuer: s.Issuer, Audience: t.Audiences, Subject: p.Subject, SubjectIssuer: p.Issuer, ClientID: cmp.Or(req.client(), p.Subject),
		Session: req.session(), Ancestors: req.From.lineage(),
		IssuedAt: t.IssuedAt.Unix(), ExpiresAt: t.ExpiresAt.Unix(), ID: t.ID,
		OrganisationID: t.Organisation, Permissions: t.Permissions.Names(), Mapping: version, Actor: t.actors, OriginatedAt: t.originatedAt,
		AuthTime: p.SignIn.At, ACR: p.SignIn.Class, AMR: p.SignIn.Methods,
	})
	t.Value, err = s.Ring.sign(payload)
	return err
}

// encode returns the claims as JSON without escaping &, < and >, which would make six bytes of one.
func encode(c claims) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(c); err != nil {
		panic(err) // strings and numbers always marshal
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func clip(s string) string { return fault.Clip(s, 100) }
