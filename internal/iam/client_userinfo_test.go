package iam_test

import (
	"net/http"
	"strings"
	"testing"
)

// The names are those of the access token, else of the ID token, else of userinfo, which is asked only then.
func TestWhereTheNamesComeFrom(t *testing.T) {
	ada := object{"given_name": "Ada", "family_name": "King"}
	for rule, c := range map[string]struct {
		access, id    object
		given, family string
		asked         int
	}{
		"the access token":     {ada, object{"given_name": "Other"}, "Ada", "King", 0},
		"the ID token":         {nil, ada, "Ada", "King", 0},
		"one of them":          {nil, object{"given_name": "Ada"}, "Ada", "", 0},
		"userinfo":             {nil, nil, "Ada", "Lovelace", 1},
		"names that are blank": {object{"given_name": " "}, object{"family_name": "\t"}, "Ada", "Lovelace", 1},
	} {
		p := newIDP(t)
		access := p.accessToken(c.access)
		p.set(func() {
			p.token = writes(p.answers(object{"access_token": access, "id_token": p.idToken(c.id)}))
		})
		g, err := p.exchange(t)
		if err != nil || g.Principal.GivenName != c.given || g.Principal.FamilyName != c.family {
			t.Errorf("%s: got %+v, %v", rule, g, err)
		}
		sent := p.asked("/userinfo")
		if len(sent) != c.asked {
			t.Fatalf("%s: userinfo was asked %d times", rule, len(sent))
		}
		// RFC 6750 section 2.1: in the header, and in no other place.
		if c.asked == 1 && (sent[0].Method != http.MethodGet || sent[0].Header.Get("Authorization") != "Bearer "+access || sent[0].URL.RawQuery != "") {
			t.Errorf("%s: sent %s %s %v", rule, sent[0].Method, sent[0].URL, sent[0].Header)
		}
	}
}

// OpenID Connect Core 1.0 section 5.3.2: userinfo of somebody else must not be used. Names are a courtesy, so whatever
// is wrong with them costs the names and not the sign-in.
func TestUserinfoThatIsNotUsed(t *testing.T) {
	names := object{"sub": "00u1", "given_name": "Eve", "family_name": "Evil", "preferred_username": "eve"}
	away := elsewhere(t, writes(names))
	for rule, answer := range map[string]http.HandlerFunc{
		"of somebody else":      writes(with(names, object{"sub": "00u2"})),
		"of another case":       writes(with(names, object{"sub": "00U1"})),
		"of the login":          writes(with(names, object{"sub": "ada@acme.test"})), // the access token's sub, not the ID token's
		"of nobody":             writes(with(names, object{"sub": absent{}})),
		"of an empty subject":   writes(with(names, object{"sub": ""})),
		"of a list of subjects": writes(with(names, object{"sub": []string{"00u1"}})),
		"a page":                html(200),
		"refused":               says(401, "application/json", `{"error":"invalid_token"}`),
		"forbidden":             says(403, "application/json", `{"sub":"00u1","given_name":"Eve"}`),
		"broken":                html(500),
		"nothing":               says(200, "application/json", ""),
		"null":                  says(200, "application/json", "null"),
		"an array":              writes([]any{names}),
		"signed, as a JWT":      says(200, "application/jwt", sign(header(nil), names, keys().rsa)),
		"too large":             writes(with(names, object{"a": strings.Repeat("x", 64<<10)})),
		"names that are none":   writes(object{"sub": "00u1", "given_name": object{"en": "Eve"}, "family_name": 7}),
		"cut off":               says(200, "application/json", `{"sub":"00u1","given_name":"Eve"`),
		"a broken connection":   func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"a redirect":            func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, away.URL, http.StatusFound) },
	} {
		p := newIDP(t)
		p.set(func() { p.userinfo = answer })
		g, err := p.exchange(t)
		if err != nil {
			t.Errorf("%s: expected the sign-in to succeed, got %v", rule, err)
			continue
		}
		if g.Principal.GivenName != "" || g.Principal.FamilyName != "" || g.Principal.Login != "ada@acme.test" || g.Principal.Subject != "ada@acme.test" {
			t.Errorf("%s: it was used: %+v", rule, g.Principal)
		}
		if len(p.asked("/userinfo")) == 0 {
			t.Errorf("%s: userinfo was not asked", rule)
		}
	}
	p := newIDP(t)
	p.set(func() { p.changes = object{"userinfo_endpoint": absent{}} })
	if g, err := p.exchange(t); err != nil || g.Principal.GivenName != "" || len(p.asked("/userinfo")) != 0 {
		t.Errorf("without an endpoint: got %+v, %v", g, err)
	}
}

// Roles come from the verified access token alone: userinfo is not signed.
func TestUserinfoGivesNoRoles(t *testing.T) {
	p := newIDP(t)
	p.set(func() {
		p.token = writes(p.answers(p.pair(object{"roles": []string{"Viewer"}})))
		p.userinfo = writes(object{"sub": "00u1", "given_name": "Ada", "roles": []string{"ONE_STS_ADMIN"}})
	})
	g, err := p.exchange(t)
	if err != nil || g.Principal.GivenName != "Ada" || len(g.Principal.IAMRoles) != 1 || g.Principal.IAMRoles[0] != "Viewer" {
		t.Errorf("got %+v, %v", g, err)
	}
}

// What is shown of a person is bounded and holds nothing that a terminal or a page would act upon.
func TestNamesAreBounded(t *testing.T) {
	p := newIDP(t)
	p.set(func() {
		p.userinfo = writes(object{"sub": "00u1", "given_name": "A\x1b[31m\r\nd\u009ba", "family_name": strings.Repeat("x", 5000)})
	})
	g, err := p.exchange(t)
	if err != nil || g.Principal.GivenName != "A[31mda" || len(g.Principal.FamilyName) > 210 {
		t.Errorf("got %+v, %v", g, err)
	}
}
