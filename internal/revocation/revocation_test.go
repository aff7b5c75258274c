package revocation_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/revocation"
	"github.com/portico-iam/portico/internal/session"
	"github.com/portico-iam/portico/internal/store"
	"github.com/portico-iam/portico/internal/testdb"
)

func TestMain(m *testing.M) { testdb.Main(m) }

const (
	okta = "https://acme.okta.test"
	acme = access.OrganisationID("6a3c0000-0000-4000-8000-000000000001")
	zeta = access.OrganisationID("6a3c0000-0000-4000-8000-000000000002")
)

var begin = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

// rules let ada administer, and Issuance issue in acme.
type rules struct{}

func (rules) Enforce(_ context.Context, p *access.Principal, _ access.OrganisationID, _ string, _ ...access.Permission) error {
	if p.Subject != "ada" {
		return fault.Forbidden.New("not for you")
	}
	return nil
}

func (rules) Snapshot() *access.Snapshot { return snapshotOf(time.Time{}) }

func snapshotOf(acmeDeactivated time.Time) *access.Snapshot {
	return access.Build(access.Model{
		Version: 1, Organisations: []*access.Organisation{{ID: acme, Name: "Acme", DeactivatedAt: acmeDeactivated}, {ID: zeta, Name: "Zeta"}},
		Roles:    []*access.Role{{ID: "r", Name: "r", Permissions: access.SetOf(access.CredentialIssue)}},
		IAMRoles: []*access.IAMRole{{ID: "m", Name: "Issuance", OrganisationRoles: map[access.OrganisationID][]access.RoleID{acme: {"r"}}}},
	}, access.Bootstrap{}, time.Now())
}

type bench struct {
	*revocation.Service
	t   *testing.T
	db  *store.DB
	now time.Time
	ada *access.Principal
	log strings.Builder
}

func newBench(t *testing.T, db *store.DB) *bench {
	b := &bench{t: t, db: db, now: begin, ada: &access.Principal{Issuer: okta, Subject: "ada"}}
	now := func() time.Time { return b.now }
	b.Service = &revocation.Service{
		Store: db, Book: &revocation.Book{Store: db, Idle: time.Hour, Now: now, Logger: slog.New(slog.NewTextHandler(&b.log, nil))}, Policy: rules{}, TokenTTL: 5 * time.Minute,
		History: &history.Recorder{Store: db, Now: now, Logger: slog.New(slog.NewTextHandler(io.Discard, nil))},
	}
	if err := b.Book.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *bench) begins(ref, subject string, org access.OrganisationID, roles ...string) {
	b.t.Helper()
	r := session.Record{
		Ref: ref, Hash: "hash " + ref, Principal: access.Principal{Issuer: okta, Subject: subject, IAMRoles: roles, NotAfter: b.now.Add(time.Hour)},
		ActiveOrganisation: org, CreatedAt: b.now, SeenAt: b.now, EndsAt: b.now.Add(8 * time.Hour), Version: 1,
	}
	if err := testdb.InsertSession(b.t.Context(), b.db, r); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) live() (refs []string) {
	b.t.Helper()
	found, _, err := b.List(b.t.Context(), b.ada, revocation.Filter{})
	if err != nil {
		b.t.Fatal(err)
	}
	for _, r := range found {
		refs = append(refs, r.Ref)
	}
	slices.Sort(refs)
	return refs
}

