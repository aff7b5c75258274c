package view

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"

	"github.com/a-h/templ"

	"github.com/portico-iam/portico/internal/access"
)

// sample is one page in one state. The tests check each of them, the preview shows them.
type sample struct {
	name string
	page templ.Component
}

var now = time.Date(2026, 5, 18, 14, 32, 7, 0, time.UTC)

// confirming asks in the language of whoever renders it.
func confirming(ask func(context.Context) Confirm) templ.Component {
	return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error { return ConfirmPage(ask(ctx)).Render(ctx, w) })
}

func at(d time.Duration) When { return When{now.Add(-d), now} }

func by(d time.Duration, who string) Stamp { return Stamp{at(d), who} }

const day = 24 * time.Hour

const (
	roleID = "7f3c1f0e-9a55-4a63-8d0e-3b6a1c2d9e41"
	orgID  = "2d1f6f04-5a0e-4c0a-9d7a-6e8f1b7c0a11"
	iamID  = "c8b1a5d2-0b5e-4d5c-8f63-0e9d4a7f2b90"
)

// hostile names: as long as allowed, written the other way round, pretending to be markup.
var hostile = []string{
	strings.Repeat("Überaus langer Rollenname ohne Ende ", 7) + "Ende",
	strings.Repeat("W", 255),
	`<script>alert("x")</script><img src=x onerror=alert(1)>`,
	"وزارة الداخلية والتنقل",
	"👩🏽‍💻 Issuers & \"Friends\"",
	" leading and trailing ",
	"two  blanks \u202egnp.exe\u00a0x",
}

func catalogue() []PermissionGroup {
	var groups []PermissionGroup
	index := map[string]int{}
	for _, info := range access.Permissions() {
		i, ok := index[info.Group]
		if !ok {
			i = len(groups)
			index[info.Group] = i
			groups = append(groups, PermissionGroup{ID: strings.ToLower(strings.ReplaceAll(info.Group, " ", "-")), Name: info.Group})
		}
		groups[i].Permissions = append(groups[i].Permissions, Permission{
			ID: info.Name, Name: info.Title, About: info.Description, System: info.Scope == access.ScopeSystem,
		})
	}
	return groups
}

// pick reduces the catalogue to identifiers with one of the prefixes.
func pick(prefixes ...string) []PermissionGroup {
	return Picker{Groups: catalogue(), Chosen: choose(prefixes...)}.chosen()
}

func choose(prefixes ...string) map[string]bool {
	chosen := map[string]bool{}
	for _, g := range catalogue() {
		for _, p := range g.Permissions {
			for _, prefix := range prefixes {
				if strings.HasPrefix(p.ID, prefix) {
					chosen[p.ID] = true
				}
			}
		}
	}
	return chosen
}

func one(id string) Permission { return pick(id)[0].Permissions[0] }

var allSections = []Section{SectionOverview, SectionAccess, SectionExplain, SectionRoles, SectionOrganisations, SectionPeople, SectionHistory, SectionIntegration, SectionKeys}

func admin(path string, notices ...Notice) Page {
	return Page{
		Person: Person{"Ada", "Admin", "ada@acme.test"}, Nav: allSections, Path: path, Notices: notices,
		Organisations: []OrganisationChoice{{orgID, "Ministry of Mobility", true}, {"2", "Ministry of the Interior", false}, {"3", "Ministry of Education", false}},
	}
}

func member(path string) Page {
	return Page{
		Person: Person{"Ivan", "Issuer", "ivan@acme.test"}, Nav: []Section{SectionOverview, SectionHistory}, Path: path,
		Organisations: []OrganisationChoice{{orgID, "Ministry of Mobility", true}},
	}
}

