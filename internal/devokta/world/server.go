package world

import (
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// ServerObject is an authorization server as the API shows one. The issuer depends on the host of the request, the signing
// key on the key ring: both are filled in when it is shown.
type ServerObject struct {
	ID          string            `json:"id"`
	Name        string            `json:"name"`
	Description string            `json:"description"`
	Audiences   []string          `json:"audiences"`
	Issuer      string            `json:"issuer"`
	IssuerMode  string            `json:"issuerMode"`
	Status      Status            `json:"status"`
	Created     Time              `json:"created"`
	LastUpdated Time              `json:"lastUpdated"`
	Credentials ServerCredentials `json:"credentials"`
	Default     bool              `json:"default"`
	// Encryption of access tokens: a key of the resource server's and its algorithm.
	EncryptionAlgorithm string `json:"accessTokenEncryptedResponseAlgorithm,omitempty"`
	JWKS                *JWKS  `json:"jwks,omitempty"`
	JWKSURI             string `json:"jwks_uri,omitempty"`
}

// ServerCredentials say how a server signs.
type ServerCredentials struct {
	Signing ServerSigning `json:"signing"`
}

// ServerSigning has NextRotation only when Okta rotates by itself.
type ServerSigning struct {
	RotationMode string `json:"rotationMode"`
	LastRotated  Time   `json:"lastRotated"`
	NextRotation *Time  `json:"nextRotation,omitempty"`
	KID          string `json:"kid"`
}

// Rotation modes and how often AUTO rotates.
const (
	RotateAuto    = "AUTO"
	RotateManual  = "MANUAL"
	RotationEvery = 90 * 24 * time.Hour

	serverKind  = "AuthorizationServer"
	defaultName = "default"
)

// Server is an authorization server with what is in it.
type Server struct {
	ServerObject
	Scopes   []*Scope  `json:"scopes"`
	Claims   []*Claim  `json:"claims"`
	Policies []*Policy `json:"policies"`
	Hooks    []*Hook   `json:"inlineHooks,omitempty"`
	// Org marks the org authorization server, which no API shows and no file keeps.
	Org bool `json:"-"`
}

// Audience is the one audience a server has.
func (s *Server) Audience() string {
	if len(s.Audiences) == 0 {
		return ""
	}
	return s.Audiences[0]
}

// Path is the part of its addresses that names the server.
func (s *Server) Path() string {
	switch {
	case s.Org:
		return ""
	case s.Default:
		return "/oauth2/" + defaultName
	}
	return "/oauth2/" + s.ID
}

// Server finds an authorization server by id; "default" is an alias.
func (w *World) Server(id string) (*Server, error) {
	s := find(w.Servers, func(s *Server) bool { return s.ID == id || id == defaultName && s.Default })
	if s == nil {
		return nil, NotFound(id, serverKind)
	}
	return s, nil
}

// CreateServer makes an authorization server with the scopes and claims that every one has.
func (w *World) CreateServer(in ServerObject) (*Server, error) {
	in.ID, in.Default = w.newID("aus"), false
	in.Created, in.LastUpdated = w.Now(), w.Now()
	in.Credentials.Signing.LastRotated = w.Now()
	if err := w.checkServer(&in, nil); err != nil {
		return nil, err
	}
	s := &Server{ServerObject: in}
	s.Scopes = systemScopes(in.ID)
	s.Claims = systemClaims(in.ID)
	w.Servers = append(w.Servers, s)
	return s, nil
}

// ReplaceServer is a full replace.
func (w *World) ReplaceServer(s *Server, in ServerObject) error {
	in.ID, in.Default, in.Created, in.LastUpdated, in.Status = s.ID, s.Default, s.Created, w.Now(), s.Status
	in.Credentials.Signing.LastRotated = s.Credentials.Signing.LastRotated
	if in.Credentials.Signing.RotationMode == "" {
		in.Credentials.Signing.RotationMode = s.Credentials.Signing.RotationMode
	}
	if err := w.checkServer(&in, s); err != nil {
		return err
	}
	s.ServerObject = in
	return nil
}

func (w *World) checkServer(in *ServerObject, self *Server) error {
	var c checks
	in.Name = strings.TrimSpace(in.Name)
	c.that(in.Name != "", "name", blank)
	c.atMost(255, "name", in.Name)
	c.atMost(1024, "description", in.Description)
	other := find(w.Servers, func(s *Server) bool { return s != self && s.Name == in.Name })
	c.that(other == nil, "name", duplicate)
	c.that(len(in.Audiences) == 1 && strings.TrimSpace(in.Audiences[0]) != "", "audiences", "'audiences' must have exactly one value")
	c.that(self != nil || len(w.Servers) < maxServers, "name", "this development Okta has no room for another authorization server")
	if in.IssuerMode == "" {
		in.IssuerMode = IssuerDynamic
	}
	w.checkMode(&c, "issuerMode", in.IssuerMode)
	c.statusOf(&in.Status)
	signing := &in.Credentials.Signing
	if signing.RotationMode == "" {
		signing.RotationMode = RotateAuto
	}
	c.that(signing.RotationMode == RotateAuto || signing.RotationMode == RotateManual, "credentials.signing.rotationMode", "must be AUTO or MANUAL")
	signing.KID, signing.NextRotation, in.Issuer = "", nil, ""
	checkEncryption(&c, in)
	return c.err()
}

// EncryptionAlgorithms for access tokens.
var EncryptionAlgorithms = []string{string(jose.RSA_OAEP_256)}

func checkEncryption(c *checks, in *ServerObject) {
	if in.EncryptionAlgorithm == "" {
		return
	}
	c.that(slices.Contains(EncryptionAlgorithms, in.EncryptionAlgorithm), "accessTokenEncryptedResponseAlgorithm", "must be RSA-OAEP-256")
	_, ok := in.EncryptionKey()
	c.that(ok, "jwks", "one public RSA key with \"use\":\"enc\" is required")
}

// EncryptionKey is the key that access tokens are encrypted to.
func (s *ServerObject) EncryptionKey() (*jose.JSONWebKey, bool) {
	if s.EncryptionAlgorithm == "" || s.JWKS == nil {
		return nil, false
	}
	for _, raw := range s.JWKS.Keys {
		var key jose.JSONWebKey
		if key.UnmarshalJSON(raw) == nil && key.Valid() && key.IsPublic() && (key.Use == "" || key.Use == "enc") {
			return &key, true
		}
	}
	return nil, false
}

// SetServerStatus activates or deactivates.
func (w *World) SetServerStatus(s *Server, to Status) error {
	s.Status, s.LastUpdated = to, w.Now()
	return nil
}

// DeleteServer removes a server that is INACTIVE and not the default one.
func (w *World) DeleteServer(s *Server) error {
	if s.Default {
		return ErrPermission
	}
	if s.Status != Inactive {
		return Invalid("status", "status: The authorization server must be deactivated before it can be deleted.")
	}
	w.Servers = without(w.Servers, s)
	return nil
}

// Rotated notes that the signing key changed.
func (w *World) Rotated(s *Server) { s.Credentials.Signing.LastRotated = w.Now() }
