package login_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/httpx"
	"github.com/portico-iam/portico/internal/iam"
	"github.com/portico-iam/portico/internal/login"
	"github.com/portico-iam/portico/internal/seal"
	"github.com/portico-iam/portico/internal/session"
	"github.com/portico-iam/portico/internal/store"
	"github.com/portico-iam/portico/internal/testdb"
)

func TestMain(m *testing.M) { testdb.Main(m) }

const (
	issuer   = "https://acme.okta.test/oauth2/default"
	callback = "/.apisix/redirect"
)

var begin = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

// okta redeems a code only with the verifier and the nonce of the flow that it was given for, and only once.
type okta struct {
	mu        sync.Mutex
	n         int
	codes     map[string][2]string // verifier, nonce
	verifiers map[string]bool
	states    map[string]bool
	away      error // of everything
	exchange  error // instead of a grant
	names     bool  // RFC 9207
}

func (o *okta) AuthorizationURL(_ context.Context, state, nonce, verifier string, _ bool) (string, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.away != nil {
		return "", o.away
	}
	if len(verifier) != 43 || len(nonce) != 43 || verifier == nonce || o.verifiers[verifier] || o.states[state] {
		return "", fmt.Errorf("not fresh: verifier %q, nonce %q", verifier, nonce)
	}
	o.n++
	code := fmt.Sprintf("code-%d", o.n)
	o.codes[code], o.verifiers[verifier], o.states[state] = [2]string{verifier, nonce}, true, true
	return "https://acme.okta.test/authorize?" + url.Values{"state": {state}, "code": {code}}.Encode(), nil
}

func (o *okta) Exchange(_ context.Context, code, verifier, nonce string) (*iam.Grant, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.exchange != nil {
		return nil, o.exchange
	}
	if want, ok := o.codes[code]; !ok || want != [2]string{verifier, nonce} {
		return nil, &iam.RefusedError{Code: "invalid_grant", Description: "PKCE verification failed."}
	}
	delete(o.codes, code)
	return &iam.Grant{
		Principal: &access.Principal{Issuer: issuer, Subject: "ivan", IAMRoles: []string{"Acme Issuance"}, NotAfter: begin.Add(24 * time.Hour)},
		IDToken:   "the-id-token",
	}, nil
}

func (o *okta) EndSessionURL(_ context.Context, idToken string) (string, error) {
	if o.away != nil || idToken == "" {
		return "", o.away
	}
	return "https://acme.okta.test/logout?id_token_hint=" + idToken, nil
}

func (o *okta) NamesItself(context.Context) (bool, error) { return o.names, o.away }

// pages shows messages as text.
type pages struct{}

func (pages) RenderMessage(w http.ResponseWriter, _ *http.Request, m httpx.Message) {
	w.WriteHeader(m.Status)
	fmt.Fprintf(w, "%s|%s|%s|%s", m.Title, m.Text, m.Reference, m.ActionURL)
}

type bench struct {
	t       *testing.T
	okta    *okta
	now     time.Time
	db      *store.DB
	handler http.Handler
	public  string
}

func newBench(t *testing.T) *bench { return newBenchAt(t, "https://portico.acme.test") }

func newBenchAt(t *testing.T, public string) *bench {
	b := &bench{
		t: t, now: begin, public: public, db: testdb.Open(t, store.SQLite),
		okta: &okta{codes: map[string][2]string{}, verifiers: map[string]bool{}, states: map[string]bool{}},
	}
	logger := slog.New(slog.NewTextHandler(io.Discard, nil))
	now := func() time.Time { return b.now }
	record := &history.Recorder{Store: b.db, Now: now, Logger: logger}
	key, secure := seal.RandomKey(), strings.HasPrefix(public, "https")
	sessions := session.New(session.Config{
		Store: b.db, Box: key.Box("session"), History: record, Idle: 8 * time.Hour, Absolute: 8 * time.Hour, Recheck: time.Minute,
		Secure: secure, Now: now, Logger: logger,
	})
	h := login.New(login.Config{
		Client: b.okta, Issuer: issuer, PublicURL: public, Sessions: sessions, History: record, Pages: pages{}, Key: key,
		CallbackPath: callback, PostLogoutPath: "/", Secure: secure, Now: now, Logger: logger,
	})
	mux := http.NewServeMux()
	h.Mount(mux)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { // as the Desk does
		s, err := sessions.Find(w, r)
		if fault.Unauthenticated.Is(err) {
			h.SignIn(w, r)
			return
		}
		if err != nil {
			httpx.WriteError(w, r, err)
			return
		}
		fmt.Fprintf(w, "page of %s", s.Principal.Subject)
	})
	b.handler = httpx.WithRequestID(logger, httpx.GuardPath(mux))
	return b
}

