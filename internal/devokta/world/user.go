package world

import (
	"cmp"
	"slices"
	"strings"
)

// UserObject is a person as the API shows one.
type UserObject struct {
	ID              string          `json:"id"`
	Status          Status          `json:"status"`
	Created         Time            `json:"created"`
	Activated       Time            `json:"activated"`
	StatusChanged   Time            `json:"statusChanged"`
	LastLogin       Time            `json:"lastLogin"`
	LastUpdated     Time            `json:"lastUpdated"`
	PasswordChanged Time            `json:"passwordChanged"`
	Type            TypeRef         `json:"type"`
	Profile         UserProfile     `json:"profile"`
	Credentials     UserCredentials `json:"credentials"`
}

// TypeRef names the user type.
type TypeRef struct {
	ID string `json:"id"`
}

// UserProfile has the attributes of Okta's profile that anything here reads, and takes others along.
type UserProfile struct {
	FirstName   string  `json:"firstName"`
	LastName    string  `json:"lastName"`
	MobilePhone *string `json:"mobilePhone"`
	SecondEmail *string `json:"secondEmail"`
	Login       string  `json:"login"`
	Email       string  `json:"email"`
	DisplayName string  `json:"displayName,omitempty"`
	Department  string  `json:"department,omitempty"`
	Title       string  `json:"title,omitempty"`
}

// Clone shares nothing with the original.
func (p UserProfile) Clone() UserProfile {
	for _, field := range []**string{&p.MobilePhone, &p.SecondEmail} {
		if *field != nil {
			value := **field
			*field = &value
		}
	}
	return p
}

// UserCredentials never shows the password.
type UserCredentials struct {
	Password *PasswordValue `json:"password,omitempty"`
	Provider Provider       `json:"provider"`
}

// PasswordValue is how a client sets a password.
type PasswordValue struct {
	Value string `json:"value,omitempty"`
}

// Provider is who checks the password.
type Provider struct {
	Type string `json:"type"`
	Name string `json:"name"`
}

// User is a person with what is kept of them.
type User struct {
	UserObject
	Password string `json:"plainPassword"` // for development, and public
}

// Name is the display name.
func (u *User) Name() string { return u.Profile.FirstName + " " + u.Profile.LastName }

// Login is the user name.
func (u *User) Login() string { return u.Profile.Login }

// NormalLogin is how logins are compared: Okta ignores case.
func NormalLogin(login string) string { return strings.ToLower(strings.TrimSpace(login)) }

// maxLogin is the longest login Okta takes.
const maxLogin = 100

// User finds a person by id, login, or the login's part before the @ where that is one person.
func (w *World) User(idOrLogin string) (*User, error) {
	if u := w.UserByID(idOrLogin); u != nil {
		return u, nil
	}
	if u := w.UserByLogin(idOrLogin); u != nil {
		return u, nil
	}
	var found []*User
	for _, u := range w.Users {
		if short, _, _ := strings.Cut(NormalLogin(u.Login()), "@"); short == NormalLogin(idOrLogin) {
			found = append(found, u)
		}
	}
	if len(found) != 1 {
		return nil, NotFound(idOrLogin, "User")
	}
	return found[0], nil
}

// UserByID returns nil when there is none.
func (w *World) UserByID(id string) *User {
	return find(w.Users, func(u *User) bool { return u.ID == id })
}

// UserByLogin returns nil when there is none.
func (w *World) UserByLogin(login string) *User {
	login = NormalLogin(login)
	return find(w.Users, func(u *User) bool { return NormalLogin(u.Login()) == login })
}

// CreateUser adds a person, active at once or staged.
func (w *World) CreateUser(in UserObject, activate bool) (*User, error) {
	if err := w.checkProfile(in.Profile, nil); err != nil {
		return nil, err
	}
	password := Password
	if in.Credentials.Password != nil && in.Credentials.Password.Value != "" {
		password = in.Credentials.Password.Value
	}
	u := w.newUser(w.newID("00u"), in.Profile, password)
	if !activate {
		u.Status, u.Activated = Staged, Time{}
	}
	w.Users = append(w.Users, u)
	return u, nil
}

