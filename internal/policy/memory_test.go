package policy_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
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
	changes []int64 // the version that each entry tells of; 0: of none
	commits int

	requests map[string]policy.Request
	closed   []policy.Request

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
	if c.Request != "" {
		if _, open := m.requests[c.Request]; !open {
			return policy.ErrRequestClosed
		}
		m.close(c.Request, policy.Closing{State: policy.Approved, At: c.At, By: c.By})
	}
	for org, on := range c.FourEyes {
		m.model.FourEyes = maps.Clone(m.model.FourEyes)
		if m.model.FourEyes == nil {
			m.model.FourEyes = map[access.OrganisationID]bool{}
		}
		if m.model.FourEyes[org] = on; !on {
			delete(m.model.FourEyes, org)
		}
	}
	m.model.Version++
	m.model.Roles = slices.DeleteFunc(slices.Clone(m.model.Roles), func(r *access.Role) bool {
		return slices.Contains(c.DeleteRoles, r.ID) || slices.ContainsFunc(c.PutRoles, func(p *access.Role) bool { return p.ID == r.ID })
	})
	m.model.IAMRoles = slices.DeleteFunc(slices.Clone(m.model.IAMRoles), func(r *access.IAMRole) bool {
		return slices.Contains(c.DeleteIAMRoles, r.ID) || slices.ContainsFunc(c.PutIAMRoles, func(p *access.IAMRole) bool { return p.ID == r.ID })
	})
	m.model.Roles, m.model.IAMRoles = append(m.model.Roles, c.PutRoles...), append(m.model.IAMRoles, c.PutIAMRoles...)
	for _, at := range c.RecordEnds {
		for i, r := range m.model.IAMRoles {
			if r.ID == at.IAMRole {
				row := r.Clone()
				row.Ends[at.Organisation] = access.End{At: row.Ends[at.Organisation].At, Recorded: true}
				m.model.IAMRoles[i] = row
			}
		}
	}
	for _, state := range c.Groups {
		for i, r := range m.model.IAMRoles {
			if r.ID == state.IAMRole {
				row := r.Clone()
				row.Group = state.Group
				m.model.IAMRoles[i] = row
			}
		}
	}
	if c.Organisations != nil {
		m.model.Organisations = c.Organisations
	}
	if c.EndsProbation {
		m.model.Probation = nil
	}
	if c.Probation != nil {
		m.model.Probation = c.Probation
	}
	for _, e := range entries {
		version := int64(0)
		if e.Action == history.Created || e.Action == history.Updated || e.Action == history.Deleted {
			version = m.model.Version
		}
		m.entries, m.changes = append(m.entries, e), append(m.changes, version)
	}
	m.commits++
	return nil
}

func (m *memory) AddRequest(_ context.Context, r policy.Request, mostOwn, most int, e history.Entry) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	own := 0
	for _, other := range m.requests {
		if other.Issuer == r.Issuer && other.Subject == r.Subject {
			own++
		}
	}
	if own >= mostOwn || len(m.requests) >= most {
		return false, nil
	}
	if m.requests == nil {
		m.requests = map[string]policy.Request{}
	}
	m.requests[r.ID], m.entries, m.changes = r, append(m.entries, e), append(m.changes, 0)
	return true, nil
}

func (m *memory) OpenRequests(context.Context) ([]policy.Request, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Collect(maps.Values(m.requests)), nil
}

func (m *memory) close(id string, c policy.Closing) {
	r := m.requests[id]
	r.Closing = c
	delete(m.requests, id)
	m.closed = append(m.closed, r)
}

func (m *memory) ClosedRequests(context.Context, time.Time, int) ([]policy.Request, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.closed), nil
}

func (m *memory) ForgetRequests(_ context.Context, before time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = slices.DeleteFunc(m.closed, func(r policy.Request) bool { return r.Closing.At.Before(before) })
	return nil
}

func (m *memory) CloseRequest(_ context.Context, id string, c policy.Closing, e history.Entry) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, open := m.requests[id]; !open {
		return false, nil
	}
	m.close(id, c)
	m.entries, m.changes = append(m.entries, e), append(m.changes, 0)
	return true, nil
}

func (m *memory) AppendHistory(ctx context.Context, e history.Entry) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.entries, m.changes = append(m.entries, e), append(m.changes, 0)
	return nil
}

func (m *memory) ChangedAfter(_ context.Context, at time.Time) (version int64, oldest time.Time, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, v := range m.changes {
		e := m.entries[i]
		if v > 0 && (oldest.IsZero() || e.CreatedAt.Before(oldest)) {
			oldest = e.CreatedAt
		}
		if v > 0 && e.CreatedAt.After(at) && (version == 0 || v < version) {
			version = v
		}
	}
	return version, oldest, nil
}

func (m *memory) FirstChanges(_ context.Context, from int64, after string, most int) (first []history.Entry, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	seen := map[string]bool{}
	for i, v := range m.changes {
		if e := m.entries[i]; v >= from && v > 0 && e.EntityID > after && !seen[e.EntityID] {
			seen[e.EntityID] = true
			first = append(first, e)
		}
	}
	slices.SortFunc(first, func(a, b history.Entry) int { return strings.Compare(a.EntityID, b.EntityID) })
	return first[:min(len(first), most)], nil
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
	uses  *uses
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
	b := &bench{store: store, clock: &clock{now: begin}, uses: &uses{rows: map[useRow]policy.RoleUse{}}, t: t}
	b.Service = b.another()
	return b
}

// another is a second process over the same store.
func (b *bench) another() *policy.Service {
	b.t.Helper()
	logger := slog.New(slog.NewTextHandler(io.Discard, nil))
	s, err := policy.New(b.t.Context(), policy.Config{
		Store: b.store, History: &history.Recorder{Store: b.store, Now: b.clock.Now, Logger: logger},
		Requests: b.store, People: &b.seen, Usage: b.uses, Bootstrap: access.Bootstrap{Issuer: issuer, Role: reserved, Retired: b.retired}, Now: b.clock.Now, Logger: logger,
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