// browser keeps cookies.
type browser struct {
	*bench
	mu  sync.Mutex
	jar map[string]string
}

func (b *bench) browser() *browser { return &browser{bench: b, jar: map[string]string{}} }

func (c *browser) do(method, target string, headers ...string) *httptest.ResponseRecorder {
	c.t.Helper()
	r := httptest.NewRequest(method, target, nil)
	u, _ := url.Parse(c.public)
	r.Host = u.Host
	r.Header.Set("Accept", "text/html")
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
			continue
		}
		r.Header.Set(headers[i], headers[i+1])
	}
	c.mu.Lock()
	for name, value := range c.jar {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	c.mu.Unlock()
	w := httptest.NewRecorder()
	c.handler.ServeHTTP(w, r)
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, cookie := range w.Result().Cookies() {
		if !cookie.HttpOnly || cookie.Path != "/" || cookie.Domain != "" || cookie.SameSite != http.SameSiteLaxMode || cookie.Secure != (u.Scheme == "https") {
			c.t.Errorf("cookie %v", cookie)
		}
		if cookie.MaxAge < 0 {
			delete(c.jar, cookie.Name)
		} else {
			c.jar[cookie.Name] = cookie.Value
		}
	}
	return w
}

func (c *browser) get(target string, headers ...string) *httptest.ResponseRecorder {
	c.t.Helper()
	return c.do("GET", target, headers...)
}

// toOkta begins a sign-in and returns the address by which Okta will answer.
func (c *browser) toOkta(page string) string {
	c.t.Helper()
	w := c.get(page)
	location, err := url.Parse(w.Header().Get("Location"))
	if w.Code != http.StatusSeeOther || err != nil || location.Host != "acme.okta.test" {
		c.t.Fatalf("%s: got %d %s", page, w.Code, w.Body)
	}
	return callback + "?" + location.RawQuery
}

func signedIn(w *httptest.ResponseRecorder) bool {
	for _, c := range w.Result().Cookies() {
		if c.Name == "__Host-portico" && c.MaxAge >= 0 {
			return true
		}
	}
	return false
}

