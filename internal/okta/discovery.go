package okta

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

const wellKnown = "/.well-known/openid-configuration"

const aboutOrganisation = "/.well-known/okta-organization"

// issuerOf asks an authorization server for its own name: what it says there to a client, to the letter, is in that client's
// tokens.
func (c *Client) issuerOf(ctx context.Context, server, clientID string) (string, error) {
	address := server + wellKnown
	if clientID != "" {
		address = query(address, map[string]string{"client_id": clientID})
	}
	var metadata struct{ Issuer string }
	if err := c.ask(ctx, address, &metadata); err != nil {
		return "", err
	}
	if issuer := strings.TrimSuffix(metadata.Issuer, "/"); issuer != "" {
		return issuer, nil
	}
	return "", fmt.Errorf("%s names no issuer: is it the address of an Okta organisation?", pathOnly(address))
}

// customDomain is the organisation's other address, at which its people sign in; "" where it has none, or does not say.
func (c *Client) customDomain(ctx context.Context) (string, error) {
	var about object
	err := c.ask(ctx, c.URL+aboutOrganisation, &about)
	var refused *Error
	if err != nil && !errors.As(err, &refused) {
		return "", err
	}
	domain, _ := origin(about.text("_links.alternate.href"))
	return domain, nil
}

// ask reads what everybody may read. It takes no credential along.
func (c *Client) ask(ctx context.Context, address string, out any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	path := request.URL.Path
	request.Header.Set("Accept", "application/json")
	response, err := c.HTTP.Do(request)
	if err != nil {
		return unreachable(http.MethodGet, path, err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	switch {
	case err != nil:
		return unreachable(http.MethodGet, path, err)
	case response.StatusCode != http.StatusOK:
		return refusal(http.MethodGet, path, response, answer)
	case json.Unmarshal(answer, out) != nil:
		return notJSON(http.MethodGet, path, response)
	}
	return nil
}

// nameIssuer fills in the issuer of the server that the Management API calls stated. With a custom domain people sign in
// there, and where the server's issuer follows the address, tokens have that one.
func (r *run) nameIssuer(ctx context.Context, stated string) error {
	custom, err := r.client.customDomain(ctx)
	if err != nil {
		return err
	}
	v := &r.plan.Values
	v.Issuer = stated
	path := "" // of the organisation's own
	if _, id, found := strings.Cut(stated, "/oauth2/"); found {
		path = "/oauth2/" + id
	}
	named, err := r.client.issuerOf(ctx, cmp.Or(custom, r.Okta.URL)+path, v.ClientID)
	switch {
	case err == nil:
		v.Issuer = named
	case custom != "":
		r.note("The organisation has the custom domain %s, which does not answer for this authorization server (%v): the issuer is taken as the Management API has it.", custom, err)
	}
	v.DiscoveryURL = v.Issuer + wellKnown
	return nil
}
