package okta

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	maxAnswer  = 8 << 20 // bytes of one answer
	maxPages   = 500     // of one list
	maxRetries = 5
	maxWait    = 90 * time.Second // for one rate-limit window; they last a minute
)

// object is a resource of Okta with every field it came with: a replacement must send back what it does not know.
type object map[string]any

// Client calls the Management API of one organisation. Calls are made one after the other.
type Client struct {
	URL        string // https://dev-12345.okta.com
	Credential Credential
	HTTP       *http.Client
	Now        func() time.Time
	Wait       func(context.Context, time.Duration) error
	Waiting    func(why string, d time.Duration) // told before a wait; nil for nobody
}

// HTTPClient is how Okta is called: bounded in time, and never on to another address, where the credential would go too.
func HTTPClient() *http.Client {
	return &http.Client{
		Timeout:       30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// NewClient makes a client for the organisation at url, which Setup has checked.
func NewClient(url string, credential Credential) *Client {
	return &Client{URL: url, Credential: credential, HTTP: HTTPClient(), Now: time.Now, Wait: wait}
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}

// get reads one resource; nil when there is none.
func (c *Client) get(ctx context.Context, path string) (object, error) {
	var out object
	err := c.call(ctx, http.MethodGet, path, nil, &out)
	if IsNotFound(err) {
		return nil, nil
	}
	return out, err
}

// list reads all pages. Only links of the same origin are followed (okta.md 4: a foreign one would get the credential).
func (c *Client) list(ctx context.Context, path string) ([]object, error) {
	var all []object
	for range maxPages {
		var page []object
		header, err := c.roundTrips(ctx, http.MethodGet, path, nil, &page)
		if err != nil {
			return nil, err
		}
		all = append(all, page...)
		next, err := c.next(header)
		if next == "" || err != nil {
			return all, err
		}
		path = next
	}
	return nil, fmt.Errorf("the list %s of Okta's has more than %d pages", pathOnly(path), maxPages)
}

// next finds the address of the next page (RFC 8288): Okta sends a header line for each link.
func (c *Client) next(header http.Header) (string, error) {
	for _, line := range header.Values("Link") {
		target, parameters, found := strings.Cut(line, ">")
		if !found || !strings.Contains(parameters, `rel="next"`) {
			continue
		}
		rest, ours := strings.CutPrefix(strings.TrimPrefix(strings.TrimSpace(target), "<"), c.URL)
		if !ours || !strings.HasPrefix(rest, "/") {
			return "", errors.New("a list of Okta's goes on at another address than it began at: not followed")
		}
		return rest, nil
	}
	return "", nil
}

// call sends one request, again where that is safe, and decodes the answer into out unless it is nil.
func (c *Client) call(ctx context.Context, method, path string, in, out any) error {
	_, err := c.roundTrips(ctx, method, path, in, out)
	return err
}

func (c *Client) roundTrips(ctx context.Context, method, path string, in, out any) (http.Header, error) {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return nil, err
		}
	}
	for attempt := 1; ; attempt++ {
		header, err := c.roundTrip(ctx, method, path, body, out)
		if err == nil || attempt == maxRetries || ctx.Err() != nil {
			return header, err
		}
		pause, why := c.again(method, err, header, attempt)
		if why == "" {
			return header, err
		}
		if c.Waiting != nil {
			c.Waiting(why, pause)
		}
		if err := c.Wait(ctx, pause); err != nil {
			return nil, err
		}
	}
}

// again tells how long to wait before the same request once more; no reason means not at all. A POST whose answer was lost
// may have made something: it is never sent twice.
func (c *Client) again(method string, err error, header http.Header, attempt int) (time.Duration, string) {
	backoff := time.Duration(1<<attempt) * 250 * time.Millisecond
	var refused *Error
	switch {
	case !errors.As(err, &refused):
		if method == http.MethodPost || attempt > 2 {
			return 0, ""
		}
		return backoff, "Okta can't be reached"
	case refused.Status == http.StatusTooManyRequests:
		return c.untilReset(header, backoff), "Okta's rate limit is used up"
	case refused.Status == http.StatusLocked: // E0000239
		return backoff, "Okta is putting priorities in order"
	case refused.Status >= 500 && method != http.MethodPost && attempt <= 2:
		return backoff, "Okta failed"
	}
	return 0, ""
}

// untilReset is the time to the end of the rate-limit window by Okta's own clock, which ours need not agree with.
func (c *Client) untilReset(header http.Header, atLeast time.Duration) time.Duration {
	reset, err := strconv.ParseInt(header.Get("X-Rate-Limit-Reset"), 10, 64)
	if err != nil {
		return atLeast
	}
	now, err := http.ParseTime(header.Get("Date"))
	if err != nil {
		now = c.Now()
	}
	return min(max(time.Unix(reset, 0).Sub(now)+time.Second, atLeast), maxWait)
}

func (c *Client) roundTrip(ctx context.Context, method, path string, body []byte, out any) (http.Header, error) {
	// Paths come from the record of what was applied, too: none may lead to another host, where the credential would go.
	if !strings.HasPrefix(path, "/api/v1/") && !strings.HasPrefix(path, "/oauth2/v1/") || strings.Contains(path, "/../") {
		return nil, fmt.Errorf("%q is no address of the Management API: not called", clip(pathOnly(path)))
	}
	request, err := http.NewRequestWithContext(ctx, method, c.URL+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", "portico")
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if err := c.Credential.authorize(ctx, c, request); err != nil {
		return nil, err
	}
	response, err := c.HTTP.Do(request)
	if err != nil {
		return nil, unreachable(method, path, err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	switch {
	case err != nil:
		return response.Header, unreachable(method, path, err)
	case len(answer) > maxAnswer:
		return response.Header, fmt.Errorf("the answer to %s %s is longer than %d bytes", method, pathOnly(path), maxAnswer)
	case response.StatusCode >= 300:
		return response.Header, refusal(method, path, response, answer)
	case out == nil:
		return response.Header, nil
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return response.Header, notJSON(method, path, response)
	}
	return response.Header, nil
}

// unreachable names the request, less the URL that net/http puts into its errors: its query may hold names.
func unreachable(method, path string, err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	if errors.Is(err, context.Canceled) {
		return fmt.Errorf("stopped during %s %s: %w", method, pathOnly(path), err)
	}
	return fmt.Errorf("Okta can't be reached (%s %s): %w", method, pathOnly(path), err)
}

func pathOnly(path string) string {
	path, _, _ = strings.Cut(path, "?")
	return path
}

// query builds a path with parameters.
func query(path string, parameters map[string]string) string {
	values := url.Values{}
	for name, value := range maps.All(parameters) {
		values.Set(name, value)
	}
	return path + "?" + values.Encode()
}

// quoted writes a value into a search or filter expression.
func quoted(value string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(value) + `"`
}

// LogValue keeps the credential out of logs.
func (c *Client) LogValue() slog.Value { return slog.StringValue(c.URL) }
