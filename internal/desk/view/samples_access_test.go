package view

import (
	"context"
	"fmt"
	"net/url"
	"time"
)

func accessRows(n int) []AccessRow {
	rows := []AccessRow{
		{iamID, "Acme Issuance", 2, []string{"Credential issuer", "Read-only auditor"}, false, by(2*time.Hour, "Ada Admin"), at(-3 * day), nil},
		{"2", "Acme Verification", 1, []string{"Verifier"}, false, by(26*time.Hour, "Ada Admin"), When{}, nil},
		{"3", "Acme Audit", 3, []string{"Read-only auditor"}, true, by(6*day, "Ada Admin"), at(2 * day), nil},
		{"4", "Acme WRPR", 1, []string{"Certificate signing"}, false, by(40*day, "Ada Admin"), at(-80 * day), nil},
	}
	for i := len(rows); i < n; i++ {
		rows = append(rows, AccessRow{fmt.Sprint(i), hostile[i%len(hostile)], i % 50, hostile[:i%len(hostile)], i%9 == 0, by(time.Duration(i)*day, "Ada Admin"), When{}, nil})
	}
	return rows[:n]
}

// matrixSample has more organisations than it shows as soon as it shows many.
func matrixSample(p Page, rows, columns, total int) AccessMatrix {
	v := AccessMatrix{
		Page: p, CanCreate: true, CanEdit: true,
		List: List{Path: AccessMatrixPath, Sort: "name", Page: 1, PageSize: 50, Total: total, Filters: url.Values{}},
		Wide: List{Page: 1, PageSize: 50, Total: columns},
	}
	if columns > 3 {
		v.Wide.Page, v.Wide.Total = 2, 1000
	}
	for i := range columns {
		name := []string{"Ministry of Education", "Ministry of Mobility", "Ministry of the Interior"}[i%3]
		if i > 2 {
			name = fmt.Sprintf("%s %02d", hostile[i%len(hostile)], i)
		}
		v.Columns = append(v.Columns, MatrixColumn{fmt.Sprint(i), name, i%3 == 0})
	}
	names := []string{"Credential issuer", "Read-only auditor", "Verifier", "Certificate signing"}
	for i, r := range accessRows(rows) {
		row := MatrixRow{ID: r.ID, Name: r.Name, Cells: make([][]string, columns)}
		if r.System {
			row.System = []string{"STS administrator"}
		}
		for j := range columns {
			switch {
			case (i+j)%3 == 1:
				row.Cells[j] = names[:(i+j*2)%4+1]
			case j > 2 && (i+j)%5 == 0:
				row.Cells[j] = hostile[:(i+j)%len(hostile)]
			}
		}
		v.Rows = append(v.Rows, row)
	}
	return v
}

func looseList(total int) List {
	return List{Path: LooseEndsPath, Sort: "kind", Page: 1, PageSize: 50, Total: total, Filters: url.Values{}}
}

const looseQuiet = "That need not be wrong: a group for emergencies is rightly quiet, and services that bring tokens of their own are never seen. Look at the group in the identity provider before you delete anything."

