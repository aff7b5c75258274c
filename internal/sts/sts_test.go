package sts_test

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/seal"
	"github.com/portico-iam/portico/internal/sts"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	self = "https://portico.acme.test"
	acme = access.OrganisationID("6a3c0000-0000-4000-8000-000000000001")
	zeta = access.OrganisationID("6a3c0000-0000-4000-8000-000000000002")
)

var (
	begin  = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	silent = slog.New(slog.NewTextHandler(io.Discard, nil))
)

// keyStore is a store of keys in memory.
type keyStore struct {
	mu       sync.Mutex
	keys     []sts.KeyRecord
	revision int64
	before   func() // runs before a save, outside the lock: it may play another replica
}

func (s *keyStore) LoadKeys(context.Context) ([]sts.KeyRecord, int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.keys), s.revision, nil
}

func (s *keyStore) SaveKeys(_ context.Context, base int64, keys []sts.KeyRecord) error {
	if hook := s.before; hook != nil {
		s.before = nil
		hook()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.revision != base {
		return sts.ErrKeysChanged
	}
	s.keys, s.revision = slices.Clone(keys), base+1
	return nil
}

// memory keeps the history.
type memory struct {
	mu      sync.Mutex
	entries []history.Entry
}

func (m *memory) AppendHistory(_ context.Context, e history.Entry) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.entries = append(m.entries, e)
	return nil
}

func (*memory) ListHistory(context.Context, history.Filter) ([]history.Entry, int, error) {
	return nil, 0, nil
}

func (*memory) GetHistory(context.Context, string) (history.Entry, bool, error) {
	return history.Entry{}, false, nil
}

// rights is a policy that a test sets.
type rights struct {
	in      map[access.OrganisationID]access.PermissionSet
	version int64
}

func (p *rights) Permissions(_ context.Context, who *access.Principal, org access.OrganisationID, _ string) (access.PermissionSet, int64, error) {
	set := p.in[org]
	if set.IsEmpty() && org != access.System {
		f := fault.Forbidden.New("nothing is mapped there")
		f.Reference = "ref-1"
		return set, 0, f
	}
	return set, p.version, nil
}

type bench struct {
	now    time.Time
	key    seal.Key
	keys   *keyStore
	ring   *sts.Ring
	policy *rights
	*sts.Service
}

func newBench(t interface {
	Helper()
	Fatal(...any)
},
) *bench {
	b := &bench{now: begin, key: seal.RandomKey(), keys: &keyStore{}, policy: &rights{version: 7, in: map[access.OrganisationID]access.PermissionSet{
		access.System: access.SetOf(access.STSRoleList),
		acme:          access.SetOf(access.CredentialIssue, access.CredentialList),
	}}}
	ring, err := b.open(b.key)
	if err != nil {
		t.Fatal(err)
	}
	b.ring = ring
	b.Service = sts.New(sts.Config{
		Issuer: self, Audiences: []string{"one-core", "bridge"}, TTL: 5 * time.Minute, Ring: ring, Policy: b.policy, Now: func() time.Time { return b.now },
	})
	return b
}

func (b *bench) open(key seal.Key) (*sts.Ring, error) {
	return sts.OpenRing(context.Background(), sts.RingConfig{
		Store: b.keys, Box: key.Box("signing key"), Rotation: 24 * time.Hour, Overlap: time.Hour, Keep: 7 * time.Minute,
		Now: func() time.Time { return b.now }, Logger: silent,
	})
}

func ivan() *access.Principal {
	return &access.Principal{
		Issuer: "https://acme.okta.test", Subject: "ivan@acme.test", ClientID: "0oa1", IAMRoles: []string{"Acme Issuance"},
		GivenName: "Ivan", FamilyName: "Issuer", NotAfter: begin.Add(time.Hour),
	}
}

type jwk struct{ Kty, Crv, Use, Alg, Kid, X string }