func crowded(path string) Page {
	p := admin(path)
	p.Person = Person{hostile[0], hostile[2], "login@" + hostile[1]}
	p.Organisations = nil
	for i := range 50 {
		p.Organisations = append(p.Organisations, OrganisationChoice{fmt.Sprint(i), fmt.Sprintf("Organisation %02d %s", i, hostile[i%len(hostile)]), i == 0})
	}
	return p
}

func samples() []sample {
	var s []sample
	for _, part := range [][]sample{overviewSamples(), roleSamples(), accessSamples(), requestSamples(), organisationSamples(), historySamples(), integrationSamples(), keySamples(), peopleSamples(), explainSamples(), searchSamples(), problemSamples()} {
		s = append(s, part...)
	}
	return s
}

func overviewSamples() []sample {
	okta := "https://dev-12345.okta.com/oauth2/default"
	start := []Step{
		{"Create an organisation", "Everything in Core belongs to one. One is enough to begin with.", OrganisationNewPath, true},
		{"Create a role", "A named set of permissions, for each job people do.", RoleNewPath, false},
		{"Map an IAM role", "Say which roles the members of an Okta group have, and where.", AccessNewPath, false},
	}
	bootstrap := admin("/")
	bootstrap.Organisations = nil
	nobody := Page{Person: Person{"Nora", "Nobody", "nora@acme.test"}, Nav: []Section{SectionOverview}, Path: "/"}
	many := make([]OrganisationAccess, 50)
	for i := range many {
		many[i] = OrganisationAccess{ID: fmt.Sprint(i), Name: fmt.Sprintf("Organisation %02d %s", i, hostile[i%len(hostile)]), Roles: hostile[:i%len(hostile)], Permissions: i * 3, Active: i == 0, Deactivated: i == 7}
	}
	lately := func(scale int, titles ...string) Activity {
		a := Activity{Coming: []Coming{{When{now.Add(12*day + time.Hour), now}, "The next key signs app tokens.", Link{"Keys", KeysPath}}}}
		for i := range 14 {
			a.Days = append(a.Days, now.Truncate(day).AddDate(0, 0, i-13))
		}
		for i, title := range titles {
			c := Chart{Title: title, Href: HistoryBetween("CREATED", "", a.Days[0], a.Days[13]), Counts: make([]int, 14)}
			if i > 0 {
				c.Note = "The same refusal counts once a minute."
			}
			for j := range c.Counts {
				c.Counts[j] = (j*j*7 + i*5 + j*3) % 23 * scale / (i + 1)
			}
			a.Charts = append(a.Charts, c)
		}
		return a
	}
	mine := lately(1, "Refusals", "Tokens issued")
	mine.Coming = nil
	ending := func(rows []ComingEnd) ComingEnds {
		v := ComingEnds{Rows: rows, More: 2, Chart: Chart{Title: "To come", Weekly: true, Counts: []int{1, 0, 0, 2, 0, 1, 0, 0, 0, 0, 0, 0, 1}}}
		for i := range v.Chart.Counts {
			v.Weeks = append(v.Weeks, at(0).At.Add(time.Duration(i)*7*day))
		}
		return v
	}
	failed := lately(0)
	failed.Failed = true
	return []sample{
		{"overview-admin", OverviewPage(Overview{
			Page: admin("/"), System: &Abilities{"", pick("STS_", "SYSTEM_HISTORY")}, Activity: lately(3, "Sign-ins", "Refusals", "Tokens issued"), Loose: LooseCount{12, 7},
			Ends:     ending([]ComingEnd{{iamID, "Acme Audit", "", at(2 * day)}, {"2", "Acme Issuance", "Ministry of Mobility", at(-3 * time.Hour)}, {"3", hostile[2], hostile[3], at(-40 * day)}}),
			Identity: Identity{"ada@acme.test", okta, "00u1ab2cd3EF4gh5i6j7", "roles", []CarriedRole{{"Acme Administration", true, ""}}, nil},
		})},
		{"overview-failed", OverviewPage(Overview{Page: admin("/"), Activity: failed, Identity: Identity{Login: "ada@acme.test"}})},
		{"overview-bootstrap", OverviewPage(Overview{
			Page: bootstrap, Steps: start, Activity: lately(0, "Sign-ins", "Refusals", "Tokens issued"), System: &Abilities{"", pick("STS_", "SYSTEM_HISTORY")},
			Identity: Identity{"ada@acme.test", okta, "00u1ab2cd3EF4gh5i6j7", "roles", []CarriedRole{{"ONE_STS_ADMIN", true, "administrates the STS"}}, nil},
		})},
		{"overview-member", OverviewPage(Overview{
			Page: member("/"), Activity: mine, Active: &Abilities{"Ministry of Mobility", pick("CREDENTIAL_", "HISTORY_")},
			Identity:      Identity{"ivan@acme.test", okta, "00u9zy8xw7VU6ts5r4q3", "roles", []CarriedRole{{"Acme Issuance", true, ""}}, nil},
			Organisations: []OrganisationAccess{{orgID, "Ministry of Mobility", []string{"Credential issuer", "Read-only auditor"}, 18, true, false}},
		})},
		{"overview-nobody", OverviewPage(Overview{
			Page:     nobody,
			Identity: Identity{"nora@acme.test", okta, "00u5no6bo7DY8no9b0d1", "roles", []CarriedRole{{"acme issuance", false, "“Acme Issuance” is mapped; upper and lower case count"}}, []string{"The claim “roles” held a single text, not a list. It was taken as one role."}},
			Missing:  []string{"Your token carries one IAM role, “acme issuance”, and it is not mapped to any role.", "Somebody has to map it under Access control, or put you into a group in Okta that is mapped already."},
			Helpers:  []string{"Ada Admin (ada@acme.test)"},
		})},
		{"overview-large", OverviewPage(Overview{
			Page: crowded("/"), Organisations: many, Activity: lately(1_000_003, "Sign-ins", "Refusals", "Tokens issued"), Active: &Abilities{many[0].Name, catalogue()}, System: &Abilities{"", pick("STS_", "SYSTEM_", "TASK", "CACHE")},
			Identity: Identity{hostile[2], okta, hostile[1], "$['https://acme/roles']", []CarriedRole{{hostile[0], true, ""}, {hostile[2], false, ""}, {hostile[5], false, ""}, {hostile[6], true, ""}}, nil},
		})},
	}
}

