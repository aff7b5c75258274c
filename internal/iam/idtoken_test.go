package iam_test

import (
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/config"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/iam"
)

// newOrg is an authorization server as Okta's organisations have it: its access tokens are for itself alone.
func newOrg(t testing.TB) *idp {
	p := newIDP(t)
	p.TokenSource = config.SourceIDToken
	i := p.Verifier.Issuers[0]
	i.SignInOnly, i.Audience, i.RolePath = true, clientID, path(t, "groups")
	p.token = writes(p.org(nil))
	p.userinfo = writes(object{"sub": "00u1", "given_name": "Ada", "family_name": "Lovelace", "groups": []string{"Acme Issuance"}})
	return p
}

// opaque is an access token that nobody but the org authorization server can read: the key is not published.
func (p *idp) opaque() string {
	return sign(header(object{"kid": "unpublished", "typ": "application/okta-internal-at+jwt"}), claims(object{"iss": p.URL, "aud": p.URL}), keys().p256)
}

// org is an answer of the token endpoint with a thin ID token, with changes of that.
func (p *idp) org(changes object) object {
	access := p.opaque()
	id := p.idToken(with(object{"at_hash": atHash(access), "auth_time": begin.Unix(), "preferred_username": "ada@acme.test", "name": "Ada Lovelace"}, changes))
	return p.answers(object{"access_token": access, "id_token": id})
}

// Where the roles and names come from: the ID token, and userinfo for what is not there (OpenID Connect Core 1.0 section
// 5.4). The access token is not looked into.
func TestIDTokenMode_WhereRolesComeFrom(t *testing.T) {
	ada := object{"given_name": "Ada", "family_name": "King"}
	fat := with(ada, object{"groups": []string{"Acme Audit"}})
	none := `neither the ID token nor userinfo has a claim at "groups"`
	for rule, c := range map[string]struct {
		id, info object // info nil: there is no userinfo endpoint
		roles    []string
		odd      string
		family   string
		asked    int
	}{
		"a fat ID token":           {fat, object{"sub": "00u1", "groups": []string{"ONE_STS_ADMIN"}}, []string{"Acme Audit"}, "", "King", 0},
		"a thin one":               {nil, object{"sub": "00u1", "family_name": "Lovelace", "groups": []string{"A", "B"}}, []string{"A", "B"}, "", "Lovelace", 1},
		"names in the ID token":    {ada, object{"sub": "00u1", "family_name": "Lovelace", "groups": []string{"A"}}, []string{"A"}, "", "King", 1},
		"roles in the ID token":    {object{"groups": []string{"A"}}, object{"sub": "00u1", "family_name": "Lovelace", "groups": []string{"B"}}, []string{"A"}, "", "Lovelace", 1},
		"no role, as an array":     {object{"groups": []string{}}, object{"sub": "00u1", "groups": []string{"ONE_STS_ADMIN"}}, nil, "", "", 1},
		"null in the ID token":     {object{"groups": nil}, object{"sub": "00u1", "groups": []string{"A"}}, []string{"A"}, "", "", 1},
		"in neither":               {ada, object{"sub": "00u1"}, nil, none, "King", 1},
		"null in userinfo":         {ada, object{"sub": "00u1", "groups": nil}, nil, none, "King", 1},
		"one string":               {ada, object{"sub": "00u1", "groups": "A"}, []string{"A"}, "one string", "King", 1},
		"without userinfo":         {nil, nil, nil, none, "", 0},
		"roles of the access type": {object{"roles": []string{"ONE_STS_ADMIN"}}, object{"sub": "00u1", "roles": []string{"ONE_STS_ADMIN"}}, nil, none, "", 1},
	} {
		p := newOrg(t)
		p.set(func() {
			p.token, p.userinfo = writes(p.org(c.id)), writes(c.info)
			if c.info == nil {
				p.changes = object{"userinfo_endpoint": absent{}}
			}
		})
		g, err := p.exchange(t)
		if err != nil {
			t.Errorf("%s: %v", rule, err)
			continue
		}
		got := g.Principal
		if !reflect.DeepEqual(got.IAMRoles, c.roles) || got.FamilyName != c.family || !strings.Contains(fmt.Sprint(got.Odd), c.odd) || c.odd == "" && len(got.Odd) > 0 {
			t.Errorf("%s: got %+v", rule, got)
		}
		if got.Subject != "00u1" || got.Issuer != p.URL || got.ClientID != clientID || got.Login != "ada@acme.test" {
			t.Errorf("%s: the principal is another: %+v", rule, got)
		}
		if n := len(p.asked("/userinfo")); n != c.asked {
			t.Errorf("%s: userinfo was asked %d times", rule, n)
		}
	}
}

