package devokta

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/portico-iam/portico/internal/devokta/world"
)

// This file is the control surface for test suites: people and their sessions, keys, tokens for the Management API, and
// behaviour that no API can bring about. It is on the Go type only, never over HTTP.

// RotateKeys makes NEXT the default server's signing key and ACTIVE an expired one that is still published.
func (s *Server) RotateKeys() error {
	s.keys.of(s.defaultID()).rotate()
	return nil
}

// ForgetExpiredKeys takes the expired key out of the key set: tokens it signed have a kid that is gone.
func (s *Server) ForgetExpiredKeys() {
	s.keys.of(s.defaultID()).forgetExpired()
	s.touch()
}

// VanishKeys replaces every key of the default server: no token that is about can be checked any more.
func (s *Server) VanishKeys() {
	s.keys.of(s.defaultID()).vanish()
	s.touch()
}

// SignWithNextKey signs with the published NEXT key, as Okta may at any time.
func (s *Server) SignWithNextKey(on bool) {
	ring := s.keys.of(s.defaultID())
	ring.mu.Lock()
	defer ring.mu.Unlock()
	ring.useNext = on
}

// defaultID is the default authorization server's id, or the org's where there is none.
func (s *Server) defaultID() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if as, err := s.world.Server("default"); err == nil {
		return as.ID
	}
	return orgServerID
}

// AddUser adds a person who may use the web application and the CLI. An empty password is everybody's.
func (s *Server) AddUser(u User) error {
	return s.change(func() error {
		if world.NormalLogin(u.Login) == "" {
			return fmt.Errorf("development Okta: a user needs a login")
		}
		if s.world.UserByLogin(u.Login) != nil {
			return fmt.Errorf("development Okta: login %q exists already", u.Login)
		}
		added := s.world.AddPerson(u.Login, u.Given, u.Family, u.Password)
		s.assign(added, true)
		return s.world.SetGroups(added, u.Groups)
	})
}

// SetUserGroups replaces a person's groups; groups that do not exist are made.
func (s *Server) SetUserGroups(login string, groups ...string) error {
	return s.withUser(login, func(u *world.User) error { return s.world.SetGroups(u, groups) })
}

// AddDirectoryGroup adds a group that a directory owns (source active_directory, or an application's id), with members.
func (s *Server) AddDirectoryGroup(name, source string, logins ...string) error {
	return s.change(func() error {
		var members []*world.User
		for _, login := range logins {
			u := s.world.UserByLogin(login)
			if u == nil {
				return noUser(login)
			}
			members = append(members, u)
		}
		s.world.AddAppGroup(name, source, members...)
		return nil
	})
}

// SetUserActive deactivates a person, which ends their sessions and tokens, or activates them again.
func (s *Server) SetUserActive(login string, on bool) error {
	return s.withUser(login, func(u *world.User) error {
		if on {
			return s.world.SetUserStatus(u, world.Active)
		}
		s.endUser(u.ID)
		return s.world.SetUserStatus(u, world.Deprovisioned)
	})
}

// SetUserAssigned assigns a person to the web application and the CLI, or takes the assignment away.
func (s *Server) SetUserAssigned(login string, on bool) error {
	return s.withUser(login, func(u *world.User) error {
		s.assign(u, on)
		return nil
	})
}

// SetAccessTokenLifetime overrides every rule; Okta allows 5 minutes to 24 hours, which is not enforced here.
func (s *Server) SetAccessTokenLifetime(d time.Duration) {
	s.SetSwitches(func(w *Switches) { w.AccessLifetime = d })
}

// EndSessions signs everybody out of Okta; their tokens stay valid, as on the real one.
func (s *Server) EndSessions() {
	s.mu.Lock()
	s.sessions.clear()
	s.pending.clear()
	s.mu.Unlock()
	s.touch()
}

// RevokeAll ends every session and revokes every token and code.
func (s *Server) RevokeAll() {
	s.mu.Lock()
	s.sessions.clear()
	s.pending.clear()
	s.codes.clear()
	s.grants.clear()
	s.tokens.clear()
	s.mu.Unlock()
	s.touch()
}