func roleMappingsSample(n int) []RoleMapping {
	mappings := []RoleMapping{
		{iamID, "Acme Issuance", []Choice{{orgID, "Ministry of Mobility"}, {"2", "Ministry of the Interior"}}, false},
		{"2", "Acme Audit", []Choice{{orgID, "Ministry of Mobility"}}, true},
	}
	for i := 2; i < n; i++ {
		organisations := make([]Choice, i%50+1)
		for j := range organisations {
			organisations[j] = Choice{fmt.Sprint(j), fmt.Sprintf("Organisation %02d", j)}
		}
		mappings = append(mappings, RoleMapping{fmt.Sprint(i), fmt.Sprintf("%s %d", hostile[i%len(hostile)], i), organisations, i%9 == 0})
	}
	return mappings[:n]
}

func roleRows(n int) []RoleRow {
	rows := []RoleRow{
		{roleID, "Credential issuer", 14, 3, false, true, by(2*time.Hour, "Ada Admin")},
		{"2", "Verifier", 12, 1, false, false, by(26*time.Hour, "Ada Admin")},
		{"3", "Read-only auditor", 31, 2, false, false, by(6*day, "Ada Admin")},
		{"4", "Certificate signing", 3, 1, true, false, by(40*day, "Otto Auditor")},
		{"5", "STS administrator", 20, 1, false, false, by(300*day, "Ada Admin")},
	}
	for i := len(rows); i < n; i++ {
		rows = append(rows, RoleRow{fmt.Sprint(i), hostile[i%len(hostile)], i, i % 40, i%5 == 0, i%3 == 0, by(time.Duration(i)*day, hostile[(i+2)%len(hostile)])})
	}
	return rows[:n]
}