// Without its roles nobody is signed in: a failure must not look like a person without roles.
func TestIDTokenMode_UserinfoThatCanNotBeUsed(t *testing.T) {
	eve := object{"sub": "00u2", "groups": []string{"ONE_STS_ADMIN"}}
	for rule, c := range map[string]struct {
		answer  http.HandlerFunc
		because string
		final   bool
	}{
		"of somebody else (section 5.3.2)": {writes(eve), "somebody else", true},
		"of another case":                  {writes(with(eve, object{"sub": "00U1"})), "somebody else", true},
		"of nobody":                        {writes(with(eve, object{"sub": absent{}})), "somebody else", true},
		"refused":                          {says(401, "application/json", `{"error":"invalid_token"}`), "status 401", true},
		"forbidden":                        {says(403, "application/json", `{}`), "status 403", true},
		"signed, as a JWT":                 {says(200, "application/jwt", sign(header(nil), with(eve, object{"sub": "00u1"}), keys().rsa)), "signed JWT", true},
		"overloaded":                       {says(429, "application/json", `{}`), "got 429", false},
		"broken":                           {html(502), "got 502", false},
		"a page":                           {html(200), "userinfo", false},
		"a broken connection":              {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "", false},
	} {
		p := newOrg(t)
		p.set(func() { p.userinfo = c.answer })
		g, err := p.exchange(t)
		if err == nil || g != nil && g.Principal != nil || !strings.Contains(err.Error(), c.because) || fault.Unauthenticated.Is(err) != c.final {
			t.Errorf("%s: got %+v, %v", rule, g, err)
		}
		showsNothing(t, rule, err, p.opaque())
	}
}

// Names are a courtesy: where the ID token has the roles, no sign-in fails for want of names.
func TestIDTokenMode_NamesThatCanNotBeHad(t *testing.T) {
	for rule, answer := range map[string]http.HandlerFunc{
		"of somebody else": writes(object{"sub": "00u2", "given_name": "Eve"}), "refused": says(401, "application/json", "{}"), "broken": html(500),
	} {
		p := newOrg(t)
		p.set(func() { p.token, p.userinfo = writes(p.org(object{"groups": []string{"A"}})), answer })
		if g, err := p.exchange(t); err != nil || g.Principal.GivenName != "" || !reflect.DeepEqual(g.Principal.IAMRoles, []string{"A"}) {
			t.Errorf("%s: got %+v, %v", rule, g, err)
		}
	}
}

// The roles of a token end with it, and after an hour at the latest: nobody confirms them otherwise.
func TestIDTokenMode_RolesDoNotOutliveTheirBound(t *testing.T) {
	for rule, c := range map[string]struct {
		exp  time.Duration
		want time.Duration
	}{
		"a short ID token":             {5 * time.Minute, 5 * time.Minute},
		"one of an hour":               {time.Hour, time.Hour},
		"one of a day":                 {24 * time.Hour, iam.RolesLiveFor},
		"the access token lives less":  {30 * time.Minute, 30 * time.Minute},
		"one that lives for centuries": {200 * 365 * 24 * time.Hour, iam.RolesLiveFor},
	} {
		p := newOrg(t)
		p.set(func() {
			p.token = writes(with(p.org(object{"exp": begin.Add(c.exp).Unix()}), object{"expires_in": 60}))
		})
		g, err := p.exchange(t)
		if err != nil || !g.Principal.NotAfter.Equal(begin.Add(c.want)) {
			t.Errorf("%s: got %+v, %v", rule, g, err)
		}
	}
}

