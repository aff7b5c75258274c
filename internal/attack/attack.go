package attack

import (
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/time/rate"
)

// Target is a gateway, and what is known of it.
type Target struct {
	URL       string   // scheme, host and port
	Protected string   // a path that answers 2xx to a GET by whoever is let in, and to nobody else
	Public    []string // paths that anybody may GET
	Login     string   // where a sign-in begins
	Callback  string   // where it comes back to
	Change    string   // method and path of a change that a session may make, and that an empty body does not make
	Token     string   // an access token that is accepted; empty: none is at hand
	Cookie    string   // name=value of a session that is accepted; empty: none is at hand
	Issuer    string   // the identity provider; empty: the token's own, if there is one
	Pace      rate.Limit
	Local     bool // it is on this machine: nobody else shares it, and what is sent to it stays here
}

// The paths of Portico, for what a target leaves open.
const (
	DefaultProtected = "/api/user/v1/me"
	DefaultLogin     = "/login"
	DefaultCallback  = "/.apisix/redirect"
	DefaultChange    = "PUT /api/user/v1/active-organisation"
)

// Probe is one class of weakness.
type Probe struct {
	ID    string // of the negative tests
	Title string // what holds
	Needs string // what must be at hand besides the address; empty: nothing
	alone bool   // it may disturb others at a target that is shared
	run   func(*run) error
}

// Finding is a weakness that was seen.
type Finding struct {
	Weakness string `json:"weakness"`
	Evidence string `json:"evidence"` // the request, and what was answered
	Fix      string `json:"fix"`
}

// Result is what a probe found.
type Result struct {
	ID       string    `json:"id"`
	Title    string    `json:"title"`
	Requests int       `json:"requests"`
	Limited  int       `json:"limited,omitempty"` // answers 429: the target stopped judging what it was asked
	Skipped  string    `json:"skipped,omitempty"` // why it was not tried
	Findings []Finding `json:"findings"`
}

// Report is what all probes found.
type Report struct {
	Target  string   `json:"target"`
	Results []Result `json:"results"`
}

// Weak counts the findings.
func (r *Report) Weak() (n int) {
	for _, result := range r.Results {
		n += len(result.Findings)
	}
	return n
}

// Probes lists all probes, in their order.
func Probes() []Probe {
	return slices.Concat(tokenProbes, requestProbes, loginProbes, surfaceProbes)
}

// run is one run of the probes.
type run struct {
	Target
	ctx    context.Context
	base   *url.URL
	client *http.Transport // it follows no redirect
	pace   *rate.Limiter
	token  *token           // nil: none
	keys   []*rsa.PublicKey // of the identity provider, as far as they are public and RSA
	now    *Result
}

// ErrBaseline says that nothing can be told of the target.
var ErrBaseline = errors.New("the target can't be judged")

// Run tries all probes. tell is called before each; it may be nil. An error says that the target could not be judged.
func Run(ctx context.Context, t Target, tell func(Probe)) (*Report, error) {
	r, err := prepare(ctx, t)
	if err != nil {
		return nil, err
	}
	defer r.client.CloseIdleConnections()
	if err := r.baseline(); err != nil {
		return nil, err
	}
	report := &Report{Target: t.URL}
	for _, p := range Probes() {
		if tell != nil {
			tell(p)
		}
		r.now = &Result{ID: p.ID, Title: p.Title, Findings: []Finding{}}
		if missing := r.missing(p.Needs); missing == "" && p.alone && !t.Local {
			r.now.Skipped = "is tried on this machine only: others may share what stands before the target"
		} else if missing != "" {
			r.now.Skipped = missing
		} else if err := p.run(r); err != nil {
			return nil, fmt.Errorf("%s, %s: the target stopped answering: %w", p.ID, p.Title, err)
		}
		report.Results = append(report.Results, *r.now)
	}
	return report, nil
}

func (r *run) missing(needs string) string {
	switch {
	case needs == needsToken && r.token == nil:
		return "needs an accepted access token (--token)"
	case needs == needsCookie && r.Cookie == "":
		return "needs an accepted session cookie (--cookie)"
	case needs == needsKeys && len(r.keys) == 0:
		return "needs the identity provider's public RSA keys: give --token or --issuer"
	}
	return ""
}

const (
	needsToken  = "token"
	needsCookie = "cookie"
	needsKeys   = "keys"
)

const (
	defaultPace = 100 // requests a second
	patience    = 10 * time.Second
	mostBody    = 1 << 20
)

func prepare(ctx context.Context, t Target) (*run, error) {
	if !t.Local && (t.Token != "" || t.Cookie != "") && !strings.HasPrefix(t.URL, "https://") {
		return nil, errors.New("a token or cookie is sent by https only, but on this machine")
	}
	base, err := url.Parse(t.URL)
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" || strings.Trim(base.Path, "/") != "" {
		return nil, fmt.Errorf("expected the target as scheme and host, such as https://desk.example.com, got %q", t.URL)
	}
	for at, fallback := range map[*string]string{&t.Protected: DefaultProtected, &t.Login: DefaultLogin, &t.Callback: DefaultCallback, &t.Change: DefaultChange} {
		if *at == "" {
			*at = fallback
		}
	}
	if len(t.Public) == 0 {
		t.Public = []string{"/.well-known/jwks.json", "/login", "/favicon.ico"}
	}
	if t.Pace == 0 {
		t.Pace = defaultPace
	}
	r := &run{
		Target: t, ctx: ctx, base: base, pace: rate.NewLimiter(t.Pace, 1), now: &Result{},
		client: &http.Transport{MaxIdleConnsPerHost: 2, MaxResponseHeaderBytes: mostBody},
	}
	if t.Token != "" {
		if r.token, err = readToken(t.Token); err != nil {
			return nil, err
		}
		if t.Issuer == "" {
			r.Issuer, _ = r.token.claims["iss"].(string)
		}
	}
	r.keys = r.fetchKeys()
	return r, nil
}

// baseline finds out what an answer looks like that lets nobody in, and one that does.
func (r *run) baseline() error {
	got, err := r.get(r.Protected)
	switch {
	case err != nil:
		return fmt.Errorf("%w: %s does not answer: %w", ErrBaseline, r.URL, err)
	case got.in():
		return fmt.Errorf("%w: GET %s answers %d to somebody who is not signed in: name a path by --protected that needs it", ErrBaseline, r.Protected, got.status)
	case got.status == http.StatusNotFound:
		return fmt.Errorf("%w: GET %s answers 404: name a path by --protected that exists", ErrBaseline, r.Protected)
	}
	for _, c := range []struct {
		what string
		with with
		used bool
	}{{"token", bearer(r.Token), r.token != nil}, {"cookie", header("Cookie", r.Cookie), r.Cookie != ""}} {
		if !c.used {
			continue
		}
		if got, err := r.get(r.Protected, c.with); err != nil || !got.in() {
			return fmt.Errorf("%w: the %s that was given is not accepted at %s (%d): give one that is", ErrBaseline, c.what, r.Protected, got.status)
		}
	}
	return nil
}

// weak notes a finding.
func (r *run) weak(fix, weakness, evidence string, args ...any) {
	r.now.Findings = append(r.now.Findings, Finding{Weakness: weakness, Evidence: fmt.Sprintf(evidence, args...), Fix: fix})
}
