package signal

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/time/rate"

	"github.com/portico-iam/portico/internal/config"
	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/iam"
	"github.com/portico-iam/portico/internal/revocation"
	"github.com/portico-iam/portico/internal/session"
)

// Store tells whom the sign-ins named, and remembers what was acted upon.
type Store interface {
	// PeopleNamed finds those whom the issuer's ID tokens or access tokens call subject.
	PeopleNamed(ctx context.Context, issuer, subject string) ([]session.Person, error)
	// PeopleByMail finds at least those of the issuer who have the address, seen since then. It may find more.
	PeopleByMail(ctx context.Context, issuer, address string, since time.Time) ([]session.Person, error)

	SignalSeen(ctx context.Context, id string, now time.Time) (bool, error)
	// NoteSignal remembers a signal until then.
	NoteSignal(ctx context.Context, id string, until, now time.Time) error
}

// Revocations end what people hold.
type Revocations interface {
	EndSessions(ctx context.Context, f revocation.Filter, match func(*session.Record) bool) ([]session.Record, error)
	EndPerson(ctx context.Context, p revocation.Person, at time.Time) ([]session.Record, error)
	SessionsOf(ctx context.Context, p revocation.Person) ([]session.Record, error)
}

// Renewer has sessions ask the identity provider anew.
type Renewer interface {
	Renew(ctx context.Context, records []session.Record) (int, error)
}

// Config is what a Service needs. Senders that are nil, and an empty secret, are not listened to.
type Config struct {
	PublicURL string
	ClientID  string // ours at the identity provider
	SignIn    *iam.Issuer
	Global    *iam.Issuer // who asks for Global Token Revocation
	Shared    *iam.Issuer // who sends Shared Signals
	Settings  config.Signals

	Store       Store
	Revocations Revocations
	Sessions    Renewer
	History     *history.Recorder
	HTTP        *http.Client // for polling
	Now         func() time.Time
	Logger      *slog.Logger
}

// Service hears signals.
type Service struct {
	Config
	refusals map[string]*refusals // by channel: none hides what another one refuses
	poll     polling
}

// Refusals are recorded at this rate at the most, in bursts of so many: anybody can cause them.
const (
	refusalsPerSecond = 1
	refusalsAtOnce    = 60
)

// New returns a service.
func New(cfg Config) *Service {
	s := &Service{Config: cfg, refusals: map[string]*refusals{}}
	for _, channel := range []string{channelBack, channelFront, channelGlobal, channelShared, channelHook} {
		s.refusals[channel] = &refusals{recorded: rate.NewLimiter(refusalsPerSecond, refusalsAtOnce)}
	}
	return s
}

// The addresses.
const (
	backchannelPath  = "/logout/backchannel"
	frontchannelPath = "/logout/frontchannel"
	globalPath       = "/api/sts/global-token-revocation/v1"
	pushPath         = "/api/sts/ssf/v1"
	hookPath         = "/api/sts/okta-event-hook/v1"
)

// Mount puts the addresses that are switched on on mux.
func (s *Service) Mount(mux *http.ServeMux) {
	if s.Settings.BackchannelLogout {
		mux.HandleFunc("POST "+backchannelPath, s.backchannel)
	}
	if s.Settings.FrontchannelLogout {
		mux.HandleFunc("GET "+frontchannelPath, s.frontchannel)
	}
	if s.Global != nil {
		mux.HandleFunc("POST "+globalPath, s.global)
	}
	if s.Shared != nil && s.Settings.SharedSignals.Poll.Endpoint == "" {
		mux.HandleFunc("POST "+pushPath, s.push)
	}
	if s.Settings.EventHook.Secret != "" {
		mux.HandleFunc("GET "+hookPath, s.verifyHook)
		mux.HandleFunc("POST "+hookPath, s.hook)
	}
}

// origin is scheme and host of an issuer.
func origin(issuer string) string {
	u, err := url.Parse(issuer)
	if err != nil {
		return "'none'"
	}
	return u.Scheme + "://" + u.Host
}
