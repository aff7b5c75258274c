package devokta

// World is what a developer needs to know of this Okta; `portico dev` prints it and writes it to dev.json.
type World struct {
	Issuer, DiscoveryURL, Audience string
	WebClient                      Client
	CLIClient                      Client // no secret
	ServiceClients                 []Client
	Users                          []User
}

// Client is an application's credentials.
type Client struct {
	ID     string
	Secret string
}

// User is a person of the development Okta.
type User struct {
	Login, Password string
	Given, Family   string
	Groups          []string // without Everyone
}

// World describes the world as it is now.
func (s *Server) World() World {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := World{Issuer: s.Issuer(), DiscoveryURL: s.Issuer() + "/.well-known/openid-configuration", Audience: s.org.Server.Audience}
	for _, a := range s.org.Apps {
		c := Client{ID: a.ClientID, Secret: a.Secret}
		switch a.Type {
		case appWeb:
			w.WebClient = c
		case appNative:
			w.CLIClient = c
		case appService:
			w.ServiceClients = append(w.ServiceClients, c)
		}
	}
	for _, u := range s.org.Users {
		w.Users = append(w.Users, s.org.export(u))
	}
	return w
}

func (o *org) export(u *user) User {
	out := User{Login: u.Login, Password: u.Password, Given: u.Given, Family: u.Family, Groups: []string{}}
	for _, g := range o.groupsOf(u) {
		if g.Type != builtInGroup {
			out.Groups = append(out.Groups, g.Name)
		}
	}
	return out
}
