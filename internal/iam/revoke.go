package iam

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/portico-iam/portico/internal/config"
)

// Revoke tells the authorization server that a refresh token is not needed any more (RFC 7009). Where it has no such
// endpoint the token lives on there, and nobody has it.
func (c *Client) Revoke(ctx context.Context, refreshToken string) error {
	m, err := c.Provider.Metadata(ctx)
	if err != nil || m.RevocationEndpoint == "" {
		return err
	}
	form := url.Values{"token": {refreshToken}, "token_type_hint": {"refresh_token"}}
	if c.AuthMethod == config.ClientSecretPost {
		form.Set("client_id", c.ID)
		form.Set("client_secret", c.Secret.Reveal())
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, m.RevocationEndpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if c.AuthMethod != config.ClientSecretPost { // RFC 6749 section 2.3.1: encoded before it is put together
		req.SetBasicAuth(url.QueryEscape(c.ID), url.QueryEscape(c.Secret.Reveal()))
	}
	resp, err := c.HTTP.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("revocation: expected status 200, got %d", resp.StatusCode)
	}
	return nil
}
