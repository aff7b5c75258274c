package core

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/httpx"
)

// memory is a store of the semantics that OrganisationStore and history.Store ask for.
type memory struct {
	mu            sync.Mutex
	organisations map[access.OrganisationID]Organisation
	entries       []history.Entry
	broken        error // what every call answers, if set
}

var (
	_ OrganisationStore = (*memory)(nil)
	_ history.Store     = (*memory)(nil)
)

func newMemory() *memory { return &memory{organisations: map[access.OrganisationID]Organisation{}} }

func (m *memory) CreateOrganisation(_ context.Context, o Organisation, e history.Entry) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, exists := m.organisations[o.ID]; exists {
		return ErrOrganisationExists
	}
	return m.write(o, e)
}

func (m *memory) write(o Organisation, entries ...history.Entry) error {
	if m.broken != nil {
		return m.broken
	}
	for id, other := range m.organisations {
		switch {
		case id == o.ID:
		case other.Name == o.Name:
			return ErrOrganisationExists
		case o.WalletProvider != "" && other.WalletProvider == o.WalletProvider:
			return ErrWalletProviderUsed
		}
	}
	m.organisations[o.ID] = o
	m.entries = append(m.entries, entries...)
	return nil
}

func (m *memory) GetOrganisation(_ context.Context, id access.OrganisationID) (Organisation, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	o, ok := m.organisations[id]
	return o, ok, m.broken
}

func (m *memory) UpsertOrganisation(_ context.Context, id access.OrganisationID, change OrganisationChange) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	var current *Organisation
	if o, ok := m.organisations[id]; ok {
		current = &o
	}
	next, entries, err := change(current)
	if err != nil || len(entries) == 0 {
		return err
	}
	return m.write(next, entries...)
}

func (m *memory) ListOrganisations(_ context.Context, f OrganisationFilter) ([]Organisation, int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var found []Organisation
	for _, o := range m.organisations {
		named := strings.HasPrefix(strings.ToLower(o.Name), strings.ToLower(f.Name))
		if f.NameExact {
			named = o.Name == f.Name
		}
		if named && within(o.CreatedAt, f.CreatedAfter, f.CreatedBefore) && within(o.ModifiedAt, f.ModifiedAfter, f.ModifiedBefore) {
			found = append(found, o)
		}
	}
	slices.SortFunc(found, func(a, b Organisation) int {
		c := a.CreatedAt.Compare(b.CreatedAt)
		if f.Sort == "name" {
			c = cmp.Compare(a.Name, b.Name)
		}
		if c = cmp.Or(c, cmp.Compare(a.ID, b.ID)); f.Descending {
			return -c
		}
		return c
	})
	return httpx.Slice(found, httpx.Page{Number: f.Page, Size: f.Size}), len(found), m.broken
}

func within(t, after, before time.Time) bool {
	return !t.Before(after) && (before.IsZero() || !t.After(before))
}

func (m *memory) AppendHistory(_ context.Context, e history.Entry) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.entries = append(m.entries, e)
	return m.broken
}

func (m *memory) GetHistory(_ context.Context, id string) (history.Entry, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range m.entries {
		if e.ID == id {
			return e, true, m.broken
		}
	}
	return history.Entry{}, false, m.broken
}

func (m *memory) ListHistory(_ context.Context, f history.Filter) ([]history.Entry, int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if f.EntityIDs != nil && len(f.EntityIDs) == 0 {
		return nil, 0, errors.New("an empty filter reached the store")
	}
	var found []history.Entry
	for _, e := range m.entries {
		if among(f.Actions, string(e.Action)) && among(f.EntityTypes, string(e.EntityType)) && among(f.EntityIDs, e.EntityID) &&
			among(f.Users, e.User) && among(f.Sources, string(e.Source)) && among(f.OrganisationIDs, e.OrganisationID) &&
			within(e.CreatedAt, f.After, f.Before) {
			found = append(found, e)
		}
	}
	key := map[string]func(history.Entry) string{
		"createdDate":    func(e history.Entry) string { return httpx.Timestamp(e.CreatedAt) },
		"action":         func(e history.Entry) string { return string(e.Action) },
		"entityType":     func(e history.Entry) string { return string(e.EntityType) },
		"source":         func(e history.Entry) string { return string(e.Source) },
		"user":           func(e history.Entry) string { return e.User },
		"organisationId": func(e history.Entry) string { return string(e.OrganisationID) },
	}[f.Sort]
	slices.SortStableFunc(found, func(a, b history.Entry) int {
		c := cmp.Or(cmp.Compare(key(a), key(b)), cmp.Compare(a.ID, b.ID))
		if f.Descending {
			return -c
		}
		return c
	})
	return httpx.Slice(found, httpx.Page{Number: f.Page, Size: f.Size}), len(found), m.broken
}

func among[T comparable](values []T, v T) bool { return len(values) == 0 || slices.Contains(values, v) }