func roleSamples() []sample {
	permissions := func(prefixes ...string) Picker {
		return Picker{Field: "permissions", Groups: catalogue(), Chosen: choose(prefixes...)}
	}
	required := func(prefixes ...string) Picker {
		return Picker{Field: "requiredUserPermissions", Groups: catalogue(), Chosen: choose(prefixes...)}
	}
	filtered := permissions("CREDENTIAL_")
	filtered.Filter = "revoke"
	list := func(total, page int) List {
		return List{Path: RolesPath, Sort: "name", Page: page, PageSize: 30, Total: total}
	}
	searched := list(0, 1)
	searched.Query = "zebra <b>"
	edit := RoleForm{
		MaxAge: "15m", ACR: "urn:okta:loa:2fa:any", SignIn: "of the class urn:okta:loa:2fa:any, not older than 15 min",
		Page: admin("/roles/x/edit"), ID: roleID, OriginalName: "Credential issuer", Version: `"7"`, Step: 2, Name: "Credential issuer (senior)",
		Permissions: permissions("CREDENTIAL_"), RequiredUser: required(), Gained: pick("CREDENTIAL_REVOKE", "CREDENTIAL_SUSPEND"), Lost: pick("KEY_CREATE"),
		Mappings: roleMappingsSample(2), Warnings: []string{"You hold this role yourself and lose “Create keys” in Ministry of Mobility."},
	}
	delegated := RoleForm{Page: admin("/roles/new"), Step: 1, Name: "Certificate signing", Permissions: permissions("ACCESS_CERTIFICATE_SIGN", "REGISTRATION_CERTIFICATE_SIGN"), Restricted: true, RequiredUser: required("REGISTRATION_CERTIFICATE_CREATE")}
	delegatedReview := delegated
	delegatedReview.Step = 2
	delegatedReview.Warnings = []string{"Mapped in an organisation, the role never counts: users hold only organisation permissions there, and none of those is among the required ones."}
	return []sample{
		{"roles-empty", RoleListPage(RoleList{Page: admin(RolesPath), List: list(0, 1), CanCreate: true})},
		{"roles", RoleListPage(RoleList{Page: admin(RolesPath, Notice{Success, "Role “Credential issuer” is saved."}), List: list(5, 1), Rows: roleRows(5), CanCreate: true})},
		{"roles-large", RoleListPage(RoleList{Page: crowded(RolesPath), List: list(500, 7), Rows: roleRows(30), CanCreate: true})},
		{"roles-nothing-found", RoleListPage(RoleList{Page: admin(RolesPath), List: searched})},
		{"role-new", RoleFormPage(RoleForm{Page: admin("/roles/new"), Step: 1, Name: "Credential issuer", Permissions: permissions("CREDENTIAL_ISSUE", "CREDENTIAL_LIST", "CREDENTIAL_DETAIL", "CREDENTIAL_SHARE", "CREDENTIAL_SCHEMA_"), RequiredUser: required()})},
		{"role-new-errors", RoleFormPage(RoleForm{Page: admin("/roles/new"), Step: 1, Permissions: permissions(), RequiredUser: required(), Errors: FieldErrors{{"name", "Give the role a name."}, {"permissions", "Choose at least one permission."}}})},
		{"role-new-filtered", RoleFormPage(RoleForm{Page: admin("/roles/new"), Step: 1, Name: hostile[2], Permissions: filtered, RequiredUser: required(), MaxAge: "15m", ACR: "urn:okta:loa:2fa:any phr"})},
		{"role-new-delegation", RoleFormPage(delegated)},
		{"role-review", RoleFormPage(RoleForm{Page: admin("/roles/new"), Step: 2, Name: "Credential issuer", Permissions: permissions("CREDENTIAL_"), RequiredUser: required()})},
		{"role-review-delegation", RoleFormPage(delegatedReview)},
		{"role-edit-review", RoleFormPage(edit)},
		{"role", RoleDetailPage(RoleDetail{SignIn: "of one of the classes urn:okta:loa:2fa:any, phr, not older than 15 min", CanSeeMappings: true, Page: admin("/roles/x"), ID: roleID, Name: "Credential issuer", Groups: pick("CREDENTIAL_", "KEY_LIST"), Usage: usageSample(pick("CREDENTIAL_", "KEY_LIST"), 3, 12*day, RoleSmallerPath(roleID, []string{"KEY_LIST"})), Mappings: roleMappingsSample(2), Created: by(40*day, "Ada Admin"), Changed: by(2*time.Hour, "Ada Admin"), CanEdit: true, CanDelete: true, CanHistory: true})},
		{"role-large", RoleDetailPage(RoleDetail{CanSeeMappings: true, Page: crowded("/roles/x"), ID: roleID, Name: hostile[1], Groups: catalogue(), Usage: usageSample(catalogue(), 20, 200*day, RoleSmallerPath(roleID, []string{"KEY_LIST"})), Restricted: true, RequiredUser: pick("CREDENTIAL_"), Mappings: roleMappingsSample(60), Created: by(40*day, hostile[0]), Changed: by(2*time.Minute, "")})},
		{"role-unmapped", RoleDetailPage(RoleDetail{CanSeeMappings: true, Page: member("/roles/x"), ID: roleID, Name: hostile[3], Groups: pick("PROOF_"), Usage: usageSample(pick("PROOF_"), 0, 200*day, ""), Restricted: true, Created: by(40*day, "Ada Admin"), Changed: by(0, "Ada Admin")})},
		{"role-delete", confirming(func(ctx context.Context) Confirm {
			return ConfirmRoleDelete(ctx, admin("/roles/x/delete"), roleID, "Credential issuer", 14, nil)
		})},
		{"role-delete-refused", confirming(func(ctx context.Context) Confirm {
			return ConfirmRoleDelete(ctx, admin("/roles/x/delete"), roleID, "Credential issuer", 14, roleMappingsSample(2))
		})},
	}
}

