package view

// RoleList is the list of roles.
type RoleList struct {
	Page
	List      List        // sort: name, permissions, mappings, changed; its Filters hold permission
	Only      *Permission // the list is of the roles that hold it; nil for all
	Rows      []RoleRow
	CanCreate bool
}

type RoleRow struct {
	ID, Name    string
	Permissions int
	IAMRoles    int // how many IAM roles it is mapped to
	Restricted  bool
	StepUp      bool // it requires a certain sign-in
	Changed     Stamp
}

// RoleForm is the wizard for a new role and for a change, in two steps.
//
// It submits name, permissions*, restricted=true, requiredUserPermissions*, acr, maxAge, version, then, step, and do:
// next, back, save, filter:FIELD, all:FIELD:GROUP, none:FIELD:GROUP, enter (the Enter key).
type RoleForm struct {
	Page
	ID           string // empty for a new role
	OriginalName string // of the role that is changed
	Version      string // ETag that the change is based on
	Then         string // the access wizard that waits for the role, if one does
	Step         int    // 1 choose, 2 review
	Name         string
	Permissions  Picker
	Restricted   bool
	RequiredUser Picker
	ACR, MaxAge  string      // what it requires of the sign-in, as typed
	SignIn       string      // the same in words, for the review; empty: nothing
	Errors       FieldErrors // name, permissions, requiredUserPermissions, acr, maxAge
	// For the review of a change:
	Gained, Lost []PermissionGroup
	Mappings     []RoleMapping // who is affected, for who may see mappings
	Uses         int           // how many IAM roles give the role
	Warnings     []string
	Preview      *Preview
}

func (v RoleForm) action() string {
	if v.ID == "" {
		return RoleNewPath
	}
	return RoleEditPath(v.ID)
}

func (v RoleForm) cancel() string {
	if v.Then != "" {
		return v.Then
	}
	if v.ID == "" {
		return RolesPath
	}
	return RolePath(v.ID)
}

// RoleMapping says which IAM role gives the role, and where.
type RoleMapping struct {
	IAMRoleID, IAMRole string
	Organisations      []Choice
	System             bool
}

// RoleDetail is one role.
type RoleDetail struct {
	Page
	ID, Name                       string
	Groups                         []PermissionGroup
	Restricted                     bool
	RequiredUser                   []PermissionGroup
	SignIn                         string // what it requires of the sign-in, in words; empty: nothing
	CanSeeMappings                 bool
	Mappings                       []RoleMapping
	Created, Changed               Stamp
	CanEdit, CanDelete, CanHistory bool
	Usage                          RoleUsage
	Loose                          *LooseNotice
}

// RoleUsage is which permissions of a role were used in the last 90 days.
type RoleUsage struct {
	Since       When // when Portico began to look
	Young       bool // that is less than 90 days ago
	Rows        []PermissionUse
	Unused      int    // of Rows, which come first
	SmallerHref string // the review of the role without those; empty where there is nothing to review
}

// PermissionUse is one permission; times are days.
type PermissionUse struct {
	Permission
	Unused          bool
	Late            bool // it is watched for a shorter time than the role
	Since           When
	Used, HandedOut When // zero: never in the time that counts
}
