package coreapi

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/httpx"
)

// The bounds of one call.
const (
	maxAnswer   = 8 << 20 // bytes; a full page of 1000 entries is well under one
	callTimeout = 30 * time.Second
)

// Client calls Core. Every method takes the bearer token to send, and every error is a *fault.Fault: Core's own code
// for its 400 and 404, Unauthenticated and Forbidden for its 401 and 403 (which have no body), CoreUnavailable and
// CoreTimeout for the rest.
type Client struct {
	BaseURL *url.URL     // Core's address; /api/… is appended
	HTTP    *http.Client // its redirect policy is ignored: redirects are never followed
}

// call is one request.
type call struct {
	method string
	path   []string
	query  url.Values
	body   any // nil: none
	token  string
	status int // the status of success
	into   any // nil: the answer's body is of no interest
}

func (c *Client) do(ctx context.Context, k call) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	req, err := c.request(ctx, k)
	if err != nil {
		return err
	}
	// A redirect would carry the token to wherever Core, or somebody in its place, points.
	client := *c.HTTP
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	res, err := client.Do(req)
	if err != nil {
		return transportFault(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	if err != nil {
		return transportFault(err)
	}
	if len(body) > maxAnswer {
		return fault.CoreUnavailable.New("expected at most %d bytes from Core for %s %s", maxAnswer, k.method, req.URL.Path)
	}
	if res.StatusCode != k.status {
		return answerFault(req, res.StatusCode, body)
	}
	if k.into == nil {
		return nil
	}
	if err := json.Unmarshal(body, k.into); err != nil {
		return fault.CoreUnavailable.New("Core's answer to %s %s is not what its contract says", k.method, req.URL.Path).Because(err)
	}
	return nil
}

func (c *Client) request(ctx context.Context, k call) (*http.Request, error) {
	// Checked here because net/http quotes a bad header value in its error, and this value is a token.
	if !plainToken(k.token) {
		return nil, fault.Unauthenticated.New("expected a bearer token for Core")
	}
	var body io.Reader
	if k.body != nil {
		b, err := json.Marshal(k.body)
		if err != nil {
			return nil, fault.Internal.New("the request to Core can't be written").Because(err)
		}
		body = bytes.NewReader(b)
	}
	u := c.BaseURL.JoinPath(k.path...)
	u.RawQuery = k.query.Encode()
	req, err := http.NewRequestWithContext(ctx, k.method, u.String(), body)
	if err != nil {
		return nil, fault.Internal.New("the request to Core can't be made").Because(err)
	}
	req.Header.Set("Authorization", "Bearer "+k.token)
	req.Header.Set("Accept", "application/json")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if id := httpx.RequestID(ctx); id != "" {
		req.Header.Set("X-Request-Id", id)
	}
	return req, nil
}

// plainToken tells whether s is a b64token (RFC 6750 section 2.1).
func plainToken(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z':
		case c == '-', c == '.', c == '_', c == '~', c == '+', c == '/', c == '=':
		default:
			return false
		}
	}
	return s != ""
}

// pathID checks an id before it becomes part of a path.
func pathID[S ~string](field string, id S) (string, error) {
	s, err := httpx.ParseUUID(string(id))
	if err != nil {
		return "", fault.InvalidInput.New("%s: %s", field, fault.Of(err).Detail).At(field)
	}
	return s, nil
}

// String shows where the client points, and nothing of what it was built with.
func (c *Client) String() string { return fmt.Sprintf("Core at %s", c.BaseURL.Redacted()) }
