package sts

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/httpx"
)

// The identifiers of RFC 8693 section 3.
const (
	GrantTokenExchange = "urn:ietf:params:oauth:grant-type:token-exchange"
	TypeAccessToken    = "urn:ietf:params:oauth:token-type:access_token"
	TypeJWT            = "urn:ietf:params:oauth:token-type:jwt"
	TypeIDToken        = "urn:ietf:params:oauth:token-type:id_token"
)

// The bounds of a request.
const (
	maxTargets = 10
	maxScopes  = 1000
)

// IAM validates access tokens of the identity provider. A refusal is fault.Unauthenticated.
type IAM interface {
	// Principal refuses tokens that speak of delegation.
	Principal(ctx context.Context, token string) (*access.Principal, error)
	// Subject admits one that names who may act for whom it is about. May is nil where it names nobody.
	Subject(ctx context.Context, token string) (_ *access.Principal, may *access.MayAct, err error)
	// Identity reads an ID token of the sign-in.
	Identity(ctx context.Context, token string) (*access.Principal, error)
}

// Exchange is the token endpoint.
type Exchange struct {
	Service *Service
	History *history.Recorder
	IAM     IAM
	// IDTokens are accepted as subject tokens too.
	IDTokens bool

	refusals refusals
}

var _ http.Handler = (*Exchange)(nil)

type exchangeResponse struct {
	AccessToken     string `json:"access_token"`
	IssuedTokenType string `json:"issued_token_type"`
	TokenType       string `json:"token_type"`
	ExpiresIn       int64  `json:"expires_in"`
	Scope           string `json:"scope"`
}

// ServeHTTP answers as RFC 8693 section 2.2 says, never with a refresh token: the identity provider decides how long
// somebody is signed in.
func (x *Exchange) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	neverCached(w)
	token, err := x.exchange(w, r)
	if err != nil {
		WriteError(w, r, err)
		return
	}
	httpx.WriteJSON(w, http.StatusOK, exchangeResponse{
		AccessToken: token.Value, IssuedTokenType: TypeAccessToken, TokenType: "Bearer",
		ExpiresIn: max(1, int64(token.ExpiresAt.Sub(x.Service.Now()).Seconds())), Scope: strings.Join(token.Permissions.Names(), " "),
	})
}

func (x *Exchange) exchange(w http.ResponseWriter, r *http.Request) (Token, error) {
	f, err := readForm(w, r, "audience", "resource")
	if err != nil {
		return Token{}, err
	}
	if err := f.checkGrant(); err != nil {
		return Token{}, err
	}
	if err := f.checkClient(); err != nil {
		return Token{}, err
	}
	client, err := x.Service.Authenticate(r)
	if err != nil {
		return Token{}, err
	}
	req, err := f.request(x.IDTokens)
	if err != nil {
		return Token{}, err
	}
	err = x.readTokens(r.Context(), f, &req)
	if err == nil {
		httpx.NoteCaller(r.Context(), req.Principal.Issuer, req.Principal.Subject, req.session())
		err = x.Service.checkClient(&req, client)
	}
	var token Token
	if err == nil {
		token, err = x.Service.Issue(r.Context(), req)
	}
	if err != nil {
		return Token{}, x.refused(r.Context(), &req, err)
	}
	x.note(&req, &token)
	if !token.Reused {
		x.record(r.Context(), &req, &token)
	}
	return token, nil
}

// readTokens validates both tokens, each by the rules of whoever issued it.
func (x *Exchange) readTokens(ctx context.Context, f form, req *Request) (err error) {
	client := &req.Principal
	if raw := f.get("actor_token"); raw != "" {
		client = &req.Actor
		if x.Service.isOurs(raw) { // it does not tell the IAM roles by which its bearer acts for others
			return refuse(InvalidRequest, "actor_token: expected the identity provider's access token of the service, got an app token")
		}
		if req.Actor, err = x.IAM.Principal(ctx, raw); err != nil {
			return about("actor_token", err)
		}
	}
	raw := f.get("subject_token")
	switch {
	case x.Service.isOurs(raw):
		if req.From, err = x.Service.open(ctx, raw); err == nil {
			req.Principal = req.From.principal()
			err = req.From.place(f.get("organisation_id") != "", req)
		}
	case f.get("subject_token_type") == TypeIDToken:
		req.Principal, err = x.IAM.Identity(ctx, raw)
	case req.Actor != nil:
		req.Principal, req.MayAct, err = x.IAM.Subject(ctx, raw)
	default:
		req.Principal, err = x.IAM.Principal(ctx, raw)
	}
	if err != nil {
		return about("subject_token", err)
	}
	if id := f.get("client_id"); id != "" && id != (*client).ClientID {
		return refuse(InvalidClient, "client_id: expected the client to which the token was issued")
	}
	return nil
}

// issuance is what the record of a token tells in detail.
type issuance struct {
	Client      string   `json:"client"`
	Issuer      string   `json:"issuer"`
	Permissions []string `json:"permissions"`
	Expires     string   `json:"expires"`
	Actor       string   `json:"actor,omitempty"` // the latest of Actors
	Actors      []string `json:"actors,omitempty"`
	ActorIssuer string   `json:"actorIssuer,omitempty"`
}

