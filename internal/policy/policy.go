package policy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/policyfile"
)

// ErrVersion is what a Store answers when the model was changed since the version that a commit builds upon.
var ErrVersion = errors.New("the model has another version")

// Store keeps the model.
type Store interface {
	// LoadModel returns the whole model as of one moment.
	LoadModel(ctx context.Context) (access.Model, error)
	// CommitChange stores the rows of c and the entries in one transaction, and sets the version to base+1.
	// It returns ErrVersion, and stores nothing, when the version is not base.
	CommitChange(ctx context.Context, base int64, c access.Change, entries []history.Entry) error
	// ModelVersion returns the stored version.
	ModelVersion(ctx context.Context) (int64, error)

	// ChangedAfter returns the version that the first change of roles and IAM roles after a moment made, 0 for none, and when
	// the oldest one was that the history tells of, zero for none. Entries of other services tell of none.
	ChangedAfter(ctx context.Context, at time.Time) (version int64, oldest time.Time, err error)
	// FirstChanges returns, for each role and IAM role that was changed by that version or a later one, the entry of the first
	// such change: ordered by entity id, those after one, most at once.
	FirstChanges(ctx context.Context, from int64, after string, most int) ([]history.Entry, error)
}

// Organisations lists Core's organisations.
type Organisations interface {
	Organisations(ctx context.Context) ([]*access.Organisation, error)
}

// Config is what a Service needs.
type Config struct {
	Store         Store
	Organisations Organisations
	History       *history.Recorder
	People        People                            // nil: nobody was seen
	Barred        func(issuer, subject string) bool // who is deactivated in the directory; nil: nobody
	Usage         UsageStore                        // nil: what is used is not noted
	Bootstrap     access.Bootstrap
	Groups        Groups                           // nil: no groups are provisioned
	Requests      Requests                         // nil: what needs a second administrator is refused
	Expectations  func() (*policyfile.File, error) // what every change is held against; nil: nothing
	Decided       func(access.Reason)              // is told of every decision on a request; nil: nobody is
	Now           func() time.Time
	Logger        *slog.Logger
}

// Service holds the snapshot and changes it. Its methods may be called from many goroutines.
type Service struct {
	Config
	current  atomic.Pointer[access.Snapshot]
	changing chan struct{} // holds one token: one change at a time in this process; the store settles those of other processes
	model    access.Model
	syncing  chan struct{} // holds one token while the organisations are read and stored
	refusals *refusals
	turning  sync.Mutex // one goroutine at a time makes the snapshot of a later time
	rebuked  atomic.Pointer[rebuke]
	usage    usage
	nowhere  nowhere
}

