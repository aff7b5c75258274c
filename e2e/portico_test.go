// Package e2e runs the whole product: in process, as the built binary, by plain HTTP and in a real browser.
package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/config"
	"github.com/portico-iam/portico/internal/dev"
	"github.com/portico-iam/portico/internal/devokta"
	"github.com/portico-iam/portico/internal/store"
	"github.com/portico-iam/portico/internal/testdb"
)

// portico is a development Portico that runs for one test.
type portico struct {
	*dev.Dev
	t    *testing.T
	logs *lockedBuffer
	late atomic.Int64 // how far its clock, and Okta's, is ahead

	database store.Config
	db       *store.DB // beside it
}

// advance moves the clock.
func (p *portico) advance(d time.Duration) { p.late.Add(int64(d)) }

// noPause is how far a clock may leap without being a pause in the publication of the keys, and without being the end of a
// token that is under way: it has a minute left, and Core's leeway.
const noPause = 90 * time.Second

// pass lets at least so much time pass, in which the keys are published.
func (p *portico) pass(d time.Duration) {
	p.t.Helper()
	if p.db == nil {
		p.db = testdb.OpenConfig(p.t, p.database)
	}
	for ; d > 0; d -= noPause {
		p.advance(noPause)
		eventually(p.t, "there is a sign of life", func() bool {
			_, alive, err := p.db.KeyRevision(p.t.Context())
			return err == nil && p.now().Sub(alive) <= time.Minute
		})
	}
}

func (p *portico) now() time.Time { return time.Now().Add(time.Duration(p.late.Load())) }

// start runs a development Portico in process until the test ends.
func start(t *testing.T, configure func(*config.Config)) *portico {
	t.Helper()
	return startIn(t, t.TempDir(), configure)
}

func startIn(t *testing.T, dir string, configure func(*config.Config)) *portico {
	t.Helper()
	return startAs(t, dev.Options{DataDir: dir, Configure: configure})
}

// startAs fills in what every test wants alike.
func startAs(t *testing.T, o dev.Options) *portico {
	t.Helper()
	logs := &lockedBuffer{}
	p := &portico{t: t, logs: logs}
	o.Listen, o.OktaListen = "127.0.0.1:0", "127.0.0.1:0"
	o.Logger = slog.New(slog.NewTextHandler(logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
	o.Now = p.now
	configure := o.Configure
	o.Configure = func(c *config.Config) {
		if configure != nil {
			configure(c)
		}
		p.database = store.Config{Driver: c.Store.Driver, DSN: c.Store.DSN.Reveal()}
	}
	d, err := dev.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }()
	t.Cleanup(func() {
		http.DefaultTransport.(*http.Transport).CloseIdleConnections()
		stop()
		if err := <-done; err != nil {
			t.Errorf("portico stopped: %v", err)
		}
		if t.Failed() {
			t.Logf("log:\n%s", logs.String())
		}
	})
	p.Dev = d
	return p
}

// browser is an HTTP client that behaves like a browser as far as the server can tell: it keeps cookies, follows
// redirects, and says where its requests come from.
type browser struct {
	t      *testing.T
	base   string
	client *http.Client
}

func (p *portico) browser() *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		p.t.Fatal(err)
	}
	return &browser{t: p.t, base: p.Info.PublicURL, client: &http.Client{Jar: jar, Timeout: 30 * time.Second}}
}

// answer is what an address led to.
type answer struct {
	status int
	url    *url.URL
	header http.Header
	body   string
}

func (b *browser) do(req *http.Request) answer {
	b.t.Helper()
	resp, err := b.client.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Request.URL, resp.Header, string(body)}
}

func (b *browser) request(method, address string, body io.Reader) *http.Request {
	b.t.Helper()
	if strings.HasPrefix(address, "/") {
		address = b.base + address
	}
	req, err := http.NewRequest(method, address, body)
	if err != nil {
		b.t.Fatal(err)
	}
	return req
}

// open navigates to an address.
func (b *browser) open(address string) answer {
	req := b.request(http.MethodGet, address, nil)
	req.Header.Set("Accept", "text/html")
	req.Header.Set("Sec-Fetch-Mode", "navigate")
	req.Header.Set("Sec-Fetch-Dest", "document")
	req.Header.Set("Sec-Fetch-Site", "none")
	return b.do(req)
}

// submit posts a form of a page of the same site.
func (b *browser) submit(address string, values url.Values) answer {
	req := b.request(http.MethodPost, address, strings.NewReader(values.Encode()))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "text/html")
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	req.Header.Set("Origin", req.URL.Scheme+"://"+req.URL.Host)
	return b.do(req)
}

// call is a request of a page's script: JSON in, JSON out.
func (b *browser) call(method, address string, body any, into any) answer {
	b.t.Helper()
	var reader io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			b.t.Fatal(err)
		}
		reader = bytes.NewReader(raw)
	}
	req := b.request(method, address, reader)
	req.Header.Set("Sec-Fetch-Mode", "cors")
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	p := b.do(req)
	if into != nil {
		if err := json.Unmarshal([]byte(p.body), into); err != nil {
			b.t.Fatalf("%s %s: %d %s: %v", method, address, p.status, p.body, err)
		}
	}
	return p
}

var (
	formAction  = regexp.MustCompile(`<form[^>]*action="([^"]*)"`)
	hiddenInput = regexp.MustCompile(`<input[^>]*type="hidden"[^>]*>`)
	nameAttr    = regexp.MustCompile(`name="([^"]*)"`)
	valueAttr   = regexp.MustCompile(`value="([^"]*)"`)
)

// signIn opens a page and signs in at Okta on the way, as a person does.
func (b *browser) signIn(address, login string) answer {
	b.t.Helper()
	p := b.open(address)
	if p.status != http.StatusOK || !strings.Contains(p.body, `name="password"`) {
		b.t.Fatalf("expected Okta's sign-in page, got %d at %s: %.300s", p.status, p.url, p.body)
	}
	return b.submitCredentials(p, login, "portico-dev")
}

func (b *browser) submitCredentials(p answer, login, password string) answer {
	b.t.Helper()
	values := url.Values{"username": {login}, "password": {password}}
	if strings.Contains(p.body, `name="passcode"`) {
		values.Set("passcode", devokta.Passcode)
	}
	for _, input := range hiddenInput.FindAllString(p.body, -1) {
		if name := nameAttr.FindStringSubmatch(input); name != nil {
			if value := valueAttr.FindStringSubmatch(input); value != nil {
				values.Set(unescape(name[1]), unescape(value[1]))
			}
		}
	}
	action := p.url
	if m := formAction.FindStringSubmatch(p.body); m != nil && m[1] != "" {
		var err error
		if action, err = p.url.Parse(unescape(m[1])); err != nil {
			b.t.Fatal(err)
		}
	}
	return b.submit(action.String(), values)
}

func unescape(s string) string {
	return strings.NewReplacer("&amp;", "&", "&#34;", `"`, "&#39;", "'", "&lt;", "<", "&gt;", ">", "&#43;", "+").Replace(s)
}

func (p answer) mustContain(t *testing.T, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(p.body, text) {
			t.Errorf("%s (%d): expected %q in the page", p.url, p.status, text)
		}
	}
}
