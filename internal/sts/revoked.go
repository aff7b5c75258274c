package sts

import (
	"cmp"
	"context"
	"sync"
	"time"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/fault"
)

// RevokedStore keeps the ids of revoked tokens for as long as the tokens would have lived.
type RevokedStore interface {
	// RevokeToken notes an id until then. Those whose time is over at now may go.
	RevokeToken(ctx context.Context, id string, until, now time.Time) error
	// RevokedTokens returns the ids whose time is not over at now.
	RevokedTokens(ctx context.Context, now time.Time) (map[string]time.Time, error)
}

// The bounds of what is remembered. Tokens live minutes, so nobody comes near them who does not try to: then it is their
// own share that is used up.
const (
	maxRevoked   = 100_000
	maxRevokedBy = 5_000
)

// revokedMargin is how long a revoked id is kept beyond the token's end: clocks may be set back (NT29).
const revokedMargin = 24 * time.Hour

// forgetEvery is how often those are looked for whose time is over.
const forgetEvery = time.Minute

// revoked are the tokens that count no more though they have not expired. It is asked for every token that is reused.
type revoked struct {
	mu    sync.RWMutex
	ids   map[string]revokedID // by jti
	by    map[string]int       // how many of them, by who revoked them here
	swept time.Time
}

type revokedID struct {
	until time.Time
	by    string // empty: before the start, or at another replica
}

func (r *revoked) has(id string) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	_, ok := r.ids[id]
	return ok
}

// add may be given what is known already.
func (r *revoked) add(ids map[string]time.Time, by string, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sweep(now)
	for id, until := range ids {
		if known, has := r.ids[id]; has && (known.by != "" || by == "") {
			continue
		}
		r.ids[id] = revokedID{until, by}
		if by != "" {
			r.by[by]++
		}
	}
}

// sweep forgets now and then what has had its time, and gives back the share of who revoked it.
func (r *revoked) sweep(now time.Time) {
	if now.Sub(r.swept).Abs() < forgetEvery {
		return
	}
	for id, known := range r.ids {
		if now.Before(known.until) {
			continue
		}
		delete(r.ids, id)
		if r.by[known.by]--; r.by[known.by] <= 0 {
			delete(r.by, known.by)
		}
	}
	r.swept = now
}

// room tells whether the caller may revoke one more.
func (r *revoked) room(by string, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sweep(now)
	return len(r.ids) < maxRevoked && r.by[by] < maxRevokedBy
}

// LoadRevoked learns of tokens that were revoked before the start, or by another replica. It is to be called now and
// then.
func (s *Service) LoadRevoked(ctx context.Context) error {
	if s.Revoked == nil {
		return nil
	}
	now := s.Now()
	ids, err := s.Revoked.RevokedTokens(ctx, now)
	if err == nil {
		s.revoked.add(ids, "", now)
	}
	return err
}

// revoke ends a token. It is stored first: a revocation that was answered must outlast the process.
func (s *Service) revoke(ctx context.Context, t *AppToken, caller *access.Principal) error {
	now, until := s.Now(), time.Unix(t.ExpiresAt, 0).Add(revokedMargin)
	by := caller.Issuer + "\x00" + cmp.Or(caller.ClientID, caller.Subject) // people who use one client have one share
	if s.isClient(caller) {                                                // which is not the client's own
		by += "\x00" + caller.Subject
	}
	if !s.revoked.room(by, now) {
		return fault.Unavailable.New("too many tokens were revoked today; this one expires within minutes")
	}
	if s.Revoked != nil {
		if err := s.Revoked.RevokeToken(ctx, t.ID, until, now); err != nil {
			return err
		}
	}
	s.revoked.add(map[string]time.Time{t.ID: until}, by, now)
	return nil
}
