package sts_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/sts"
)

func TestNT33_GrantedIsWithinRightsAndRequest(t *testing.T) {
	b := newBench(t)
	x := &sts.Exchange{
		Service: b.Service, History: &history.Recorder{Store: &memory{}, Now: time.Now, Logger: silent},
		IAM: verify(func(context.Context, string) (*access.Principal, error) { return ivan(), nil }),
	}
	var names []string
	for _, info := range access.Permissions() {
		names = append(names, info.Name)
	}
	pick := rapid.SliceOfN(rapid.SampledFrom(names), 0, 12)
	rapid.Check(t, func(rt *rapid.T) {
		has, _ := access.ParseSet(pick.Draw(rt, "has"))
		asked := pick.Draw(rt, "asked")
		b.policy.version++
		b.policy.in[acme] = has
		form := exchange(map[string]string{"organisation_id": string(acme), "scope": strings.Join(asked, " ")})
		w := serve(x, form.Encode(), nil)
		limit, _ := access.ParseSet(asked)
		if len(asked) == 0 {
			limit = has
		}
		want := has.Intersect(limit)
		if want.IsEmpty() {
			if w.Code != 400 {
				rt.Fatalf("got %d %s", w.Code, w.Body)
			}
			return
		}
		var answer struct {
			AccessToken string `json:"access_token"`
			Scope       string
		}
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != 200 {
			rt.Fatalf("got %d %s", w.Code, w.Body)
		}
		_, claims := verified(t, b.ring, answer.AccessToken)
		if got := fmt.Sprint(claims["permissions"]); got != fmt.Sprint(want.Names()) || answer.Scope != strings.Join(want.Names(), " ") {
			rt.Fatalf("has %v, asked %v, got %s", has.Names(), asked, got)
		}
	})
}

func exchange(changes map[string]string) url.Values {
	form := url.Values{
		"grant_type": {sts.GrantTokenExchange}, "subject_token": {"the-iam-token"}, "subject_token_type": {sts.TypeAccessToken},
	}
	for name, value := range changes {
		if value == "-" {
			form.Del(name)
		} else {
			form.Set(name, value)
		}
	}
	return form
}

