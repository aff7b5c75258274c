package chaos

import (
	"bytes"
	"encoding/json"
	"errors"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// client is a browser that takes failures as they come.
type client struct {
	http *http.Client
	base string
}

func newClient(base string) *client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		panic(err)
	}
	return &client{&http.Client{Jar: jar, Timeout: 20 * time.Second, Transport: transport}, base}
}

// transport has no limits of its own.
var transport = &http.Transport{MaxIdleConnsPerHost: 64, IdleConnTimeout: 5 * time.Second}

// answer is a status, 0 for none, and what was said.
type answer struct {
	status int
	body   []byte
	sent   time.Time
}

func (a answer) is(statuses ...int) bool {
	for _, s := range statuses {
		if a.status == s {
			return true
		}
	}
	return false
}

func (c *client) do(method, address, contentType, accept string, body io.Reader, headers ...string) (answer, *url.URL) {
	if strings.HasPrefix(address, "/") {
		address = c.base + address
	}
	req, err := http.NewRequest(method, address, body)
	if err != nil {
		panic(err)
	}
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	req.Header.Set("Accept", accept)
	if accept == "text/html" {
		req.Header.Set("Sec-Fetch-Mode", "navigate")
		req.Header.Set("Sec-Fetch-Dest", "document")
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	a := answer{sent: time.Now()}
	resp, err := c.http.Do(req)
	if err != nil {
		return a, nil
	}
	defer resp.Body.Close()
	if a.body, err = io.ReadAll(io.LimitReader(resp.Body, 1<<20)); err != nil {
		return a, nil
	}
	a.status = resp.StatusCode
	return a, resp.Request.URL
}

// call asks the API.
func (c *client) call(method, address string, body any, headers ...string) answer {
	var reader io.Reader
	contentType := ""
	if body != nil {
		raw, _ := json.Marshal(body)
		reader, contentType = bytes.NewReader(raw), "application/json"
	}
	a, _ := c.do(method, address, contentType, "application/json", reader, headers...)
	return a
}

func (c *client) form(address string, values url.Values, headers ...string) answer {
	a, _ := c.do(http.MethodPost, address, "application/x-www-form-urlencoded", "application/json", strings.NewReader(values.Encode()), headers...)
	return a
}

var (
	hidden = regexp.MustCompile(`<input[^>]*type="hidden"[^>]*>`)
	named  = regexp.MustCompile(`name="([^"]*)"`)
	valued = regexp.MustCompile(`value="([^"]*)"`)
	action = regexp.MustCompile(`<form[^>]*action="([^"]*)"`)
)

var errSignIn = errors.New("the sign-in did not come to its end")

// signIn goes the whole way over Okta.
func (c *client) signIn(login string) error {
	page, at := c.do(http.MethodGet, "/", "", "text/html", http.NoBody)
	if page.status != http.StatusOK || !bytes.Contains(page.body, []byte(`name="password"`)) {
		return errSignIn
	}
	values := url.Values{"username": {login}, "password": {"portico-dev"}}
	for _, input := range hidden.FindAllString(string(page.body), -1) {
		if name, value := named.FindStringSubmatch(input), valued.FindStringSubmatch(input); name != nil && value != nil {
			values.Set(html.UnescapeString(name[1]), html.UnescapeString(value[1]))
		}
	}
	if m := action.FindStringSubmatch(string(page.body)); m != nil && m[1] != "" {
		to, err := at.Parse(html.UnescapeString(m[1]))
		if err != nil {
			return err
		}
		at = to
	}
	page, _ = c.do(http.MethodPost, at.String(), "application/x-www-form-urlencoded", "text/html", strings.NewReader(values.Encode()),
		"Origin", at.Scheme+"://"+at.Host)
	if page.status != http.StatusOK {
		return errSignIn
	}
	if me := c.call(http.MethodGet, "/api/user/v1/me", nil); me.status != http.StatusOK {
		return errSignIn
	}
	return nil
}