func TestSignIn(t *testing.T) {
	b := newBench(t)
	c := b.browser()
	w := c.get(c.toOkta("/roles?page=2"))
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/roles?page=2" || !signedIn(w) {
		t.Fatalf("got %d %s %v", w.Code, w.Body, w.Header())
	}
	if w := c.get("/roles?page=2"); w.Body.String() != "page of ivan" {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

var hostile = []string{
	"", "roles", "//evil.test", "///evil.test", "/\\evil.test", "\\\\evil.test", "/\\/evil.test", "/\t/evil.test", "/%09/evil.test", "/%2f/evil.test",
	"/%5cevil.test", "/%5C%5Cevil.test", "/@evil.test", "//@evil.test", "https://evil.test", "HTTPS:evil.test", "https:/evil.test", "//evil%E3%80%82test", "/。evil.test",
	"javascript:alert(1)", "/javascript:alert(1)//..", "data:text/html,x", "//user:pw@evil.test", "https://portico.acme.test@evil.test", "https://portico.acme.test.evil.test",
	"/ok\r\nSet-Cookie: a=b", "/ok%0d%0aSet-Cookie:%20a=b", "/ok\nX: y", "/\x00", "/..//evil.test", "/./\\evil.test", "/a/../..//evil.test", "/;@evil.test", " //evil.test", "\t//evil.test",
	"/?next=\\evil", "/#@evil.test", "/" + strings.Repeat("a", 5000), "?//evil", "/\u2215evil.test", "/\uFF0Fevil.test", "/login", "/login?return=/x", "/logout", "/%6Cogout", "/lo%67in", callback, callback + "?code=x", "http:evil.test", "//evil.test/%2f..",
}

// leadsHome tells whether a browser that follows the address stays on our host.
func leadsHome(location string) bool {
	if location == "" || location[0] != '/' || strings.ContainsAny(location, "\\\r\n\t\x00") || strings.HasPrefix(location, "//") {
		return false
	}
	base, _ := url.Parse("https://portico.acme.test/login")
	u, err := base.Parse(location)
	return err == nil && u.Scheme == "https" && u.Host == "portico.acme.test" && u.User == nil
}

func TestNT18_OneComesBackToOurOwnPagesOnly(t *testing.T) {
	b := newBench(t)
	for _, address := range hostile {
		c := b.browser()
		w := c.get(c.toOkta("/login?return=" + url.QueryEscape(address)))
		location := w.Header().Get("Location")
		if w.Code != http.StatusSeeOther || !leadsHome(location) || strings.Contains(location, "evil") && !strings.HasPrefix(location, "/@") {
			t.Errorf("%q: leads to %q", address, location)
		}
		if path, _, _ := strings.Cut(location, "?"); strings.Contains(address, "log") && path != "/" {
			t.Errorf("%q: leads into the sign-in itself: %q", address, location)
		}
	}
}

func FuzzReturn(f *testing.F) {
	for _, address := range hostile {
		f.Add(address)
	}
	f.Fuzz(func(t *testing.T, address string) {
		b := newBench(t)
		c := b.browser()
		if location := c.get(c.toOkta("/login?return=" + url.QueryEscape(address))).Header().Get("Location"); !leadsHome(location) {
			t.Errorf("%q: leads to %q", address, location)
		}
	})
}

func TestNT19_AnAlteredStateIsRefused(t *testing.T) {
	b := newBench(t)
	c := b.browser()
	query, _ := url.ParseQuery(strings.TrimPrefix(c.toOkta("/"), callback+"?"))
	state := query.Get("state")
	try := func(rule, state string) {
		t.Helper()
		if w := c.get(callback + "?" + url.Values{"state": {state}, "code": {query.Get("code")}}.Encode()); w.Code != 400 || signedIn(w) {
			t.Errorf("%s: got %d %s", rule, w.Code, w.Body)
		}
	}
	for i := 0; i < len(state); i += 7 {
		altered := []byte(state)
		altered[i] = map[bool]byte{true: 'B', false: 'A'}[altered[i] == 'A']
		try("a byte", string(altered))
		try("cut", state[:i])
	}
	try("none", "")
	try("the login cookie in its place", c.jar["__Host-portico-login"])
	try("another installation's", newBench(t).stateOf())
	try("long", strings.Repeat("A", 1<<16)[:7000])
	for rule, target := range map[string]string{
		"no state":        "?code=x",
		"the state twice": "?state=" + state + "&state=" + state + "&code=x",
		"the code twice":  "?state=" + state + "&code=x&code=y",
		"a damaged query": "?state=" + state + "&code=%zz",
		"no code":         "?state=" + state,
		"an empty code":   "?state=" + state + "&code=",
		"a long code":     "?state=" + state + "&code=" + strings.Repeat("x", 2049),
	} {
		if w := c.get(callback + target); w.Code != 400 || signedIn(w) {
			t.Errorf("%s: got %d %s", rule, w.Code, w.Body)
		}
	}
	if w := c.get(callback + "?" + query.Encode()); !signedIn(w) {
		t.Errorf("none of this used the state up: got %d %s", w.Code, w.Body)
	}
}

func (b *bench) stateOf() string {
	query, _ := url.ParseQuery(strings.TrimPrefix(b.browser().toOkta("/"), callback+"?"))
	return query.Get("state")
}

func TestNT20_21_AnAnswerCountsOnlyInTheBrowserThatAsked(t *testing.T) {
	b := newBench(t)
	attacker := b.browser()
	answer := attacker.toOkta("/") // the attacker's own code, to be planted on somebody
	if w := b.browser().get(answer); w.Code != 400 || signedIn(w) || !strings.Contains(w.Body.String(), "another browser") {
		t.Errorf("without the cookie: got %d %s", w.Code, w.Body)
	}
	victim := b.browser()
	victim.toOkta("/") // has a sign-in of its own under way, so a cookie too
	if w := victim.get(answer); w.Code < 400 || signedIn(w) {
		t.Errorf("with another browser's cookie: got %d %s", w.Code, w.Body)
	}
	double := b.browser()
	answer = double.toOkta("/")
	w := double.get(answer, "Cookie", "__Host-portico-login=x")
	if w.Code != 400 || signedIn(w) {
		t.Errorf("with two login cookies: got %d", w.Code)
	}
}

func TestNT23_AnAnswerCountsOnce(t *testing.T) {
	b := newBench(t)
	c := b.browser()
	answer := c.toOkta("/roles")
	if w := c.get(answer); !signedIn(w) {
		t.Fatalf("got %d %s", w.Code, w.Body)
	}
	if w := c.get(answer); w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/roles" || signedIn(w) {
		t.Errorf("the same browser pressed back: got %d %s", w.Code, w.Body)
	}
	if w := c.get("/"); w.Body.String() != "page of ivan" {
		t.Errorf("and is signed in still: got %d", w.Code)
	}
	thief := b.browser()
	thief.toOkta("/")
	if w := thief.get(answer); w.Code != 400 || signedIn(w) || !strings.Contains(w.Body.String(), "used already") {
		t.Errorf("another browser: got %d %s", w.Code, w.Body)
	}
	if w := c.get("/"); w.Code != http.StatusSeeOther {
		t.Errorf("the session that it began is over: got %d %s", w.Code, w.Body)
	}
}