func serve(x *sts.Exchange, body string, change func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest("POST", "/api/sts/token/v1", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if change != nil {
		change(r)
	}
	w := httptest.NewRecorder()
	x.ServeHTTP(w, r)
	return w
}

func TestExchange(t *testing.T) {
	refusedToken := func(context.Context, string) (*access.Principal, error) {
		return nil, fault.Unauthenticated.New("the identity provider's token was refused: it expired 1h0m0s ago")
	}
	plain := func(changes map[string]string) string { return exchange(changes).Encode() }
	for rule, c := range map[string]struct {
		body   string
		change func(*http.Request)
		verify verify
		status int
		code   string
		why    string
	}{
		"a system token":       {body: plain(nil), status: 200},
		"in an organisation":   {body: plain(map[string]string{"organisation_id": string(acme)}), status: 200},
		"as JWT":               {body: plain(map[string]string{"subject_token_type": sts.TypeJWT, "requested_token_type": sts.TypeJWT}), status: 200},
		"for another audience": {body: plain(map[string]string{"audience": "bridge"}), status: 200},
		"for two audiences":    {body: plain(nil) + "&audience=bridge&audience=one-core", status: 200},
		"an unknown parameter": {body: plain(map[string]string{"x": "y"}), status: 200},
		"a charset": {body: plain(nil), change: func(r *http.Request) {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
		}, status: 200},
		"no grant type":                        {body: plain(map[string]string{"grant_type": "-"}), status: 400, code: "invalid_request", why: "grant_type"},
		"another grant type":                   {body: plain(map[string]string{"grant_type": "client_credentials"}), status: 400, code: "unsupported_grant_type"},
		"no subject token":                     {body: plain(map[string]string{"subject_token": "-"}), status: 400, code: "invalid_request", why: "subject_token: required"},
		"no subject token type":                {body: plain(map[string]string{"subject_token_type": "-"}), status: 400, code: "invalid_request", why: "subject_token_type"},
		"an ID token":                          {body: plain(map[string]string{"subject_token_type": sts.TypeIDToken}), status: 400, code: "invalid_request", why: "sts.token.idTokens"},
		"its own client":                       {body: plain(map[string]string{"client_id": "0oa1"}), status: 200},
		"another client":                       {body: plain(map[string]string{"client_id": "0oa2"}), status: 401, code: "invalid_client", why: "client_id"},
		"a client secret":                      {body: plain(map[string]string{"client_id": "0oa1", "client_secret": "x"}), status: 401, code: "invalid_client", why: "by HTTP Basic"},
		"a client assertion":                   {body: plain(map[string]string{"client_assertion": "x"}), status: 401, code: "invalid_client", why: "by HTTP Basic"},
		"HTTP Basic":                           {body: plain(nil), change: func(r *http.Request) { r.SetBasicAuth("0oa1", "x") }, status: 401, code: "invalid_client", why: "no client of that id and secret"},
		"another scheme":                       {body: plain(nil), change: func(r *http.Request) { r.Header.Set("Authorization", "DPoP x") }, status: 401, code: "invalid_client", why: "HTTP Basic"},
		"a malformed Basic":                    {body: plain(nil), change: func(r *http.Request) { r.Header.Set("Authorization", "Basic !!!") }, status: 401, code: "invalid_client", why: "HTTP Basic"},
		"a gateway's bearer":                   {body: plain(nil), change: func(r *http.Request) { r.Header.Set("Authorization", "Bearer x") }, status: 200},
		"NT34 an actor token without its type": {body: plain(map[string]string{"actor_token": "x"}), status: 400, code: "invalid_request", why: "actor_token_type"},
		"NT34 an actor token type alone":       {body: plain(map[string]string{"actor_token_type": sts.TypeJWT}), status: 400, code: "invalid_request", why: "actor_token"},
		"a refresh token wanted":               {body: plain(map[string]string{"requested_token_type": "urn:ietf:params:oauth:token-type:refresh_token"}), status: 400, code: "invalid_request", why: "requested_token_type"},
		"a resource of another's":              {body: plain(map[string]string{"resource": "https://core"}), status: 400, code: "invalid_target", why: "not an audience"},
		"a resource that is ours":              {body: plain(map[string]string{"resource": "https://api.acme.test"}), status: 200},
		"a resource and an audience":           {body: plain(map[string]string{"resource": "https://api.acme.test", "audience": "bridge"}), status: 200},
		"a resource that is no URI":            {body: plain(map[string]string{"resource": "bridge"}), status: 400, code: "invalid_target", why: "absolute URI"},
		"a resource with a fragment":           {body: plain(map[string]string{"resource": "https://api.acme.test#"}), status: 400, code: "invalid_target", why: "fragment"},
		"1001 scopes":                          {body: plain(map[string]string{"scope": strings.Repeat("KEY_LIST ", 1001)}), status: 400, code: "invalid_scope", why: "at most"},
		"NT33 an audience of another's":        {body: plain(map[string]string{"audience": "evil"}), status: 400, code: "invalid_target", why: `'evil' is not an audience`},
		"NT33 one audience of another's":       {body: plain(nil) + "&audience=one-core&audience=evil", status: 400, code: "invalid_target"},
		"RFC 6749 empty parameters":            {body: plain(nil) + "&audience=&resource=&scope=&actor_token=&client_secret=&subject_token=", status: 200},
		"eleven targets":                       {body: plain(nil) + strings.Repeat("&audience=one-core", 5) + strings.Repeat("&resource=https://api.acme.test", 6), status: 400, code: "invalid_target"},
		"an organisation without rights":       {body: plain(map[string]string{"organisation_id": string(zeta)}), status: 400, code: "invalid_target", why: "reference ref-1"},
		"an organisation that is no id":        {body: plain(map[string]string{"organisation_id": "acme"}), status: 400, code: "invalid_request", why: "organisation_id"},
		"an unknown scope":                     {body: plain(map[string]string{"scope": "ALL"}), status: 400, code: "invalid_scope", why: "no permission ALL"},
		"a scope that is not granted":          {body: plain(map[string]string{"scope": "KEY_LIST"}), status: 400, code: "invalid_scope", why: "none of the requested"},
		"a parameter twice":                    {body: plain(nil) + "&subject_token=another", status: 400, code: "invalid_request", why: "subject_token: expected once"},
		"an organisation twice":                {body: plain(nil) + "&organisation_id=" + string(acme) + "&organisation_id=" + string(zeta), status: 400, code: "invalid_request", why: "expected once"},
		"a malformed form":                     {body: plain(nil) + "&%zz", status: 400, code: "invalid_request", why: "well-formed"},
		"a semicolon":                          {body: plain(nil) + ";a=b", status: 400, code: "invalid_request", why: "well-formed"},
		"JSON":                                 {body: "{}", change: func(r *http.Request) { r.Header.Set("Content-Type", "application/json") }, status: 400, code: "invalid_request", why: "Content-Type"},
		"NT47 text":                            {body: plain(nil), change: func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }, status: 400, code: "invalid_request", why: "Content-Type"},
		"no content type":                      {body: plain(nil), change: func(r *http.Request) { r.Header.Del("Content-Type") }, status: 400, code: "invalid_request", why: "Content-Type"},
		"a query":                              {body: plain(nil), change: func(r *http.Request) { r.URL.RawQuery = "subject_token=x" }, status: 400, code: "invalid_request", why: "got a query"},
		"257 KiB":                              {body: plain(map[string]string{"x": strings.Repeat("a", 257<<10)}), status: 413, code: "invalid_request", why: "bytes of body"},
		"a token that is refused":              {body: plain(nil), verify: refusedToken, status: 400, code: "invalid_request", why: "subject_token: the identity provider's token was refused: it expired"},
		"keys that can't be had": {body: plain(nil), status: 503, code: "temporarily_unavailable", verify: func(context.Context, string) (*access.Principal, error) {
			return nil, fault.Unavailable.New("later")
		}},
		"NT51 an unknown failure": {body: plain(nil), status: 500, code: "server_error", why: "an internal error occurred", verify: func(context.Context, string) (*access.Principal, error) {
			return nil, errors.New("canary 4711")
		}},
	} {
		b := newBench(t)
		record := &memory{}
		x := &sts.Exchange{Service: b.Service, History: &history.Recorder{Store: record, Now: time.Now, Logger: silent}, IAM: c.verify}
		if c.verify == nil {
			x.IAM = verify(func(context.Context, string) (*access.Principal, error) { return ivan(), nil })
		}
		w := serve(x, c.body, c.change)
		var answer map[string]any
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
			t.Errorf("%s: %v", rule, err)
		}
		if w.Code != c.status || w.Header().Get("Cache-Control") != "no-store" || w.Header().Get("Content-Type") != "application/json" {
			t.Errorf("%s: got %d %s %v", rule, w.Code, w.Body, w.Header())
		}
		if strings.Contains(w.Body.String(), "canary") || strings.Contains(w.Body.String(), "the-iam-token") {
			t.Errorf("NT51 %s: shown: %s", rule, w.Body)
		}
		if c.status == 200 {
			if got := slices.Sorted(maps.Keys(answer)); !slices.Equal(got, []string{"access_token", "expires_in", "issued_token_type", "scope", "token_type"}) ||
				answer["token_type"] != "Bearer" || answer["issued_token_type"] != sts.TypeAccessToken || answer["expires_in"] != 300.0 {
				t.Errorf("%s: got %v", rule, answer)
			}
			if len(record.entries) != 1 || strings.Contains(string(record.entries[0].Metadata), answer["access_token"].(string)) {
				t.Errorf("%s: recorded %v", rule, record.entries)
			}
			continue
		}
		if why, _ := answer["error_description"].(string); answer["error"] != c.code || !strings.Contains(why, c.why) || len(record.entries) > 0 != strings.Contains(why, "(reference ") && !strings.Contains(why, "ref-1") {
			t.Errorf("%s: got %v, %d entries", rule, answer, len(record.entries))
		}
	}
}