// SetProfile replaces a person's profile.
func (w *World) SetProfile(u *User, p UserProfile) error {
	if err := w.checkProfile(p, u); err != nil {
		return err
	}
	u.Profile, u.LastUpdated = p, w.Now()
	return nil
}

func (w *World) checkProfile(p UserProfile, self *User) error {
	var c checks
	c.that(NormalLogin(p.Login) != "", "login", blank)
	c.that(len(p.Login) <= maxLogin && strings.Contains(p.Login, "@"), "login", "Username must be in the form of an email address")
	c.that(p.Email != "", "email", blank)
	c.that(p.FirstName != "", "firstName", blank)
	c.that(p.LastName != "", "lastName", blank)
	for field, text := range map[string]string{
		"email": p.Email, "firstName": p.FirstName, "lastName": p.LastName, "displayName": p.DisplayName, "department": p.Department, "title": p.Title,
		"mobilePhone": textOf(p.MobilePhone), "secondEmail": textOf(p.SecondEmail),
	} {
		c.atMost(255, field, text)
	}
	other := w.UserByLogin(p.Login)
	c.that(other == nil || other == self, "login", duplicate)
	c.that(self != nil || len(w.Users) < maxUsers, "login", "this development Okta has no room for another user")
	return c.err()
}

func textOf(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func (w *World) newUser(id string, p UserProfile, password string) *User {
	now := w.Now()
	return &User{
		UserObject: UserObject{
			ID: id, Status: Active, Created: now, Activated: now, StatusChanged: now, LastUpdated: now, PasswordChanged: now,
			Type: TypeRef{ID("oty", w.OrgID)}, Profile: p,
			Credentials: UserCredentials{Password: &PasswordValue{}, Provider: Provider{"OKTA", "OKTA"}},
		},
		Password: password,
	}
}

// SetUserStatus moves a person through their life cycle.
func (w *World) SetUserStatus(u *User, to Status) error {
	allowed := map[Status][]Status{
		Active:        {Staged, Deprovisioned, Suspended},
		Deprovisioned: {Active, Staged, Suspended},
		Suspended:     {Active},
	}
	if !slices.Contains(allowed[to], u.Status) {
		return ErrTransition
	}
	u.Status, u.StatusChanged, u.LastUpdated = to, w.Now(), w.Now()
	if to == Active && u.Activated.IsZero() {
		u.Activated = w.Now()
	}
	return nil
}

// DeleteUser deprovisions an active person and removes a deprovisioned one, as Okta's DELETE does.
func (w *World) DeleteUser(u *User) error {
	if u.Status != Deprovisioned {
		return w.SetUserStatus(u, Deprovisioned)
	}
	w.Users = without(w.Users, u)
	for _, g := range w.Groups {
		g.Members = without(g.Members, u.ID)
	}
	for _, a := range w.Apps {
		a.Users = slices.DeleteFunc(a.Users, func(x *UserAssignment) bool { return x.ID == u.ID })
	}
	return nil
}

// GroupsOf lists a person's groups by name, Everyone included.
func (w *World) GroupsOf(u *User) []*Group {
	if u == nil {
		return nil
	}
	var out []*Group
	for _, g := range w.Groups {
		if g.Has(u.ID) {
			out = append(out, g)
		}
	}
	slices.SortStableFunc(out, func(a, b *Group) int { return cmp.Compare(a.Profile.Name, b.Profile.Name) })
	return out
}

// AddPerson adds somebody without checks; an empty password is everybody's. The id is derived from the login.
func (w *World) AddPerson(login, given, family, password string) *User {
	if password == "" {
		password = Password
	}
	u := w.newUser(ID("00u", NormalLogin(login)), UserProfile{FirstName: given, LastName: family, Login: login, Email: login}, password)
	w.Users = append(w.Users, u)
	return u
}