func published(t *testing.T, r *sts.Ring) map[string]jwk {
	t.Helper()
	var set struct{ Keys []map[string]string }
	if err := json.Unmarshal(r.JWKS(), &set); err != nil {
		t.Fatal(err)
	}
	keys := map[string]jwk{}
	for _, k := range set.Keys {
		if len(k) != 6 || k["kty"] != "OKP" || k["crv"] != "Ed25519" || k["use"] != "sig" || k["alg"] != "EdDSA" {
			t.Errorf("Core fails on a set with this: %v", k)
		}
		keys[k["kid"]] = jwk{Kid: k["kid"], X: k["x"]}
	}
	return keys
}

// verified checks a token as Core does and returns header and claims.
func verified(t *testing.T, r *sts.Ring, token string) (header, claims map[string]any) {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("%d parts", len(parts))
	}
	decode := func(s string) []byte {
		b, err := base64.RawURLEncoding.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	if err := json.Unmarshal(decode(parts[0]), &header); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(decode(parts[1]), &claims); err != nil {
		t.Fatal(err)
	}
	kid, _ := header["kid"].(string)
	key, ok := published(t, r)[kid]
	if !ok {
		t.Fatalf("the key %q is not published", kid)
	}
	if !ed25519.Verify(decode(key.X), []byte(parts[0]+"."+parts[1]), decode(parts[2])) {
		t.Fatal("the signature does not verify")
	}
	return header, claims
}

func TestAppTokens(t *testing.T) {
	b := newBench(t)
	token, err := b.Issue(t.Context(), sts.Request{Principal: ivan(), Organisation: acme})
	if err != nil {
		t.Fatal(err)
	}
	header, claims := verified(t, b.ring, token.Value)
	if len(header) != 3 || header["alg"] != "EdDSA" || header["typ"] != "at+jwt" {
		t.Errorf("got the header %v", header)
	}
	if jti, _ := claims["jti"].(string); len(jti) != 36 {
		t.Errorf("jti %v", claims["jti"])
	}
	delete(claims, "jti")
	want := map[string]any{
		"iss": self, "aud": []any{"one-core"}, "sub": "ivan@acme.test", "client_id": "0oa1", "iat": float64(begin.Unix()),
		"exp": float64(begin.Add(5 * time.Minute).Unix()), "organisationId": string(acme), "mapping": 7.0,
		"permissions": []any{"CREDENTIAL_ISSUE", "CREDENTIAL_LIST"},
	}
	if fmt.Sprint(claims) != fmt.Sprint(want) {
		t.Errorf("got  %v\nwant %v", claims, want)
	}
	token, err = b.Issue(t.Context(), sts.Request{Principal: ivan()})
	if err != nil {
		t.Fatal(err)
	}
	if _, claims := verified(t, b.ring, token.Value); claims["organisationId"] != nil || fmt.Sprint(claims["permissions"]) != "[STS_ROLE_LIST]" {
		t.Errorf("a system token: got %v", claims)
	}
	b.policy.in[access.System] = access.PermissionSet{}
	token, _ = b.Issue(t.Context(), sts.Request{Principal: ivan()})
	if parts := strings.Split(token.Value, "."); !strings.Contains(string(mustDecode(parts[1])), `"permissions":[]`) {
		t.Error("no permissions are an empty list, not null")
	}
	if s := fmt.Sprintf("%v %+v %s", token, token, token); strings.Contains(s, token.Value) {
		t.Error("NT51: a token prints itself")
	}
}

func mustDecode(s string) []byte { b, _ := base64.RawURLEncoding.DecodeString(s); return b }

func TestATokenNeverOutlivesTheIAMTokenBehindIt(t *testing.T) {
	b := newBench(t)
	p := ivan()
	p.NotAfter = begin.Add(90*time.Second + 700*time.Millisecond)
	token, err := b.Issue(t.Context(), sts.Request{Principal: p, Organisation: acme})
	if err != nil {
		t.Fatal(err)
	}
	if _, claims := verified(t, b.ring, token.Value); claims["exp"] != float64(begin.Add(90*time.Second).Unix()) {
		t.Errorf("got exp %v", claims["exp"])
	}
	b.now = p.NotAfter
	if _, err := b.Issue(t.Context(), sts.Request{Principal: p, Organisation: acme}); !fault.Unauthenticated.Is(err) {
		t.Errorf("from an expired one: %v", err)
	}
}

