package desk

import (
	"context"
	"io"
	"log/slog"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/authn"
	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/httpx"
	"github.com/portico-iam/portico/internal/policy"
	"github.com/portico-iam/portico/internal/store"
	"github.com/portico-iam/portico/internal/testdb"
)

func TestMain(m *testing.M) { testdb.Main(m) }

const (
	issuer = "https://acme.okta.test/oauth2/default"
	acme   = access.OrganisationID("6a3c0000-0000-4000-8000-000000000001")
	zeta   = access.OrganisationID("6a3c0000-0000-4000-8000-000000000002")
)

var ada = as("ONE_STS_ADMIN")

func as(iamRoles ...string) *authn.Caller {
	return &authn.Caller{Principal: &access.Principal{Issuer: issuer, Subject: "somebody", IAMRoles: iamRoles}}
}

type tenants struct{}

func (tenants) Organisations(context.Context) ([]*access.Organisation, error) {
	return []*access.Organisation{{ID: acme, Name: "Acme"}, {ID: zeta, Name: "Zeta"}}, nil
}

// bench is a Desk over a database of its own, whose pages are asked for as somebody.
type bench struct {
	*Handler
	db *store.DB
	t  *testing.T
}

func newBench(t *testing.T) *bench {
	t.Helper()
	db := testdb.Open(t, store.SQLite)
	silent := slog.New(slog.NewTextHandler(io.Discard, nil))
	record := &history.Recorder{Store: db, Now: time.Now, Logger: silent}
	p, err := policy.New(t.Context(), policy.Config{
		Store: db, Organisations: tenants{}, History: record, Bootstrap: access.Bootstrap{Issuer: issuer, Role: "ONE_STS_ADMIN"}, People: db, Usage: db, Requests: db,
		Now: time.Now, Logger: silent,
	})
	if err == nil {
		err = p.SyncOrganisations(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	return &bench{&Handler{Config: Config{Policy: p, History: record, Now: time.Now, Logger: silent}}, db, t}
}

// open asks for a page as somebody who was let in.
func (b *bench) open(page pageHandler, target string, c *authn.Caller) *httptest.ResponseRecorder {
	w, r := httptest.NewRecorder(), httptest.NewRequestWithContext(b.t.Context(), "GET", target, nil)
	if err := page(w, r, c); err != nil {
		httpx.WriteError(w, r, err)
	}
	return w
}

func (b *bench) role(name string, set access.PermissionSet) *access.Role {
	b.t.Helper()
	role, err := b.Policy.CreateRole(b.t.Context(), ada.Principal, access.Role{Name: name, Permissions: set}, policy.Seen{})
	if err != nil {
		b.t.Fatal(err)
	}
	return role
}

// maps gives an IAM role a role in an organisation, or in the system.
func (b *bench) maps(name string, org access.OrganisationID, id access.RoleID) *access.IAMRole {
	b.t.Helper()
	row := access.IAMRole{Name: name}
	if org == access.System {
		row.SystemRoles = []access.RoleID{id}
	} else {
		row.OrganisationRoles = map[access.OrganisationID][]access.RoleID{org: {id}}
	}
	made, err := b.Policy.CreateIAMRole(b.t.Context(), ada.Principal, row, policy.Seen{})
	if err != nil {
		b.t.Fatal(err)
	}
	return made
}
