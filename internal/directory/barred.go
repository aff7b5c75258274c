package directory

import (
	"context"
	"sync"
	"sync/atomic"
)

// barred are the subjects of everybody who is deactivated.
type barred struct {
	some     atomic.Bool // whether there is any: mostly there is none, and then nothing is locked
	mu       sync.RWMutex
	byID     map[string]string // the subject, by the id
	subjects map[string]int    // of how many
	loading  sync.Mutex        // so that an older read does not undo a newer one
}

// Barred tells whether the directory says of that identity that it is deactivated. It is answered from memory; a nil Service
// bars nobody.
func (s *Service) Barred(issuer, subject string) bool {
	if s == nil || !s.barred.some.Load() || issuer != s.Issuer {
		return false
	}
	s.barred.mu.RLock()
	defer s.barred.mu.RUnlock()
	return s.barred.subjects[subject] > 0
}

// Refresh reads who is deactivated: of the people who are named, or, named nil, of everybody.
func (s *Service) Refresh(ctx context.Context, names []string) error {
	s.barred.loading.Lock()
	defer s.barred.loading.Unlock()
	inactive, err := s.Store.Inactive(ctx, names)
	if err != nil {
		return err
	}
	s.barred.set(names, inactive, s.Subject)
	return nil
}

func (b *barred) set(names []string, inactive []User, subject func(User) string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if names == nil || b.byID == nil {
		b.byID, b.subjects = make(map[string]string, len(inactive)), make(map[string]int, len(inactive))
	}
	for _, id := range names {
		if of, is := b.byID[id]; is {
			delete(b.byID, id)
			if b.subjects[of]--; b.subjects[of] <= 0 {
				delete(b.subjects, of)
			}
		}
	}
	for _, u := range inactive {
		if of := subject(u); of != "" {
			b.byID[u.ID] = of
			b.subjects[of]++
		}
	}
	b.some.Store(len(b.byID) > 0)
}