// New loads the model.
func New(ctx context.Context, cfg Config) (*Service, error) {
	s := &Service{Config: cfg, changing: make(chan struct{}, 1), syncing: make(chan struct{}, 1), refusals: newRefusals(cfg.Now)}
	s.usage.pending, s.usage.watched = map[useKey]RoleUse{}, map[access.RoleID]int64{}
	if err := s.Reload(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// Snapshot returns the current snapshot. Mappings that have ended are not in it, on every replica from the same second on.
func (s *Service) Snapshot() *access.Snapshot {
	now := s.current.Load()
	if !s.outdated(now) {
		return now
	}
	s.turning.Lock()
	defer s.turning.Unlock()
	for {
		if now = s.current.Load(); !s.outdated(now) {
			return now
		}
		if s.current.CompareAndSwap(now, now.At(s.Now()).Live(s.Now)) {
			s.gather(now)
		}
	}
}

func (s *Service) outdated(now *access.Snapshot) bool {
	next := now.NextEnd()
	return !next.IsZero() && !s.Now().Before(next)
}

// Version returns the version of the current snapshot.
func (s *Service) Version() int64 { return s.Snapshot().Version() }

// Reload replaces the snapshot by what the store holds, if that has another version.
func (s *Service) Reload(ctx context.Context) error {
	ctx, done, err := s.begin(ctx)
	if err != nil {
		return err
	}
	defer done()
	return s.reload(ctx)
}

// patience bounds how long a change may take, with the wait for those before it: a store that hangs must not make
// everybody wait for everybody.
const patience = 10 * time.Second

// begin waits for the turn to change the model. done gives it to the next one.
func (s *Service) begin(ctx context.Context) (_ context.Context, done func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	select {
	case s.changing <- struct{}{}:
		return ctx, func() { <-s.changing; cancel() }, nil
	case <-ctx.Done():
		cancel()
		return nil, nil, fault.Unavailable.New("other changes take too long at the moment; try again").Because(ctx.Err())
	}
}

func (s *Service) reload(ctx context.Context) error {
	if s.current.Load() != nil {
		version, err := s.Store.ModelVersion(ctx)
		if err != nil {
			return fmt.Errorf("read the model's version: %w", err)
		}
		if version == s.model.Version {
			return nil
		}
	}
	model, err := s.Store.LoadModel(ctx)
	if err != nil {
		return fmt.Errorf("load the model: %w", err)
	}
	s.model = model
	s.publish(access.Build(model, s.Bootstrap, s.Now()))
	return nil
}

// change applies a change that make builds upon the current snapshot, records it, and returns the snapshot that it made. When
// another process was faster, make is called again upon the newer snapshot. by is nil where no principal makes it.
func (s *Service) change(ctx context.Context, by *access.Principal, seen Seen, make func(now *access.Snapshot) (access.Change, error)) (*access.Snapshot, error) {
	ctx, done, err := s.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	// What others changed may not have been heard here yet: a change is judged by what is stored, also when it is refused.
	if err := s.reload(ctx); err != nil {
		return nil, err
	}
	for range 5 {
		change, err := make(s.Snapshot())
		if err != nil {
			return nil, err
		}
		if change, err = s.bind(ctx, s.Snapshot(), change); err != nil {
			return nil, err
		}
		change.At = change.At.UTC().Truncate(time.Millisecond) // as it is stored
		next, stored, err := s.model.Apply(change, s.Bootstrap.Role)
		if err != nil {
			return nil, changeFault(err)
		}
		if err := seen.check(s.Snapshot()); err != nil {
			return nil, err
		}
		after := access.Build(next, s.Bootstrap, change.At)
		if err := s.admit(ctx, by, after, change, seen); err != nil {
			return nil, err
		}
		if change.Probation = s.onProbation(by, after, change); change.Probation != nil {
			if err := s.keepOthersFree(change); err != nil {
				return nil, err
			}
			if next, stored, err = s.model.Apply(change, s.Bootstrap.Role); err != nil {
				return nil, changeFault(err)
			}
			after = access.Build(next, s.Bootstrap, change.At)
		}
		switch err := s.Store.CommitChange(ctx, s.model.Version, stored, s.entriesOf(s.Snapshot(), after, stored, seen.approved)); {
		case err == nil:
			s.model = next
			s.publish(after)
			return after, nil
		case !errors.Is(err, ErrVersion):
			return nil, fmt.Errorf("store a change: %w", err)
		}
		if err := s.reload(ctx); err != nil {
			return nil, err
		}
	}
	return nil, fault.Unavailable.New("too many changes at once; try again")
}

// admit refuses a change for what it leads to. What became of groups elsewhere can't be refused.
func (s *Service) admit(ctx context.Context, by *access.Principal, after *access.Snapshot, change access.Change, seen Seen) error {
	if len(change.Groups) > 0 {
		return nil
	}
	if err := s.keepAdministrators(ctx, by, s.Snapshot(), after, change); err != nil {
		return err
	}
	if err := s.keepExpectations(ctx, s.Snapshot(), after, change); err != nil {
		return err
	}
	return s.demand(ctx, by, s.Snapshot(), after, change, seen)
}

// changeFault gives a refused change its code.
func changeFault(err error) error {
	var refused *access.ChangeError
	if !errors.As(err, &refused) {
		return err
	}
	code := map[access.ChangeFault]*fault.Code{
		access.Malformed:   fault.InvalidInput,
		access.UnknownLink: fault.InvalidInput,
		access.Duplicate:   fault.NameTaken,
		access.Missing:     fault.NotFound,
		access.Stale:       fault.LostUpdate,
		access.InUse:       fault.StillMapped,
		access.OnProbation: fault.OnProbation,
	}[refused.Fault]
	return code.New("%s", refused.Message).At(refused.Field)
}

// errUnchanged ends a change that would change nothing.
var errUnchanged = errors.New("nothing to change")

// SyncOrganisations makes the mirror equal to Core's list. Nothing is written when it already is. Of several at once
// each reads the list when the one before is done: else an older list could be stored over a newer one.
func (s *Service) SyncOrganisations(ctx context.Context) error {
	select {
	case s.syncing <- struct{}{}:
		defer func() { <-s.syncing }()
	case <-ctx.Done():
		return ctx.Err()
	}
	list, err := s.Organisations.Organisations(ctx)
	if err != nil {
		return fmt.Errorf("list Core's organisations: %w", err)
	}
	list = distinctOrganisations(list)
	_, err = s.change(ctx, nil, Seen{}, func(now *access.Snapshot) (access.Change, error) {
		if sameOrganisations(now.Organisations(), list) {
			return access.Change{}, errUnchanged
		}
		return access.Change{Organisations: list, At: s.Now()}, nil
	})
	if errors.Is(err, errUnchanged) {
		return nil
	}
	return err
}

// distinctOrganisations returns the list, never nil, with the first of every id: a list that is read page by page shows
// a row twice when another one is created meanwhile.
func distinctOrganisations(list []*access.Organisation) []*access.Organisation {
	out, seen := make([]*access.Organisation, 0, len(list)), make(map[access.OrganisationID]bool, len(list))
	for _, o := range list {
		if !seen[o.ID] {
			seen[o.ID] = true
			out = append(out, o)
		}
	}
	return out
}

func sameOrganisations(a, b []*access.Organisation) bool {
	if len(a) != len(b) {
		return false
	}
	byID := make(map[access.OrganisationID]*access.Organisation, len(a))
	for _, o := range a {
		byID[o.ID] = o
	}
	for _, o := range b {
		old := byID[o.ID]
		if old == nil || old.Name != o.Name || !old.DeactivatedAt.Equal(o.DeactivatedAt) || !old.CreatedAt.Equal(o.CreatedAt) {
			return false
		}
	}
	return true
}
