package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/portico-iam/portico/internal/dev"
)

var (
	action = regexp.MustCompile(`<form[^>]*action="([^"]*)"`)
	hidden = regexp.MustCompile(`<input[^>]*type="hidden"[^>]*name="([^"]*)"[^>]*value="([^"]*)"`)
)

// prepare maps two groups to a role, and returns what a member of each sends: a session cookie, a bearer token.
func prepare(base, data string) (session, bearer http.Header, err error) {
	admin, err := signIn(base, "ada@acme.test")
	if err != nil {
		return nil, nil, err
	}
	var role, mapped struct{ ID string }
	if err := post(admin, base, "/api/sts/role/v1", `{"name":"Issuer","permissions":["CREDENTIAL_LIST","CREDENTIAL_ISSUE"]}`, &role); err != nil {
		return nil, nil, err
	}
	for _, group := range []string{"Acme Issuance", "Acme Batch"} {
		mapping := fmt.Sprintf(`{"name":%q,"organisationRoles":{%q:[%q]}}`, group, organisation, role.ID)
		if err := post(admin, base, "/api/sts/iam-role/v1", mapping, &mapped); err != nil {
			return nil, nil, err
		}
	}
	member, err := signIn(base, "ivan@acme.test")
	if err != nil {
		return nil, nil, err
	}
	u, err := url.Parse(base)
	if err != nil {
		return nil, nil, err
	}
	for _, c := range member.Jar.Cookies(u) {
		if c.Name == "portico_session" {
			session = http.Header{"Cookie": {c.Name + "=" + c.Value}}
		}
	}
	if session == nil {
		return nil, nil, errors.New("the sign-in left no session cookie")
	}
	token, err := serviceToken(filepath.Join(data, "dev.json"))
	return session, http.Header{"Authorization": {"Bearer " + token}}, err
}

// serviceToken signs the first service of dev.json in.
func serviceToken(path string) (string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	var info dev.Info
	if err := json.Unmarshal(text, &info); err != nil {
		return "", err
	}
	form := url.Values{"grant_type": {"client_credentials"}, "scope": {"one.api"}}
	req, err := http.NewRequest(http.MethodPost, info.Issuer+"/v1/token", strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(info.ServiceClients[0].ClientID, info.ServiceClients[0].ClientSecret)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	var reply struct {
		AccessToken string `json:"access_token"`
	}
	if err := decode(resp.Body, &reply); err != nil {
		return "", err
	}
	if reply.AccessToken == "" {
		return "", fmt.Errorf("expected a token for %s, got %d", info.ServiceClients[0].ClientID, resp.StatusCode)
	}
	return reply.AccessToken, nil
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