func TestWhatARevocationEnds(t *testing.T) {
	ivan := revocation.Person{Issuer: okta, Subject: "ivan"}
	for rule, c := range map[string]struct {
		target revocation.Target
		left   []string
		name   string
	}{
		"a session":       {revocation.Target{Session: "i1"}, []string{"a1", "i2", "v1"}, "ivan"},
		"a person":        {revocation.Target{Person: ivan}, []string{"a1", "v1"}, "ivan"},
		"an organisation": {revocation.Target{Organisation: acme}, []string{"a1", "i2"}, "Acme"},
		"everything":      {revocation.Target{Everything: true}, nil, "everything"},
	} {
		b := newBench(t, testdb.Open(t, store.SQLite))
		b.begins("a1", "ada", access.System)
		b.begins("i1", "ivan", access.System, "Issuance")
		b.begins("i2", "ivan", zeta)
		b.begins("v1", "vera", acme)
		before := b.now
		b.now = b.now.Add(time.Second)
		ended, err := b.Revoke(t.Context(), b.ada, c.target)
		if err != nil || len(ended.Sessions) != 4-len(c.left) || !ended.AppTokensUntil.Equal(b.now.Add(5*time.Minute+time.Second)) {
			t.Errorf("%s: got %+v, %v", rule, ended, err)
		}
		if got := b.live(); !slices.Equal(got, c.left) {
			t.Errorf("%s: %v are left", rule, got)
		}
		entries, n, err := b.db.ListHistory(t.Context(), history.Filter{Actions: []string{"REVOKED"}, Size: 10})
		if err != nil || n != 1 || entries[0].Action != history.Revoked || entries[0].User != "ada" || entries[0].Name != c.name {
			t.Errorf("%s: recorded %+v, %v", rule, entries, err)
		}
		restarted := newBench(t, b.db)
		for name, book := range map[string]*revocation.Book{"here": b.Book, "after a restart": restarted.Book} {
			isPerson, isOrg := c.target.Person == ivan || c.target.Everything, c.target.Organisation == acme
			if book.EndedFor(okta, "ivan", before) != isPerson || book.EndedFor(okta, "vera", before) != c.target.Everything || book.EndedIn(acme, before) != isOrg ||
				book.EndedIn(zeta, before) || book.EndedFor("https://elsewhere", "ivan", before) != c.target.Everything {
				t.Errorf("%s, %s: another's, or not theirs", rule, name)
			}
			if after := b.now.Add(2 * time.Millisecond); book.EndedFor(okta, "ivan", after) || book.EndedIn(acme, after) {
				t.Errorf("%s, %s: what begins after it is ended too", rule, name)
			}
			if book.EndedFor(okta, "ivan", time.Time{}) != isPerson {
				t.Errorf("%s, %s: what does not say when it was issued", rule, name)
			}
		}
	}
}

func TestOnlyWhoMayEndsSessions(t *testing.T) {
	b := newBench(t, testdb.Open(t, store.SQLite))
	b.begins("i1", "ivan", acme)
	nora := &access.Principal{Issuer: okta, Subject: "nora"}
	if _, err := b.Revoke(t.Context(), nora, revocation.Target{Everything: true}); !fault.Forbidden.Is(err) {
		t.Errorf("revoke: %v", err)
	}
	if _, _, err := b.List(t.Context(), nora, revocation.Filter{}); !fault.Forbidden.Is(err) {
		t.Errorf("list: %v", err)
	}
	if _, err := b.Get(t.Context(), nora, "i1"); !fault.Forbidden.Is(err) {
		t.Errorf("get: %v", err)
	}
	if _, err := b.People(t.Context(), nora); !fault.Forbidden.Is(err) {
		t.Errorf("people: %v", err)
	}
	if got := b.live(); !slices.Equal(got, []string{"i1"}) || b.Book.EndedFor(okta, "ivan", begin) {
		t.Errorf("something ended: %v", got)
	}
}

func TestARevocationNamesOneTarget(t *testing.T) {
	b := newBench(t, testdb.Open(t, store.SQLite))
	for rule, c := range map[string]struct {
		target revocation.Target
		code   *fault.Code
	}{
		"none":                    {revocation.Target{}, fault.InvalidInput},
		"two":                     {revocation.Target{Session: "x", Everything: true}, fault.InvalidInput},
		"a person without issuer": {revocation.Target{Person: revocation.Person{Subject: "ivan"}}, fault.InvalidInput},
		"an unknown organisation": {revocation.Target{Organisation: "6a3c0000-0000-4000-8000-000000000009"}, fault.OrganisationMissing},
		"a session that is over":  {revocation.Target{Session: "x"}, fault.NotFound},
	} {
		if _, err := b.Revoke(t.Context(), b.ada, c.target); !c.code.Is(err) {
			t.Errorf("%s: got %v", rule, err)
		}
	}
	if b.Book.EndedFor(okta, "ivan", begin) {
		t.Error("one of them counts")
	}
}

