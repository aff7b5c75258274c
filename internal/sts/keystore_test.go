package sts_test

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/sts"
)

// keyStore is a store of keys in memory.
type keyStore struct {
	mu       sync.Mutex
	keys     []sts.KeyRecord
	revision int64
	alive    time.Time
	fetches  []sts.Fetch
	entries  []history.Entry
	writes   int
	before   func() // runs before a save, outside the lock: it may play another replica
	away     error
}

func (s *keyStore) KeyRevision(context.Context) (int64, time.Time, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.revision, s.alive, s.away
}

func (s *keyStore) NoteAlive(_ context.Context, at time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away == nil {
		s.alive = at
	}
	return s.away
}

func (s *keyStore) LoadKeys(context.Context) ([]sts.KeyRecord, int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.keys), s.revision, s.away
}

func (s *keyStore) SaveKeys(_ context.Context, base int64, keys []sts.KeyRecord, entries ...history.Entry) error {
	if hook := s.before; hook != nil {
		s.before = nil
		hook()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away != nil {
		return s.away
	}
	if s.revision != base {
		return sts.ErrKeysChanged
	}
	used := map[string]time.Time{}
	for _, k := range s.keys {
		used[k.KID] = k.UsedAt
	}
	s.keys, s.revision = slices.Clone(keys), base+1
	for i := range s.keys {
		s.keys[i].UsedAt = used[s.keys[i].KID]
	}
	s.entries = append(s.entries, entries...)
	return nil
}

func (s *keyStore) NoteKeyUse(_ context.Context, kid string, at time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writes++
	for i := range s.keys {
		if s.keys[i].KID == kid && at.After(s.keys[i].UsedAt) {
			s.keys[i].UsedAt = at
		}
	}
	return s.away
}

func (s *keyStore) NoteFetches(_ context.Context, fetches []sts.Fetch, _ time.Time, _ int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writes++
	for _, f := range fetches {
		s.fetches = slices.DeleteFunc(s.fetches, func(o sts.Fetch) bool {
			return o.Verifier == f.Verifier && o.Address == f.Address && o.Agent == f.Agent
		})
		s.fetches = append([]sts.Fetch{f}, s.fetches...)
	}
	return s.away
}

func (s *keyStore) Fetches(context.Context) ([]sts.Fetch, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.fetches), s.away
}