func organisationSamples() []sample {
	rows := []OrganisationRow{
		{orgID, "Ministry of Mobility", false, 3, at(400 * day), by(2*time.Hour, "Ada Admin")},
		{"9c0e4f7b-3c1d-4a68-b0c4-5d2b8f1a7e22", "Ministry of the Interior", false, 1, at(40 * day), by(40*day, "Ada Admin")},
		{"5e7d2a90-1b3f-4e0a-8c55-7a6b9d0c3f33", "Ministry of Education", true, 0, at(90 * day), by(day, "Otto Auditor")},
	}
	for i := range 27 {
		rows = append(rows, OrganisationRow{fmt.Sprint(i), hostile[i%len(hostile)], i%4 == 0, i, at(time.Duration(i) * day), by(time.Hour, hostile[(i+3)%len(hostile)])})
	}
	list := func(total int) List {
		return List{Path: OrganisationsPath, Sort: "name", Page: 1, PageSize: 30, Total: total}
	}
	detail := OrganisationDetail{
		CanSeeMappings: true,
		Page:           admin("/organisations/x"), ID: orgID, Name: "Ministry of Mobility", Created: by(400*day, "Ada Admin"), Changed: by(2*time.Hour, "Ada Admin"), CanEdit: true, CanHistory: true, CanRevoke: true,
		Mappings: []OrganisationMapping{{iamID, "Acme Issuance", []Choice{{roleID, "Credential issuer"}, {"3", "Read-only auditor"}}}, {"2", "Acme Verification", []Choice{{"2", "Verifier"}}}},
	}
	detail.CanFourEyes = true
	guarded := detail
	guarded.FourEyes = true
	deactivated := detail
	stamp := by(3*day, "Otto Auditor")
	deactivated.Deactivated, deactivated.Mappings = &stamp, nil
	return []sample{
		{"organisations-empty", OrganisationListPage(OrganisationList{Page: admin(OrganisationsPath), List: list(0), CanCreate: true})},
		{"organisations", OrganisationListPage(OrganisationList{Page: admin(OrganisationsPath), List: list(3), Rows: rows[:3], CanCreate: true})},
		{"organisations-large", OrganisationListPage(OrganisationList{Page: crowded(OrganisationsPath), List: list(50), Rows: rows, CanCreate: true})},
		{"organisation-new", OrganisationFormPage(OrganisationForm{Page: admin("/organisations/new")})},
		{"organisation-new-errors", OrganisationFormPage(OrganisationForm{Page: admin("/organisations/new"), Name: hostile[2], NewID: "not a uuid", Errors: FieldErrors{{"name", "There is an organisation of that name already."}, {"newID", "This is not a UUID."}}})},
		{"organisation-rename", OrganisationFormPage(OrganisationForm{Page: admin("/organisations/x/edit"), ID: orgID, OriginalName: "Ministry of Mobility", Name: "Ministry of Mobility"})},
		{"organisation", OrganisationDetailPage(detail)},
		{"organisation-four-eyes", OrganisationDetailPage(guarded)},
		{"organisation-deactivated", OrganisationDetailPage(deactivated)},
		{"organisation-deactivate", confirming(func(ctx context.Context) Confirm {
			return ConfirmDeactivate(ctx, admin("/organisations/x/deactivate"), orgID, "Ministry of Mobility", 3)
		})},
		{"organisation-reactivate", confirming(func(ctx context.Context) Confirm {
			return ConfirmReactivate(ctx, admin("/organisations/x/reactivate"), orgID, "Ministry of Mobility", 3)
		})},
	}
}

