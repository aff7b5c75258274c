package directory

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"golang.org/x/time/rate"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/revocation"
)

// The attributes that may be the subject of the identity provider's tokens.
const (
	SubjectUserName   = "userName"
	SubjectExternalID = "externalId"
)

// By is who provisions, in the history.
const By = access.OwnSubject + "provisioned by SCIM"

// Ender ends what somebody holds. It is revocation.Service.
type Ender interface {
	End(ctx context.Context, t revocation.Target, by, why string) (revocation.Ended, error)
}

// Config is what a Service needs.
type Config struct {
	Store       Store
	Issuer      string // whose subjects provisioned people are
	SubjectFrom string // SubjectUserName or SubjectExternalID
	Ender       Ender
	// Follow has the mappings follow their groups, after those changed; nil: there are none.
	Follow  func(ctx context.Context) error
	History *history.Recorder
	Now     func() time.Time
	Logger  *slog.Logger
}

// Service changes the directory.
type Service struct {
	Config
	barred   barred
	recorded *rate.Limiter // refusals that reach the history
}

// Refusals of deactivated people are recorded at this rate at the most, in bursts of so many: they may come as often as they like.
const (
	refusalsPerSecond = 1
	refusalsAtOnce    = 60
)

// New reads who is deactivated.
func New(ctx context.Context, cfg Config) (*Service, error) {
	s := &Service{Config: cfg, recorded: rate.NewLimiter(refusalsPerSecond, refusalsAtOnce)}
	return s, s.Refresh(ctx, nil)
}

// Subject is the subject that a provisioned person has in tokens; empty: none, so that they are nobody there.
func (s *Service) Subject(u User) string {
	if s.SubjectFrom == SubjectExternalID {
		return u.ExternalID
	}
	return u.UserName
}

// Admit refuses somebody who is deactivated, and records it. A nil Service admits everybody.
func (s *Service) Admit(ctx context.Context, p *access.Principal) error {
	if !s.Barred(p.Issuer, p.Subject) {
		return nil
	}
	refused := fault.Deactivated.New("your account was deactivated in your company's directory; if that is a mistake, tell your administrator the reference")
	if s.recorded.AllowN(s.Now(), 1) {
		refused.Reference = s.History.Record(ctx, history.Entry{
			Action: history.Rejected, EntityType: history.STSSession, Name: "sign-in", Source: history.SourceSTS, User: p.Subject,
			Metadata: history.Details(map[string]any{
				"sentence": "The sign-in was refused.", "reason": "the directory that the identity provider provisions says that this person is deactivated",
				"issuer": p.Issuer, "subject": p.Subject,
			}),
		}).ID
	}
	return refused
}

// tries is how often a change is made anew that somebody else's change came before.
const tries = 5

// CreateUser stores somebody new, and returns them with their id.
func (s *Service) CreateUser(ctx context.Context, u User) (User, error) {
	u.ID, u.Changed = uuid.NewString(), s.created()
	if err := s.Store.InsertUser(ctx, u, s.userEntry(history.Created, nil, &u)); err != nil {
		return User{}, err
	}
	return u, s.refreshed(ctx, u.ID)
}

// UpdateUser has edit change somebody; it may be called more than once, each time with a copy. seen is the revision that the
// client saw, 0 for any. What is as it was is not written. Who is deactivated by it holds nothing any more when it returns, and
// whoever is named otherwise than before in tokens holds nothing of before.
func (s *Service) UpdateUser(ctx context.Context, id string, seen int64, edit func(*User) error) (User, error) {
	for range tries {
		old, found, err := s.Store.DirectoryUser(ctx, id)
		switch {
		case err != nil:
			return User{}, err
		case !found:
			return User{}, ErrGone
		case seen != 0 && seen != old.Revision:
			return User{}, ErrChanged
		}
		u := old
		if err := edit(&u); err != nil {
			return User{}, err
		}
		u.ID, u.Changed = old.ID, old.Changed
		if sameUser(old, u) {
			return old, nil
		}
		u.Revision, u.ModifiedAt = old.Revision+1, s.now()
		subject, why := s.Subject(old), s.ends(old, u)
		cut := s.cut(subject, why)
		if !old.Active && u.Active { // whatever escaped while they were deactivated does not come back
			cut = s.cut(s.Subject(u), "activated")
		}
		switch err = s.Store.SaveUser(ctx, u, cut, s.userEntry(actionOf(old, u), &old, &u)); {
		case errors.Is(err, ErrChanged):
			continue
		case err != nil:
			return User{}, err
		}
		if err := s.refreshed(ctx, id); err != nil {
			return User{}, err
		}
		s.end(ctx, subject, why)
		return u, nil
	}
	return User{}, fault.Unavailable.New("too many changes at once; try again")
}

