package okta

import (
	"context"
	"fmt"
	"slices"
)

const (
	serversPath = "/api/v1/authorizationServers"

	atServers = "Security > API > Authorization Servers"
)

// ensureServer is the authorization server: one that is there, used as it is, or one of our own.
func (r *run) ensureServer(ctx context.Context) (err error) {
	want := r.AuthorizationServer
	p := part{
		key: "authorization server", console: atServers, collection: serversPath, lifecycle: true,
		want: func(live object, ours bool) (fields, error) {
			f := fields{}
			if live != nil {
				f["status"] = "ACTIVE"
			}
			if want.Audience != "" {
				f["audiences"] = list(want.Audience)
			}
			return f, nil
		},
		danger: func(_ object, ours bool, changed []Change) string {
			if !ours && slices.ContainsFunc(changed, func(c Change) bool { return c.Field == "audiences" }) {
				return "Every other application and API that uses this authorization server expects the present audience and will refuse its tokens. Leave authorizationServer.audience out to use the present one."
			}
			return ""
		},
	}
	if want.ID != "" {
		p.id, p.title = want.ID, fmt.Sprintf("Authorization server %q", want.ID)
	} else {
		p.title = fmt.Sprintf("Authorization server %q", want.Name)
		p.name = fields{"name": want.Name}
		p.fresh = object{"name": want.Name, "description": "Tokens for Procivis One"}
	}
	if r.server, err = r.ensure(ctx, p); err != nil {
		return err
	}
	v := &r.plan.Values
	v.Audience = want.Audience
	if r.server == nil {
		return nil
	}
	if audiences := r.server.texts("audiences"); v.Audience == "" && len(audiences) > 0 {
		v.Audience = audiences[0]
	}
	if err := r.nameIssuer(ctx, r.server.text("issuer")); err != nil {
		return err
	}
	if r.server.at("accessTokenEncryptedResponseAlgorithm") != nil {
		r.note("This authorization server encrypts its access tokens, which Portico can't read: switch that off, or use another server.")
	}
	return nil
}

// serverPath is where the server's own resources are; "" while there is no server.
func (r *run) serverPath(collection string) string {
	if r.server == nil {
		return ""
	}
	return serversPath + "/" + r.server.id() + "/" + collection
}

// scopes is what a sign-in asks for: the default of the configuration, and what the claim is bound to.
func (r *run) scopes() []string {
	scopes := r.signInScopes()
	if len(r.claimScopes) > 0 && !slices.ContainsFunc(r.claimScopes, func(s string) bool { return slices.Contains(scopes, s) }) {
		scopes = append(scopes, r.claimScopes[0])
	}
	return scopes
}