// refreshedWith signs in, and refreshes with what the token endpoint and userinfo say then.
func refreshedWith(t *testing.T, first, then func(*idp) object, info any) (*iam.Grant, error) {
	t.Helper()
	p := newOrg(t)
	p.set(func() { p.token = writes(first(p)) })
	g, err := p.exchange(t)
	if err != nil {
		t.Fatal(err)
	}
	p.set(func() { p.token, p.userinfo = writes(then(p)), writes(info) })
	return p.Refresh(t.Context(), canaryRefresh, g.IDToken)
}

func thin(p *idp) object { return p.org(nil) }

// OpenID Connect Core 1.0 section 12.2: the refreshed ID token replaces the roles, and is of the same sign-in.
func TestIDTokenMode_ARefreshReplacesTheRoles(t *testing.T) {
	fresh := object{"sub": "00u1", "given_name": "Ada", "groups": []string{"Acme Audit"}}
	id := func(changes object) func(*idp) object { return func(p *idp) object { return p.org(changes) } }
	for rule, c := range map[string]struct {
		first, then func(*idp) object
		info        any
		roles       []string
		because     string // of a refusal
	}{
		"a thin ID token, and userinfo":    {thin, id(object{"nonce": absent{}}), fresh, []string{"Acme Audit"}, ""},
		"a fat one":                        {thin, id(object{"groups": []string{"X"}}), fresh, []string{"X"}, ""},
		"the groups are gone":              {thin, thin, object{"sub": "00u1"}, nil, ""},
		"fat before, gone now":             {id(object{"groups": []string{"ONE_STS_ADMIN"}}), thin, object{"sub": "00u1"}, nil, ""},
		"without an auth_time":             {thin, id(object{"auth_time": absent{}}), fresh, []string{"Acme Audit"}, ""},
		"another sub":                      {thin, id(object{"sub": "00u2", "groups": []string{"X"}}), fresh, nil, "somebody else"},
		"another auth_time":                {thin, id(object{"auth_time": begin.Unix() + 1}), fresh, nil, "its auth_time is another"},
		"an auth_time of another kind":     {thin, id(object{"auth_time": object{"a": 1}}), fresh, nil, "its auth_time is another"},
		"another nonce":                    {thin, id(object{"nonce": "n-2"}), fresh, nil, "its nonce is another"},
		"another issuer":                   {thin, id(object{"iss": "https://evil.test"}), fresh, nil, "expected the issuer"},
		"another audience":                 {thin, id(object{"aud": "other"}), fresh, nil, "expected an ID token for the client"},
		"issued to another":                {thin, id(object{"azp": "other"}), fresh, nil, "issued to another client"},
		"userinfo of somebody else":        {thin, thin, with(fresh, object{"sub": "00u2"}), nil, "somebody else"},
		"no ID token: userinfo":            {thin, noIDToken, fresh, []string{"Acme Audit"}, ""},
		"no ID token: the groups are gone": {thin, noIDToken, object{"sub": "00u1"}, nil, ""},
		"no ID token: of somebody else":    {thin, noIDToken, with(fresh, object{"sub": "00u2"}), nil, "somebody else"},
		"no ID token: it held the roles":   {id(object{"groups": []string{"ONE_STS_ADMIN"}}), noIDToken, object{"sub": "00u1"}, nil, "which held the roles"},
	} {
		g, err := refreshedWith(t, c.first, c.then, c.info)
		switch {
		case c.because != "":
			// Either ends the session: the sign-in is over.
			if !fault.Unauthenticated.Is(err) && !errors.Is(err, iam.ErrGrantEnded) || !strings.Contains(err.Error(), c.because) {
				t.Errorf("%s: expected the end because of %q, got %+v, %v", rule, c.because, g, err)
			}
			showsNothing(t, rule, err)
		case err != nil || !reflect.DeepEqual(g.Principal.IAMRoles, c.roles) || g.Principal.Subject != "00u1":
			t.Errorf("%s: got %+v, %v", rule, g, err)
		}
	}
}

func noIDToken(p *idp) object {
	return with(p.org(nil), object{"id_token": absent{}, "expires_in": 1800})
}

