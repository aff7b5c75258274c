package e2e

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"path"
	"strings"
	"testing"
	"time"
)

// browserAt is a browser for a Portico wherever it runs.
func browserAt(t *testing.T, base string) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{t: t, base: base, client: &http.Client{Jar: jar, Timeout: 30 * time.Second}}
}

// cookie returns the value of a cookie that the browser keeps for Portico; empty when there is none.
func (b *browser) cookie(name string) string {
	base, err := url.Parse(b.base)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, c := range b.client.Jar.Cookies(base) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

const sessionCookie = "portico_session"

// stolen is another browser that holds nothing but that session cookie.
func (b *browser) stolen(value string) *browser {
	other := browserAt(b.t, b.base)
	base, _ := url.Parse(b.base)
	other.client.Jar.SetCookies(base, []*http.Cookie{{Name: sessionCookie, Value: value, Path: "/"}})
	return other
}

// steps follows no redirect: the answer itself counts.
func (b *browser) steps() *browser {
	single := *b.client
	single.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &browser{t: b.t, base: b.base, client: &single}
}

// in is a call in an organisation.
func (b *browser) in(organisation, method, address string) answer {
	req := b.request(method, address, nil)
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	req.Header.Set("X-Organisation-Id", organisation)
	return b.do(req)
}

// post sends what a browser would send for a page's form, as it is given.
func (b *browser) post(address, contentType, body string) answer {
	req := b.request(http.MethodPost, address, strings.NewReader(body))
	req.Header.Set("Content-Type", contentType)
	req.Header.Set("Accept", "text/html")
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	return b.do(req)
}

// create makes something by the API and returns its id.
func (b *browser) create(path string, body map[string]any) string {
	b.t.Helper()
	var c created
	mustStatus(b.t, b.call("POST", path, body, &c), http.StatusCreated)
	return c.ID
}

// mayEverywhere maps an IAM role to a role in organisations.
func (b *browser) mayEverywhere(iamRole, role string, organisations ...string) string {
	b.t.Helper()
	mapped := map[string]any{}
	for _, o := range organisations {
		mapped[o] = []string{role}
	}
	return b.create("/api/sts/iam-role/v1", map[string]any{"name": iamRole, "organisationRoles": mapped})
}

// untar returns the files of a tar.gz by their base names.
func untar(t *testing.T, content string) map[string]string {
	t.Helper()
	z, err := gzip.NewReader(strings.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for archive := tar.NewReader(z); ; {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(archive)
		if err != nil {
			t.Fatal(err)
		}
		files[path.Base(h.Name)] = string(b)
	}
}
