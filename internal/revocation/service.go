package revocation

import (
	"context"
	"slices"
	"time"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/session"
)

// Filter chooses live sessions, the latest used first. Empty members do not filter.
type Filter struct {
	Ref    string
	Person Person
	// As the identity provider names them in its ID token: only together with the issuer, Person.Issuer.
	IDSubject, SID string

	Now, UsedSince time.Time // live are those that end after, and were used since
	Page, Size     int       // 0-based; Size 0: all of them
}

// Store keeps sessions and cuts.
type Store interface {
	// ListSessions returns a page of the sessions, and how many there are on all pages.
	ListSessions(ctx context.Context, f Filter) (page []session.Record, total int, err error)
	// EndSessions removes the sessions that match, and notes the cut, nil for none, all or nothing. Cuts from before since
	// may go: whatever they ended has expired. It returns what was removed.
	EndSessions(ctx context.Context, cut *Cut, f Filter, match func(*session.Record) bool, since time.Time) ([]session.Record, error)
	Cuts(ctx context.Context) ([]Cut, error)
	// PeopleSeen lists who was seen since then, latest first, at most limit.
	PeopleSeen(ctx context.Context, since time.Time, limit int) ([]session.Person, error)
}

// Policy decides who may see and end sessions, and who has access in an organisation.
type Policy interface {
	Enforce(ctx context.Context, p *access.Principal, org access.OrganisationID, wanted string, anyOf ...access.Permission) error
	Snapshot() *access.Snapshot
}

// Service shows and ends sessions.
type Service struct {
	Store    Store
	Book     *Book
	Policy   Policy
	History  *history.Recorder
	Sessions *session.Manager // nil but in the built-in gateway
	TokenTTL time.Duration    // of an app token
}

// othersHear is how long other replicas take to read a cut, and mint on until then.
const othersHear = time.Second

// List returns a page of the live sessions.
func (s *Service) List(ctx context.Context, by *access.Principal, f Filter) ([]session.Record, int, error) {
	if err := s.Policy.Enforce(ctx, by, access.System, "see who is signed in", access.STSSessionList); err != nil {
		return nil, 0, err
	}
	return s.Store.ListSessions(ctx, s.Book.live(f))
}

// Get returns a live session; fault.NotFound without one.
func (s *Service) Get(ctx context.Context, by *access.Principal, ref string) (*session.Record, error) {
	found, _, err := s.List(ctx, by, Filter{Ref: ref})
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, fault.NotFound.New("there is no live session %s", ref)
	}
	return &found[0], nil
}

// People returns who was seen in the last 90 days, the latest first.
func (s *Service) People(ctx context.Context, by *access.Principal) ([]session.Person, error) {
	if err := s.Policy.Enforce(ctx, by, access.System, "see who is signed in", access.STSSessionList); err != nil {
		return nil, err
	}
	return s.Store.PeopleSeen(ctx, s.Book.Now().Add(-session.SeenWithin), session.MostPeople)
}

// Ended is what a revocation did.
type Ended struct {
	Sessions []session.Record
	// AppTokensUntil is when the last app token has expired that may already be with Core, or with another service.
	AppTokensUntil time.Time
}

// Revoke ends everything of the target. A single session that is not there is fault.NotFound; everything else may have
// nothing to end, and the cut stands all the same.
func (s *Service) Revoke(ctx context.Context, by *access.Principal, t Target) (Ended, error) {
	if err := s.Policy.Enforce(ctx, by, access.System, "end sessions", access.STSSessionRevoke); err != nil {
		return Ended{}, err
	}
	return s.End(ctx, t, by.Subject, "")
}

// End is Revoke for what no administrator does: by says who did, why is recorded.
func (s *Service) End(ctx context.Context, t Target, by, why string) (Ended, error) {
	f, match, err := s.sessionsOf(t)
	if err != nil {
		return Ended{}, err
	}
	now := s.Book.Now()
	var cut *Cut
	if t.Session == "" {
		cut = &Cut{Target: t, At: now.Truncate(time.Millisecond).Add(time.Millisecond)} // as it is stored, and not before now
	}
	removed, err := s.end(ctx, cut, f, match)
	if err != nil {
		return Ended{}, err
	}
	if t.Session != "" && len(removed) == 0 {
		return Ended{}, fault.NotFound.New("there is no live session %s", t.Session)
	}
	s.record(ctx, t, by, why, removed)
	return Ended{removed, s.Book.Now().Add(othersHear + s.TokenTTL)}, nil
}

// sessionsOf says which sessions go with the target.
func (s *Service) sessionsOf(t Target) (Filter, func(*session.Record) bool, error) {
	every := func(*session.Record) bool { return true }
	set := 0
	for _, is := range []bool{t.Session != "", t.Person != Person{}, t.Organisation != access.System, t.Everything} {
		if is {
			set++
		}
	}
	switch {
	case set != 1:
		return Filter{}, nil, fault.InvalidInput.New("expected exactly one of: a session, a person, an organisation, everything")
	case t.Organisation != access.System:
		snapshot := s.Policy.Snapshot()
		if snapshot.Organisation(t.Organisation) == nil {
			return Filter{}, nil, fault.OrganisationMissing.New("there is no organisation %s", t.Organisation)
		}
		return Filter{}, func(r *session.Record) bool {
			return r.ActiveOrganisation == t.Organisation || mappedTo(snapshot, &r.Principal, t.Organisation)
		}, nil
	case t.Person != Person{} && (t.Person.Issuer == "" || t.Person.Subject == ""):
		return Filter{}, nil, fault.InvalidInput.New("person: expected issuer and subject")
	}
	return Filter{Ref: t.Session, Person: t.Person}, every, nil
}

// mappedTo tells whether anything is mapped to the principal there, also while the organisation is deactivated.
func mappedTo(s *access.Snapshot, p *access.Principal, org access.OrganisationID) bool {
	return slices.ContainsFunc(p.IAMRoles, func(name string) bool {
		m := s.IAMRoleByName(name)
		return m != nil && len(m.OrganisationRoles[org]) > 0
	})
}

// record makes one entry of a revocation, with as many of its sessions as a reader could want.
func (s *Service) record(ctx context.Context, t Target, by, why string, removed []session.Record) {
	const most = 100
	var sessions []string
	for i, r := range removed {
		if i == most {
			break
		}
		sessions = append(sessions, r.Ref)
	}
	e := history.Entry{
		Action: history.Revoked, EntityType: history.STSSession, EntityID: t.Session, Name: "everything", Source: history.SourceSTS,
		OrganisationID: t.Organisation, User: by,
	}
	details := map[string]any{"sessionsEnded": len(removed), "sessions": sessions}
	if why != "" {
		details["why"] = why
	}
	switch {
	case t.Session != "":
		e.Name = removed[0].Principal.DisplayName()
		details["subject"], details["issuer"] = removed[0].Principal.Subject, removed[0].Principal.Issuer
	case t.Person != Person{}:
		e.EntityID, e.Name = t.Person.Subject, t.Person.Subject
		details["subject"], details["issuer"] = t.Person.Subject, t.Person.Issuer
	case t.Organisation != access.System:
		e.EntityID, e.Name = string(t.Organisation), s.Policy.Snapshot().Organisation(t.Organisation).Name
	}
	e.Metadata = history.Details(details)
	s.History.Record(ctx, e)
}
