package view

import (
	"context"
	"fmt"
	"net/url"
	"time"
)

func requestRows(n int) []RequestRow {
	until := When{now.Add(6 * day), now}
	ministry := []string{"Ministry of Mobility"}
	rows := []RequestRow{
		{"1", RequestSubject{"access", "Acme Issuance", true, 0}, ministry, requestOpen, true, by(2*time.Hour, "Otto Auditor"), until},
		{"2", RequestSubject{"role", "Credential issuer", false, 2}, []string{"Ministry of Mobility", "Ministry of Education", "Ministry of the Interior"}, requestOpen, false, by(day, "Ada Admin"), until},
		{"3", RequestSubject{"no second administrator any more", "Ministry of Mobility", false, 0}, ministry, requestRefused, false, by(9*day, "Otto Auditor"), until},
		{"4", RequestSubject{"access is deleted", "Acme Summer School", true, 0}, ministry, requestApproved, false, by(12*day, "Otto Auditor"), until},
		{"5", RequestSubject{"access", "Acme Audit", true, 0}, ministry, requestWithdrawn, false, by(20*day, "Ada Admin"), until},
		{"6", RequestSubject{"access", "Acme WRPR", true, 0}, ministry, requestExpired, false, by(40*day, "Ada Admin"), until},
	}
	for i := len(rows); i < n; i++ {
		r, name := rows[i%6], hostile[i%len(hostile)]
		r.ID, r.Subject.Name, r.Organisations, r.Asked.By = fmt.Sprint(i), name, hostile[:i%len(hostile)], name
		rows = append(rows, r)
	}
	return rows[:n]
}

func requestSamples() []sample {
	list := func(p Page, rows, total int) RequestList {
		p.Waiting = min(1, rows)
		return RequestList{
			Page: p, List: List{Path: RequestsPath, Sort: "state", Page: 1, PageSize: 50, Total: total, Filters: url.Values{}}, Rows: requestRows(rows), CanMatrix: true, Demanded: rows > 0,
			States: []Choice{{"you", "Waiting for you"}, {requestOpen, "Waiting"}, {requestApproved, "Approved"}}, Organisations: []Choice{{orgID, "Ministry of Mobility"}},
		}
	}
	demanded := list(admin(RequestsPath), 0, 0)
	demanded.Demanded = true
	nothing := list(admin(RequestsPath), 0, 0)
	nothing.List.Filters.Set("state", requestOpen)
	some, _, many, last := previews()
	detail := RequestDetail{
		Page: admin("/requests/1"), RequestRow: requestRows(1)[0], Reason: "Two new colleagues in the registry office issue from Monday on.", MayDecide: true, CanHistory: true, Preview: some,
		Changes: []RequestedChange{{"access", "Acme Issuance", "/access/x", true, []string{"Credential issuer in Ministry of Mobility"}, []string{"Read-only auditor in Ministry of Mobility"}}},
	}
	detail.Waiting = 1
	own := detail
	own.Own, own.MayDecide, own.ForYou, own.Why, own.Asked.By = true, false, false, "You asked for it yourself: somebody else must decide.", "Ada Admin"
	stale := detail
	stale.Preview, stale.Obstacle = nil, "What was asked for can’t be done any more, since something was changed in the meantime: the IAM role was changed by otto in the meantime: expected revision 3, got 2."
	locked := detail
	locked.Preview = last
	refused := detail
	refused.RequestRow, refused.MayDecide, refused.Preview, refused.Closed, refused.Answer = requestRows(3)[2], false, nil, by(8*day, "00u1a2b3c4"), "We are four again from December on; ask then."
	refused.Changes = []RequestedChange{{"no second administrator any more", "Ministry of Mobility", "/organisations/x", false, nil, nil}}
	large := detail
	large.Page, large.RequestRow, large.Reason, large.Preview, large.Changes = crowded("/requests/1"), requestRows(9)[8], hostile[5], many, nil
	large.State, large.ForYou = "OPEN", true
	for i := range 40 {
		name := hostile[i%len(hostile)]
		large.Changes = append(large.Changes, RequestedChange{"access", name, "/access/x", i%2 == 0, hostile[:i%len(hostile)], hostile[:2]})
	}
	asked := *some
	asked.Demanding = []string{"Ministry of Mobility"}
	review := AccessForm{Page: admin("/access/x/edit"), ID: iamID, OriginalName: "Acme Issuance", Name: "Acme Issuance", Step: 3, Preview: &asked}
	review.Errors = FieldErrors{{"reason", "Enter a reason of at most 500 characters."}}
	review.Review.Added = []string{"Credential issuer in Ministry of Mobility"}
	release := func(ctx context.Context) Confirm {
		c := ConfirmRelease(ctx, admin("/organisations/x/four-eyes/release"), orgID, "Ministry of Mobility")
		c.ForeseeApproval(ctx, &asked)
		return c
	}
	return []sample{
		{"requests-empty", RequestListPage(list(admin(RequestsPath), 0, 0))},
		{"requests-none", RequestListPage(demanded)},
		{"requests-nothing-found", RequestListPage(nothing)},
		{"requests", RequestListPage(list(admin(RequestsPath), 6, 6))},
		{"requests-large", RequestListPage(list(crowded(RequestsPath), 50, 190))},
		{"request", RequestDetailPage(detail)},
		{"request-own", RequestDetailPage(own)},
		{"request-stale", RequestDetailPage(stale)},
		{"request-locked", RequestDetailPage(locked)},
		{"request-refused", RequestDetailPage(refused)},
		{"request-large", RequestDetailPage(large)},
		{"request-approve", confirming(func(ctx context.Context) Confirm {
			c := ConfirmApprove(ctx, admin("/requests/1/approve"), detail.RequestRow)
			c.Foresee(ctx, some)
			return c
		})},
		{"request-refuse", confirming(func(ctx context.Context) Confirm {
			c := ConfirmRefuse(ctx, admin("/requests/1/refuse"), detail.RequestRow)
			c.Errors = FieldErrors{{"reason", "Enter a reason of at most 500 characters."}}
			return c
		})},
		{"request-withdraw", confirming(func(ctx context.Context) Confirm {
			return ConfirmWithdraw(ctx, admin("/requests/1/withdraw"), own.RequestRow)
		})},
		{"access-review-asks", AccessFormPage(review)},
		{"organisation-demand", confirming(func(ctx context.Context) Confirm {
			return ConfirmDemand(ctx, admin("/organisations/x/four-eyes/demand"), orgID, "Ministry of Mobility")
		})},
		{"organisation-release", confirming(release)},
	}
}
