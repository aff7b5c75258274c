package view

import (
	"context"
	"fmt"
	"time"
)

func peopleSamples() []sample {
	okta := "https://dev-12345.okta.com/oauth2/default"
	ivan := Who{okta, "ivan@acme.test", "Ivan Issuer"}
	rows := []PersonRow{
		{Who{okta, "ada@acme.test", "Ada Admin"}, "ada@acme.test", []string{"ONE_STS_ADMIN"}, 1, at(time.Minute)},
		{ivan, "ivan@acme.test", []string{"Acme Issuance"}, 2, at(3 * time.Hour)},
		{Who{okta, "otto@acme.test", "Otto Auditor"}, "otto@acme.test", []string{"Acme Audit", "Acme Verification", "Everyone", "Acme Berlin"}, 0, at(12 * day)},
		{Who{okta, "00u9zy8xw7VU6ts5r4q3", "00u9zy8xw7VU6ts5r4q3"}, "", nil, 0, at(80 * day)},
	}
	many := make([]PersonRow, 50)
	for i := range many {
		many[i] = PersonRow{Who{okta, fmt.Sprint(i), hostile[i%len(hostile)]}, "login@" + hostile[i%len(hostile)], hostile[:i%len(hostile)], i % 3, at(time.Duration(i) * time.Hour)}
	}
	sessions := []SessionRow{
		{ID: "1", Organisation: "Ministry of Mobility", Began: at(3 * time.Hour), Used: at(time.Minute), Ends: When{now.Add(9 * time.Hour), now}, Own: true, From: From{"198.51.100.7", "Firefox", "Windows"}},
		{ID: "2", Began: at(7 * time.Hour), Used: at(4 * time.Hour), Ends: When{now.Add(5 * time.Hour), now}, From: From{"2001:db8:1234:5678:9abc:def0:1234:5678", "Samsung Internet", "Android"}},
	}
	list := func(rows []PersonRow, total int) PersonList {
		return PersonList{Page: admin(PeoplePath), List: List{Path: PeoplePath, Sort: "name", Page: 1, PageSize: 50, Total: total}, CanRevoke: true, Rows: rows}
	}
	detail := PersonDetail{
		Page: admin(ivan.Path()), Who: ivan, Login: "ivan@acme.test", IAMRoles: []CarriedRole{{"Acme Issuance", true, ""}, {"acme audit", false, "nearly “Acme Audit”, which is mapped: they differ in case or blanks"}},
		Seen: at(time.Minute), Organisations: []OrganisationAccess{{orgID, "Ministry of Mobility", []string{"Credential issuer", "Read-only auditor"}, 18, false, false}},
		System: 2, Sessions: sessions, CanRevoke: true, CanHistory: true, CanExplain: true,
	}
	nobody := PersonDetail{Page: admin(PersonPath), Who: Who{okta, "nora@acme.test", "Nora Nobody"}, Seen: at(40 * day)}
	full := PersonDetail{
		Page: crowded(PersonPath), Who: Who{okta, hostile[1], hostile[0]}, Login: hostile[1], IAMRoles: []CarriedRole{{hostile[0], false, ""}, {hostile[3], true, ""}}, Seen: at(0),
		Organisations: []OrganisationAccess{{orgID, hostile[1], hostile, 97, false, false}}, Sessions: []SessionRow{{ID: "1", Organisation: hostile[0], Began: at(0), Used: at(0), Ends: at(0)}},
		CanRevoke: true, CanHistory: true, CanExplain: true,
	}
	crowd := list(many, 9731)
	crowd.Page = crowded(PeoplePath)
	return []sample{
		{"people", PersonListPage(list(rows, 4))},
		{"people-none", PersonListPage(list(nil, 0))},
		{"people-many", PersonListPage(crowd)},
		{"person", PersonDetailPage(detail)},
		{"person-nothing", PersonDetailPage(nobody)},
		{"person-crowded", PersonDetailPage(full)},
		{"person-revoke", confirming(func(ctx context.Context) Confirm {
			return ConfirmPersonRevoke(ctx, admin(PersonRevokePath), ivan, 2, 5*time.Minute)
		})},
		{"session-end", confirming(func(ctx context.Context) Confirm {
			return ConfirmSessionEnd(ctx, admin(SessionEndPath("1")), ivan, sessions[0], 5*time.Minute)
		})},
		{"people-revoke", confirming(func(ctx context.Context) Confirm {
			return ConfirmEverybodyRevoke(ctx, admin(EverybodyRevokePath), 1213, 5*time.Minute)
		})},
		{"organisation-revoke", confirming(func(ctx context.Context) Confirm {
			return ConfirmOrganisationRevoke(ctx, admin(OrganisationRevokePath(orgID)), orgID, "Ministry of Mobility", 5*time.Minute)
		})},
	}
}
