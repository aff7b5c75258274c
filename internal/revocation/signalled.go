package revocation

import (
	"context"
	"time"

	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/session"
)

// EndSessions ends the live sessions that the filter chooses, which must name the issuer, and the session or whose it is, by the
// issuer's names or ours; and of these those that match, nil: all. Nobody of ours asks, so nothing is enforced: whoever calls has verified what somebody else told (internal/signal), and
// records it.
func (s *Service) EndSessions(ctx context.Context, f Filter, match func(*session.Record) bool) ([]session.Record, error) {
	if f.Person.Issuer == "" || f.IDSubject == "" && f.SID == "" && f.Person.Subject == "" { // an empty member would mean everybody
		return nil, fault.InvalidInput.New("expected the issuer, and its name of the session or of the person")
	}
	if match == nil {
		match = func(*session.Record) bool { return true }
	}
	return s.end(ctx, nil, s.Book.live(f), match)
}

// EndPerson ends what the person held at that time: sessions, their refresh tokens, and all tokens that were issued until then. As
// for EndSessions, nothing is enforced.
func (s *Service) EndPerson(ctx context.Context, p Person, at time.Time) ([]session.Record, error) {
	if p.Issuer == "" || p.Subject == "" {
		return nil, fault.InvalidInput.New("expected a person: issuer and subject")
	}
	if now := s.Book.Now(); at.IsZero() || at.After(now) {
		at = now
	}
	cut := &Cut{Target: Target{Person: p}, At: at.Truncate(time.Millisecond).Add(time.Millisecond)}
	return s.end(ctx, cut, Filter{Person: p}, func(r *session.Record) bool { return until(cut.At, r.CreatedAt) })
}

// SessionsOf returns the person's live sessions.
func (s *Service) SessionsOf(ctx context.Context, p Person) ([]session.Record, error) {
	found, _, err := s.Store.ListSessions(ctx, s.Book.live(Filter{Person: p}))
	return found, err
}

// end is what every way of ending does: here at once, for others by the store.
func (s *Service) end(ctx context.Context, cut *Cut, f Filter, match func(*session.Record) bool) ([]session.Record, error) {
	removed, err := s.Store.EndSessions(ctx, cut, f, match, s.Book.Now().Add(-keepCuts))
	if err != nil {
		return nil, fault.Unavailable.New("the sessions can't be ended at the moment; nothing was changed, try again").Because(err)
	}
	if cut != nil {
		s.Book.add(*cut)
	}
	if s.Sessions != nil {
		s.Sessions.Ended(removed)
	}
	return removed, nil
}