func TestSessionAlive(t *testing.T) {
	b := newBench(t, testdb.Open(t, store.SQLite))
	b.begins("i1", "ivan", acme)
	alive := func() bool {
		t.Helper()
		alive, err := b.Book.SessionAlive(t.Context(), "i1")
		if err != nil {
			t.Fatal(err)
		}
		return alive
	}
	if !alive() {
		t.Error("a live one")
	}
	b.now = begin.Add(61 * time.Minute)
	if alive() {
		t.Error("one that nobody used for an hour")
	}
	b.now = begin
	if _, err := b.Revoke(t.Context(), b.ada, revocation.Target{Session: "i1"}); err != nil || alive() {
		t.Errorf("one that was ended: %v", err)
	}
}

// broken fails as a store that is away does.
type broken struct{ revocation.Store }

func (broken) EndSessions(context.Context, *revocation.Cut, revocation.Filter, func(*session.Record) bool, time.Time) ([]session.Record, error) {
	return nil, errors.New("canary")
}

func TestAStoreThatIsAwayRevokesNothing(t *testing.T) {
	b := newBench(t, testdb.Open(t, store.SQLite))
	b.Store = broken{b.db}
	_, err := b.Revoke(t.Context(), b.ada, revocation.Target{Everything: true})
	if !fault.Unavailable.Is(err) || strings.Contains(fault.Of(err).Detail, "canary") || b.Book.EndedFor(okta, "ivan", begin) {
		t.Errorf("got %v", err)
	}
}

// slow holds the first answer of Cuts back, after it was read.
type slow struct {
	revocation.Store
	once          sync.Once
	read, release chan struct{}
}

func (s *slow) Cuts(ctx context.Context) ([]revocation.Cut, error) {
	cuts, err := s.Store.Cuts(ctx)
	s.once.Do(func() {
		close(s.read)
		<-s.release
	})
	return cuts, err
}

func TestNT29_NoReadForgetsWhatWasRevokedMeanwhile(t *testing.T) {
	b := newBench(t, testdb.Open(t, store.SQLite))
	s := &slow{Store: b.db, read: make(chan struct{}), release: make(chan struct{})}
	b.Book.Store = s
	done := make(chan error)
	go func() { done <- b.Book.Load(t.Context()) }()
	<-s.read
	if _, err := b.Revoke(t.Context(), b.ada, revocation.Target{Person: revocation.Person{Issuer: okta, Subject: "ivan"}}); err != nil {
		t.Fatal(err)
	}
	close(s.release)
	if err := <-done; err != nil || !b.Book.EndedFor(okta, "ivan", begin) {
		t.Errorf("forgotten: %v", err)
	}
}

// unread can be written, and not read.
type unread struct{ revocation.Store }

func (unread) Cuts(context.Context) ([]revocation.Cut, error) { return nil, errors.New("canary") }

func TestNT29_WhatWasStoredCountsAndIsRecordedAtOnce(t *testing.T) {
	b := newBench(t, testdb.Open(t, store.SQLite))
	b.Store, b.Book.Store = unread{b.db}, unread{b.db}
	if _, err := b.Revoke(t.Context(), b.ada, revocation.Target{Everything: true}); err != nil || !b.Book.EndedFor(okta, "ivan", begin) {
		t.Errorf("it does not count: %v", err)
	}
	if _, n, err := b.db.ListHistory(t.Context(), history.Filter{Actions: []string{"REVOKED"}, Size: 10}); err != nil || n != 1 {
		t.Errorf("recorded %d times, %v", n, err)
	}
}

