package session

import (
	"context"
	"fmt"
)

// renewTries is how often a session is tried to be had asked anew that others keep changing.
const renewTries = 5

// Renew has sessions ask the identity provider anew at their next request, since what it said of the person has changed. One that
// can't ask, for want of a refresh token, ends then; while the provider is away it lets nobody in. It returns how many there were.
func (m *Manager) Renew(ctx context.Context, records []Record) (renewed int, err error) {
	for _, r := range records {
		found, err := m.renew(ctx, r)
		if err != nil {
			return renewed, err
		}
		if found {
			renewed++
		}
	}
	return renewed, nil
}

func (m *Manager) renew(ctx context.Context, r Record) (found bool, err error) {
	for range renewTries {
		now := m.Now()
		if now.Before(r.Principal.NotAfter) {
			r.Principal.NotAfter = now
		}
		if now.Sub(r.SeenAt) < refreshRetry { // or its next request would wait, as if somebody were at it already
			r.SeenAt = now.Add(-refreshRetry)
		}
		updated, err := m.Store.UpdateSession(ctx, r)
		if err != nil {
			return false, fmt.Errorf("renew session %s: %w", r.Ref, err)
		}
		if updated {
			hashes := []string{r.Hash}
			if r.PreviousHash != "" {
				hashes = append(hashes, r.PreviousHash)
			}
			return true, m.Changed(ctx, hashes)
		}
		if r, found, err = m.Store.GetSession(ctx, r.Hash, now); err != nil || !found {
			return false, err
		}
	}
	return false, fmt.Errorf("renew session %s: others keep changing it", r.Ref)
}
