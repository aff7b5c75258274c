package view

// Overview is the first page: who am I, where, and what may I do.
type Overview struct {
	Page
	Identity      Identity
	Organisations []OrganisationAccess
	Active        *Abilities // in the active organisation; nil without one
	System        *Abilities // of system scope; nil without any
	Steps         []Step     // getting started; none once all is set up
	Missing       []string   // for a person who may do nothing: what is missing, a sentence each
	Helpers       []string   // and who can help
	Activity      Activity
	Ends          ComingEnds
	Loose         LooseCount
}

// Identity is what the IAM token said.
type Identity struct {
	Login, Issuer, Subject string
	RolePath               string // where the IAM roles were looked for
	IAMRoles               []CarriedRole
	Odd                    []string // what was strange about the token, a sentence each
}

// CarriedRole is an IAM role found in the token.
type CarriedRole struct {
	Name   string
	Mapped bool
	Note   string // "administrates the STS", or the near miss it may be
}

// OrganisationAccess is what the person has in one organisation.
type OrganisationAccess struct {
	ID, Name    string
	Roles       []string
	Permissions int
	Active      bool
	Deactivated bool
}

// Abilities are permissions in one scope.
type Abilities struct {
	Organisation string // empty for the system scope
	Groups       []PermissionGroup
}

// Step is one thing to do when Portico is new.
type Step struct {
	Title, Text, Href string
	Done              bool
}

func (v Overview) nextStep() int {
	for i, s := range v.Steps {
		if !s.Done {
			return i
		}
	}
	return -1
}