// looseSample has each kind, and then hostile names.
func looseSample(p Page, rows, total int) LooseEnds {
	v := LooseEnds{
		Page: p, List: looseList(total), CanMatrix: true,
		Kinds:         []Choice{{"ROLE_NOT_MAPPED", "role that nobody has (1)"}, {"IAM_ROLE_NOT_SEEN", "nobody lately (1)"}},
		Organisations: []Choice{{"system", "The whole system"}, {orgID, "Ministry of Mobility"}},
		Remedies: []Fact{
			{Label: "Role that nobody has", Value: "Map it to an IAM role, or delete it."},
			{Label: "Role without effect", Value: "Take the role away there, or map it where its permissions count."},
			{Label: "Nobody lately", Value: looseQuiet},
		},
	}
	all := []LooseEnd{
		{"Verifier", RolePath(roleID), false, "role that nobody has", false, `No IAM role gives the role "Verifier", so that nobody has it.`, nil, nil, RoleDeletePath(roleID), "Delete role", by(300*day, "Ada Admin")},
		{"Credential issuer", RolePath("2"), false, "permissions without effect", false, `The role "Credential issuer" is mapped in organisations only. Of its permissions 3 can count in the whole system only.`, nil, nil, "/x", "Edit role", by(2*day, "Ada Admin")},
		{"Acme Issuance", AccessItemPath(iamID), true, "role without effect", false, `"Acme Issuance" gives the role "STS administrator" in Ministry of Mobility; its permissions count in the whole system only.`, nil, nil, "/x", "Edit access", by(time.Hour, "Ada Admin")},
		{"Acme WRPR", AccessItemPath("4"), true, "delegation never met", false, `A service with "Acme WRPR" acts by the role "Certificate signing" only for users who hold certain permissions in Ministry of Mobility, and no IAM role gives anybody one of them there.`, nil, nil, "/x", "Edit access", by(9*day, "Ada Admin")},
		{"Acme Audit", AccessItemPath("5"), true, "organisation is no more", false, `"Acme Audit" gives roles in the organisation ` + orgID + `, which is no more.`, nil, nil, "/x", "Edit access", by(9*day, "Ada Admin")},
		{"Acme Summer School", AccessItemPath("6"), true, "gives nothing", false, `All that "Acme Summer School" gave has ended.`, nil, nil, "", "", by(90*day, "Ada Admin")},
		{"Acme Verification", AccessItemPath("7"), true, "nobody lately", true, `Nobody who was seen in the last 90 days carried "Acme Verification" when they last signed in.`, []string{"acme  Verification"}, []string{"Acme Verifiers"}, "/x", "Edit access", by(400*day, "Ada Admin")},
	}
	for i := len(all); i < rows; i++ {
		e, name := all[i%len(all)], hostile[i%len(hostile)]
		e.Name, e.Sentence = name, fmt.Sprintf("Nobody who was seen in the last 90 days carried %q when they last signed in.", name)
		if e.Near != nil {
			e.Near, e.Renamed = hostile[:2], hostile[2:]
		}
		all = append(all, e)
	}
	v.Rows = all[:rows]
	return v
}

// looseRows are rows of the list that are marked.
func looseRows() []AccessRow {
	rows := accessRows(4)
	rows[0].Loose = []LooseEnd{{Kind: "role without effect"}, {Kind: "nobody lately", Quiet: true}}
	rows[2].Loose = []LooseEnd{{Kind: "gives nothing"}}
	return rows
}

// groupLoose are accesses whose groups became others.
func groupLoose(p Page) LooseEnds {
	v := looseSample(p, 1, 4)
	v.Kinds = []Choice{{"GROUP_RENAMED", "group renamed (2)"}, {"GROUP_DELETED", "group deleted (1)"}, {"GROUP_EMPTY", "group without members (1)"}}
	v.Remedies = []Fact{
		{Label: "Group renamed", Value: "Move the access to the group's new name, or confirm that it is meant for whoever carries the old one."},
		{Label: "Group deleted", Value: "Delete the access, or confirm that it is meant for whoever carries the name now."},
	}
	v.Rows = []LooseEnd{
		{"Acme Issuance", AccessItemPath(iamID), true, "group renamed", false, `The group "Acme Issuance" is called "Acme Issuers" in the directory now. The access does not count.`, nil, nil, "/x", "Move to the new name", by(time.Hour, "Ada Admin")},
		{hostile[5], AccessItemPath("3"), true, "group renamed", false, fmt.Sprintf("The group %q is called %q in the directory now, and another group has its name. The access does not count, for either of them.", hostile[5], hostile[2]), nil, nil, "/x", "Move to the new name", by(time.Hour, "Ada Admin")},
		{"Acme Administration", AccessItemPath("4"), true, "group deleted", false, `The group "Acme Administration" was deleted in the directory. Its access does not count, but for the administration: without it nobody could administer.`, nil, nil, "/x", "Confirm access", by(2*day, "Ada Admin")},
		{"Acme Audit", AccessItemPath("5"), true, "group without members", true, `The group "Acme Audit" has no members in the directory.`, nil, nil, "/x", "Edit access", by(9*day, "Ada Admin")},
	}
	return v
}

