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
	End           When       // the first end of it that comes, or the last that came; zero: it does not end
	Loose         []LooseEnd // of which Kind and Quiet are shown, each kind once
}

// AccessForm is the wizard for new access and for a change, in three steps.
//
// It submits name, acknowledged, organisation* and role* (parallel, the rows so far), endPlace* and endAt* (parallel too), addOrganisation,
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

	Groups      []ProvisionedGroup // some, to choose from; the name may be another one
	GroupsTotal int                // how many there are; 0: none are provisioned

	Assignments         []Assignment
	SystemRoles         []Choice
	EndAt               map[string]string // when it ends, as it was typed, by the id of the organisation; of the system roles under ""
	AddOrganisation     Chooser           // what is chosen here is not yet added
	AddRole             Chooser
	AddSystemRole       Chooser
	HiddenOrganisations bool // the person may not list organisations: only their own are offered
	HiddenRoles         bool // the person may not list roles: none is offered
	Gone                int  // rows left out, because what they named no longer exists

	Errors  FieldErrors // name, assignments, addOrganisation, addRole, addSystemRole, end-0 and so on, as in PlaceEnds
	Review  AccessReview
	Preview *Preview // at the review
}

// Assignment is one row: a role in an organisation.
type Assignment struct{ Organisation, Role Choice }

// PlaceEnd is when what is given in one place ends, as it was typed.
type PlaceEnd struct{ ID, Name, At string }

// PlaceEnds lists the places of the form, each once; the system, without a name, comes last.
func (v *AccessForm) PlaceEnds() (all []PlaceEnd) {
	seen := map[string]bool{}
	for _, a := range v.Assignments {
		if id := a.Organisation.ID; !seen[id] {
			seen[id] = true
			all = append(all, PlaceEnd{id, a.Organisation.Name, v.EndAt[id]})
		}
	}
	if len(v.SystemRoles) > 0 {
		all = append(all, PlaceEnd{At: v.EndAt[""]})
	}
	return all
}

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
	SystemEnd                      When
	SystemPermissions              int
	Created, Changed               Stamp
	CanEdit, CanDelete, CanHistory bool
	Loose                          *LooseNotice
	Group                          *GroupFacts // nil: no groups are provisioned
}

// GroupFacts is what is known of the provisioned group of an access.
type GroupFacts struct {
	State   GroupState
	Now     string // how it is called now, where it was renamed
	Members int
	Changed When // when it last changed, or who is in it; zero: there is none
	CanTie  bool // the access can be confirmed, or tied to the group
}

// GroupState is how an access and its group stand to each other.
type GroupState uint8

// The states.
const (
	GroupMissing GroupState = iota // no group of the name is provisioned
	GroupUntied                    // one is, and the access was made without it
	GroupTied
	GroupRenamed
	GroupGone
)

// ProvisionedGroup is one that access can be given to.
type ProvisionedGroup struct {
	Name    string
	Members int
}

type AccessOrganisation struct {
	ID, Name    string
	Deactivated bool
	Roles       []Choice
	Permissions int
	End         When // zero: it does not end
}