// note has it that the permissions of a token left Portico. What is exchanged for an app token was noted with that one, as far as
// nobody acts.
func (x *Exchange) note(req *Request, token *Token) {
	switch {
	case req.Actor != nil:
		x.Service.Policy.NoteDelegated(req.Actor, req.Principal, req.Organisation, token.Permissions)
	case req.From == nil:
		x.Service.Policy.NoteToken(req.Principal, req.Organisation, token.Permissions)
	}
}

// record notes who got a token, and for whom.
func (x *Exchange) record(ctx context.Context, req *Request, token *Token) {
	details := issuance{
		Client: req.client(), Issuer: req.Principal.Issuer, Permissions: token.Permissions.Names(), Expires: httpx.Timestamp(token.ExpiresAt),
	}
	if req.Actor != nil {
		details.Actor, details.Actors, details.ActorIssuer = token.Actors[0], token.Actors, req.Actor.Issuer
	}
	x.History.Record(ctx, history.Entry{
		Action: history.Created, EntityType: history.STSToken, EntityID: token.ID, Name: strings.Join(token.Audiences, " "),
		Source: history.SourceSTS, OrganisationID: token.Organisation, User: req.Principal.Subject, Metadata: history.Details(details),
	})
}

func (f form) checkGrant() error {
	switch grant := f.get("grant_type"); grant {
	case GrantTokenExchange:
		return nil
	case "":
		return refuse(InvalidRequest, "grant_type: expected %s", GrantTokenExchange)
	}
	return refuse(UnsupportedGrantType, "grant_type: expected %s", GrantTokenExchange)
}

// request reads the parameters of RFC 8693 section 2.1, save the tokens. Unrecognised ones are ignored (RFC 6749
// section 3.2).
func (f form) request(idTokens bool) (Request, error) {
	if err := f.checkTypes(idTokens); err != nil {
		return Request{}, err
	}
	req := Request{Route: "POST /api/sts/token/v1"}
	var err error
	if req.Audiences, err = f.targets(); err != nil {
		return Request{}, err
	}
	if id := f.get("organisation_id"); id != "" {
		parsed, err := httpx.ParseUUID(id)
		if err != nil {
			return Request{}, refuse(InvalidRequest, "organisation_id: %s", fault.Of(err).Detail)
		}
		req.Organisation = access.OrganisationID(parsed)
	}
	names := strings.Fields(f.get("scope"))
	if len(names) > maxScopes {
		return Request{}, refuse(InvalidScope, "scope: expected at most %d permissions", maxScopes)
	}
	if len(names) > 0 {
		limit, unknown := access.ParseSet(names)
		if len(unknown) > 0 {
			return Request{}, refuse(InvalidScope, "there is no permission %s", clip(unknown[0]))
		}
		req.Limit = &limit
	}
	return req, nil
}

// targets returns the services that the token is wanted for. A service that is configured by its address may be named as
// resource too, which is an absolute URI without a fragment (RFC 8707 section 2).
func (f form) targets() ([]string, error) {
	if len(f["audience"])+len(f["resource"]) > maxTargets {
		return nil, refuse(InvalidTarget, "audience, resource: expected at most %d", maxTargets)
	}
	targets := slices.Clone(f["audience"])
	for _, resource := range f["resource"] {
		if u, err := url.Parse(resource); err != nil || !u.IsAbs() || strings.Contains(resource, "#") {
			return nil, refuse(InvalidTarget, "resource: expected an absolute URI without a fragment")
		}
		targets = append(targets, resource)
	}
	slices.Sort(targets)
	return slices.Compact(targets), nil
}

// checkTypes holds the tokens' types against what is accepted (RFC 8693 sections 2.1 and 3).
func (f form) checkTypes(idTokens bool) error {
	subject, actor := f.get("subject_token_type"), f.get("actor_token_type")
	switch {
	case f.get("subject_token") == "":
		return refuse(InvalidRequest, "subject_token: required, an access token of the identity provider or an app token")
	case subject == TypeIDToken && !idTokens:
		return refuse(InvalidRequest, "subject_token_type: ID tokens are not accepted here (sts.token.idTokens); send an access token")
	case subject == TypeIDToken:
	case subject != TypeAccessToken && subject != TypeJWT:
		return refuse(InvalidRequest, "subject_token_type: expected %s", TypeAccessToken)
	case f.get("actor_token") == "" && actor != "":
		return refuse(InvalidRequest, "actor_token_type: expected together with actor_token")
	case f.get("actor_token") != "" && actor != TypeAccessToken && actor != TypeJWT:
		return refuse(InvalidRequest, "actor_token_type: expected %s", TypeAccessToken)
	}
	if t := f.get("requested_token_type"); t != "" && t != TypeAccessToken && t != TypeJWT {
		return refuse(InvalidRequest, "requested_token_type: expected %s", TypeAccessToken)
	}
	return nil
}
