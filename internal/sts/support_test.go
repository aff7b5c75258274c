package sts_test

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

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

// oblivion forgets at once.
type oblivion struct{ *memory }

func (oblivion) AppendHistory(context.Context, history.Entry) error { return nil }

// names tells whether the entry of a token has its user and its actor.
func (m *memory) names(id any, user, actor string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.ContainsFunc(m.entries, func(e history.Entry) bool {
		return e.EntityID == id && e.User == user && strings.Contains(string(e.Metadata), fmt.Sprintf(`"actor":%q`, actor))
	})
}

func (*memory) ListHistory(context.Context, history.Filter) ([]history.Entry, int, error) {
	return nil, 0, nil
}

func (*memory) GetHistory(context.Context, string) (history.Entry, bool, error) {
	return history.Entry{}, false, nil
}

// rights is a policy that a test sets.
type rights struct {
	in       map[access.OrganisationID]access.PermissionSet
	version  int64
	until    time.Time
	changing bool // with every look at the version
}

func (p *rights) Permissions(_ context.Context, who *access.Principal, org access.OrganisationID, _ string) (access.Rights, error) {
	set := p.in[org]
	if set.IsEmpty() && org != access.System {
		f := fault.Forbidden.New("nothing is mapped there")
		f.Reference = "ref-1"
		return access.Rights{}, f
	}
	return access.Rights{Permissions: set, Version: p.version, Until: p.until}, nil
}

// Delegated gives every service what the user may do there.
func (p *rights) Delegated(_ context.Context, _, _ *access.Principal, held *access.PermissionSet, org access.OrganisationID, _ string) (access.Rights, error) {
	if held != nil {
		return access.Rights{Permissions: *held, Version: p.version}, nil
	}
	return access.Rights{Permissions: p.in[org], Version: p.version, Until: p.until}, nil
}

func (p *rights) Version() int64 {
	v := p.version
	if p.changing {
		p.version++
	}
	return v
}

// idTokens is an identity provider with one token of each kind.
type idTokens struct{}

func (idTokens) Principal(_ context.Context, token string) (*access.Principal, error) {
	if token != "an access token" {
		return nil, fault.Unauthenticated.New("it is no access token")
	}
	return ivan(), nil
}

func (i idTokens) Subject(ctx context.Context, token string) (*access.Principal, *access.MayAct, error) {
	p, err := i.Principal(ctx, token)
	return p, nil, err
}

func (idTokens) Identity(_ context.Context, token string) (*access.Principal, error) {
	if token != "an ID token" {
		return nil, fault.Unauthenticated.New("it is no ID token")
	}
	return ivan(), nil
}

func silentHistory(b *bench) *history.Recorder {
	return &history.Recorder{Store: oblivion{}, Now: func() time.Time { return b.now }, Logger: silent}
}

// tokenOf reads the token of an answer.
func tokenOf(t *testing.T, w *httptest.ResponseRecorder) string {
	t.Helper()
	var body struct {
		Token string `json:"access_token"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || body.Token == "" {
		t.Fatalf("got %d %s", w.Code, w.Body)
	}
	return body.Token
}

// verify is an identity provider that says of every token the same.
type verify func(context.Context, string) (*access.Principal, error)

func (v verify) Principal(ctx context.Context, token string) (*access.Principal, error) {
	return v(ctx, token)
}

func (v verify) Identity(ctx context.Context, token string) (*access.Principal, error) {
	return v(ctx, token)
}

func (v verify) Subject(ctx context.Context, token string) (*access.Principal, *access.MayAct, error) {
	p, err := v(ctx, token)
	return p, nil, err
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
		Issuer: self, Audiences: []string{"one-core", "bridge", "https://api.acme.test"}, TTL: 5 * time.Minute, Ring: ring, Policy: b.policy, Now: func() time.Time { return b.now },
	})
	return b
}

func (b *bench) open(key seal.Key) (*sts.Ring, error) {
	return sts.OpenRing(context.Background(), sts.RingConfig{
		Store: b.keys, Box: key.Box("signing key"), Rotation: 24 * time.Hour, Overlap: time.Hour, Keep: 7 * time.Minute,
		Now: func() time.Time { return b.now }, Logger: silent,
		History:   &history.Recorder{Now: func() time.Time { return b.now }, Logger: silent},
		Verifiers: []sts.Verifier{{Name: "core", Cache: 10 * time.Minute}, {Name: "bridge", Cache: 30 * time.Minute}},
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

func mustDecode(s string) []byte { b, _ := base64.RawURLEncoding.DecodeString(s); return b }

func (*rights) NoteToken(*access.Principal, access.OrganisationID, access.PermissionSet) {}
func (*rights) NoteDelegated(_, _ *access.Principal, _ access.OrganisationID, _ access.PermissionSet) {
}
