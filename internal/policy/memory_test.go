package policy_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/policy"
	"github.com/portico-iam/portico/internal/session"
)

// memory is a store of models and of history. It keeps rows by id, as a database does.
type memory struct {
	mu      sync.Mutex
	model   access.Model
	entries []history.Entry
	commits int

	// before runs at the begin of each commit, outside the lock: it may play another process, or fail.
	before func() error
}

func (m *memory) LoadModel(context.Context) (access.Model, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := m.model
	c.Roles, c.IAMRoles, c.Organisations = slices.Clone(c.Roles), slices.Clone(c.IAMRoles), slices.Clone(c.Organisations)
	return c, nil
}

func (m *memory) ModelVersion(context.Context) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.model.Version, nil
}

func (m *memory) CommitChange(_ context.Context, base int64, c access.Change, entries []history.Entry) error {
	if m.before != nil {
		if err := m.before(); err != nil {
			return err
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.model.Version != base {
		return policy.ErrVersion
	}
	m.model.Version++
	m.model.Roles = slices.DeleteFunc(slices.Clone(m.model.Roles), func(r *access.Role) bool {
		return slices.Contains(c.DeleteRoles, r.ID) || slices.ContainsFunc(c.PutRoles, func(p *access.Role) bool { return p.ID == r.ID })
	})
	m.model.IAMRoles = slices.DeleteFunc(slices.Clone(m.model.IAMRoles), func(r *access.IAMRole) bool {
		return slices.Contains(c.DeleteIAMRoles, r.ID) || slices.ContainsFunc(c.PutIAMRoles, func(p *access.IAMRole) bool { return p.ID == r.ID })
	})
	m.model.Roles, m.model.IAMRoles = append(m.model.Roles, c.PutRoles...), append(m.model.IAMRoles, c.PutIAMRoles...)
	if c.Organisations != nil {
		m.model.Organisations = c.Organisations
	}
	m.entries = append(m.entries, entries...)
	m.commits++
	return nil
}

func (m *memory) AppendHistory(ctx context.Context, e history.Entry) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.entries = append(m.entries, e)
	return nil
}

func (m *memory) ListHistory(context.Context, history.Filter) ([]history.Entry, int, error) {
	return nil, 0, errors.New("not needed")
}

func (m *memory) GetHistory(_ context.Context, id string) (history.Entry, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range m.entries {
		if e.ID == id {
			return e, true, nil
		}
	}
	return history.Entry{}, false, nil
}

func (m *memory) recorded() []history.Entry {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.entries)
}

func (m *memory) committed() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.commits
}

// clock is set by hand.
type clock struct {
	mu   sync.Mutex
	now  time.Time
	gate func() // what happens whenever somebody asks for the time
}

func (c *clock) Now() time.Time {
	if c.gate != nil {
		c.gate()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// tenants is Core's list of organisations.
type tenants func(context.Context) ([]*access.Organisation, error)

func (f tenants) Organisations(ctx context.Context) ([]*access.Organisation, error) { return f(ctx) }

const (
	issuer   = "https://acme.okta.test/oauth2/default"
	reserved = "ONE_STS_ADMIN"
)

var (
	admin  = &access.Principal{Issuer: issuer, Subject: "ada", IAMRoles: []string{reserved}}
	nobody = &access.Principal{Issuer: issuer, Subject: "nora", IAMRoles: []string{"acme issuance"}}
	begin  = time.Date(2026, 1, 31, 9, 30, 0, 123456789, time.UTC)
)

// bench is a service over a memory store, with one organisation.
type bench struct {
	*policy.Service
	store *memory
	clock *clock
	seen  seen
	t     *testing.T

	retired bool // the bootstrap role
}

// seen is who was seen.
type seen []session.Person

func (s *seen) PeopleSeen(context.Context, time.Time, int) ([]session.Person, error) { return *s, nil }

func newBench(t *testing.T) *bench {
	t.Helper()
	store := &memory{model: access.Model{
		Version:       1,
		Organisations: []*access.Organisation{{ID: "acme", Name: "Acme"}, {ID: "zeta", Name: "Zeta"}},
	}}
	b := &bench{store: store, clock: &clock{now: begin}, t: t}
	b.Service = b.another()
	return b
}

// another is a second process over the same store.
func (b *bench) another() *policy.Service {
	b.t.Helper()
	logger := slog.New(slog.NewTextHandler(io.Discard, nil))
	s, err := policy.New(b.t.Context(), policy.Config{
		Store: b.store, History: &history.Recorder{Store: b.store, Now: b.clock.Now, Logger: logger},
		People: &b.seen, Bootstrap: access.Bootstrap{Issuer: issuer, Role: reserved, Retired: b.retired}, Now: b.clock.Now, Logger: logger,
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return s
}

func (b *bench) role(name string, ps ...access.Permission) *access.Role {
	b.t.Helper()
	r, err := b.CreateRole(b.t.Context(), admin, access.Role{Name: name, Permissions: access.SetOf(ps...)}, policy.Seen{})
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}

func (b *bench) iamRole(name string, org access.OrganisationID, roles ...access.RoleID) *access.IAMRole {
	b.t.Helper()
	r, err := b.CreateIAMRole(b.t.Context(), admin, access.IAMRole{Name: name, OrganisationRoles: map[access.OrganisationID][]access.RoleID{org: roles}}, policy.Seen{})
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}

func wantCode(t *testing.T, rule string, err error, want *fault.Code) *fault.Fault {
	t.Helper()
	if !want.Is(err) {
		t.Fatalf("%s: got %v, want %s", rule, err, want.ID)
	}
	return fault.Of(err)
}
