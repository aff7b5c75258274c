package access

import (
	"fmt"
	"iter"
	"math/bits"
	"sort"
	"strings"
)

// Permission is one entry of the catalogue. The number is only meaningful within one process: store and send the name.
type Permission uint8

// PermissionScope says where a permission has effect.
type PermissionScope uint8

const (
	// ScopeOrganisation permissions act within one organisation.
	ScopeOrganisation PermissionScope = iota
	// ScopeSystem permissions act on the installation; they travel in tokens without an organisation.
	ScopeSystem
)

func (s PermissionScope) String() string {
	if s == ScopeSystem {
		return "system"
	}
	return "organisation"
}

// PermissionInfo is what people need to know of a permission.
type PermissionInfo struct {
	Name        string          // identifier on the wire, SCREAMING_SNAKE_CASE
	Scope       PermissionScope // where it has effect
	Group       string          // heading under which it is shown
	Title       string          // two to four words, unique
	Description string          // one sentence
}

// Permissions returns the catalogue in its order.
func Permissions() iter.Seq2[Permission, PermissionInfo] {
	return func(yield func(Permission, PermissionInfo) bool) {
		for i := range catalogue {
			if !yield(Permission(i), catalogue[i]) {
				return
			}
		}
	}
}

var permissionByName = func() map[string]Permission {
	m := make(map[string]Permission, permissionCount)
	for i := range catalogue {
		m[catalogue[i].Name] = Permission(i)
	}
	return m
}()

// ParsePermission finds a permission by its exact name.
func ParsePermission(name string) (Permission, bool) {
	p, ok := permissionByName[name]
	return p, ok
}

// Info returns the catalogue's entry.
func (p Permission) Info() PermissionInfo {
	if int(p) >= permissionCount {
		return PermissionInfo{Name: fmt.Sprintf("UNKNOWN_%d", p)}
	}
	return catalogue[p]
}

func (p Permission) String() string { return p.Info().Name }

// PermissionSet is a set of permissions: a value, comparable, without pointers.
type PermissionSet [2]uint64

// The set must hold the catalogue: this line does not compile when it outgrows it.
var _ [len(PermissionSet{})*64 - permissionCount]struct{}

// SetOf returns the set of the given permissions. What is not in the catalogue is left out.
func SetOf(ps ...Permission) PermissionSet {
	var s PermissionSet
	for _, p := range ps {
		s.add(p)
	}
	return s
}

func (s *PermissionSet) add(p Permission) {
	if int(p) < permissionCount {
		s[p>>6] |= 1 << (p & 63)
	}
}

// Has tells whether p is in the set.
func (s PermissionSet) Has(p Permission) bool {
	return int(p) < permissionCount && s[p>>6]&(1<<(p&63)) != 0
}

// Union returns the permissions that are in either set.
func (s PermissionSet) Union(t PermissionSet) PermissionSet {
	return PermissionSet{s[0] | t[0], s[1] | t[1]}
}

// Intersect returns the permissions that are in both sets.
func (s PermissionSet) Intersect(t PermissionSet) PermissionSet {
	return PermissionSet{s[0] & t[0], s[1] & t[1]}
}

// Minus returns the permissions of s that are not in t.
func (s PermissionSet) Minus(t PermissionSet) PermissionSet {
	return PermissionSet{s[0] &^ t[0], s[1] &^ t[1]}
}

// IsEmpty tells whether nothing is in the set.
func (s PermissionSet) IsEmpty() bool { return s == PermissionSet{} }

// Len counts the permissions.
func (s PermissionSet) Len() int { return bits.OnesCount64(s[0]) + bits.OnesCount64(s[1]) }

// All yields the permissions in the catalogue's order.
func (s PermissionSet) All() iter.Seq[Permission] {
	return func(yield func(Permission) bool) {
		for i, word := range s {
			for ; word != 0; word &= word - 1 {
				if !yield(Permission(i*64 + bits.TrailingZeros64(word))) {
					return
				}
			}
		}
	}
}

// Names returns the permissions' names, sorted.
func (s PermissionSet) Names() []string {
	names := make([]string, 0, s.Len())
	for p := range s.All() {
		names = append(names, p.Info().Name)
	}
	sort.Strings(names)
	return names
}

// ParseSet reads names. The unknown ones come back in the order given.
func ParseSet(names []string) (set PermissionSet, unknown []string) {
	for _, name := range names {
		if p, ok := ParsePermission(name); ok {
			set.add(p)
		} else {
			unknown = append(unknown, name)
		}
	}
	return set, unknown
}

// scopeSets[s] holds every permission of scope s.
var scopeSets = func() (sets [2]PermissionSet) {
	for p, info := range Permissions() {
		sets[info.Scope].add(p)
	}
	return sets
}()

// OfScope returns every permission of the catalogue that has that scope.
func OfScope(scope PermissionScope) PermissionSet { return scopeSets[scope] }

// bootstrapSet is what the bootstrap role grants: the administration of the STS, and the record of it.
var bootstrapSet = func() (set PermissionSet) {
	for p, info := range Permissions() {
		if strings.HasPrefix(info.Name, "STS_") || strings.HasPrefix(info.Name, "SYSTEM_HISTORY_") {
			set.add(p)
		}
	}
	return set
}()

// Administration is what somebody needs to give access to others: to write roles and mappings.
var Administration = SetOf(STSRoleCreate, STSRoleList, STSRoleDetail, STSRoleEdit,
	STSIAMRoleCreate, STSIAMRoleList, STSIAMRoleDetail, STSIAMRoleEdit)