func TestNT28_AFreshTokenIsReusedForAnEqualRequestOnly(t *testing.T) {
	request := func() sts.Request { return sts.Request{Principal: ivan(), Organisation: acme} }
	limit := access.SetOf(access.CredentialList)
	for rule, c := range map[string]struct {
		change func(b *bench, r *sts.Request)
		same   bool
	}{
		"nothing":                       {func(*bench, *sts.Request) {}, true},
		"a name, which decides nothing": {func(_ *bench, r *sts.Request) { r.Principal.GivenName = "X" }, true},
		"another subject":               {func(_ *bench, r *sts.Request) { r.Principal.Subject = "eve" }, false},
		"another issuer":                {func(_ *bench, r *sts.Request) { r.Principal.Issuer = "https://evil" }, false},
		"another client":                {func(_ *bench, r *sts.Request) { r.Principal.ClientID = "x" }, false},
		"other IAM roles":               {func(_ *bench, r *sts.Request) { r.Principal.IAMRoles = []string{"Acme", "Issuance"} }, false},
		"another expiry":                {func(_ *bench, r *sts.Request) { r.Principal.NotAfter = begin.Add(2 * time.Hour) }, false},
		"no organisation":               {func(_ *bench, r *sts.Request) { r.Organisation = access.System }, false},
		"another audience":              {func(_ *bench, r *sts.Request) { r.Audiences = []string{"bridge"} }, false},
		"fewer permissions asked for":   {func(_ *bench, r *sts.Request) { r.Limit = &limit }, false},
		"fewer permissions":             {func(b *bench, _ *sts.Request) { b.policy.in[acme] = limit }, false},
		"a changed mapping":             {func(b *bench, _ *sts.Request) { b.policy.version++ }, false},
		"four minutes later":            {func(b *bench, _ *sts.Request) { b.now = begin.Add(4 * time.Minute) }, false},
		"a moment before":               {func(b *bench, _ *sts.Request) { b.now = begin.Add(4*time.Minute - 1) }, true},
	} {
		b := newBench(t)
		first, err := b.Issue(t.Context(), request())
		if err != nil {
			t.Fatal(err)
		}
		r := request()
		c.change(b, &r)
		second, err := b.Issue(t.Context(), r)
		if err != nil {
			t.Fatal(rule, err)
		}
		if (first.Value == second.Value) != c.same {
			t.Errorf("%s: the same token: %v", rule, !c.same)
		}
		if _, claims := verified(t, b.ring, second.Value); claims["mapping"] != float64(b.policy.version) || claims["sub"] != r.Principal.Subject {
			t.Errorf("%s: got %v", rule, claims)
		}
	}
	b := newBench(t)
	_, err := b.Issue(t.Context(), request())
	b.policy.in[acme] = access.PermissionSet{}
	if _, again := b.Issue(t.Context(), request()); err != nil || !fault.Forbidden.Is(again) {
		t.Errorf("NT28: after the mapping went: %v, %v", err, again)
	}
}

