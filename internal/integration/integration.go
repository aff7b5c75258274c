// Package integration tells how the connection to the identity provider is: what is configured, what was last seen of it,
// and, asked to, what the doctor finds. It shows no secret and changes nothing.
package integration

import (
	"context"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/portico-iam/portico/internal/config"
	"github.com/portico-iam/portico/internal/doctor"
	"github.com/portico-iam/portico/internal/iam"
	"github.com/portico-iam/portico/internal/session"
)

// People are those who signed in. session.Store has it.
type People interface {
	PeopleSeen(ctx context.Context, since time.Time, limit int) ([]session.Person, error)
}

// Service knows the connection.
type Service struct {
	Config   *config.Config
	Provider *iam.Provider
	Keys     *iam.KeySet // of the first issuer
	Clock    *iam.Clock
	People   People
	Now      func() time.Time

	flight singleflight.Group
}

// State is the connection as it stands. Nobody is asked for it.
type State struct {
	Now         time.Time
	Gateway     string // gateway.mode
	TokenSource string
	Metadata    Fetch
	Keys        Fetch
	KeyIDs      []string
	KeysExpire  time.Duration // after that they no longer count
	Clock       *iam.Reading  // nil: nothing was heard of the provider yet
	Leeway      time.Duration
	LastSeen    *session.Person // who signed in last
	WithRoles   int             // of those seen within a day, how many had roles
	Seen        int
}

// Fetch is something that is read from the provider now and then.
type Fetch struct {
	At  time.Time // of the last success; zero: never
	Err error     // of the last try, if that failed
}

// notHere is what can't be looked at from within a running Portico, which has no credential for it.
const notHere = "The audience and the claims as Okta sets them, policies, assignments and groups need an administrator’s credential: run portico doctor --okta FILE on the server."

const (
	seenWithin = 24 * time.Hour
	mostPeople = 1000
)

// State reads what is known.
func (s *Service) State(ctx context.Context) (State, error) {
	st := State{
		Now: s.Now(), Gateway: s.Config.Gateway.Mode, TokenSource: s.Config.IAM.TokenSource,
		Metadata: Fetch(s.Provider.Last()), Keys: Fetch(s.Keys.Last()), KeyIDs: s.Keys.IDs(),
		KeysExpire: s.Config.STS.IAM.TokenValidation.JWKSExpireAfter, Leeway: s.Config.STS.IAM.TokenValidation.Leeway,
	}
	if reading, ok := s.Clock.Last(); ok {
		st.Clock = &reading
	}
	people, err := s.People.PeopleSeen(ctx, st.Now.Add(-seenWithin), mostPeople)
	if err != nil {
		return st, err
	}
	st.Seen = len(people)
	for i, p := range people {
		if i == 0 {
			st.LastSeen = &people[0]
		}
		if len(p.IAMRoles) > 0 {
			st.WithRoles++
		}
	}
	return st, nil
}

// Examine asks the provider what can be asked without a credential of an administrator. Whoever asks meanwhile gets the same
// answer: the provider is not asked more for it.
func (s *Service) Examine(ctx context.Context) (*doctor.Report, error) {
	report, err, _ := s.flight.Do("", func() (any, error) {
		report, err := doctor.Examine(context.WithoutCancel(ctx), doctor.Input{Config: s.Config, Now: s.Now}) // bounds itself
		if err == nil {
			report.Notes = []string{notHere} // the doctor's own speak of flags
		}
		return report, err
	})
	if err != nil {
		return nil, err
	}
	return report.(*doctor.Report), nil
}