func refusalSample() Refusal {
	return Refusal{
		Reference: "r-7QK2-9FMX", Attempt: "POST /api/credential/v1", Missing: []Permission{one("CREDENTIAL_ISSUE")}, Organisation: "Ministry of Mobility",
		IAMRoles: []string{"Acme Audit", "Acme Verification"},
		Matched:  []MatchedRole{{"Verifier", RolePath("2"), "Acme Verification"}, {"Read-only auditor", RolePath("3"), "Acme Audit"}},
		Remedies: []string{`Map the role "Credential issuer" to the IAM role "Acme Verification" in Ministry of Mobility.`}, ExplainHref: ExplainReferencePath("1"), ExplainThenHref: ExplainReferenceThenPath("1", at(time.Hour).At),
	}
}

func historySamples() []sample {
	rows := []HistoryRow{
		{"1", at(3 * time.Minute), "CREATED", "STS_IAM_ROLE", "Acme Issuance", "Ada Admin", "", false},
		{"2", at(9 * time.Minute), "REJECTED", "STS_TOKEN", "POST /api/credential/v1", "Otto Auditor", "Ministry of Mobility", true},
		{"3", at(70 * time.Minute), "UPDATED", "STS_ROLE", "Credential issuer", "Ada Admin", "", false},
		{"4", at(26 * time.Hour), "ISSUED", "CREDENTIAL", "Driving licence", "Ivan Issuer", "Ministry of Mobility", false},
		{"5", at(3 * day), "DEACTIVATED", "STS_ORGANISATION", "Ministry of Education", "Otto Auditor", "", false},
		{"6", at(40 * day), "CREATED", "STS_SESSION", "Session", "Vera Verifier", "", false},
	}
	var large []HistoryRow
	for i := range 60 {
		large = append(large, HistoryRow{fmt.Sprint(i), at(time.Duration(i) * time.Hour), "CSR_GENERATED", "TRUST_LIST_PUBLICATION", hostile[i%len(hostile)], hostile[(i+1)%len(hostile)], hostile[(i+2)%len(hostile)], i%5 == 0})
	}
	actions, types := []string{"CREATED", "UPDATED", "DELETED", "DEACTIVATED", "REACTIVATED", "REJECTED"}, []string{"STS_ROLE", "STS_IAM_ROLE", "STS_ORGANISATION", "STS_SESSION", "STS_TOKEN", "CREDENTIAL"}
	list := List{Path: HistoryPath, Sort: "createdDate", Descending: true, Page: 1, PageSize: 60, Total: 6}
	big := list
	big.Total, big.Page = 48211, 3
	drawn, drawnBig := list, big
	drawn.Path, drawn.Filters, drawnBig.Path = TimelinePath, url.Values{"organisation": {orgID}}, TimelinePath
	narrowed := list
	narrowed.Total, narrowed.Filters = 0, url.Values{"from": {"2026-13-01"}, "user": {"<i>"}}
	about := list
	about.Total = 1
	about.Filters = url.Values{"entity": {roleID}}
	refusal := refusalSample()
	return []sample{
		{"history-empty", HistoryListPage(HistoryList{Page: admin(HistoryPath), Since: now, List: List{Path: HistoryPath, Page: 1, PageSize: 60}, Actions: actions, Types: types})},
		{"history", HistoryListPage(HistoryList{Page: admin(HistoryPath), Since: now, CanExport: true, List: list, Rows: rows, Actions: actions, Types: types})},
		{"history-timeline", HistoryListPage(HistoryList{Page: admin(TimelinePath), List: drawn, Timeline: true, Filter: HistoryFilter{Organisation: orgID}, Organisation: "Ministry of Mobility", Rows: rows, Actions: actions, Types: types})},
		{"history-timeline-large", HistoryListPage(HistoryList{Page: crowded(TimelinePath), CanExport: true, List: drawnBig, Timeline: true, Rows: large, Actions: actions, Types: types})},
		{"history-of-one", HistoryListPage(HistoryList{Page: admin(HistoryPath), List: about, Filter: HistoryFilter{Entity: roleID}, Rows: rows[2:3], Actions: actions, Types: types})},
		{"history-large", HistoryListPage(HistoryList{Page: crowded(HistoryPath), List: big, Rows: large, Actions: actions, Types: types})},
		{"history-nothing-found", HistoryListPage(HistoryList{Page: admin(HistoryPath), List: narrowed, Filter: HistoryFilter{User: "<i>", From: "2026-13-01"}, Actions: actions, Types: types, Errors: FieldErrors{{"from", "This is not a day. Write it as 2026-05-31."}}})},
		{"history-entry", HistoryDetailPage(HistoryDetail{Page: admin("/history/1"), HistoryRow: rows[2], EntityID: roleID, EntityHref: RolePath(roleID), Subject: "00u1ab2cd3EF4gh5i6j7", Source: "STS", Facts: []Fact{{"Permissions added", "CREDENTIAL_REVOKE\nCREDENTIAL_SUSPEND", true}, {"Permissions removed", "KEY_CREATE", true}}})},
		{"history-refusal", HistoryDetailPage(HistoryDetail{Page: admin("/history/2"), HistoryRow: rows[1], Subject: "00u4ot5to6AU7di8t9or", Source: "BFF", Refusal: &refusal})},
	}
}

