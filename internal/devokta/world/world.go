package world

import (
	"encoding/base64"
	"fmt"
	"slices"
	"time"
)

// Bounds on what an org can hold, so that the state file stays one.
const (
	maxUsers    = 5_000
	maxGroups   = 5_000
	maxApps     = 1_000
	maxServers  = 100
	maxOfServer = 500 // policies of a server, rules of a policy, claims, scopes
	maxEvents   = 1_000
)

// World is the whole org. Its owner guards it with one lock.
type World struct {
	Profile        string          `json:"profile"`
	OrgID          string          `json:"orgId"`
	Company        string          `json:"companyName"`
	Created        Time            `json:"created"`
	Admin          string          `json:"admin"` // the administrator's user id
	Users          []*User         `json:"users"`
	Groups         []*Group        `json:"groups"`
	Apps           []*App          `json:"apps"`
	Servers        []*Server       `json:"authorizationServers"`
	SignOnPolicies []*SignOnPolicy `json:"signOnPolicies"`
	Tokens         []*APIToken     `json:"apiTokens"`
	Log            []*Event        `json:"systemLog,omitempty"`

	Switches Switches `json:"-"`

	now    func() time.Time
	random func(n int) []byte
}

// Switches are behaviours about which okta.md has conflicting reports; tests set them.
type Switches struct {
	// IgnoreGroupLimit lets a GROUPS claim have more than a hundred groups.
	IgnoreGroupLimit bool
	// AllowGroupsClaim takes "groups" as the name of an access token's claim.
	AllowGroupsClaim bool
	// AccessLifetime replaces every rule's, also with less than Okta's five minutes.
	AccessLifetime time.Duration
	// SearchDelay is how long a search does not find a new group: Okta's search is eventually consistent.
	SearchDelay time.Duration
}

// SignOnPolicy is an application's authentication policy; only that there are some matters here.
type SignOnPolicy struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// Attach gives a world, new or read from a file, its clock and its randomness.
func (w *World) Attach(now func() time.Time, random func(n int) []byte) {
	w.now, w.random = now, random
}

// Now is the time as objects keep it.
func (w *World) Now() Time { return At(w.now()) }

// NewID makes an id with Okta's prefix.
func (w *World) NewID(prefix string) string { return w.newID(prefix) }

func (w *World) newID(prefix string) string { return IDFrom(prefix, w.random(32)) }

// newSecret has the 64 characters of an Okta client secret.
func (w *World) newSecret() string { return base64.RawURLEncoding.EncodeToString(w.random(48)) }

// newTokenValue has the form of an SSWS token: 42 characters that start with 00.
func (w *World) newTokenValue() string {
	return "00" + base64.RawURLEncoding.EncodeToString(w.random(30))
}

// Check tells what is wrong with a world that came from a file.
func (w *World) Check() error {
	switch {
	case !slices.Contains(Profiles(), w.Profile):
		return fmt.Errorf("profile %q is none of %v", w.Profile, Profiles())
	case w.OrgID == "" || len(w.SignOnPolicies) == 0:
		return fmt.Errorf("the org has no id or no sign-on policy")
	case slices.Contains(w.Users, nil) || slices.Contains(w.Groups, nil) || slices.Contains(w.Servers, nil) || slices.Contains(w.Tokens, nil):
		return fmt.Errorf("a list of the org has an empty entry")
	}
	for _, a := range w.Apps {
		if a == nil || a.OAuth() == nil {
			return fmt.Errorf("an application has no OAuth settings")
		}
	}
	for _, s := range w.Servers {
		for _, p := range s.Policies {
			for _, r := range p.Rules {
				if r.Conditions.GrantTypes == nil || r.Conditions.Scopes == nil {
					return fmt.Errorf("a rule of policy %q has no grant types or no scopes", p.Name)
				}
			}
		}
	}
	return nil
}

func find[T any](list []*T, fits func(*T) bool) *T {
	if i := slices.IndexFunc(list, fits); i >= 0 {
		return list[i]
	}
	return nil
}

// without makes a new list: somebody may be reading the old one.
func without[T comparable](list []T, item T) []T {
	return slices.DeleteFunc(slices.Clone(list), func(x T) bool { return x == item })
}