func TestARevocationThatIsDatedAheadIsTold(t *testing.T) {
	b := newBench(t, testdb.Open(t, store.SQLite))
	b.now = begin.Add(time.Hour)
	if _, err := b.Revoke(t.Context(), b.ada, revocation.Target{Everything: true}); err != nil {
		t.Fatal(err)
	}
	restarted := newBench(t, b.db) // by the right clock
	if !strings.Contains(restarted.log.String(), "dated ahead") || !restarted.Book.EndedFor(okta, "ivan", begin) {
		t.Errorf("it counts, closed, and is told: %s", restarted.log.String())
	}
}

func TestCutsGoByAge(t *testing.T) {
	b := newBench(t, testdb.Open(t, store.SQLite))
	for _, subject := range []string{"ivan", "vera"} {
		if _, err := b.Revoke(t.Context(), b.ada, revocation.Target{Person: revocation.Person{Issuer: okta, Subject: subject}}); err != nil {
			t.Fatal(err)
		}
		b.now = b.now.Add(80 * 24 * time.Hour)
	}
	if _, err := b.Revoke(t.Context(), b.ada, revocation.Target{Organisation: zeta}); err != nil {
		t.Fatal(err)
	}
	if b.Book.EndedFor(okta, "ivan", time.Time{}) || !b.Book.EndedFor(okta, "vera", time.Time{}) {
		t.Error("ivan's of 160 days ago counts, or vera's of 80 does not")
	}
	if _, err := b.Revoke(t.Context(), b.ada, revocation.Target{Everything: true}); err != nil {
		t.Fatal(err)
	}
	if !b.Book.EndedFor(okta, "nora", b.now) {
		t.Error("the cut of everything does not count")
	}
	b.now = b.now.Add(100 * 24 * time.Hour)
	if err := b.Book.Load(t.Context()); err != nil || b.Book.EndedFor(okta, "nora", time.Time{}) {
		t.Errorf("the one of everything counts 100 days later: %v", err)
	}
}

func TestEndingAllAccessReachesADeactivatedOrganisation(t *testing.T) {
	b := newBench(t, testdb.Open(t, store.SQLite))
	b.Policy = deactivated{}
	b.begins("i1", "ivan", access.System, "Issuance")
	b.begins("v1", "vera", access.System)
	if _, err := b.Revoke(t.Context(), b.ada, revocation.Target{Organisation: acme}); err != nil || !slices.Equal(b.live(), []string{"v1"}) {
		t.Errorf("left: %v, %v", b.live(), err)
	}
}

// deactivated are the rules while acme is deactivated.
type deactivated struct{ rules }

func (deactivated) Snapshot() *access.Snapshot { return snapshotOf(begin) }

// What other parties tell must name somebody: an empty name would mean everybody.
func TestNobodyIsNotEverybody(t *testing.T) {
	b := newBench(t, testdb.Open(t, store.SQLite))
	b.begins("a1", "ada", access.System)
	b.begins("i1", "ivan", access.System)
	for _, f := range []revocation.Filter{
		{}, {Person: revocation.Person{Issuer: okta}}, {SID: "s"}, {IDSubject: "u"}, {Person: revocation.Person{Subject: "ivan"}}, {Ref: "i1"},
	} {
		if ended, err := b.EndSessions(t.Context(), f, nil); !fault.InvalidInput.Is(err) {
			t.Errorf("%+v: ended %+v, %v", f, ended, err)
		}
	}
	for _, p := range []revocation.Person{{}, {Issuer: okta}, {Subject: "ivan"}} {
		if ended, err := b.EndPerson(t.Context(), p, b.now); !fault.InvalidInput.Is(err) {
			t.Errorf("%+v: ended %+v, %v", p, ended, err)
		}
	}
	if got := b.live(); !slices.Equal(got, []string{"a1", "i1"}) {
		t.Errorf("%v are left", got)
	}
}
