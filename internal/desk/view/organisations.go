package view

// OrganisationList is the list of organisations.
type OrganisationList struct {
	Page
	List      List // sort: name, mappings, createdDate, changed
	Rows      []OrganisationRow
	CanCreate bool
}

type OrganisationRow struct {
	ID, Name    string
	Deactivated bool
	IAMRoles    int
	Created     When
	Changed     Stamp
}

// OrganisationForm creates or renames. It submits name, newID (creation only, may be empty), version, then.
type OrganisationForm struct {
	Page
	ID           string // empty for a new one
	OriginalName string
	Version      string
	Then         string // the access wizard that waits for the organisation, if one does
	Name, NewID  string
	Errors       FieldErrors // name, newID
}

// OrganisationDetail is one organisation and who has access to it.
type OrganisationDetail struct {
	Page
	ID, Name            string
	Deactivated         *Stamp
	Created, Changed    Stamp
	CanSeeMappings      bool
	Mappings            []OrganisationMapping
	CanEdit, CanHistory bool
	CanRevoke           bool
	FourEyes            bool // a second administrator is demanded
	CanFourEyes         bool
}

type OrganisationMapping struct {
	IAMRoleID, IAMRole string
	Roles              []Choice
}
