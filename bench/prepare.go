package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
)

var (
	action = regexp.MustCompile(`<form[^>]*action="([^"]*)"`)
	hidden = regexp.MustCompile(`<input[^>]*type="hidden"[^>]*name="([^"]*)"[^>]*value="([^"]*)"`)
)

// prepare maps a group to a role and returns the session cookie of one of its members.
func prepare(base string) (cookie string, err error) {
	admin, err := signIn(base, "ada@acme.test")
	if err != nil {
		return "", err
	}
	var role struct{ ID string }
	if err := post(admin, base, "/api/sts/role/v1", `{"name":"Issuer","permissions":["CREDENTIAL_LIST","CREDENTIAL_ISSUE"]}`, &role); err != nil {
		return "", err
	}
	mapping := fmt.Sprintf(`{"name":"Acme Issuance","organisationRoles":{%q:[%q]}}`, organisation, role.ID)
	if err := post(admin, base, "/api/sts/iam-role/v1", mapping, &role); err != nil {
		return "", err
	}
	member, err := signIn(base, "ivan@acme.test")
	if err != nil {
		return "", err
	}
	u, _ := url.Parse(base)
	for _, c := range member.Jar.Cookies(u) {
		if c.Name == "portico_session" {
			return c.Name + "=" + c.Value, nil
		}
	}
	return "", fmt.Errorf("no session cookie")
}

func post(client *http.Client, base, path, body string, into any) error {
	req, _ := http.NewRequest(http.MethodPost, base+path, strings.NewReader(body))
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Origin", base)
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusCreated {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 1000))
		return fmt.Errorf("%s: expected 201, got %d: %s", path, resp.StatusCode, text)
	}
	return decode(resp.Body, into)
}

// signIn signs somebody of the development Okta in, as a browser does.
func signIn(base, login string) (*http.Client, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	client := &http.Client{Jar: jar}
	req, _ := http.NewRequest(http.MethodGet, base+"/", nil)
	req.Header.Set("Accept", "text/html")
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	page, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil {
		return nil, err
	}
	form := url.Values{"username": {login}, "password": {"portico-dev"}}
	for _, m := range hidden.FindAllSubmatch(page, -1) {
		form.Set(string(m[1]), strings.ReplaceAll(string(m[2]), "&amp;", "&"))
	}
	where := resp.Request.URL
	if m := action.FindSubmatch(page); m != nil {
		if where, err = where.Parse(strings.ReplaceAll(string(m[1]), "&amp;", "&")); err != nil {
			return nil, err
		}
	}
	post, _ := http.NewRequest(http.MethodPost, where.String(), strings.NewReader(form.Encode()))
	post.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	post.Header.Set("Accept", "text/html")
	if resp, err = client.Do(post); err != nil {
		return nil, err
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("sign-in of %s: expected 200, got %d at %s", login, resp.StatusCode, resp.Request.URL)
	}
	return client, nil
}
