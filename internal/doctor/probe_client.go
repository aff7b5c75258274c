package doctor

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/portico-iam/portico/internal/config"
)

// Reaction is how Okta took a request of the client's.
type Reaction struct {
	Status   int
	Error    string // OAuth's code; "" where a page came, or nothing was wrong
	Text     string
	symptoms []symptom
}

func (r *Reaction) says(id string) bool {
	return r != nil && slices.ContainsFunc(r.symptoms, func(s symptom) bool { return s.id == id })
}

// quote writes what Okta said.
func (r *Reaction) quote() string { return clip(strings.TrimSpace(r.Error + " " + r.Text)) }

// authorize begins a sign-in that must not show anything (prompt=none). Who is not signed in is told login_required, which is
// the best answer: everything before it was right.
func (p *prober) authorize(ctx context.Context, c Client) {
	p.out.Authorize = p.ask(ctx, c, c.RedirectURI, c.Scopes)
	switch {
	case p.out.Authorize.says("told-redirect"):
		for _, other := range redirectVariants(c.RedirectURI) {
			if r := p.ask(ctx, c, other, c.Scopes); r != nil && !r.says("told-redirect") && !r.says("told-client-id") {
				p.out.Registered = other
				break
			}
		}
	case p.out.Authorize.says("told-scope") || p.out.Authorize.says("told-scope-groups"):
		for i, scope := range c.Scopes {
			if i < 8 && scope != "openid" && !slices.Contains(p.out.Main.Scopes, scope) {
				if r := p.ask(ctx, c, c.RedirectURI, []string{"openid", scope}); r.says("told-scope") || r.says("told-scope-groups") {
					p.out.BadScopes = append(p.out.BadScopes, scope)
				}
			}
		}
	}
}

func (p *prober) ask(ctx context.Context, c Client, redirect string, scopes []string) *Reaction {
	endpoint := p.endpoint(p.out.Main.AuthorizationEndpoint, c, "/v1/authorize")
	parameters := url.Values{
		"client_id": {c.ID}, "redirect_uri": {redirect}, "response_type": {"code"}, "prompt": {"none"}, "state": {rand.Text()}, "nonce": {rand.Text()},
		"scope": {cmp.Or(strings.Join(scopes, " "), "openid")},
	}
	if c.PKCE {
		hash := sha256.Sum256([]byte(rand.Text() + rand.Text()))
		parameters.Set("code_challenge", base64.RawURLEncoding.EncodeToString(hash[:]))
		parameters.Set("code_challenge_method", "S256")
	}
	return p.reaction(p.get(ctx, endpoint+"?"+parameters.Encode()))
}

// endpoint takes the discovery's word for a place on the hosts that are allowed.
func (p *prober) endpoint(told string, c Client, path string) string {
	if told != "" && p.allowed(told) {
		return told
	}
	return strings.TrimSuffix(c.Issuer, "/") + path
}

// reaction reads a redirect's parameters, a JSON error or an error page (okta.md 2 has the three shapes).
func (p *prober) reaction(a *answer) *Reaction {
	if a == nil {
		return nil
	}
	r := &Reaction{Status: a.status}
	var body struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
		Code        string `json:"errorCode"`
		Summary     string `json:"errorSummary"`
	}
	location, err := url.Parse(a.header.Get("Location"))
	switch {
	case err == nil && location.Query().Get("error") != "":
		r.Error, r.Text = location.Query().Get("error"), location.Query().Get("error_description")
	case json.Unmarshal([]byte(a.body), &body) == nil:
		r.Error, r.Text = cmp.Or(body.Error, body.Code), cmp.Or(body.Description, body.Summary)
	case a.status >= http.StatusBadRequest:
		r.Text = a.body
	}
	r.symptoms = match(plainText(r.Error + " " + r.Text))
	if r.Text == a.body && len(r.Text) > 0 { // a page: only the sentence that matters is worth quoting
		r.Text = sentence(plainText(r.Text))
	}
	r.Error, r.Text = clip(r.Error), clip(r.Text)
	return r
}

// sentence cuts Okta's sentence about a parameter out of an error page.
func sentence(plain string) string {
	for _, start := range []string{"the 'redirect_uri'", "invalid value for", "the 'post_logout"} {
		if i := strings.Index(plain, start); i >= 0 {
			text, _, _ := strings.Cut(plain[i:], ". ")
			return text
		}
	}
	return plain
}

// redirectVariants are the usual mistakes, and the usual paths of gateways.
func redirectVariants(uri string) (all []string) {
	u, err := url.Parse(uri)
	if err != nil || u.Host == "" {
		return nil
	}
	add := func(scheme, host, path string) {
		v := scheme + "://" + host + path
		if v != uri && !slices.Contains(all, v) {
			all = append(all, v)
		}
	}
	other := map[string]string{"http": "https", "https": "http"}[u.Scheme]
	if trimmed := strings.TrimSuffix(u.Path, "/"); trimmed != u.Path {
		add(u.Scheme, u.Host, trimmed)
	} else {
		add(u.Scheme, u.Host, u.Path+"/")
	}
	add(other, u.Host, u.Path)
	add(u.Scheme, strings.ToLower(u.Host), strings.ToLower(u.Path))
	add(u.Scheme, u.Hostname(), u.Path)
	for _, path := range []string{"/.apisix/redirect", "/oauth2/callback", "/login/okta", "/login/generic_oauth", "/auth/callback", "/callback"} {
		add(u.Scheme, u.Host, path)
	}
	return all
}

// tokens asks the token endpoint with a code that can't be: the client is judged before the code (RFC 6749 section 5.2).
func (p *prober) tokens(ctx context.Context, c Client) {
	code := url.Values{
		"grant_type": {"authorization_code"}, "code": {"portico-doctor"}, "code_verifier": {rand.Text() + rand.Text()},
		"redirect_uri": {cmp.Or(c.RedirectURI, "https://localhost/")},
	}
	auth := cmp.Or(c.Auth, config.ClientSecretBasic)
	p.out.Code = p.post(ctx, c, auth, c.Secret.Reveal(), code)
	if p.out.Code.says("told-client") {
		other := map[string]string{config.ClientSecretBasic: config.ClientSecretPost, config.ClientSecretPost: config.ClientSecretBasic}[auth]
		if other != "" {
			p.out.OtherAuth = p.post(ctx, c, other, c.Secret.Reveal(), code)
		}
		if trimmed := strings.TrimSpace(c.Secret.Reveal()); trimmed != c.Secret.Reveal() {
			r := p.post(ctx, c, auth, trimmed, code)
			p.out.TrimmedOK = r != nil && !r.says("told-client")
		}
		return
	}
	if slices.Contains(c.Scopes, "offline_access") {
		p.out.Refresh = p.post(ctx, c, auth, c.Secret.Reveal(), url.Values{"grant_type": {"refresh_token"}, "refresh_token": {"portico-doctor"}})
	}
}

func (p *prober) post(ctx context.Context, c Client, auth, secret string, form url.Values) *Reaction {
	body := url.Values{}
	for name, values := range form {
		body[name] = values
	}
	if auth == config.ClientSecretPost {
		body.Set("client_id", c.ID)
		body.Set("client_secret", secret)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.endpoint(p.out.Main.TokenEndpoint, c, "/v1/token"), strings.NewReader(body.Encode()))
	if err != nil {
		return nil
	}
	if auth != config.ClientSecretPost { // both halves as forms (RFC 6749 section 2.3.1)
		r.SetBasicAuth(url.QueryEscape(c.ID), url.QueryEscape(secret))
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "application/json")
	return p.reaction(p.do(r))
}