// DeleteUser removes somebody, who then holds nothing any more. Nobody is known to be deactivated who is deleted: whether they may
// sign in anew is up to the identity provider.
func (s *Service) DeleteUser(ctx context.Context, id string, seen int64) error {
	for range tries {
		old, found, err := s.Store.DirectoryUser(ctx, id)
		switch {
		case err != nil:
			return err
		case !found:
			return ErrGone
		case seen != 0 && seen != old.Revision:
			return ErrChanged
		}
		const why = "deleted from the directory"
		subject := s.Subject(old)
		switch err = s.Store.DeleteUser(ctx, id, old.Revision, s.cut(subject, why), s.userEntry(history.Deleted, &old, nil)); {
		case errors.Is(err, ErrChanged):
			continue
		case err != nil:
			return err
		}
		s.end(ctx, subject, why)
		return s.refreshed(ctx, id)
	}
	return fault.Unavailable.New("too many changes at once; try again")
}

// ends says why a change ends what somebody holds; empty: it does not.
func (s *Service) ends(old, u User) string {
	switch {
	case old.Active && !u.Active:
		return "deactivated in the directory"
	case s.Subject(old) != s.Subject(u):
		return "named otherwise in the directory"
	}
	return ""
}

// cut is what is stored with the change, so that no crash lets anything of before come back with a reactivation.
func (s *Service) cut(subject, why string) *revocation.Cut {
	if subject == "" || why == "" {
		return nil
	}
	return &revocation.Cut{Target: s.target(subject), At: s.now().Add(time.Millisecond)}
}

func (s *Service) target(subject string) revocation.Target {
	return revocation.Target{Person: revocation.Person{Issuer: s.Issuer, Subject: subject}}
}

// end removes the sessions. They count no more already: a failure leaves rows, and refresh tokens that are not handed back.
func (s *Service) end(ctx context.Context, subject, why string) {
	if subject == "" || why == "" {
		return
	}
	if _, err := s.Ender.End(ctx, s.target(subject), By, why); err != nil {
		s.Logger.ErrorContext(ctx, "the sessions of somebody who was deprovisioned count no more, but could not be removed", "error", err)
	}
}

// refreshed has a change count here at once. That the read fails must not look as if the change had: the other replicas, and
// this one, hear of it all the same.
func (s *Service) refreshed(ctx context.Context, id string) error {
	if err := s.Refresh(ctx, []string{id}); err != nil {
		s.Logger.WarnContext(ctx, "a change of the directory is stored, and counts here in a moment", "error", err)
	}
	return nil
}

func (s *Service) now() time.Time { return s.Now().UTC().Truncate(time.Millisecond) }

func (s *Service) created() Changed {
	now := s.now()
	return Changed{CreatedAt: now, ModifiedAt: now, Revision: 1}
}

func sameUser(a, b User) bool {
	return a.UserName == b.UserName && a.ExternalID == b.ExternalID && a.DisplayName == b.DisplayName && a.Active == b.Active &&
		string(a.Attributes) == string(b.Attributes)
}

func actionOf(old, u User) history.Action {
	switch {
	case old.Active && !u.Active:
		return history.Deactivated
	case !old.Active && u.Active:
		return history.Reactivated
	}
	return history.Updated
}

// userRecord is what the history keeps of somebody: what ties them to an identity, and no more of their profile.
type userRecord struct {
	UserName   string `json:"userName"`
	ExternalID string `json:"externalId,omitempty"`
	Active     bool   `json:"active"`
	Subject    string `json:"subject,omitempty"`
}

type record[T any] struct {
	ProvisionedBy string `json:"provisionedBy"`
	Before        *T     `json:"before,omitempty"`
	After         *T     `json:"after,omitempty"`
}

func (s *Service) userEntry(action history.Action, was, is *User) history.Entry {
	details := record[userRecord]{ProvisionedBy: "SCIM"}
	e := history.Entry{Action: action, EntityType: history.User, Source: history.SourceSTS, User: By}
	for _, of := range []struct {
		user *User
		into **userRecord
	}{{was, &details.Before}, {is, &details.After}} {
		if of.user != nil {
			e.EntityID, e.Name = of.user.ID, of.user.UserName
			*of.into = &userRecord{of.user.UserName, of.user.ExternalID, of.user.Active, s.Subject(*of.user)}
		}
	}
	e.Metadata = history.Details(details)
	return s.History.New(e)
}