func problemSamples() []sample {
	refusal := refusalSample()
	refusal.Missing, refusal.Organisation = []Permission{one("STS_ROLE_LIST")}, ""
	refusal.Remedies = []string{`Map the role "Administrator" to the IAM role "Acme Issuance" in the system.`}
	nothing := Refusal{Reference: "r-7QK2-9FMX", Missing: []Permission{one("HISTORY_LIST"), one("SYSTEM_HISTORY_LIST")}}
	signedOut := Message{Title: "You are signed out", Text: "Your session here and at your company's sign-in has ended.", Actions: []Link{{"Sign in", LoginPath}}}
	message := Message{
		Title: "You may not sign in here", Text: "Okta says that you are not assigned to this application.", Reference: "r-2MZP-41KD",
		Details: []string{"An Okta administrator can assign you, or a group that you are in, under Applications → Assignments."},
		Actions: []Link{{"Sign in again", LoginPath}},
	}
	return []sample{
		{"refused", RefusedPage(Refused{Page: member(RolesPath), Sentence: "Your roles in the system do not include: “List roles”.", Refusal: refusal, EntryHref: HistoryEntryPath("2")})},
		{"refused-nothing", RefusedPage(Refused{Page: Page{Person: Person{Login: hostile[2]}, Nav: []Section{SectionOverview}, Path: HistoryPath}, Refusal: nothing})},
		{"not-found", NotFoundPage(NotFound{admin("/nowhere")})},
		{"failure", FailurePage(Failure{Page: admin("/roles?page=2"), Reference: "r-7QK2-9FMX", Again: Link{"Try again", "/roles?page=2"}})},
		{"not-here", FailurePage(Failure{Page: admin("/roles"), Title: "This can’t be done here", Text: "/roles accepts GET or HEAD, not POST. Nothing was changed."})},
		{"signed-out", MessagePage(signedOut)},
		{"login-problem", MessagePage(message)},
		{"session-ended", MessagePage(Message{
			Title: "You are no longer signed in", Text: "Nothing is saved, and nothing is lost: your form is shown again, filled in, as soon as you have signed in.",
			Actions: []Link{{"Sign in and go on", SignInPath(RoleNewPath)}},
		})},
		{"session-ended-large-form", MessagePage(Message{
			Title: "You are no longer signed in", Text: "Nothing is saved, and nothing is lost as long as this page stays open.",
			Again: &Again{Path: RoleNewPath, Field: "kept", Box: strings.Repeat("x", 5000), SignIn: SignInPath(RoleNewPath)},
		})},
		{"break-glass", MessagePage(breakGlassForm(""))},
		{"break-glass-refused", MessagePage(breakGlassForm("This code is not known, or it was used, or its 15 minutes are over."))},
		{"message-hostile", MessagePage(Message{Theme: ThemeDark, Title: hostile[2], Text: hostile[1], Details: hostile, Reference: hostile[2]})},
	}
}

