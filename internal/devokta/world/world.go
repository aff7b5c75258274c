package world

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Bounds on what an org can hold, so that the state file stays one.
const (
	maxUsers    = 5_000
	maxGroups   = 5_000
	maxApps     = 5_000
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

// Check tells what is wrong with a world that came from a file: nothing that is read later may be missing.
func (w *World) Check() error {
	if !slices.Contains(Profiles(), w.Profile) {
		return fmt.Errorf("profile %q is none of %v", w.Profile, Profiles())
	}
	if w.OrgID == "" || len(w.SignOnPolicies) == 0 || len(w.Tokens) == 0 {
		return errors.New("the org has no id, no sign-on policy or no API token")
	}
	if hasNil(w.Users) || hasNil(w.Groups) || hasNil(w.Apps) || hasNil(w.Servers) || hasNil(w.Tokens) || hasNil(w.SignOnPolicies) || hasNil(w.Log) {
		return errors.New("a list of the org has an empty entry")
	}
	for _, a := range w.Apps {
		if a.OAuth() == nil || hasNil(a.Secrets) || hasNil(a.Groups) || hasNil(a.Users) || hasNil(a.Grants) || hasNil(a.Roles) {
			return fmt.Errorf("application %q is incomplete", a.Label)
		}
	}
	for _, s := range w.Servers {
		if hasNil(s.Scopes) || hasNil(s.Claims) || hasNil(s.Policies) || hasNil(s.Hooks) {
			return fmt.Errorf("authorization server %q is incomplete", s.Name)
		}
		for _, p := range s.Policies {
			if hasNil(p.Rules) || slices.ContainsFunc(p.Rules, func(r *Rule) bool { return r.Conditions.GrantTypes == nil || r.Conditions.Scopes == nil }) {
				return fmt.Errorf("policy %q is incomplete", p.Name)
			}
		}
	}
	return nil
}

func hasNil[T any](list []*T) bool { return slices.Contains(list, nil) }

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
