package devokta

import (
	"log/slog"
	"net/http"
	"sync"
	"time"
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
	cfg    Config
	now    func() time.Time
	log    *slog.Logger
	random *random
	keys   *keyring
	pages  *pages
	faults faults

	refreshKey []byte            // derives refresh tokens
	secrets    map[string]string // client secrets by client id, guarded by mu

	mu       sync.Mutex // guards the world and everything remembered
	org      *org
	pending  *bounded[*pendingRequest]
	codes    *bounded[*code]
	sessions *bounded[*session]
	grants   *bounded[*grant]
	tokens   *bounded[*tokenEntry]
	attempts *bounded[*attempts]

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
		cfg: cfg, now: cfg.Now, log: cfg.Logger, random: &random{reader: cfg.Rand}, pages: newPages(),
		org: seedOrg(cfg, cfg.Now()), secrets: map[string]string{},
		pending: newBounded[*pendingRequest](maxPending), codes: newBounded[*code](maxCodes),
		sessions: newBounded[*session](maxSessions), grants: newBounded[*grant](maxGrants),
		tokens: newBounded[*tokenEntry](maxTokens), attempts: newBounded[*attempts](maxLogins),
		dirty: make(chan struct{}, 1), done: make(chan struct{}),
	}
	if err := s.restore(st); err != nil {
		return nil, err
	}
	// Secrets are on disk before anybody is told of them, and an unwritable file is found out now.
	if err := s.save(); err != nil {
		return nil, err
	}
	s.handler = s.routes()
	s.keys.fill()
	if cfg.StateFile != "" {
		s.wg.Go(s.runWriter)
	}
	return s, nil
}

// restore takes over a saved state; without one it makes new secrets.
func (s *Server) restore(st *savedState) error {
	var keys []*signingKey
	if st != nil {
		var err error
		if keys, err = st.signingKeys(); err != nil {
			return corrupt(s.cfg.StateFile, err)
		}
		s.refreshKey = st.RefreshKey
		restore(s.sessions, st.Sessions)
		restore(s.grants, st.Grants)
		restore(s.tokens, st.Tokens)
		for id, secret := range st.Secrets {
			s.secrets[id] = secret
		}
	} else {
		s.refreshKey = s.random.bytes(refreshKeySize)
	}
	for _, a := range s.org.Apps {
		if a.AuthMethod == authNone {
			continue
		}
		if s.secrets[a.ClientID] == "" {
			s.secrets[a.ClientID] = s.random.secret()
		}
		a.Secret = s.secrets[a.ClientID]
	}
	s.keys = newKeyring(keys, s.now, s.touch)
	return nil
}

// Handler serves everything; see doc.go for the routes.
func (s *Server) Handler() http.Handler { return s.handler }

// Issuer is the custom authorization server's issuer, as in the tokens' iss.
func (s *Server) Issuer() string { return s.cfg.PublicURL + serverPath }

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
