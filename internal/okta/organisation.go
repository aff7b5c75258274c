package okta

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Lookup says what of an organisation matters.
type Lookup struct {
	Setup     *Setup
	ClientID  string // the application; "" = the setup's
	Issuer    string // the authorization server; "" = the setup's
	Login     string // the person; "" = nobody
	AdminRole string // the bootstrap role; "" = the setup's group
}

// readScopes are what reading takes, for a service application that was not granted more.
var readScopes = []string{"okta.apps.read", "okta.authorizationServers.read", "okta.groups.read", "okta.users.read"}

// ReadingClient makes a client that only ever looks, and never waits long for it.
func (s *Setup) ReadingClient(ctx context.Context, httpClient *http.Client) (*Client, error) {
	credential, err := s.Credential()
	if err != nil {
		return nil, err
	}
	client := NewClient(s.Okta.URL, credential)
	client.HTTP = httpClient
	client.Wait = func(ctx context.Context, d time.Duration) error {
		if d > 2*time.Second {
			return errImpatient
		}
		return wait(ctx, d)
	}
	if app, ok := credential.(*ServiceApp); ok {
		app.askForWhatThereIs(ctx, client)
	}
	return client, nil
}

// askForWhatThereIs gets a token for reading: everything that may be granted at once, of which Okta gives what is; else the
// usual scopes, else those for reading only. The refusal that stays is the one of the usual scopes.
func (a *ServiceApp) askForWhatThereIs(ctx context.Context, c *Client) {
	usual := a.scopes
	all := slices.Concat(usual, readScopes, []string{"okta.logs.read", "okta.policies.read"})
	slices.Sort(all)
	for _, scopes := range [][]string{slices.Compact(all), usual, readScopes} {
		a.scopes = scopes
		err := a.fetch(ctx, c)
		var refused *Error
		if err == nil || !errors.As(err, &refused) || !slices.Contains([]string{codeNoScopes, codeScope, "access_denied"}, refused.Code) {
			return
		}
	}
	a.scopes = usual
}

// errImpatient stands for a rate limit that would have to be waited for.
var errImpatient = errors.New("the rate limit is used up")

// Organisation reads. What may not be read is noted and left out; the error is of the network.
func (c *Client) Organisation(ctx context.Context, want Lookup) (*Organisation, error) {
	r := &reader{Client: c, out: &Organisation{URL: c.URL}}
	if want.Setup != nil {
		want.AdminRole = cmp.Or(want.AdminRole, want.Setup.Bootstrap.Group)
		if want.ClientID == "" {
			if rec, err := loadRecord(want.Setup); err == nil && rec.of("application") != nil {
				want.ClientID = rec.of("application").ID
			}
			want.ClientID = cmp.Or(want.ClientID, want.Setup.Application.ID)
		}
	}
	for _, part := range []func(context.Context, Lookup){r.app, r.server, r.user, r.groups, r.events} {
		if part(ctx, want); r.err != nil || r.denied {
			break
		}
	}
	return r.out, r.err
}

// reader remembers the first error that is no refusal, and then reads nothing more.
type reader struct {
	*Client
	out    *Organisation
	err    error
	denied bool // the credential itself is refused: every other answer would be the same
}

func (r *reader) note(err error) {
	var refused *Error
	switch {
	case err == nil || r.err != nil:
	case errors.Is(err, errImpatient):
		r.out.Refused = append(r.out.Refused, &Error{Status: http.StatusTooManyRequests, Code: "E0000047", Path: "/api/v1/"})
		r.denied = true
	case !errors.As(err, &refused):
		r.err = err
	default:
		r.out.Refused = append(r.out.Refused, refused)
		r.denied = refused.Code != codePermission && refused.Code != codeFeature && refused.Status != http.StatusNotFound
	}
}

func (r *reader) all(ctx context.Context, path string) []object {
	if r.err != nil || r.denied {
		return nil
	}
	list, err := r.list(ctx, path)
	r.note(err)
	return list
}

func (r *reader) one(ctx context.Context, path string) object {
	if r.err != nil || r.denied {
		return nil
	}
	o, err := r.get(ctx, path)
	r.note(err)
	return o
}

func limited(path string) string { return query(path, map[string]string{"limit": "200"}) }

// server reads all servers and the parts of the one that the issuer, or the setup, names.
func (r *reader) server(ctx context.Context, want Lookup) {
	for _, o := range r.all(ctx, limited(serversPath)) {
		r.out.Servers = append(r.out.Servers, serverFacts(o))
	}
	for i := range r.out.Servers {
		if s := &r.out.Servers[i]; s.isAt(want) {
			r.out.Server = s
			break
		}
	}
	s, client := r.out.Server, want.ClientID
	if s == nil {
		return
	}
	if r.out.App != nil {
		client = r.out.App.ClientID
	}
	for _, o := range r.all(ctx, limited(s.Path()+"/policies")) {
		p := policyFacts(o)
		if client == "" || p.Covers(client) { // others' rules never matter
			for _, rule := range byPriority(r.all(ctx, s.Path()+"/policies/"+p.ID+"/rules")) {
				p.Rules = append(p.Rules, ruleFacts(rule))
			}
		}
		s.Policies = append(s.Policies, p)
	}
	for _, o := range r.all(ctx, limited(s.Path()+"/claims")) {
		s.Claims = append(s.Claims, claimFacts(o))
	}
	for _, o := range r.all(ctx, limited(s.Path()+"/scopes")) {
		s.Scopes = append(s.Scopes, o.text("name"))
	}
}

