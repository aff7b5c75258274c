//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"

	"github.com/portico-iam/portico/internal/devokta"
)

const (
	callback     = "/.apisix/redirect" // of every gateway
	porticoLogin = "/login?return=%2F"
)

var (
	action = regexp.MustCompile(`<form[^>]*action="([^"]*)"`)
	hidden = regexp.MustCompile(`<input[^>]*type="hidden"[^>]*name="([^"]*)"[^>]*value="([^"]*)"`)
)

// signIn signs somebody of the development Okta in as a browser does: from an address that asks for it over Okta's form to
// the gateway's callback. The page behind it is not fetched.
func signIn(ctx context.Context, address, login string) (*http.Client, error) {
	jar, _ := cookiejar.New(nil) // without options there is nothing to fail
	client := &http.Client{Jar: jar, CheckRedirect: func(_ *http.Request, via []*http.Request) error {
		if via[len(via)-1].URL.Path == callback {
			return http.ErrUseLastResponse
		}
		return nil
	}}
	navigate := func(method, address, body string) (*http.Response, string, error) {
		req, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(body))
		if err != nil {
			return nil, "", err
		}
		req.Header.Set("Accept", "text/html")
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		resp, err := client.Do(req)
		if err != nil {
			return nil, "", err
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
		return resp, string(text), err
	}
	resp, page, err := navigate(http.MethodGet, address, "")
	if err != nil {
		return nil, err
	}
	form := url.Values{"username": {login}, "password": {devokta.Password}}
	for _, m := range hidden.FindAllStringSubmatch(page, -1) {
		form.Set(m[1], html.UnescapeString(m[2]))
	}
	m := action.FindStringSubmatch(page)
	if m == nil {
		return nil, fmt.Errorf("%s: expected Okta's form, got %d at %s", address, resp.StatusCode, resp.Request.URL.Path)
	}
	where, err := resp.Request.URL.Parse(html.UnescapeString(m[1]))
	if err != nil {
		return nil, err
	}
	if resp, _, err = navigate(http.MethodPost, where.String(), form.Encode()); err != nil {
		return nil, err
	}
	if resp.Request.URL.Path != callback || resp.StatusCode/100 != 3 {
		return nil, fmt.Errorf("sign-in of %s: expected a redirect at the callback, got %d at %s", login, resp.StatusCode, resp.Request.URL.Path)
	}
	return client, nil
}

// session is what somebody's browser sends when it has signed in.
func session(ctx context.Context, s *server, path string) (http.Header, error) {
	client, err := signIn(ctx, s.url+path, "ivan@acme.test")
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(s.url + target)
	if err != nil {
		return nil, err
	}
	var all []string
	for _, c := range client.Jar.Cookies(u) {
		all = append(all, c.Name+"="+c.Value)
	}
	if len(all) == 0 {
		return nil, errors.New("the sign-in left no cookie")
	}
	return http.Header{"Cookie": {strings.Join(all, "; ")}}, nil
}

// loginCost is the CPU time of a sign-in, in milliseconds: of the gateway alone, not of Okta or the browser.
func loginCost(ctx context.Context, s *server, path string, logins int) (float64, error) {
	before := s.cpu()
	for range logins {
		if _, err := signIn(ctx, s.url+path, "ivan@acme.test"); err != nil {
			return 0, fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return float64((s.cpu() - before).Microseconds()) / 1000 / float64(logins), nil
}

// do sends a request and reads the JSON that it is answered with.
func do(client *http.Client, req *http.Request, status int, into any) error {
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return err
	}
	if resp.StatusCode != status {
		return fmt.Errorf("%s: expected %d, got %d: %.1000s", req.URL, status, resp.StatusCode, text)
	}
	return json.Unmarshal(text, into)
}