func accessSamples() []sample {
	organisations := []Choice{{orgID, "Ministry of Mobility"}, {"2", "Ministry of the Interior"}, {"3", "Ministry of Education"}}
	roles := []Choice{{roleID, "Credential issuer"}, {"2", "Verifier"}, {"3", "Read-only auditor"}}
	list := func(total, page int) List {
		return List{Path: AccessPath, Sort: "changed", Descending: true, Page: page, PageSize: 30, Total: total}
	}
	form := AccessForm{
		Page: admin("/access/new"), Step: 2, Name: "Acme Issuance",
		AddOrganisation: Chooser{Field: "addOrganisation", Label: "Organisation", Empty: "Choose an organisation", Choices: organisations},
		AddRole:         Chooser{Field: "addRole", Label: "Role", Empty: "Choose a role", Choices: roles},
		AddSystemRole:   Chooser{Field: "addSystemRole", Label: "System role", Empty: "None", Choices: []Choice{{"9", "STS administrator"}}},
		Assignments:     []Assignment{{organisations[0], roles[0]}, {organisations[1], roles[2]}},
		EndAt:           map[string]string{orgID: "2026-12-24T18:00", "2": "2025-01-01T00:00"},
	}
	empty := form
	empty.Assignments, empty.Errors = nil, FieldErrors{{"addRole", "Choose the role they have in Ministry of Mobility."}}
	empty.AddOrganisation.Chosen = orgID
	large := form
	large.Page, large.Name, large.Warnings = crowded("/access/new"), hostile[5], []string{"The name begins with a blank."}
	large.Assignments, large.AddOrganisation.Choices, large.AddRole.Choices = nil, nil, nil
	for i := range 500 {
		large.AddRole.Choices = append(large.AddRole.Choices, Choice{fmt.Sprint(i), fmt.Sprintf("%s %d", hostile[i%len(hostile)], i)})
	}
	for i := range 50 {
		large.AddOrganisation.Choices = append(large.AddOrganisation.Choices, Choice{fmt.Sprint(i), fmt.Sprintf("Organisation %02d", i)})
	}
	for i := range 200 {
		large.Assignments = append(large.Assignments, Assignment{large.AddOrganisation.Choices[i%50], large.AddRole.Choices[i]})
	}
	large.SystemRoles = large.AddRole.Choices[:3]
	choosing := large
	choosing.Page, choosing.Name, choosing.Warnings, choosing.SystemRoles = admin("/access/new"), "Acme Issuance", nil, nil
	choosing.Assignments, choosing.AddOrganisation.Chosen, choosing.AddRole.Filter = large.Assignments[:1], "7", "issuers"
	choosing.AddSystemRole.Choices, choosing.AddSystemRole.Filter = large.AddRole.Choices[:40], "no such"
	choosing.Errors = FieldErrors{{"addRole", "Choose a role."}}
	review := form
	review.Step = 3
	review.Review = AccessReview{Organisations: []Grant{
		{"Ministry of Mobility", []string{"Credential issuer"}, pick("CREDENTIAL_ISSUE", "CREDENTIAL_LIST", "CREDENTIAL_DETAIL", "CREDENTIAL_SHARE", "CREDENTIAL_SCHEMA_LIST", "CREDENTIAL_SCHEMA_DETAIL")},
		{"Ministry of the Interior", []string{"Read-only auditor"}, pick("HISTORY_LIST", "HISTORY_DETAIL", "DASHBOARD")},
	}}
	edit := review
	edit.ID, edit.OriginalName, edit.Version, edit.Name = iamID, "Acme Issuance", `"3"`, "Acme Issuers"
	edit.Review.System = &Grant{"", []string{"STS administrator"}, pick("STS_")}
	edit.Review.Added = []string{"STS administrator, in the whole system"}
	edit.Review.Removed = []string{"Verifier in Ministry of Education"}
	edit.Review.Warnings = []string{"This lets them manage organisations, roles and access, their own included."}
	someGain, nobodyGains, manyGain, lastLoses := previews()
	review.Preview, edit.Preview = nobodyGains, someGain
	editMany, editLast, editOwn := edit, edit, edit
	own := *someGain
	own.Probation, editOwn.Preview = true, &own
	editMany.Page, editMany.Preview, editLast.Preview = crowded("/access/x/edit"), manyGain, lastLoses
	lastOne := func(ctx context.Context) Confirm {
		c := ConfirmAccessDelete(ctx, admin("/access/x/delete"), iamID, "Acme Administration", nil, true)
		c.Foresee(ctx, lastLoses)
		return c
	}
	many := AccessDetail{Page: crowded("/access/x"), ID: iamID, Name: hostile[6], SystemRoles: large.AddRole.Choices[:12], SystemPermissions: 20, Created: by(90*day, hostile[0]), Changed: by(3*day, hostile[3])}
	for i, o := range large.AddOrganisation.Choices {
		many.Organisations = append(many.Organisations, AccessOrganisation{o.ID, o.Name, i%7 == 3, large.AddRole.Choices[i : i+i%40], i * 2, When{}})
	}
	var affected []string
	for _, o := range large.AddOrganisation.Choices[:12] {
		affected = append(affected, o.Name)
	}
	searched := matrixSample(admin(AccessMatrixPath), 0, 3, 0)
	searched.List.Query = hostile[2]
	typed := func(ctx context.Context) Confirm {
		c := ConfirmAccessDelete(ctx, admin("/access/x/delete"), iamID, hostile[5], affected, true)
		c.Errors = FieldErrors{{"confirm", "What you typed is not the name."}}
		return c
	}
	return []sample{
		{"access-matrix-empty", AccessMatrixPage(matrixSample(admin(AccessMatrixPath), 0, 3, 0))},
		{"access-matrix", AccessMatrixPage(matrixSample(admin(AccessMatrixPath), 4, 3, 4))},
		{"access-matrix-large", AccessMatrixPage(matrixSample(crowded(AccessMatrixPath), 50, 50, 2000))},
		{"access-matrix-nothing-found", AccessMatrixPage(searched)},
		{"loose-ends-empty", LooseEndsPage(LooseEnds{Page: admin(LooseEndsPath), List: looseList(0), CanMatrix: true, Blind: true})},
		{"loose-ends", LooseEndsPage(looseSample(admin(LooseEndsPath), 7, 7))},
		{"loose-ends-large", LooseEndsPage(looseSample(crowded(LooseEndsPath), 50, 1234))},
		{"access-loose", AccessListPage(AccessList{Page: admin(AccessPath), List: list(4, 1), Rows: looseRows(), CanCreate: true, CanMatrix: true})},
		{"access-detail-loose", AccessDetailPage(AccessDetail{
			Page: admin("/access/x"), ID: iamID, Name: "Acme Issuance", Organisations: []AccessOrganisation{{orgID, "Ministry of Mobility", false, roles[:1], 14, When{}}},
			Created: by(400*day, "Ada Admin"), Changed: by(300*day, "Ada Admin"), CanEdit: true, Loose: &LooseNotice{Quiet: true, Href: "/", Texts: []string{looseSample(admin(""), 7, 7).Rows[6].Sentence + " " + looseQuiet}},
		})},
		{"loose-ends-groups", LooseEndsPage(groupLoose(admin(LooseEndsPath)))},
		{"access-detail-group", AccessDetailPage(AccessDetail{
			Page: admin("/access/x"), ID: iamID, Name: "Acme Issuance", Organisations: []AccessOrganisation{{orgID, "Ministry of Mobility", false, roles[:1], 14, When{}}},
			Created: by(400*day, "Ada Admin"), Changed: by(300*day, "Ada Admin"), CanEdit: true, CanDelete: true, CanHistory: true,
			Group: &GroupFacts{State: GroupTied, Members: 12, Changed: at(3 * day)},
		})},
		{"access-detail-group-renamed", AccessDetailPage(AccessDetail{
			Page: admin("/access/x"), ID: iamID, Name: "Acme Issuance", Organisations: []AccessOrganisation{{orgID, "Ministry of Mobility", false, roles[:1], 14, When{}}},
			Created: by(400*day, "Ada Admin"), Changed: by(300*day, "Ada Admin"), CanEdit: true, CanDelete: true, CanHistory: true,
			Group: &GroupFacts{State: GroupRenamed, Now: "Acme  Issuers", Members: 1, Changed: at(time.Hour), CanTie: true},
			Loose: &LooseNotice{Href: "/", Texts: []string{groupLoose(admin("")).Rows[0].Sentence + " Move the access to the group's new name, or confirm that it is meant for whoever carries the old one."}},
		})},
		{"access-new-groups", AccessFormPage(AccessForm{Page: admin("/access/new"), Step: 1, GroupsTotal: 3, Groups: []ProvisionedGroup{{"Acme Audit", 2}, {"Acme Issuance", 1}, {"Acme Verification", 210}}})},
		{"access-confirm", confirming(func(ctx context.Context) Confirm {
			c := ConfirmAccessGroup(ctx, admin("/access/x/confirm"), iamID, "Acme Issuance", true)
			c.Foresee(ctx, someGain)
			return c
		})},
		{"access-empty", AccessListPage(AccessList{Page: admin(AccessPath), List: list(0, 1), CanCreate: true})},
		{"access", AccessListPage(AccessList{Page: admin(AccessPath), List: list(4, 1), Rows: accessRows(4), CanCreate: true, CanMatrix: true})},
		{"access-large", AccessListPage(AccessList{Page: crowded(AccessPath), List: list(2000, 67), Rows: accessRows(30), CanCreate: true})},
		{"access-new", AccessFormPage(AccessForm{Page: admin("/access/new"), Step: 1})},
		{"access-new-warning", AccessFormPage(AccessForm{Page: admin("/access/new"), Step: 1, Name: " acme issuance", Acknowledged: " acme issuance", Warnings: []string{"It begins with a blank, and the blank counts.", "“Acme Issuance” is mapped already. It differs in upper and lower case and in blanks, so it is another IAM role."}})},
		{"access-new-errors", AccessFormPage(AccessForm{Page: admin("/access/new"), Step: 1, Name: "Acme Issuance", Errors: FieldErrors{{"name", "“Acme Issuance” is mapped already. Edit it instead."}}})},
		{"access-assign", AccessFormPage(form)},
		{"access-assign-errors", AccessFormPage(empty)},
		{"access-assign-nothing-there", AccessFormPage(AccessForm{Page: admin("/access/new"), Step: 2, Name: "Acme Issuance"})},
		{"access-assign-large", AccessFormPage(large)},
		{"access-assign-choosing", AccessFormPage(choosing)},
		{"access-review", AccessFormPage(review)},
		{"access-edit-review", AccessFormPage(edit)},
		{"access-edit-own", AccessFormPage(editOwn)},
		{"access-break-glass", AccessListPage(AccessList{Page: broken(false), List: list(4, 1), Rows: accessRows(4)})},
		{"access-break-glass-own", AccessListPage(AccessList{Page: broken(true), List: list(4, 1), Rows: accessRows(4)})},
		{"access-probation", AccessListPage(AccessList{Page: onTrial(Probation{Own: true, MayUndo: true, MaySignIn: true}), List: list(4, 1), Rows: accessRows(4), CanCreate: true})},
		{"access-probation-elsewhere", AccessListPage(AccessList{Page: onTrial(Probation{Own: true, MayUndo: true, Lost: true}), List: list(4, 1), Rows: accessRows(4)})},
		{"access-probation-others", AccessListPage(AccessList{Page: onTrial(Probation{Name: hostile[2], MayUndo: true}), List: list(4, 1), Rows: accessRows(4), CanCreate: true})},
		{"access-delete-last", confirming(lastOne)},
		{"access-edit-review-many", AccessFormPage(editMany)},
		{"access-edit-review-last", AccessFormPage(editLast)},
		{"access-detail", AccessDetailPage(AccessDetail{Page: admin("/access/x"), ID: iamID, Name: "Acme Issuance", Organisations: []AccessOrganisation{{orgID, "Ministry of Mobility", false, roles[:1], 14, at(-3 * day)}, {"2", "Ministry of the Interior", true, roles[1:], 43, at(2 * day)}}, Created: by(40*day, "Ada Admin"), Changed: by(2*time.Hour, "Ada Admin"), CanEdit: true, CanDelete: true, CanHistory: true})},
		{"access-detail-large", AccessDetailPage(many)},
		{"access-delete", confirming(func(ctx context.Context) Confirm {
			return ConfirmAccessDelete(ctx, admin("/access/x/delete"), iamID, "Acme Issuance", []string{"Ministry of Mobility", "Ministry of the Interior"}, false)
		})},
		{"access-delete-many", confirming(typed)},
	}
}

func onTrial(p Probation) Page {
	page := admin(AccessPath, Notice{Success, "The access is saved. It counts from now on."})
	p.Until, page.Probation = When{now.Add(9*time.Minute + 12*time.Second), now}, &p
	return page
}

func broken(own bool) Page {
	page := admin(AccessPath)
	page.BreakGlass = &BreakGlass{Label: hostile[2], Used: When{now.Add(-7 * time.Minute), now}, Own: own, HistoryHref: HistoryByPath("break-glass:1")}
	return page
}
