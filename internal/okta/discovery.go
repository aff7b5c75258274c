package okta

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
)

const wellKnown = "/.well-known/openid-configuration"

// issuerOf asks an authorization server for its own name: what it says there, to the letter, is in its tokens. It takes no
// credential.
func (c *Client) issuerOf(ctx context.Context, server string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, server+wellKnown, nil)
	if err != nil {
		return "", err
	}
	request.Header.Set("Accept", "application/json")
	response, err := c.HTTP.Do(request)
	if err != nil {
		return "", unreachable(http.MethodGet, wellKnown, err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return "", unreachable(http.MethodGet, wellKnown, err)
	}
	if response.StatusCode != http.StatusOK {
		return "", refusal(http.MethodGet, wellKnown, response, answer)
	}
	var metadata struct{ Issuer string }
	if json.Unmarshal(answer, &metadata) != nil {
		return "", notJSON(http.MethodGet, wellKnown, response)
	}
	if issuer := strings.TrimSuffix(metadata.Issuer, "/"); issuer != "" {
		return issuer, nil
	}
	return "", fmt.Errorf("%s%s names no issuer: is it the address of an Okta organisation?", server, wellKnown)
}
