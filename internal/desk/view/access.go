package view

import (
	"net/url"
	"strconv"
)

// AccessList is the list of IAM roles that are mapped.
type AccessList struct {
	Page
	List      List // sort: name, organisations, changed
	Rows      []AccessRow
	CanCreate bool
	CanMatrix bool
}

type AccessRow struct {
	ID, Name      string
	Organisations int
	Roles         []string // distinct names, system roles included
	System        bool     // holds system roles
	Changed       Stamp
}

// AccessForm is the wizard for new access and for a change, in three steps.
//
// It submits name, acknowledged, organisation* and role* (parallel, the rows so far), addOrganisation,
// addRole, systemRole*, addSystemRole, version, step, and do: next, back, save, add, remove:INDEX,
// addSystem, removeSystem:INDEX, filter:FIELD, enter (the Enter key). A complete row that was chosen but not added
// counts when the next step is asked for.
type AccessForm struct {
	Page
	ID           string // empty for new access
	OriginalName string
	Version      string
	Step         int // 1 name, 2 organisations and roles, 3 review

	Name         string
	Warnings     []string // about the name, such as blanks at its ends
	Near         []string // names that are mapped already and differ from it in case or blanks only
	Acknowledged string   // the name whose warnings have been seen

	Assignments         []Assignment
	SystemRoles         []Choice
	AddOrganisation     Chooser // what is chosen here is not yet added
	AddRole             Chooser
	AddSystemRole       Chooser
	HiddenOrganisations bool // the person may not list organisations: only their own are offered
	HiddenRoles         bool // the person may not list roles: none is offered
	Gone                int  // rows left out, because what they named no longer exists

	Errors  FieldErrors // name, assignments, addOrganisation, addRole, addSystemRole
	Review  AccessReview
	Preview *Preview // at the review
}

// Assignment is one row: a role in an organisation.
type Assignment struct{ Organisation, Role Choice }

// AccessReview says in words what saving does.
type AccessReview struct {
	Organisations  []Grant
	System         *Grant
	Added, Removed []string // for a change, a sentence each
	Warnings       []string // such as: this removes your own access
}

// Grant is what a scope's roles add up to.
type Grant struct {
	Organisation string // empty for the system scope
	Roles        []string
	Groups       []PermissionGroup
}

// nothingToOffer says why a selection is empty, or shorter than one might expect.
func nothingToOffer(what string) string {
	return "You may not list " + what + ", so they are not all offered here."
}

// Choosers are the form's selections.
func (v *AccessForm) Choosers() []*Chooser {
	return []*Chooser{&v.AddOrganisation, &v.AddRole, &v.AddSystemRole}
}

// resume is the wizard's address with what is in it, for who leaves it to make what it needs.
func (v AccessForm) resume() string {
	query := url.Values{"name": {v.Name}, "step": {strconv.Itoa(v.Step)}}
	for _, r := range v.SystemRoles {
		query.Add("systemRole", r.ID)
	}
	return v.action() + "?" + query.Encode()
}

func (v AccessForm) newRole() string         { return v.first(RoleNewPath) }
func (v AccessForm) newOrganisation() string { return v.first(OrganisationNewPath) }

func (v AccessForm) first(path string) string {
	return path + "?" + url.Values{"then": {v.resume()}}.Encode()
}

func (v AccessForm) action() string {
	if v.ID == "" {
		return AccessNewPath
	}
	return AccessEditPath(v.ID)
}

func (v AccessForm) cancel() string {
	if v.ID == "" {
		return AccessPath
	}
	return AccessItemPath(v.ID)
}

// AccessDetail is one IAM role's access.
type AccessDetail struct {
	Page
	ID, Name                       string
	Organisations                  []AccessOrganisation
	SystemRoles                    []Choice
	SystemPermissions              int
	Created, Changed               Stamp
	CanEdit, CanDelete, CanHistory bool
}

type AccessOrganisation struct {
	ID, Name    string
	Deactivated bool
	Roles       []Choice
	Permissions int
}
