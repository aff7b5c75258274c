package devokta

import (
	"github.com/portico-iam/portico/internal/devokta/world"
)

// Audience of the licensed org's tokens, and everybody's password.
const (
	Audience = world.Audience
	Password = world.Password
	// Passcode is everybody's second factor, asked for where acr_values takes one.
	Passcode = "123456"
)

// World is what a developer needs to know of this Okta; `portico dev` prints it and writes it to dev.json. In an org that
// nobody prepared the clients are empty.
type World struct {
	Profile                        string
	OrgURL                         string
	CustomURL                      string // "" unless the org has a custom domain
	Issuer, DiscoveryURL, Audience string
	WebClient                      Client
	CLIClient                      Client // no secret
	ServiceClients                 []Client
	Users                          []User
	// APIToken is an SSWS token of the org's administrator, SetupApp the service application with every right.
	APIToken string
	SetupApp ServiceApp
}

// Client is an application's credentials.
type Client struct {
	ID     string
	Secret string
}

// ServiceApp is an application that proves itself with a key.
type ServiceApp struct {
	ClientID      string
	KeyID         string
	PrivateKeyPEM string // PKCS #8
}

// User is a person of the development Okta.
type User struct {
	Login, Password string
	Given, Family   string
	Groups          []string // without Everyone
}

// World describes the world as it is now.
func (s *Server) World() World {
	issuer := s.Issuer()
	s.mu.Lock()
	defer s.mu.Unlock()
	w := World{
		Profile: s.world.Profile, OrgURL: s.cfg.PublicURL, Issuer: issuer, DiscoveryURL: issuer + "/.well-known/openid-configuration",
		Audience: s.cfg.PublicURL, APIToken: s.world.Tokens[0].Value,
	}
	if s.world.CustomDomain() {
		w.CustomURL = s.customURL
	}
	if as, err := s.world.Server("default"); err == nil {
		w.Audience = as.Audience()
	}
	for _, a := range s.world.Apps {
		s.describe(&w, a)
	}
	for _, u := range s.world.Users {
		w.Users = append(w.Users, s.export(u))
	}
	return w
}

// describe takes the seeded applications, whatever else somebody may have created.
func (s *Server) describe(w *World, a *world.App) {
	c := Client{ID: a.ClientID(), Secret: a.Secret()}
	switch {
	case a.ID == world.ID("0oa", world.WebLabel):
		w.WebClient = c
	case a.ClientID() == world.CLIClient:
		w.CLIClient = c
	case a.ID == world.ID("0oa", world.SetupLabel):
		w.SetupApp = ServiceApp{a.ClientID(), setupKeyID, s.setupKey.pem()}
	case world.IsSeedService(a.ClientID()):
		w.ServiceClients = append(w.ServiceClients, c)
	}
}

// export needs the lock.
func (s *Server) export(u *world.User) User {
	out := User{Login: u.Login(), Password: u.Password, Given: u.Profile.FirstName, Family: u.Profile.LastName, Groups: []string{}}
	for _, g := range s.world.GroupsOf(u) {
		if g.Type != world.BuiltInGroup {
			out.Groups = append(out.Groups, g.Profile.Name)
		}
	}
	return out
}