// isAt compares the path only: the host may be the organisation's own or a custom domain.
func (s *ServerFacts) isAt(want Lookup) bool {
	if want.Issuer == "" && want.Setup != nil {
		as := want.Setup.AuthorizationServer
		return as.ID != "" && (s.ID == as.ID || idInIssuer(s.Issuer) == as.ID) || as.Name != "" && s.Name == as.Name
	}
	id := idInIssuer(want.Issuer)
	return id != "" && (s.ID == id || idInIssuer(s.Issuer) == id)
}

// idInIssuer is what follows /oauth2/ in an issuer.
func idInIssuer(issuer string) string {
	_, id, _ := strings.Cut(issuer, "/oauth2/")
	id, _, _ = strings.Cut(id, "/")
	return id
}

// byPriority puts a list into the order in which Okta evaluates it.
func byPriority(list []object) []object {
	slices.SortStableFunc(list, func(a, b object) int { return cmp.Compare(a.number("priority"), b.number("priority")) })
	return list
}

// app finds the application: by id, which usually is its client id, else among all; by its label where no id is known or right.
func (r *reader) app(ctx context.Context, want Lookup) {
	var found object
	if id := strings.TrimSpace(want.ClientID); id != "" {
		o := r.one(ctx, appsPath+"/"+url.PathEscape(id))
		if o != nil && (o.text("credentials.oauthClient.client_id") == id || o.id() == id) {
			found = o
		}
	}
	if found == nil {
		apps := r.all(ctx, query(appsPath, map[string]string{"filter": `name eq "oidc_client"`, "limit": "200"}))
		i := slices.IndexFunc(apps, func(o object) bool {
			return want.ClientID != "" && o.text("credentials.oauthClient.client_id") == want.ClientID
		})
		if i < 0 {
			i = slices.IndexFunc(apps, func(o object) bool {
				id := o.text("credentials.oauthClient.client_id")
				return id != "" && strings.EqualFold(id, strings.TrimSpace(want.ClientID)) || want.Setup != nil && o.text("label") == want.Setup.Application.Label
			})
			r.out.ByLabel = i >= 0 && want.ClientID != ""
		}
		if i < 0 {
			return
		}
		found = apps[i]
	}
	app := appFacts(found)
	for _, o := range r.all(ctx, limited(appsPath+"/"+app.ID+"/groups")) {
		app.Groups = append(app.Groups, o.id())
	}
	if len(app.Groups) == 0 && r.err == nil && !r.denied {
		var one []object
		if r.call(ctx, http.MethodGet, query(appsPath+"/"+app.ID+"/users", map[string]string{"limit": "1"}), nil, &one) == nil {
			app.Unused = len(one) == 0
		}
	}
	if href := found.text("_links.accessPolicy.href"); strings.HasPrefix(href, r.URL+"/api/v1/policies/") && r.err == nil {
		// Another scope than the rest, and no more than a courtesy: without it nothing is missing.
		if policy, err := r.get(ctx, strings.TrimPrefix(href, r.URL)); err == nil {
			app.SignOnPolicy = policy.text("name")
		}
	}
	r.out.App = &app
}

// user reads a person, their groups, and whether they may use the application.
func (r *reader) user(ctx context.Context, want Lookup) {
	if want.Login == "" {
		return
	}
	o := r.one(ctx, usersPath+"/"+url.PathEscape(want.Login))
	if o == nil {
		return
	}
	u := userFacts(o)
	for _, g := range r.all(ctx, limited(usersPath+"/"+u.ID+"/groups")) {
		u.Groups = append(u.Groups, groupFacts(g))
	}
	r.out.User = &u
	if r.out.App != nil {
		r.out.App.Assigned = r.one(ctx, appsPath+"/"+r.out.App.ID+"/users/"+u.ID) != nil
	}
}

// groups finds those whose names are the bootstrap role's but for case, blanks and punctuation, and the one that apply made for
// it.
func (r *reader) groups(ctx context.Context, want Lookup) {
	if want.AdminRole == "" {
		return
	}
	start := []rune(want.AdminRole)
	start = start[:min(3, len(start))]
	found := r.all(ctx, query(groupsPath, map[string]string{"q": string(start)}))
	made := r.renamed(ctx, want.Setup)
	if made != nil && !slices.ContainsFunc(found, func(o object) bool { return o.id() == made.id() }) {
		found = append(found, made)
	}
	for _, o := range found {
		g := groupFacts(o)
		g.Made = made != nil && g.ID == made.id()
		if Plain(g.Name) != Plain(want.AdminRole) && !g.Made {
			continue
		}
		for _, member := range r.all(ctx, limited(groupsPath+"/"+g.ID+"/users")) {
			if member.text("status") == active {
				g.Active++
			}
		}
		r.out.Groups = append(r.out.Groups, g)
	}
}

// Plain writes a name in such a way that two that are easily taken for each other are the same.
func Plain(name string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(" \t\u00a0_-.:/", r) {
			return -1
		}
		return r
	}, strings.ToLower(name))
}

// events reads the refusals of the last hour. The log needs a scope of its own; without it the doctor knows a little less.
func (r *reader) events(ctx context.Context, _ Lookup) {
	path := query("/api/v1/logs", map[string]string{
		"since": r.Now().Add(-time.Hour).UTC().Format("2006-01-02T15:04:05.000Z"), "filter": `outcome.result eq "FAILURE"`,
		"sortOrder": "DESCENDING", "limit": "100",
	})
	var page []object
	if r.call(ctx, http.MethodGet, path, nil, &page) != nil {
		return
	}
	for _, o := range page {
		r.out.Events = append(r.out.Events, eventFacts(o))
	}
}
