// Package corecall calls Core on somebody's behalf: with a token minted for them, or as the configured mode says.
//
//	Bearer         the token to send, for the proxy and for the calls below
//	Organisations  list, create and change organisations as a person; the mirror in policy follows at once
//	Posting        the history, posted on to Core's
//	Mirror         the list of organisations, as Portico itself: what policy's mirror is made of
//
// Core checks every token itself; what is enforced here is refused earlier and explained better.
package corecall

import (
	"context"
	"strings"
	"time"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/config"
	"github.com/portico-iam/portico/internal/coreapi"
	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/policy"
	"github.com/portico-iam/portico/internal/sts"
)

// Caller gives calls to Core their token.
type Caller struct {
	Mode        string // config.AuthSTS and its siblings
	StaticToken config.Secret
	STS         *sts.Service
	Minted      *history.Gatherer // records the tokens that people's requests take; nil: nothing does
}

// Bearer returns the token for a call. In the unsafe modes it says nothing of who calls.
func (c *Caller) Bearer(ctx context.Context, req sts.Request) (string, error) {
	if c.Mode != config.AuthSTS {
		return c.unsafeBearer(), nil
	}
	token, err := c.STS.Issue(ctx, req)
	if err == nil && !token.Reused {
		c.Minted.Note(minted(req, token))
	}
	return token.Value, err
}

// minted is what is recorded of the tokens that a session, or a caller without one, takes in one organisation.
func minted(req sts.Request, token sts.Token) history.Entry {
	details := struct {
		Issuer string `json:"issuer"`
		Client string `json:"client,omitempty"`
	}{req.Principal.Issuer, req.Principal.ClientID}
	return history.Entry{
		Action: history.Issued, EntityType: history.STSToken, EntityID: req.Session, Name: strings.Join(token.Audiences, " "),
		Source: history.SourceSTS, OrganisationID: token.Organisation, User: req.Principal.Subject, Metadata: history.Details(details),
	}
}

func (c *Caller) unsafeBearer() string {
	if c.Mode == config.AuthUnsafeStatic {
		return c.StaticToken.Reveal()
	}
	return "none" // Core reads no token in this mode
}

// Mirror lists Core's organisations as Portico itself.
type Mirror struct {
	Caller *Caller
	Client *coreapi.Client
}

var _ policy.Organisations = (*Mirror)(nil)

// Organisations returns all of them.
func (m *Mirror) Organisations(ctx context.Context) ([]*access.Organisation, error) {
	token := m.Caller.unsafeBearer()
	if m.Caller.Mode == config.AuthSTS {
		own, err := m.Caller.STS.IssueOwn(access.SetOf(access.STSOrganisationList))
		if err != nil {
			return nil, err
		}
		token = own.Value
	}
	list, err := m.Client.ListOrganisations(ctx, token)
	if err != nil {
		return nil, err
	}
	all := make([]*access.Organisation, 0, len(list))
	for _, o := range list {
		all = append(all, &access.Organisation{ID: o.ID, Name: o.Name, CreatedAt: o.CreatedDate.Time, DeactivatedAt: o.DeactivatedAt.Time})
	}
	return all, nil
}

// Organisations are Core's organisations, as a person may see and change them.
type Organisations struct {
	Caller *Caller
	Client *coreapi.Client
	Policy *policy.Service
}

func (o *Organisations) token(ctx context.Context, by *access.Principal, route string, need access.Permission) (string, error) {
	if err := o.Policy.Enforce(ctx, by, access.System, route, need); err != nil {
		return "", err
	}
	return o.Caller.Bearer(ctx, sts.Request{Principal: by, Route: route})
}

// List returns every organisation, the oldest first.
func (o *Organisations) List(ctx context.Context, by *access.Principal) ([]coreapi.Organisation, error) {
	token, err := o.token(ctx, by, "list organisations", access.STSOrganisationList)
	if err != nil {
		return nil, err
	}
	return o.Client.ListOrganisations(ctx, token)
}

// Get returns one organisation.
func (o *Organisations) Get(ctx context.Context, by *access.Principal, id access.OrganisationID) (coreapi.Organisation, error) {
	token, err := o.token(ctx, by, "open an organisation", access.STSOrganisationDetail)
	if err != nil {
		return coreapi.Organisation{}, err
	}
	return o.Client.GetOrganisation(ctx, token, id)
}

// Create makes an organisation and returns its id, also when the mirror could not follow.
func (o *Organisations) Create(ctx context.Context, by *access.Principal, body coreapi.OrganisationCreate) (access.OrganisationID, error) {
	token, err := o.token(ctx, by, "create an organisation", access.STSOrganisationCreate)
	if err != nil {
		return "", err
	}
	id, err := o.Client.CreateOrganisation(ctx, token, body)
	return id, o.follow(ctx, err)
}

// Change renames, deactivates or reactivates an organisation.
func (o *Organisations) Change(ctx context.Context, by *access.Principal, id access.OrganisationID, body coreapi.OrganisationPatch) error {
	token, err := o.token(ctx, by, "edit an organisation", access.STSOrganisationEdit)
	if err != nil {
		return err
	}
	return o.follow(ctx, o.Client.PatchOrganisation(ctx, token, id, body))
}

const syncTimeout = 10 * time.Second

// follow lets the mirror follow a change that ended with err. It does not depend on the caller's patience: who hangs up
// right after deactivating an organisation must not leave it active here, and who hangs up before Core has answered does
// not know whether Core did it.
func (o *Organisations) follow(ctx context.Context, err error) error {
	if err != nil && ctx.Err() == nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), syncTimeout)
	defer cancel()
	if failed := o.Policy.SyncOrganisations(ctx); err == nil {
		err = failed
	}
	return err
}