// Without an ID token there is no exp: the life of the access token bounds the roles.
func TestIDTokenMode_ARefreshWithoutIDTokenIsBoundedToo(t *testing.T) {
	for expiresIn, want := range map[any]time.Duration{1800: 30 * time.Minute, 86400: iam.RolesLiveFor, absent{}: iam.RolesLiveFor, -1: iam.RolesLiveFor} {
		then := func(p *idp) object { return with(noIDToken(p), object{"expires_in": expiresIn}) }
		g, err := refreshedWith(t, thin, then, object{"sub": "00u1", "groups": []string{"A"}})
		if err != nil || !g.Principal.NotAfter.Equal(begin.Add(want)) || g.IDToken != "" {
			t.Errorf("expires_in %v: got %+v, %v", expiresIn, g, err)
		}
	}
}

// A rotated refresh token counts although userinfo failed: it must reach whoever keeps it.
func TestIDTokenMode_TokensSurviveAUserinfoThatIsAway(t *testing.T) {
	p := newOrg(t)
	g, err := p.exchange(t)
	if err != nil {
		t.Fatal(err)
	}
	p.set(func() { p.userinfo = html(503) })
	got, err := p.Refresh(t.Context(), canaryRefresh, g.IDToken)
	if err == nil || fault.Unauthenticated.Is(err) || errors.Is(err, iam.ErrGrantEnded) || got == nil || got.Principal != nil || got.RefreshToken != "refresh-2" || got.IDToken == "" {
		t.Errorf("got %+v, %v", got, err)
	}
}

// What was kept of a sign-in must be ours: without it nobody knows whom a refresh is about.
func TestIDTokenMode_WithoutTheIDTokenOfBeforeTheSignInEnds(t *testing.T) {
	p := newOrg(t)
	for rule, before := range map[string]string{
		"none": "", "no token": "x.y.z", "another issuer's, configured before": sign(header(nil), idClaims(nil), keys().rsa),
	} {
		if g, err := p.Refresh(t.Context(), canaryRefresh, before); g != nil || !errors.Is(err, iam.ErrGrantEnded) {
			t.Errorf("%s: got %+v, %v", rule, g, err)
		}
	}
	if n := len(p.asked("/token")); n > 0 {
		t.Errorf("%d refresh tokens were spent", n)
	}
}

// Nothing of the sign-in's issuer is a bearer token: an ID token has the client as audience, and access tokens are for
// the issuer itself. Other issuers' count.
func TestIDTokenMode_NoBearerTokensOfTheIssuer(t *testing.T) {
	p := newOrg(t)
	g, err := p.exchange(t)
	if err != nil {
		t.Fatal(err)
	}
	const api = "https://api.acme.test"
	p.Verifier.Issuers = append(p.Verifier.Issuers, &iam.Issuer{
		Issuer: api, Audience: audience, Algorithms: algorithms, Keys: p.Verifier.Issuers[0].Keys, RolePath: path(t, "roles"), SubjectPath: path(t, "sub"),
	})
	for rule, token := range map[string]string{
		"the ID token":             g.IDToken,
		"a token for the client":   good(object{"iss": p.URL, "aud": clientID}),
		"a token for the API":      good(object{"iss": p.URL}),
		"typed as an access token": sign(header(object{"typ": "at+jwt"}), claims(object{"iss": p.URL, "aud": clientID}), keys().rsa),
	} {
		if _, err := p.Verifier.Verify(t.Context(), token); !fault.Unauthenticated.Is(err) || !strings.Contains(fault.Of(err).Detail, "count for the sign-in alone") {
			t.Errorf("%s: got %v", rule, err)
		}
	}
	if _, err := p.Verifier.Verify(t.Context(), p.opaque()); !fault.Unauthenticated.Is(err) {
		t.Errorf("the org authorization server's access token: got %v", err)
	}
	if got, err := p.Verifier.Verify(t.Context(), good(object{"iss": api})); err != nil || got.Principal.Issuer != api {
		t.Errorf("another issuer's: got %+v, %v", got, err)
	}
}
