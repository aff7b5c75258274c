package corecall_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/config"
	"github.com/portico-iam/portico/internal/core"
	"github.com/portico-iam/portico/internal/coreapi"
	"github.com/portico-iam/portico/internal/corecall"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/policy"
	"github.com/portico-iam/portico/internal/seal"
	"github.com/portico-iam/portico/internal/store"
	"github.com/portico-iam/portico/internal/sts"
	"github.com/portico-iam/portico/internal/testdb"
)

func TestMain(m *testing.M) { testdb.Main(m) }

const (
	issuer   = "https://acme.okta.test/oauth2/default"
	reserved = "ONE_STS_ADMIN"
	public   = "https://portico.acme.test"
)

var silent = slog.New(slog.NewTextHandler(io.Discard, nil))

// admin may do everything in the system.
var admin = &access.Principal{Issuer: issuer, Subject: "ada", IAMRoles: []string{reserved}, NotAfter: time.Now().Add(time.Hour)}

// ivan is whoever the mapping "Issuance" lets in.
var ivan = &access.Principal{Issuer: issuer, Subject: "ivan", IAMRoles: []string{"Issuance"}, NotAfter: time.Now().Add(time.Hour)}

// world is the product's own Core behind a real server, with the policy, the STS and the database beside it.
type world struct {
	*corecall.Organisations
	t      *testing.T
	client *coreapi.Client
	caller *corecall.Caller
	core   http.Handler
	server *httptest.Server
	stands atomic.Pointer[http.HandlerFunc] // in Core's place
	calls  atomic.Int64                     // that reached the server
}

func newWorld(t *testing.T) *world {
	t.Helper()
	db := testdb.Open(t, store.SQLite)
	record := &history.Recorder{Store: db, Now: time.Now, Logger: silent}
	p, err := policy.New(t.Context(), policy.Config{
		Store: db, History: record, Bootstrap: access.Bootstrap{Issuer: issuer, Role: reserved},
		Now: time.Now, Logger: silent,
	})
	if err != nil {
		t.Fatal(err)
	}
	ring, err := sts.OpenRing(t.Context(), sts.RingConfig{
		Store: db, Box: seal.RandomKey().Box("signing key"), Rotation: time.Hour, Overlap: time.Hour, Keep: time.Hour, Now: time.Now, Logger: silent,
	})
	if err != nil {
		t.Fatal(err)
	}
	service := sts.New(sts.Config{Issuer: public, Audiences: []string{"one-core"}, TTL: 5 * time.Minute, Ring: ring, Policy: p, Now: time.Now})
	w := &world{t: t, core: newCore(t, db, service)}
	w.server = httptest.NewServer(w)
	transport := &http.Transport{}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		w.server.Close()
	})
	base, _ := url.Parse(w.server.URL)
	caller := &corecall.Caller{Mode: config.AuthSTS, STS: service}
	client := &coreapi.Client{BaseURL: base, HTTP: &http.Client{Transport: transport}}
	w.client, w.caller = client, caller
	p.Organisations = &corecall.Mirror{Caller: caller, Client: client}
	w.Organisations = &corecall.Organisations{Caller: caller, Client: client, Policy: p}
	return w
}

func newCore(t *testing.T, db *store.DB, keys *sts.Service) http.Handler {
	t.Helper()
	c, err := core.New(core.Config{
		Auth: core.Auth{Mode: core.ModeSTS, STS: core.TokenValidation{
			Issuer: public, Audience: "one-core", JWKSURI: "https://sts.test/jwks.json", JWKSRefreshAfter: time.Hour, JWKSExpireAfter: 24 * time.Hour,
		}},
		Organisations: db, History: db, HTTP: &http.Client{Transport: direct(keys.ServeJWKS)}, EnableHistoryCreateEndpoint: true, Logger: silent,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c.Handler()
}

// direct calls a handler without a network.
type direct http.HandlerFunc

func (d direct) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	d(w, r)
	return w.Result(), nil
}

func (w *world) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	w.calls.Add(1)
	if h := w.stands.Load(); h != nil {
		(*h)(rw, r)
		return
	}
	w.core.ServeHTTP(rw, r)
}

// instead lets h stand in Core's place; nil is Core itself again.
func (w *world) instead(h http.HandlerFunc) {
	if h == nil {
		w.stands.Store(nil)
		return
	}
	w.stands.Store(&h)
}

// create makes an organisation of that name.
func (w *world) create(name string) access.OrganisationID {
	w.t.Helper()
	id, err := w.Create(w.t.Context(), admin, coreapi.OrganisationCreate{Name: &name})
	if err != nil {
		w.t.Fatalf("create %s: %v", name, err)
	}
	return id
}

func (w *world) change(id access.OrganisationID, body coreapi.OrganisationPatch) {
	w.t.Helper()
	if err := w.Change(w.t.Context(), admin, id, body); err != nil {
		w.t.Fatalf("change %s: %v", id, err)
	}
}

// letIn maps ivan's IAM role to a role in the organisation.
func (w *world) letIn(id access.OrganisationID) {
	w.t.Helper()
	role, err := w.Policy.CreateRole(w.t.Context(), admin, access.Role{Name: "Issuer", Permissions: access.SetOf(access.CredentialIssue)}, policy.Seen{})
	if err == nil {
		_, err = w.Policy.CreateIAMRole(w.t.Context(), admin, access.IAMRole{
			Name: ivan.IAMRoles[0], OrganisationRoles: map[access.OrganisationID][]access.RoleID{id: {role.ID}},
		}, policy.Seen{})
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// wantAccess tells whether ivan may issue in the organisation now.
func (w *world) wantAccess(rule string, id access.OrganisationID, want bool) {
	w.t.Helper()
	err := w.Policy.Enforce(context.Background(), ivan, id, "POST /api/credential/v1", access.CredentialIssue)
	if got := err == nil; got != want {
		w.t.Errorf("%s: expected access %v, got %v", rule, want, err)
	}
}

// mirrored lists what the mirror holds, one line each, sorted.
func (w *world) mirrored() []string {
	var lines []string
	for _, o := range w.Policy.Snapshot().Organisations() {
		lines = append(lines, line(o.ID, o.Name, o.Active()))
	}
	slices.Sort(lines)
	return lines
}

// wantMirror compares the mirror with what Core itself says.
func (w *world) wantMirror(rule string) {
	w.t.Helper()
	list, err := w.List(context.Background(), admin)
	if err != nil {
		w.t.Fatalf("%s: %v", rule, err)
	}
	var lines []string
	for _, o := range list {
		lines = append(lines, line(o.ID, o.Name, o.DeactivatedAt.IsZero()))
	}
	slices.Sort(lines)
	if got := w.mirrored(); !slices.Equal(got, lines) {
		w.t.Errorf("%s: the mirror holds\n%s\nCore lists\n%s", rule, strings.Join(got, "\n"), strings.Join(lines, "\n"))
	}
}

func line(id access.OrganisationID, name string, active bool) string {
	state := " inactive"
	if active {
		state = " active"
	}
	return string(id) + " " + name + state
}

func wantCode(t *testing.T, rule string, err error, want *fault.Code) {
	t.Helper()
	if !want.Is(err) {
		t.Errorf("%s: expected %s, got %v", rule, want.ID, err)
	}
}
