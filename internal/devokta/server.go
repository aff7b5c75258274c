package devokta

import (
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/portico-iam/portico/internal/devokta/management"
	"github.com/portico-iam/portico/internal/devokta/world"
)

// Bounds on what is remembered. Past them the oldest is forgotten, which can only refuse, never admit.
const (
	maxPending  = 1_000
	maxCodes    = 2_000
	maxSessions = 5_000
	maxGrants   = 5_000
	maxTokens   = 10_000
	maxLogins   = 1_000
)

// Server is the development Okta.
type Server struct {
	cfg       Config
	customURL string // the second name of an org with a custom domain
	clock     *orgClock
	log       *slog.Logger
	random    *random
	keys      *keyrings
	pages     *pages
	faults    faults
	observers observers

	refreshKey []byte    // derives refresh tokens
	setupKey   *setupKey // the setup application's

	mu        sync.Mutex // guards the world and everything remembered
	world     *world.World
	orgServer *world.Server
	pending   *bounded[*pendingRequest]
	codes     *bounded[*code]
	sessions  *bounded[*session]
	grants    *bounded[*grant]
	tokens    *bounded[*tokenEntry]
	attempts  *bounded[*attempts]

	sessionTokens *bounded[*sessionToken]
	used          *bounded[time.Time] // assertions and proofs
	sealed        *bounded[string]    // what is in our encrypted tokens
	oddities      Oddities

	api     *management.Handler
	saving  sync.Mutex
	dirty   chan struct{}
	done    chan struct{}
	closing sync.Once
	wg      sync.WaitGroup
	handler http.Handler
}

// New starts the development Okta. Missing signing keys are generated in the background; what needs one waits.
func New(cfg Config) (*Server, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	st, err := loadState(cfg.StateFile)
	if err != nil {
		return nil, err
	}
	s := &Server{
		cfg: cfg, customURL: cfg.customURL(), clock: &orgClock{base: cfg.Now}, log: cfg.Logger, random: &random{reader: cfg.Rand}, pages: newPages(),
		pending: newBounded[*pendingRequest](maxPending), codes: newBounded[*code](maxCodes),
		sessions: newBounded[*session](maxSessions), grants: newBounded[*grant](maxGrants),
		tokens: newBounded[*tokenEntry](maxTokens), attempts: newBounded[*attempts](maxLogins), sessionTokens: newBounded[*sessionToken](maxLogins),
		used: newBounded[time.Time](maxReplay), sealed: newBounded[string](maxTokens),
		dirty: make(chan struct{}, 1), done: make(chan struct{}),
	}
	s.keys = newKeyrings(s.now, s.random, s.touch)
	if st == nil {
		err = s.begin()
	} else {
		err = s.restore(st)
	}
	if err != nil {
		return nil, err
	}
	s.orgServer = s.world.OrgServer(cfg.PublicURL)
	// Secrets are on disk before anybody is told of them, and an unwritable file is found out now.
	if err := s.save(); err != nil {
		return nil, err
	}
	s.handler = s.routes()
	for _, as := range s.world.Servers {
		s.keys.of(as.ID)
	}
	if cfg.StateFile != "" {
		s.wg.Go(s.runWriter)
	}
	return s, nil
}

// begin makes a new org.
func (s *Server) begin() error {
	var err error
	if s.setupKey, err = newSetupKey(); err != nil {
		return err
	}
	s.refreshKey = s.random.bytes(refreshKeySize)
	profile := s.cfg.Profile
	if profile == "" {
		profile = Profiles()[0]
	}
	s.world = world.New(world.Seed{
		Profile: profile, Redirects: s.cfg.WebRedirectURIs, Logouts: s.cfg.WebLogoutURIs, SetupKey: s.setupKey.public, Now: s.now, Random: s.random.bytes,
	})
	return nil
}

// restore takes over a saved state.
func (s *Server) restore(st *savedState) error {
	org, err := st.org()
	if err != nil {
		return corrupt(s.cfg.StateFile, err)
	}
	if s.cfg.Profile != "" && s.cfg.Profile != org.Profile {
		return profileDiffers(s.cfg.StateFile, org.Profile, s.cfg.Profile)
	}
	key, err := parseSetupKey(st.SetupKey)
	if err != nil {
		return corrupt(s.cfg.StateFile, err)
	}
	if err := s.keys.restore(st.Keys); err != nil {
		return corrupt(s.cfg.StateFile, err)
	}
	s.setupKey, s.refreshKey, s.world = key, st.RefreshKey, org
	s.world.Attach(s.now, s.random.bytes)
	s.world.AllowRedirects(s.cfg.WebRedirectURIs, s.cfg.WebLogoutURIs)
	restore(s.sessions, st.Sessions)
	restore(s.grants, st.Grants)
	restore(s.tokens, st.Tokens)
	return nil
}

// Handler serves everything; see doc.go for the routes.
func (s *Server) Handler() http.Handler { return s.handler }

// Issuer is the issuer to configure: the default authorization server's, or the org's where there is no other.
func (s *Server) Issuer() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	as, err := s.world.Server("default")
	if err != nil {
		as = s.orgServer
	}
	return s.issuerOf(as, s.cfg.PublicURL, nil)
}

// Close waits for the background work and writes the state a last time.
func (s *Server) Close() error {
	var err error
	s.closing.Do(func() {
		close(s.done)
		s.keys.close()
		s.wg.Wait()
		err = s.save()
	})
	return err
}

func (s *Server) now() time.Time { return s.clock.now() }

// orgClock is the org's time, which a test may set apart from everybody else's.
type orgClock struct {
	base func() time.Time
	mu   sync.Mutex
	skew time.Duration
}

func (c *orgClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.base().Add(c.skew)
}
