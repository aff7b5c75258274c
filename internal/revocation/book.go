package revocation

import (
	"context"
	"log/slog"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/portico-iam/portico/internal/access"
)

// Target is what a cut is about: exactly one of its members is set.
type Target struct {
	Session      string // its ref
	Person       Person
	Organisation access.OrganisationID
	Everything   bool
}

// Person is an identity at an issuer.
type Person struct{ Issuer, Subject string }

// Cut says that of its target nothing counts that was issued or begun until At. Single sessions have none: they are gone.
type Cut struct {
	Target Target
	At     time.Time
}

// Book holds the cuts in memory. It never forgets one but by its age: what it is told, and what it reads, is added.
type Book struct {
	Store  Store
	Idle   time.Duration // a session that was not used for so long is over
	Now    func() time.Time
	Logger *slog.Logger
	// Barred tells of people of whom nothing counts, whenever it was issued; nil: of nobody. It is asked with every request.
	Barred func(issuer, subject string) bool

	adding sync.Mutex
	cuts   atomic.Pointer[cuts]
}

type cuts struct {
	everything    time.Time
	people        map[Person]time.Time
	organisations map[access.OrganisationID]time.Time
}

// keepCuts outlives every token that a cut could be about.
const keepCuts = 90 * 24 * time.Hour

// clockSlack is how far replicas' clocks are apart at most.
const clockSlack = time.Minute

// Load reads the cuts. It is to be called again now and then, where others write to the store too.
func (b *Book) Load(ctx context.Context) error {
	all, err := b.Store.Cuts(ctx)
	if err != nil {
		return err
	}
	b.add(all...)
	return nil
}

// add takes cuts up. Of two cuts of one target the later counts, in whichever order they come.
func (b *Book) add(all ...Cut) {
	b.adding.Lock()
	defer b.adding.Unlock()
	now := b.Now()
	next := &cuts{people: map[Person]time.Time{}, organisations: map[access.OrganisationID]time.Time{}}
	if c := b.load(); c != nil {
		next.everything = c.everything
		maps.Copy(next.people, c.people)
		maps.Copy(next.organisations, c.organisations)
	}
	for _, c := range all {
		if next.raise(c) && c.At.Sub(now) > clockSlack {
			b.Logger.Error("a revocation is dated ahead of this machine's clock: whom it concerns gets in only when that has passed (docs/revocation.md)",
				"until", c.At, "everything", c.Target.Everything, "organisation", c.Target.Organisation, "subject", c.Target.Person.Subject)
		}
	}
	old := now.Add(-keepCuts)
	if next.everything.Before(old) {
		next.everything = time.Time{}
	}
	maps.DeleteFunc(next.people, func(_ Person, at time.Time) bool { return at.Before(old) })
	maps.DeleteFunc(next.organisations, func(_ access.OrganisationID, at time.Time) bool { return at.Before(old) })
	b.cuts.Store(next)
}

// raise takes a cut up that is later than what is known of its target.
func (c *cuts) raise(cut Cut) bool {
	switch t := cut.Target; {
	case t.Everything && cut.At.After(c.everything):
		c.everything = cut.At
	case t.Everything:
		return false
	case t.Organisation != access.System && cut.At.After(c.organisations[t.Organisation]):
		c.organisations[t.Organisation] = cut.At
	case t.Organisation == access.System && cut.At.After(c.people[t.Person]):
		c.people[t.Person] = cut.At
	default:
		return false
	}
	return true
}

// EndedFor tells whether a session that the person began then, or a token that was issued to them then, counts no more.
// What does not say when it was issued has the zero time, and counts only where there is no cut. A nil book has none.
func (b *Book) EndedFor(issuer, subject string, at time.Time) bool {
	c := b.load()
	if c == nil {
		return false
	}
	if b.Barred != nil && b.Barred(issuer, subject) {
		return true
	}
	return until(c.everything, at) || len(c.people) > 0 && until(c.people[Person{issuer, subject}], at)
}

// EndedIn tells whether what was issued then counts no more in the organisation.
func (b *Book) EndedIn(org access.OrganisationID, at time.Time) bool {
	c := b.load()
	return c != nil && len(c.organisations) > 0 && until(c.organisations[org], at)
}

// SessionAlive tells whether a session is, as the store has it.
func (b *Book) SessionAlive(ctx context.Context, ref string) (bool, error) {
	found, _, err := b.Store.ListSessions(ctx, b.live(Filter{Ref: ref}))
	if err != nil || len(found) == 0 {
		return false, err
	}
	s := &found[0]
	return !b.EndedFor(s.Principal.Issuer, s.Principal.Subject, s.CreatedAt), nil
}

// live narrows a filter to the sessions that are not over.
func (b *Book) live(f Filter) Filter {
	f.Now = b.Now()
	f.UsedSince = f.Now.Add(-b.Idle)
	return f
}

func (b *Book) load() *cuts {
	if b == nil {
		return nil
	}
	return b.cuts.Load()
}

// until counts the moment of the cut in: tokens tell their time in whole seconds.
func until(cut, at time.Time) bool { return !cut.IsZero() && !at.After(cut) }
