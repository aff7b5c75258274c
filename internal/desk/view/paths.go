package view

import "net/url"

// Section is one entry of the sidebar.
type Section string

const (
	SectionOverview      Section = "Overview"
	SectionAccess        Section = "Access control"
	SectionExplain       Section = "Explain"
	SectionRoles         Section = "Roles"
	SectionOrganisations Section = "Organisations"
	SectionPeople        Section = "People"
	SectionHistory       Section = "History"
	SectionIntegration   Section = "Integration"
	SectionKeys          Section = "Keys"
)

var sectionPaths = map[Section]string{
	SectionOverview:      OverviewPath,
	SectionAccess:        AccessPath,
	SectionExplain:       ExplainPath,
	SectionRoles:         RolesPath,
	SectionOrganisations: OrganisationsPath,
	SectionPeople:        PeoplePath,
	SectionHistory:       HistoryPath,
	SectionIntegration:   IntegrationPath,
	SectionKeys:          KeysPath,
}

// The Desk's addresses. Forms post to the address that showed them.
const (
	OverviewPath           = "/"
	RolesPath              = "/roles"
	RoleNewPath            = "/roles/new"
	AccessPath             = "/access"
	AccessNewPath          = "/access/new"
	AccessMatrixPath       = "/access/matrix"
	OrganisationsPath      = "/organisations"
	OrganisationNewPath    = "/organisations/new"
	HistoryPath            = "/history"
	TimelinePath           = "/history/timeline"
	HistoryTailPath        = "/history/tail"
	HistoryExportPath      = "/history/export"
	IntegrationPath        = "/integration"          // POST examines
	SwitchOrganisationPath = "/session/organisation" // POST organisation, return
	SwitchThemePath        = "/session/theme"        // POST theme, return
	SwitchLanguagePath     = "/session/language"     // POST language, return
	UndoProbationPath      = "/probation/undo"       // POST
	LoginPath              = "/login"
	LogoutPath             = "/logout"
)

// SignInPath leads back to an address after the sign-in.
func SignInPath(back string) string {
	return LoginPath + "?" + url.Values{"return": {back}}.Encode()
}

func RolePath(id string) string       { return RolesPath + "/" + url.PathEscape(id) }
func RoleEditPath(id string) string   { return RolePath(id) + "/edit" }
func RoleDeletePath(id string) string { return RolePath(id) + "/delete" }

// RoleSmallerPath is the review of a role without some permissions.
func RoleSmallerPath(id string, without []string) string {
	return RoleEditPath(id) + "?" + url.Values{"without": without}.Encode()
}

// RolesWithPath lists the roles that hold a permission.
func RolesWithPath(permission string) string {
	return RolesPath + "?" + url.Values{"permission": {permission}}.Encode()
}

func AccessItemPath(id string) string   { return AccessPath + "/" + url.PathEscape(id) }
func AccessEditPath(id string) string   { return AccessItemPath(id) + "/edit" }
func AccessDeletePath(id string) string { return AccessItemPath(id) + "/delete" }

// AccessConfirmPath asks to have the access count for whoever carries its name.
func AccessConfirmPath(id string) string { return AccessItemPath(id) + "/confirm" }

// AccessMovePath is the wizard with another name in it.
func AccessMovePath(id, name string) string {
	return AccessEditPath(id) + "?" + url.Values{"name": {name}, "step": {"2"}}.Encode()
}

func OrganisationPath(id string) string           { return OrganisationsPath + "/" + url.PathEscape(id) }
func OrganisationEditPath(id string) string       { return OrganisationPath(id) + "/edit" }
func OrganisationDeactivatePath(id string) string { return OrganisationPath(id) + "/deactivate" }
func OrganisationReactivatePath(id string) string { return OrganisationPath(id) + "/reactivate" }

func HistoryEntryPath(id string) string { return HistoryPath + "/" + url.PathEscape(id) }

// HistoryByPath lists what somebody did.
func HistoryByPath(subject string) string {
	return HistoryPath + "?" + url.Values{"user": {subject}}.Encode()
}

// TimelineOfPath, TimelineByPath and TimelineInPath draw what happened to one thing, what somebody did, and what happened in an
// organisation.
func TimelineOfPath(entityID string) string {
	return TimelinePath + "?" + url.Values{"entity": {entityID}}.Encode()
}

func TimelineByPath(subject string) string {
	return TimelinePath + "?" + url.Values{"user": {subject}}.Encode()
}

func TimelineInPath(organisation string) string {
	return TimelinePath + "?" + url.Values{"organisation": {organisation}}.Encode()
}

// HistoryOfPath lists what happened to one thing.
func HistoryOfPath(entityID string) string {
	return HistoryPath + "?" + url.Values{"entity": {entityID}}.Encode()
}