// APIToken is what a further SSWS token is like. The zero value is the administrator's, for ever.
type APIToken struct {
	ReadOnly bool
	Expired  bool
}

// NewAPIToken makes an SSWS token.
func (s *Server) NewAPIToken(t APIToken) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	role, expires := world.SuperAdmin, world.Time{}
	if t.ReadOnly {
		role = world.ReadOnlyAdmin
	}
	if t.Expired {
		expires = world.At(s.now().Add(-time.Hour))
	}
	return s.world.AddAPIToken("test", role, expires).Value
}

// NewServiceApp registers a service application that proves itself with a key. role "" leaves it without one, and scopes are
// the okta.* scopes granted to it. dpop makes it need proofs.
func (s *Server) NewServiceApp(label, role string, dpop bool, scopes ...string) (ServiceApp, error) {
	key, err := newSetupKey()
	if err != nil {
		return ServiceApp{}, err
	}
	var id string
	err = s.change(func() error {
		a, err := s.world.CreateApp(world.AppObject{
			Name: "oidc_client", Label: label, SignOnMode: "OPENID_CONNECT",
			Credentials: world.AppCredentials{OAuthClient: world.ClientCredentials{AuthMethod: world.AuthKey}},
			Settings: world.AppSettings{OAuthClient: &world.OAuthClient{
				ApplicationType: world.AppService, GrantTypes: []string{world.GrantClient}, ResponseTypes: []string{"token"},
				JWKS: &world.JWKS{Keys: []json.RawMessage{key.public}}, DPoPBound: dpop,
			}},
		}, true)
		if err != nil {
			return err
		}
		s.world.Empower(a, role, scopes...)
		id = a.ClientID()
		return nil
	})
	return ServiceApp{id, setupKeyID, key.pem()}, err
}

// SetRateLimit makes requests to an area of the Management API fail past that many a minute; 0 never does, which is the
// default.
func (s *Server) SetRateLimit(perMinute int) { s.api.SetRateLimit(perMinute) }

// SetClockSkew sets the org's clock apart: the Date header, every time in a token, every check of one.
func (s *Server) SetClockSkew(d time.Duration) {
	s.clock.mu.Lock()
	defer s.clock.mu.Unlock()
	s.clock.skew = d
}

// Switches are behaviours of Okta about which reports conflict.
type Switches = world.Switches

// SetSwitches changes them.
func (s *Server) SetSwitches(change func(*Switches)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.world.Switches)
}

// Oddities are answers that a healthy Okta does not give.
type Oddities struct {
	EmptyKeySet bool // every key set is empty
	IssuerSlash bool // discovery's issuer ends with a slash
}

// SetOddities changes them; the zero value is a healthy Okta.
func (s *Server) SetOddities(o Oddities) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.oddities = o
}

func (s *Server) odd() Oddities {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.oddities
}

func (s *Server) withUser(login string, do func(*world.User) error) error {
	return s.change(func() error {
		u := s.world.UserByLogin(login)
		if u == nil {
			return noUser(login)
		}
		u.LastUpdated = s.world.Now()
		return do(u)
	})
}

func noUser(login string) error { return fmt.Errorf("development Okta: there is no user %q", login) }

// change works on the world and has it saved soon.
func (s *Server) change(do func() error) error {
	s.mu.Lock()
	err := do()
	s.mu.Unlock()
	s.touch()
	return err
}

// endUser needs the lock.
func (s *Server) endUser(id string) {
	for key, v := range s.sessions.all {
		if v.UserID == id {
			s.sessions.remove(key)
		}
	}
	for key, v := range s.grants.all {
		if v.UserID == id {
			s.grants.remove(key)
		}
	}
}

// assign needs the lock.
func (s *Server) assign(u *world.User, on bool) {
	for _, a := range s.world.Apps {
		switch {
		case a.Type() == world.AppService:
		case on:
			s.world.AssignUser(a, u)
		default:
			s.world.UnassignUser(a, u)
		}
	}
}
