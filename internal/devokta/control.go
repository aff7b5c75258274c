package devokta

import (
	"fmt"
	"time"
)

// This file is the control surface for test suites: it is on the Go type only, never over HTTP. Changes to
// people and assignments live until the process ends.

// RotateKeys makes NEXT the signing key and ACTIVE an expired one that is still published.
func (s *Server) RotateKeys() error { return s.keys.rotate() }

// ForgetExpiredKeys takes the expired key out of the key set: tokens it signed have a kid that is gone.
func (s *Server) ForgetExpiredKeys() {
	s.keys.forgetExpired()
	s.touch()
}

// SignWithNextKey signs with the published NEXT key, as Okta may at any time.
func (s *Server) SignWithNextKey(on bool) {
	s.keys.mu.Lock()
	defer s.keys.mu.Unlock()
	s.keys.useNext = on
}

// AddUser adds a person who may use the web application and the CLI. An empty password is everybody's.
func (s *Server) AddUser(u User) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if normalLogin(u.Login) == "" {
		return fmt.Errorf("development Okta: a user needs a login")
	}
	if s.org.userByLogin(u.Login) != nil {
		return fmt.Errorf("development Okta: login %q exists already", u.Login)
	}
	added := s.org.addUser(u.Login, u.Given, u.Family, s.now())
	if u.Password != "" {
		added.Password = u.Password
	}
	s.org.setGroups(added, u.Groups)
	s.org.assign(added, true)
	return nil
}

// SetUserGroups replaces a person's groups; groups that do not exist are made.
func (s *Server) SetUserGroups(login string, groups ...string) error {
	return s.withUser(login, func(u *user) { s.org.setGroups(u, groups) })
}

// SetUserActive deactivates a person, which ends their sessions and tokens, or activates them again.
func (s *Server) SetUserActive(login string, on bool) error {
	return s.withUser(login, func(u *user) {
		u.Status = active
		if !on {
			u.Status = inactive
			s.endUser(u.ID)
		}
	})
}

// SetUserAssigned assigns a person to the web application and the CLI, or takes the assignment away.
func (s *Server) SetUserAssigned(login string, on bool) error {
	return s.withUser(login, func(u *user) { s.org.assign(u, on) })
}

// SetAccessTokenLifetime changes every rule; Okta allows 5 minutes to 24 hours, which is not enforced here.
func (s *Server) SetAccessTokenLifetime(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.org.Server.Policies {
		for i := range p.Rules {
			p.Rules[i].AccessLifetime = d
		}
	}
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

func (s *Server) withUser(login string, change func(*user)) error {
	s.mu.Lock()
	u := s.org.userByLogin(login)
	if u == nil {
		s.mu.Unlock()
		return fmt.Errorf("development Okta: there is no user %q", login)
	}
	change(u)
	u.Updated = s.now()
	s.mu.Unlock()
	s.touch()
	return nil
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

func (o *org) assign(u *user, on bool) {
	for _, a := range o.Apps {
		switch {
		case a.Type == appService:
		case on:
			a.Assigned.Users[u.ID] = true
		default:
			delete(a.Assigned.Users, u.ID)
		}
	}
}