func TestNT33_GrantedIsWithinRightsAndRequest(t *testing.T) {
	b := newBench(t)
	x := &sts.Exchange{
		Service: b.Service, History: &history.Recorder{Store: &memory{}, Now: time.Now, Logger: silent},
		Verify: func(context.Context, string) (*access.Principal, error) { return ivan(), nil },
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
		verify func(context.Context, string) (*access.Principal, error)
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
		"no grant type":                  {body: plain(map[string]string{"grant_type": "-"}), status: 400, code: "invalid_request", why: "grant_type"},
		"another grant type":             {body: plain(map[string]string{"grant_type": "client_credentials"}), status: 400, code: "unsupported_grant_type"},
		"no subject token":               {body: plain(map[string]string{"subject_token": "-"}), status: 400, code: "invalid_request", why: "subject_token: required"},
		"no subject token type":          {body: plain(map[string]string{"subject_token_type": "-"}), status: 400, code: "invalid_request", why: "subject_token_type"},
		"an ID token":                    {body: plain(map[string]string{"subject_token_type": "urn:ietf:params:oauth:token-type:id_token"}), status: 400, code: "invalid_request", why: "subject_token_type"},
		"NT34 an actor token":            {body: plain(map[string]string{"actor_token": "x"}), status: 400, code: "invalid_request", why: "actor_token"},
		"NT34 an actor token type alone": {body: plain(map[string]string{"actor_token_type": sts.TypeJWT}), status: 400, code: "invalid_request", why: "actor_token"},
		"a refresh token wanted":         {body: plain(map[string]string{"requested_token_type": "urn:ietf:params:oauth:token-type:refresh_token"}), status: 400, code: "invalid_request", why: "requested_token_type"},
		"a resource":                     {body: plain(map[string]string{"resource": "https://core"}), status: 400, code: "invalid_target", why: "resource"},
		"NT33 an audience of another's":  {body: plain(map[string]string{"audience": "evil"}), status: 400, code: "invalid_target", why: `"evil" is not an audience`},
		"NT33 one audience of another's": {body: plain(nil) + "&audience=one-core&audience=evil", status: 400, code: "invalid_target"},
		"an empty audience":              {body: plain(nil) + "&audience=", status: 400, code: "invalid_target"},
		"eleven audiences":               {body: plain(nil) + strings.Repeat("&audience=one-core", 11), status: 400, code: "invalid_target"},
		"an organisation without rights": {body: plain(map[string]string{"organisation_id": string(zeta)}), status: 400, code: "invalid_target", why: "reference ref-1"},
		"an organisation that is no id":  {body: plain(map[string]string{"organisation_id": "acme"}), status: 400, code: "invalid_request", why: "organisation_id"},
		"an unknown scope":               {body: plain(map[string]string{"scope": "ALL"}), status: 400, code: "invalid_scope", why: "no permission ALL"},
		"a scope that is not granted":    {body: plain(map[string]string{"scope": "KEY_LIST"}), status: 400, code: "invalid_scope", why: "none of the requested"},
		"a parameter twice":              {body: plain(nil) + "&subject_token=another", status: 400, code: "invalid_request", why: "subject_token: expected once"},
		"an organisation twice":          {body: plain(nil) + "&organisation_id=" + string(acme) + "&organisation_id=" + string(zeta), status: 400, code: "invalid_request", why: "expected once"},
		"a malformed form":               {body: plain(nil) + "&%zz", status: 400, code: "invalid_request", why: "well-formed"},
		"a semicolon":                    {body: plain(nil) + ";a=b", status: 400, code: "invalid_request", why: "well-formed"},
		"JSON":                           {body: "{}", change: func(r *http.Request) { r.Header.Set("Content-Type", "application/json") }, status: 400, code: "invalid_request", why: "Content-Type"},
		"NT47 text":                      {body: plain(nil), change: func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }, status: 400, code: "invalid_request", why: "Content-Type"},
		"no content type":                {body: plain(nil), change: func(r *http.Request) { r.Header.Del("Content-Type") }, status: 400, code: "invalid_request", why: "Content-Type"},
		"a query":                        {body: plain(nil), change: func(r *http.Request) { r.URL.RawQuery = "subject_token=x" }, status: 400, code: "invalid_request", why: "got a query"},
		"129 KiB":                        {body: plain(map[string]string{"x": strings.Repeat("a", 129<<10)}), status: 413, code: "invalid_request", why: "bytes of body"},
		"a token that is refused":        {body: plain(nil), verify: refusedToken, status: 400, code: "invalid_request", why: "subject_token: the identity provider's token was refused: it expired"},
		"keys that can't be had": {body: plain(nil), status: 503, code: "temporarily_unavailable", verify: func(context.Context, string) (*access.Principal, error) {
			return nil, fault.Unavailable.New("later")
		}},
		"NT51 an unknown failure": {body: plain(nil), status: 500, code: "server_error", why: "an internal error occurred", verify: func(context.Context, string) (*access.Principal, error) {
			return nil, errors.New("canary 4711")
		}},
	} {
		b := newBench(t)
		record := &memory{}
		x := &sts.Exchange{Service: b.Service, History: &history.Recorder{Store: record, Now: time.Now, Logger: silent}, Verify: c.verify}
		if x.Verify == nil {
			x.Verify = func(context.Context, string) (*access.Principal, error) { return ivan(), nil }
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
		if why, _ := answer["error_description"].(string); answer["error"] != c.code || !strings.Contains(why, c.why) || len(record.entries) > 0 {
			t.Errorf("%s: got %v, %d entries", rule, answer, len(record.entries))
		}
	}
}