func TestNT25_AnswersOfAnotherProvider(t *testing.T) {
	for rule, c := range map[string]struct {
		names bool
		iss   string // "-": none
		ok    bool
	}{
		"none, and none is promised":  {false, "-", true},
		"ours":                        {false, issuer, true},
		"ours, promised":              {true, issuer, true},
		"none, though it is promised": {true, "-", false},
		"another":                     {false, "https://evil.test", false},
		"another, promised":           {true, "https://evil.test", false},
		"empty":                       {false, "", false},
		"with a slash":                {false, issuer + "/", false},
	} {
		b := newBench(t)
		b.okta.names = c.names
		browser := b.browser()
		answer := browser.toOkta("/")
		if c.iss != "-" {
			answer += "&iss=" + url.QueryEscape(c.iss)
		}
		if w := browser.get(answer); signedIn(w) != c.ok {
			t.Errorf("%s: got %d %s", rule, w.Code, w.Body)
		}
	}
}

func TestOnlyNavigationsBeginASignIn(t *testing.T) {
	for rule, c := range map[string]struct {
		method  string
		headers []string
		begins  bool
	}{
		"a page":                   {"GET", []string{"Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}, true},
		"a page, an older browser": {"GET", nil, true},
		"a frame":                  {"GET", []string{"Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "iframe"}, false},
		"an object":                {"GET", []string{"Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "object"}, false},
		"fetch":                    {"GET", []string{"Sec-Fetch-Mode", "cors", "Sec-Fetch-Dest", "empty"}, false},
		"fetch that accepts HTML":  {"GET", []string{"Sec-Fetch-Mode", "same-origin", "Accept", "text/html"}, false},
		"an image":                 {"GET", []string{"Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Dest", "image"}, false},
		"XMLHttpRequest, older":    {"GET", []string{"Accept", "application/json"}, false},
		"a command line":           {"GET", []string{"Accept", "*/*"}, false},
		"a form":                   {"POST", []string{"Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}, false},
		"HEAD":                     {"HEAD", []string{"Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}, false},
		"a WebSocket":              {"GET", []string{"Sec-Fetch-Mode", "websocket", "Upgrade", "websocket"}, false},
	} {
		b := newBench(t)
		for _, page := range []string{"/roles", "/login"} {
			if page == "/login" && c.method == "POST" {
				continue
			}
			w := b.browser().do(c.method, page, c.headers...)
			if c.begins != (w.Code == http.StatusSeeOther) || !c.begins && (w.Code != 401 || w.Header().Get("Content-Type") != "application/json" || len(w.Result().Cookies()) > 0) {
				t.Errorf("%s, %s: got %d %v", rule, page, w.Code, w.Header())
			}
		}
	}
}

func TestTwentyTabsSignInAtOnce(t *testing.T) {
	b := newBench(t)
	c := b.browser()
	answers := make([]string, 20)
	for i := range answers {
		answers[i] = c.toOkta(fmt.Sprintf("/tab/%d", i))
	}
	for i, answer := range answers {
		if i == 3 {
			b.now = b.now.Add(time.Minute)
		}
		if w := c.get(answer); w.Header().Get("Location") != fmt.Sprintf("/tab/%d", i) || !signedIn(w) {
			t.Errorf("tab %d: got %d %s", i, w.Code, w.Body)
		}
	}
	if w := c.get("/"); w.Body.String() != "page of ivan" {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

func TestABrowserThatForgetsItsSessionIsNotSentRound(t *testing.T) {
	b := newBench(t)
	c := b.browser()
	for range 3 {
		c.get(c.toOkta("/"))
		delete(c.jar, "__Host-portico")
	}
	w := c.get("/")
	if w.Code != 400 || !strings.Contains(w.Body.String(), "your browser forgets it") {
		t.Fatalf("got %d %s", w.Code, w.Body)
	}
	b.now = b.now.Add(time.Minute)
	c.toOkta("/")

	c = b.browser()
	for range 6 { // who signs out keeps cookies: no loop
		c.get(c.toOkta("/login"))
		if w := c.get("/logout"); w.Code != http.StatusSeeOther {
			t.Fatalf("got %d %s", w.Code, w.Body)
		}
	}
}

func TestAnAnswerThatCameTooLateBeginsAnew(t *testing.T) {
	b := newBench(t)
	c := b.browser()
	answer := c.toOkta("/roles")
	b.now = b.now.Add(time.Hour + time.Second)
	if w := c.get(answer); w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/roles" || signedIn(w) {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

func TestRefusalsAreExplainedAndRecorded(t *testing.T) {
	for rule, c := range map[string]struct {
		query    string // Okta's answer, in place of the code
		exchange error
		status   int
		text     string
		anew     string // what the next attempt asks for besides
	}{
		"not assigned":           {query: "error=access_denied&error_description=User+is+not+assigned+canary", status: 403, text: "may not sign in", anew: "&as=somebody-else"},
		"temporarily away":       {query: "error=temporarily_unavailable", status: 502, text: "not available"},
		"its own error":          {query: "error=server_error", status: 502, text: "not available"},
		"another error":          {query: "error=invalid_scope&error_description=canary", status: 502, text: "was refused"},
		"an error of any text":   {query: "error=" + strings.Repeat("x", 3000) + "canary", status: 502, text: "was refused"},
		"a code that is refused": {exchange: &iam.RefusedError{Code: "invalid_client", Description: "canary"}, status: 502, text: "was refused"},
		"a token that we refuse": {exchange: fmt.Errorf("access token: %w", fault.Unauthenticated.New("wrong audience canary")), status: 502, text: "can't be used here"},
		"an unknown failure":     {exchange: errors.New("canary"), status: 502, text: "could not be completed"},
	} {
		b := newBench(t)
		b.okta.exchange = c.exchange
		browser := b.browser()
		answer := browser.toOkta("/roles")
		if c.query != "" {
			answer = answer[:strings.Index(answer, "code=")] + c.query + "&state=" + url.QueryEscape(mustQuery(answer).Get("state"))
		}
		w := browser.get(answer)
		parts := strings.Split(w.Body.String(), "|")
		if w.Code != c.status || signedIn(w) || len(parts) != 4 || !strings.Contains(parts[0]+parts[1], c.text) || parts[3] != "/login?return=%2Froles"+c.anew {
			t.Errorf("%s: got %d %s", rule, w.Code, w.Body)
			continue
		}
		if strings.Contains(w.Body.String(), "canary") {
			t.Errorf("%s: shows what another party wrote", rule)
		}
		entry, found, err := b.db.GetHistory(t.Context(), parts[2])
		if err != nil || !found || entry.Action != history.Rejected || len(entry.Metadata) > 1000 {
			t.Errorf("%s: reference %q: %+v, %v", rule, parts[2], entry, err)
		}
	}
	b := newBench(t)
	b.okta.away = errors.New("connection refused")
	if w := b.browser().get("/roles"); w.Code != 502 || !strings.Contains(w.Body.String(), "can't be reached") {
		t.Errorf("it can't begin: got %d %s", w.Code, w.Body)
	}
}

func mustQuery(address string) url.Values {
	u, err := url.Parse(address)
	if err != nil {
		panic(err)
	}
	return u.Query()
}

func TestNT30_SignOut(t *testing.T) {
	for rule, c := range map[string]struct {
		method string
		away   error
		target string
		says   string
	}{
		"of Okta too":        {"GET", nil, "https://acme.okta.test/logout?id_token_hint=the-id-token", "here and at your company's sign-in has ended"},
		"by a form":          {"POST", nil, "https://acme.okta.test/logout?id_token_hint=the-id-token", "here and at your company's sign-in has ended"},
		"while Okta is away": {"GET", errors.New("away"), "/", "At your company's sign-in you may still be signed in"},
	} {
		b := newBench(t)
		browser := b.browser()
		browser.get(browser.toOkta("/"))
		stolen := browser.jar["__Host-portico"]
		b.okta.away = c.away
		w := browser.do(c.method, "/logout", "Sec-Fetch-Site", "same-origin")
		if w.Code != http.StatusSeeOther || w.Header().Get("Location") != c.target {
			t.Errorf("%s: got %d %v", rule, w.Code, w.Header())
		}
		if _, still := browser.jar["__Host-portico"]; still {
			t.Errorf("%s: the cookie is still there", rule)
		}
		thief := b.browser()
		thief.jar["__Host-portico"] = stolen
		if w := thief.get("/roles", "Accept", "application/json"); w.Code != 401 {
			t.Errorf("%s: the session lives on: %d %s", rule, w.Code, w.Body)
		}
		if w := browser.get("/"); w.Code != 200 || !strings.Contains(w.Body.String(), "You are signed out") || !strings.Contains(w.Body.String(), c.says) {
			t.Errorf("%s: back: got %d %s", rule, w.Code, w.Body)
		}
	}
}

func TestAnotherSiteDoesNotSignAnybodyOut(t *testing.T) {
	for _, site := range []string{"cross-site", "same-site"} {
		for _, method := range []string{"GET", "POST"} {
			b := newBench(t)
			browser := b.browser()
			browser.get(browser.toOkta("/"))
			if w := browser.do(method, "/logout", "Sec-Fetch-Site", site); w.Code != 200 || !strings.Contains(w.Body.String(), "Sign out?") || len(w.Result().Cookies()) > 0 {
				t.Errorf("%s %s: got %d %s", method, site, w.Code, w.Body)
			}
			if w := browser.get("/"); w.Body.String() != "page of ivan" {
				t.Errorf("%s %s: signed out", method, site)
			}
		}
	}
}

func TestNamesOfThisMachineLeadToTheOneThatCookiesAreFor(t *testing.T) {
	b := newBenchAt(t, "http://localhost:8080")
	for host, want := range map[string]string{
		"127.0.0.1:8080": "http://localhost:8080/roles?a=b", "[::1]:8080": "http://localhost:8080/roles?a=b",
		"evil.test:8080": "", "localhost.evil.test:8080": "", "127.0.0.1.evil.test:8080": "", "192.0.2.1:8080": "", "localhost:8080": "",
	} {
		w := b.browser().get("/roles?a=b", "Host", host)
		location := w.Header().Get("Location")
		if want == "" && !strings.HasPrefix(location, "https://acme.okta.test/") || want != "" && location != want {
			t.Errorf("%s: leads to %s", host, location)
		}
	}
}
