package sts

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/config"
)

// ServiceClient says which client of the identity provider runs the service behind an audience: tokens for that
// audience are handed to it. Client ids are unique per issuer only. Subject is what the client's own tokens are about:
// those of users who signed in through it bear its id as well.
type ServiceClient struct {
	Audience, Issuer, ClientID, Subject string
	Secret                              config.Secret // empty: the client has none here
}

// is tells whether p is the client itself.
func (c ServiceClient) is(p *access.Principal) bool {
	return c.ClientID == p.ClientID && c.Issuer == p.Issuer && c.Subject == p.Subject
}

// isBehind tells whether p runs the service behind one of the audiences.
func (s *Service) isBehind(p *access.Principal, audiences []string) bool {
	return p.ClientID != "" && slices.ContainsFunc(s.Clients, func(c ServiceClient) bool {
		return c.is(p) && slices.Contains(audiences, c.Audience)
	})
}

// isClient tells whether p is a client, rather than a user who signed in through one.
func (s *Service) isClient(p *access.Principal) bool {
	return p.ClientID != "" && (p.Subject == p.ClientID || slices.ContainsFunc(s.Clients, func(c ServiceClient) bool { return c.is(p) }))
}

// Authenticate returns the client that authenticates by a secret (RFC 6749 section 2.3.1), nil where none does. Any other
// scheme than Bearer, which is a gateway's doing, or names a caller who is judged elsewhere, is refused.
func (s *Service) Authenticate(r *http.Request) (*access.Principal, error) {
	values := r.Header.Values("Authorization")
	if len(values) == 0 || len(values) == 1 && len(values[0]) > 7 && strings.EqualFold(values[0][:7], "Bearer ") {
		return nil, nil
	}
	id, secret, ok := r.BasicAuth()
	id, err := url.QueryUnescape(id)
	secret, err2 := url.QueryUnescape(secret)
	if len(values) > 1 || !ok || err != nil || err2 != nil {
		return nil, refuse(InvalidClient, "expected HTTP Basic with the client's id and secret")
	}
	got := sha256.Sum256([]byte(secret))
	for _, c := range s.Clients {
		want := sha256.Sum256([]byte(c.Secret.Reveal()))
		if c.ClientID == id && c.Secret != "" && subtle.ConstantTimeCompare(got[:], want[:]) == 1 {
			return &access.Principal{Issuer: c.Issuer, Subject: c.Subject, ClientID: c.ClientID}, nil
		}
	}
	return nil, refuse(InvalidClient, "there is no client of that id and secret (sts.token.clients)")
}

// checkClient holds the client of a request against who authenticated. One that has a secret here must.
func (s *Service) checkClient(req *Request, authenticated *access.Principal) error {
	client := req.Principal
	if req.Actor != nil {
		client = req.Actor
	}
	if authenticated != nil {
		if authenticated.ClientID != client.ClientID || authenticated.Issuer != client.Issuer {
			return refuse(InvalidClient, "expected the client to which the token was issued")
		}
		return nil
	}
	return s.MustAuthenticate(client)
}

// MustAuthenticate refuses a client by its token alone that has a secret here.
func (s *Service) MustAuthenticate(client *access.Principal) error {
	for _, c := range s.Clients {
		if c.Secret != "" && c.ClientID == client.ClientID && c.Issuer == client.Issuer {
			return refuse(InvalidClient, "expected the client's secret, by HTTP Basic")
		}
	}
	return nil
}

// checkDelegation refuses an actor who was not given the subject's token. Both tokens are valid, which says nothing of
// their belonging together: without this, whoever gets hold of any user's token could have it spliced to their own.
func (s *Service) checkDelegation(req *Request) error {
	actor, before := req.Actor, req.From.actors()
	if len(before)+1 > s.Delegation.MaxDepth {
		return refuse(InvalidRequest, "delegation: at most %d services may act one behind the other", s.Delegation.MaxDepth)
	}
	// Else a service could act for itself, and so use the roles that are restricted to acting for others.
	if actor.Subject == req.Principal.Subject || slices.Contains(before, actor.Subject) {
		return refuse(InvalidRequest, "actor_token: it is of the one whom the subject_token is about, or who acts for them already")
	}
	switch {
	case req.From != nil:
		if !s.isBehind(actor, req.From.Audience) {
			return refuse(InvalidRequest, "actor_token: the subject_token is for no service of this client (sts.token.clients)")
		}
	case req.MayAct != nil: // RFC 8693 section 4.4: it says who may, so nobody else; by its client id, the client itself
		if !req.MayAct.Names(actor) || req.MayAct.Subject == "" && !s.isClient(actor) {
			return refuse(InvalidRequest, "actor_token: may_act of the subject_token names somebody else")
		}
	case !s.isClient(actor) || actor.ClientID != req.Principal.ClientID || actor.Issuer != req.Principal.Issuer:
		return refuse(InvalidRequest, "actor_token: the subject_token was issued to another client, and does not name this one in may_act")
	}
	return nil
}

// actors returns who acts in the token, the latest first.
func (t *AppToken) actors() []string {
	if t == nil {
		return nil
	}
	return t.Actor.subjects()
}

var errStale = refuse(InvalidRequest, "subject_token: the mappings have changed since the app token was issued; exchange the identity provider's token anew")

// checkFrom holds a request for less by an app token against it. It can only be for less: nothing of what the token says
// is decided anew, so that it must rest on the mappings of now, and a token in which somebody acts stays a delegated one.
func (s *Service) checkFrom(req *Request, audiences []string) error {
	t := req.From
	if t == nil {
		return nil
	}
	switch {
	case len(t.Ancestors) >= maxAncestors:
		return refuse(InvalidRequest, "subject_token: it was exchanged %d times already; exchange the identity provider's token anew", maxAncestors)
	case t.Mapping != s.Policy.Version():
		return errStale
	case t.OrganisationID != req.Organisation:
		return refuse(InvalidTarget, "organisation_id: the app token is for another organisation, or for none")
	case t.Subject == ownSubject && t.ClientID == ownSubject:
		return refuse(InvalidRequest, "subject_token: the app token is about nobody")
	case req.Actor != nil:
		return nil
	case t.Actor != nil:
		return refuse(InvalidRequest, "subject_token: a delegated token is exchanged with an actor_token only")
	}
	for _, audience := range audiences {
		if !slices.Contains(t.Audience, audience) {
			return refuse(InvalidTarget, "%q is not an audience of the app token", clip(audience))
		}
	}
	return nil
}