func states(r *sts.Ring) (all []string) {
	for _, k := range r.Keys() {
		all = append(all, string(k.State))
	}
	return all
}

func (b *bench) maintain(t *testing.T, r *sts.Ring) {
	t.Helper()
	if err := r.Maintain(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestTheRingTurns(t *testing.T) {
	b := newBench(t)
	if got := states(b.ring); !slices.Equal(got, []string{"active", "next"}) {
		t.Fatalf("first keys: %v", got)
	}
	for _, k := range b.ring.Keys() {
		if k.Sealed != nil {
			t.Error("NT51: Keys shows what is secret")
		}
	}
	first := published(t, b.ring)
	if len(first) != 2 {
		t.Errorf("the next key is published before it signs: %v", first)
	}
	again, err := b.open(b.key)
	if err != nil || fmt.Sprint(published(t, again)) != fmt.Sprint(first) {
		t.Fatalf("after a restart: %v, %v", published(t, again), err)
	}
	old, _ := b.Issue(t.Context(), sts.Request{Principal: ivan(), Organisation: acme})
	b.now = begin.Add(24*time.Hour - time.Second)
	b.maintain(t, b.ring)
	if got := states(b.ring); !slices.Equal(got, []string{"active", "next"}) {
		t.Errorf("before its time: %v", got)
	}
	b.now = begin.Add(24 * time.Hour)
	b.maintain(t, b.ring)
	if got := states(b.ring); !slices.Equal(got, []string{"retired", "active", "next"}) {
		t.Fatalf("at its time: %v", got)
	}
	verified(t, b.ring, old.Value) // still published
	p := ivan()
	p.NotAfter = b.now.Add(time.Hour)
	fresh, err := b.Issue(t.Context(), sts.Request{Principal: p, Organisation: acme})
	if err != nil {
		t.Fatal(err)
	}
	header, _ := verified(t, b.ring, fresh.Value)
	if _, known := first[header["kid"].(string)]; !known {
		t.Error("a key signs that was not published beforehand")
	}
	b.now = b.now.Add(7 * time.Minute)
	b.maintain(t, b.ring)
	if got := states(b.ring); !slices.Equal(got, []string{"retired", "active", "next"}) {
		t.Errorf("a retired key went before its last token: %v", got)
	}
	b.now = b.now.Add(time.Second)
	b.maintain(t, b.ring)
	if got := states(b.ring); !slices.Equal(got, []string{"active", "next"}) || len(published(t, b.ring)) != 2 {
		t.Errorf("afterwards: %v", got)
	}
}

func TestAKeyDoesNotSignBeforeEveryVerifierKnowsIt(t *testing.T) {
	b := newBench(t)
	b.keys.mu.Lock()
	for i := range b.keys.keys {
		if b.keys.keys[i].State == sts.KeyNext {
			b.keys.keys[i].CreatedAt = begin.Add(24 * time.Hour)
		}
	}
	b.keys.mu.Unlock()
	b.now = begin.Add(25*time.Hour - time.Second)
	b.maintain(t, b.ring)
	if got := states(b.ring); !slices.Equal(got, []string{"active", "next"}) {
		t.Errorf("rotated within the overlap: %v", got)
	}
	b.now = b.now.Add(time.Second)
	b.maintain(t, b.ring)
	if got := states(b.ring); !slices.Equal(got, []string{"retired", "active", "next"}) {
		t.Errorf("got %v", got)
	}
}

func TestAWrongKeyEncryptionKeyIsOneClearSentence(t *testing.T) {
	b := newBench(t)
	_, err := b.open(seal.RandomKey())
	if err == nil || !strings.Contains(err.Error(), "does not open: the key-encryption key is not the one it was stored with") || strings.Contains(err.Error(), "\n") {
		t.Errorf("got %v", err)
	}
	for rule, spoil := range map[string]func(k []sts.KeyRecord){
		"the next key does not open":   func(k []sts.KeyRecord) { k[1].Sealed = k[0].Sealed },
		"the private keys are swapped": func(k []sts.KeyRecord) { k[0].Sealed, k[1].Sealed = k[1].Sealed, k[0].Sealed },
		"a public key was replaced":    func(k []sts.KeyRecord) { k[0].Public = k[1].Public },
		"a public key is cut":          func(k []sts.KeyRecord) { k[0].Public = k[0].Public[:31] },
		"none is active":               func(k []sts.KeyRecord) { k[0].State = sts.KeyRetired },
	} {
		b := newBench(t)
		spoil(b.keys.keys)
		if _, err := b.open(b.key); err == nil {
			t.Errorf("%s: opened", rule)
		}
	}
}

func TestReplicasRace(t *testing.T) {
	b := &bench{now: begin, key: seal.RandomKey(), keys: &keyStore{}}
	var other *sts.Ring
	b.keys.before = func() { other, _ = b.open(b.key) } // it is first
	ring, err := b.open(b.key)
	if err != nil || fmt.Sprint(published(t, ring)) != fmt.Sprint(published(t, other)) {
		t.Fatalf("the first keys differ: %v", err)
	}
	b.now = begin.Add(24 * time.Hour)
	b.keys.before = func() { b.maintain(t, other) }
	b.maintain(t, ring)
	if got := states(ring); !slices.Equal(got, []string{"retired", "active", "next"}) || fmt.Sprint(published(t, ring)) != fmt.Sprint(published(t, other)) {
		t.Errorf("one rotation for both: %v, %v", got, states(other))
	}
}

func TestPublishedDocuments(t *testing.T) {
	b := newBench(t)
	w := httptest.NewRecorder()
	b.ServeJWKS(w, httptest.NewRequest("GET", "/.well-known/jwks.json", nil))
	if w.Body.String() != string(b.ring.JWKS()) || w.Header().Get("Content-Type") != "application/jwk-set+json" || w.Header().Get("Cache-Control") != "public, max-age=300" {
		t.Errorf("got %v %s", w.Header(), w.Body)
	}
	for _, private := range []string{`"d"`, `"k"`} {
		if strings.Contains(w.Body.String(), private) {
			t.Errorf("%s is published", private)
		}
	}
	w = httptest.NewRecorder()
	b.ServeMetadata(w, httptest.NewRequest("GET", "/", nil))
	var m map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &m); err != nil || m["issuer"] != self || m["token_endpoint"] != self+"/api/sts/token/v1" || m["jwks_uri"] != self+"/.well-known/jwks.json" {
		t.Errorf("got %s", w.Body)
	}
}

func TestIssueOwnActsForNobody(t *testing.T) {
	b := newBench(t)
	_, claims := verified(t, b.ring, b.IssueOwn(access.SetOf(access.STSOrganisationList)).Value)
	if claims["organisationId"] != nil || claims["sub"] != "portico" || fmt.Sprint(claims["permissions"]) != "[STS_ORGANISATION_LIST]" {
		t.Errorf("got %v", claims)
	}
}
