package view

import (
	"context"
	"strings"
)

// Permission is shown with its human name and its exact identifier beside it.
type Permission struct {
	ID     string // CREDENTIAL_ISSUE
	Name   string // Issue credentials
	About  string // one line
	System bool   // of system scope, not bound to an organisation
}

func (p Permission) scope() string {
	if p.System {
		return key("system")
	}
	return key("organisation")
}

// PermissionGroup is one group of the catalogue. ID is a slug that is fit for a fragment.
type PermissionGroup struct {
	ID, Name    string
	Permissions []Permission
}

func countPermissions(groups []PermissionGroup) int {
	n := 0
	for _, g := range groups {
		n += len(g.Permissions)
	}
	return n
}

// Picker chooses permissions. It submits Field once per chosen identifier, and Field+"Filter".
type Picker struct {
	Field  string            // "permissions" or "requiredUserPermissions"
	Groups []PermissionGroup // the whole catalogue
	Chosen map[string]bool   // by identifier
	Filter string            // hides what does not match; what is hidden stays chosen
}

// label tells the pickers of a page apart.
func (p Picker) label(ctx context.Context) string {
	if p.Field == "requiredUserPermissions" {
		return say(ctx, "End-user permissions")
	}
	return say(ctx, "Permissions")
}

func (p Picker) matches(ctx context.Context, permission Permission) bool {
	shown := []string{sayKey(ctx, permission.Name), permission.ID, sayKey(ctx, permission.About), sayKey(ctx, permission.scope())}
	return matches(strings.Join(shown, " "), p.Filter)
}

func (p Picker) anyMatch(ctx context.Context, g PermissionGroup) bool {
	for _, permission := range g.Permissions {
		if p.matches(ctx, permission) {
			return true
		}
	}
	return false
}

func (p Picker) chosenIn(g PermissionGroup) int {
	n := 0
	for _, permission := range g.Permissions {
		if p.Chosen[permission.ID] {
			n++
		}
	}
	return n
}

func (p Picker) count() int {
	n := 0
	for _, g := range p.Groups {
		n += p.chosenIn(g)
	}
	return n
}

// chosen is the catalogue reduced to what is chosen.
func (p Picker) chosen() []PermissionGroup {
	var groups []PermissionGroup
	for _, g := range p.Groups {
		kept := PermissionGroup{ID: g.ID, Name: g.Name}
		for _, permission := range g.Permissions {
			if p.Chosen[permission.ID] {
				kept.Permissions = append(kept.Permissions, permission)
			}
		}
		if len(kept.Permissions) > 0 {
			groups = append(groups, kept)
		}
	}
	return groups
}

func (p Picker) anchor(g PermissionGroup) string { return p.Field + "-" + g.ID }
