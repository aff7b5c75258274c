package world

import (
	"encoding/json"
	"slices"
	"strings"
)

// Scope is a scope of an authorization server.
type Scope struct {
	ID            string          `json:"id"`
	Name          string          `json:"name"`
	DisplayName   *string         `json:"displayName"`
	Description   *string         `json:"description"`
	System        bool            `json:"system"`
	Default       bool            `json:"default"`
	Optional      bool            `json:"optional"`
	Consent       string          `json:"consent"`
	Metadata      string          `json:"metadataPublish"`
	APIResourceID json.RawMessage `json:"apiResourceId"`
}

// What a scope's consent and metadataPublish may be, and the scopes with a meaning of their own.
const (
	consentImplicit  = "IMPLICIT"
	publishAll       = "ALL_CLIENTS"
	publishNone      = "NO_CLIENTS"
	ScopeOpenID      = "openid"
	ScopeOffline     = "offline_access"
	ScopeGroups      = "groups" // built in at the org authorization server only
	maxScopesOfToken = 64
	scopeKind        = "OAuth2Scope"
)

// Published tells whether discovery lists the scope.
func (s *Scope) Published() bool { return s.Metadata == publishAll }

func systemScopes(server string) []*Scope {
	var out []*Scope
	for _, name := range []string{ScopeOpenID, "profile", "email", "address", "phone", ScopeOffline, "device_sso"} {
		out = append(out, &Scope{
			ID: ID("scp", server, name), Name: name, System: true, Consent: consentImplicit, Metadata: publishAll, APIResourceID: json.RawMessage("null"),
		})
	}
	return out
}

// Scope finds a scope by name, or nil.
func (s *Server) Scope(name string) *Scope {
	return find(s.Scopes, func(x *Scope) bool { return x.Name == name })
}

// FindScope finds a scope by id.
func (s *Server) FindScope(id string) (*Scope, error) {
	if x := find(s.Scopes, func(x *Scope) bool { return x.ID == id }); x != nil {
		return x, nil
	}
	return nil, NotFound(id, scopeKind)
}

// CreateScope adds a scope.
func (w *World) CreateScope(s *Server, in Scope) (*Scope, error) {
	in.ID, in.System = w.newID("scp"), false
	if err := s.checkScope(&in, nil); err != nil {
		return nil, err
	}
	s.Scopes = append(s.Scopes, &in)
	return &in, nil
}

// ReplaceScope is a full replace; a system scope keeps its name.
func (w *World) ReplaceScope(s *Server, x *Scope, in Scope) error {
	in.ID, in.System = x.ID, x.System
	if x.System && in.Name != x.Name {
		return ErrPermission
	}
	if err := s.checkScope(&in, x); err != nil {
		return err
	}
	*x = in
	return nil
}

func (s *Server) checkScope(in, self *Scope) error {
	var c checks
	c.that(in.Name != "", "name", blank)
	c.that(!strings.ContainsAny(in.Name, " \"\\\t\r\n") && len(in.Name) <= 255, "name", "A scope name has no blanks, quotes or backslashes")
	c.that(self != nil || !strings.HasPrefix(in.Name, "okta."), "name", "Scope names that start with 'okta.' are reserved")
	other := s.Scope(in.Name)
	c.that(other == nil || other == self, "name", duplicate)
	c.that(self != nil || len(s.Scopes) < maxOfServer, "name", "this development Okta has no room for another scope")
	if in.Consent == "" {
		in.Consent = consentImplicit
	}
	if in.Metadata == "" {
		in.Metadata = publishNone
	}
	if len(in.APIResourceID) == 0 {
		in.APIResourceID = json.RawMessage("null")
	}
	c.that(slices.Contains([]string{consentImplicit, "REQUIRED", "FLEXIBLE"}, in.Consent), "consent", "must be IMPLICIT, REQUIRED or FLEXIBLE")
	c.that(in.Metadata == publishAll || in.Metadata == publishNone, "metadataPublish", "must be ALL_CLIENTS or NO_CLIENTS")
	return c.err()
}

// DeleteScope removes a scope that is not Okta's own.
func (w *World) DeleteScope(s *Server, x *Scope) error {
	if x.System {
		return ErrPermission
	}
	s.Scopes = without(s.Scopes, x)
	return nil
}

// RequestedScopes splits and checks a scope parameter; without one the server's default scopes are asked for.
func (s *Server) RequestedScopes(raw string) ([]string, *Refusal) {
	var scopes []string
	for _, name := range strings.Fields(raw) {
		if s.Scope(name) == nil || len(scopes) == maxScopesOfToken {
			return nil, Refuse(UnknownScope)
		}
		if !slices.Contains(scopes, name) {
			scopes = append(scopes, name)
		}
	}
	if len(scopes) > 0 {
		return scopes, nil
	}
	for _, x := range s.Scopes {
		if x.Default {
			scopes = append(scopes, x.Name)
		}
	}
	if len(scopes) == 0 {
		return nil, Refuse(NoDefaultScopes)
	}
	return scopes, nil
}