func breakGlassForm(wrong string) Message {
	return Message{
		Title: "Break-glass", Text: "This lets somebody administer while the sign-in of your company is out of order. Every use is recorded, and shown to every administrator.",
		Actions: []Link{{"Sign in as usual", "/"}},
		Form:    &Form{"/break-glass", "code", "The code", "The code that “portico break-glass use” printed. It counts for 15 minutes, once.", "Begin a session", wrong},
	}
}

// usageSample is the use of some permissions, of which the first were never used; the last is watched since a few days.
func usageSample(groups []PermissionGroup, unused int, since time.Duration, smaller string) RoleUsage {
	midnight := func(ago time.Duration) When { return When{now.Add(-ago).UTC().Truncate(day), now} }
	u := RoleUsage{Since: midnight(since), Young: since < 90*day, Unused: unused, SmallerHref: smaller}
	for _, g := range groups {
		for _, p := range g.Permissions {
			n := len(u.Rows)
			row := PermissionUse{Permission: p, Unused: n < unused, Since: u.Since}
			switch {
			case row.Unused:
				row.Late, row.Since = n == unused-1, midnight(4*day)
			case n%4 == 1:
				row.HandedOut = midnight(time.Duration(n) * day)
			default:
				row.Used = midnight(time.Duration(n-unused) * day)
			}
			u.Rows = append(u.Rows, row)
		}
	}
	return u
}
