package view

import (
	"strconv"
	"strings"
)

// Wording that depends on the state of a page.

func onlyIf(may bool, l Link) *Link {
	if !may {
		return nil
	}
	return &l
}

func roleSummary(v RoleDetail) string {
	s := "Gives " + count(countPermissions(v.Groups), "permission")
	if v.Restricted {
		s += ", only while a service acts for a user"
	}
	return s + "."
}

func roleFormTitle(v RoleForm) string {
	if v.ID == "" {
		return "New role"
	}
	return "Edit role"
}

func roleFormCrumbs(v RoleForm) []Link {
	crumbs := []Link{{"Roles", RolesPath}}
	if v.ID != "" {
		crumbs = append(crumbs, Link{v.OriginalName, RolePath(v.ID)})
	}
	return crumbs
}

func accessFormTitle(v AccessForm) string {
	if v.ID == "" {
		return "New access"
	}
	return "Edit access"
}

func accessFormCrumbs(v AccessForm) []Link {
	crumbs := []Link{{"Access control", AccessPath}}
	if v.ID != "" {
		crumbs = append(crumbs, Link{v.OriginalName, AccessItemPath(v.ID)})
	}
	return crumbs
}

func organisationFormTitle(v OrganisationForm) string {
	if v.ID == "" {
		return "New organisation"
	}
	return "Rename organisation"
}

func organisationFormCrumbs(v OrganisationForm) []Link {
	crumbs := []Link{{"Organisations", OrganisationsPath}}
	if v.ID != "" {
		crumbs = append(crumbs, Link{v.OriginalName, OrganisationPath(v.ID)})
	}
	return crumbs
}

func (f OrganisationForm) action() string {
	if f.ID == "" {
		return OrganisationNewPath
	}
	return OrganisationEditPath(f.ID)
}

func (f OrganisationForm) cancel() string {
	if f.Then != "" {
		return f.Then
	}
	if f.ID == "" {
		return OrganisationsPath
	}
	return OrganisationPath(f.ID)
}

// historyTitle says what happened: "Role created".
func historyTitle(r HistoryRow) string {
	if r.Refused {
		return "Refused"
	}
	if r.Type == "STS_SESSION" {
		switch r.Action {
		case "CREATED":
			return "Signed in"
		case "DELETED":
			return "Session ended"
		}
	}
	action := word(r.Action)
	if !strings.HasPrefix(action, "CSR") {
		action = strings.ToLower(action)
	}
	return word(r.Type) + " " + action
}

func in(organisation string) string {
	if organisation == "" {
		return "in the whole system"
	}
	return "in " + organisation
}

func (v HistoryList) options(values []string) []Choice {
	choices := make([]Choice, len(values))
	for i, value := range values {
		choices[i] = Choice{value, word(value)}
	}
	return choices
}

func failureHeading(v Failure) heading {
	if v.Title != "" {
		return heading{Title: v.Title, Lead: v.Text}
	}
	return heading{Title: "Something went wrong", Lead: "It is our fault, not yours. Nothing was changed that you have not been told about."}
}

// plainNumber is for machines: no thousands separator.
func plainNumber(n int) string { return strconv.Itoa(n) }
