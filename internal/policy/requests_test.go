package policy_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/policy"
	"github.com/portico-iam/portico/internal/session"
)

var otto = &access.Principal{Issuer: issuer, Subject: "otto", GivenName: "Otto", FamilyName: "Auditor", IAMRoles: []string{reserved}}

// demanding is a bench in which acme demands a second administrator, and G issues there.
func demanding(t *testing.T) (*bench, *access.IAMRole) {
	t.Helper()
	b := newBench(t)
	m := b.iamRole("G", "acme", b.role("Issuer", access.CredentialIssue).ID)
	role := b.role("Mapper", access.STSIAMRoleDelete, access.STSIAMRoleList, access.STSIAMRoleEdit)
	for _, name := range []string{"Elsewhere admins", "Mappers"} {
		if _, err := b.CreateIAMRole(t.Context(), admin, access.IAMRole{Name: name, SystemRoles: []access.RoleID{role.ID}}, policy.Seen{}); err != nil {
			t.Fatal(err)
		}
	}
	wantCode(t, "nobody else was seen", b.SetFourEyes(t.Context(), admin, "acme", true, policy.Seen{}), fault.NoSecond)
	b.seen = seen{{Issuer: "https://else.test", Subject: "otto", IAMRoles: []string{reserved}}, {Issuer: issuer, Subject: "ada", IAMRoles: []string{reserved}}}
	wantCode(t, "nobody else who could", b.SetFourEyes(t.Context(), admin, "acme", true, policy.Seen{}), fault.NoSecond)
	b.seen = append(b.seen, session.Person{Issuer: issuer, Subject: "otto", IAMRoles: []string{reserved}})
	if err := b.SetFourEyes(t.Context(), admin, "acme", true, policy.Seen{}); err != nil || !b.Snapshot().FourEyes("acme") {
		t.Fatal(err)
	}
	return b, m
}

// ask has ada ask for G to lose everything.
func ask(t *testing.T, b *bench, id access.IAMRoleID) policy.Request {
	t.Helper()
	err := b.DeleteIAMRole(t.Context(), admin, id, policy.Seen{}.Asking("they left"))
	var asked *policy.Asked
	if !errors.As(err, &asked) {
		t.Fatalf("expected a request, got %v", err)
	}
	return asked.Request
}

func TestASecondAdministratorApproves(t *testing.T) {
	b, m := demanding(t)
	ctx := t.Context()
	wantCode(t, "without asking", b.DeleteIAMRole(ctx, admin, m.ID, policy.Seen{}), fault.FourEyes)
	wantCode(t, "to demand it no longer", b.SetFourEyes(ctx, admin, "acme", false, policy.Seen{}), fault.FourEyes)
	if _, err := b.CreateIAMRole(ctx, admin, access.IAMRole{Name: "H", OrganisationRoles: map[access.OrganisationID][]access.RoleID{"zeta": m.OrganisationRoles["acme"]}}, policy.Seen{}); err != nil {
		t.Errorf("elsewhere: %v", err)
	}
	r := ask(t, b, m.ID)
	glass := &access.Principal{Issuer: access.BreakGlassIssuer, Subject: "file", IAMRoles: []string{access.BreakGlassRole}}
	elsewhere := &access.Principal{Issuer: "https://else.test", Subject: "otto", IAMRoles: []string{"Elsewhere admins"}}
	service := &access.Principal{Issuer: issuer, Subject: "0oabatch", ClientID: "0oabatch", IAMRoles: []string{"Mappers"}}
	reader := &access.Principal{Issuer: issuer, Subject: "rea", IAMRoles: []string{"Readers"}}
	if _, err := b.CreateIAMRole(ctx, admin, access.IAMRole{Name: "Readers", SystemRoles: []access.RoleID{b.role("Reader", access.STSIAMRoleList).ID}}, policy.Seen{}); err != nil {
		t.Fatal(err)
	}
	for rule, c := range map[string]struct {
		by   *access.Principal
		code *fault.Code
	}{
		"who asked": {admin, fault.FourEyes}, "a break-glass file": {glass, fault.FourEyes}, "a service": {service, fault.FourEyes}, "somebody of another issuer": {elsewhere, fault.FourEyes},
		"who may only list": {reader, fault.Forbidden}, "who may not even see it": {nobody, fault.RequestClosed},
	} {
		wantCode(t, rule, b.ApproveRequest(ctx, c.by, r.ID, b.Version()), c.code)
		wantCode(t, rule+" refuses", b.RefuseRequest(ctx, c.by, r.ID, "no"), c.code)
	}
	wantCode(t, "unseen", b.ApproveRequest(ctx, otto, r.ID, 0), fault.StalePreview)
	wantCode(t, "having seen another preview", b.ApproveRequest(ctx, otto, r.ID, b.Version()-1), fault.StalePreview)
	wantCode(t, "others withdraw it", b.WithdrawRequest(ctx, otto, r.ID), fault.Forbidden)
	v, err := b.Request(ctx, otto, r.ID)
	if err != nil || v.Own || v.Decider != nil || v.Preview == nil || len(v.Preview.Groups) != 1 || b.Snapshot().IAMRole(m.ID) == nil {
		t.Fatalf("as otto sees it: %+v, %v", v, err)
	}
	if err := b.ApproveRequest(ctx, otto, r.ID, v.Preview.Version); err != nil || b.Snapshot().IAMRole(m.ID) != nil {
		t.Fatalf("approved: %v", err)
	}
	wantCode(t, "twice", b.ApproveRequest(ctx, otto, r.ID, b.Version()), fault.RequestClosed)
	all := b.store.recorded()
	change, approval := all[len(all)-2], all[len(all)-1]
	if change.User != "otto" || !strings.Contains(string(change.Metadata), "asked by ada and approved") || approval.Action != history.Accepted || !strings.Contains(string(approval.Metadata), `"state":"APPROVED"`) {
		t.Errorf("recorded %+v and %+v", change, approval)
	}
}

// TestWhoSeesARequest: what each of them may see of it, and do.
func TestWhoSeesARequest(t *testing.T) {
	b, m := demanding(t)
	ctx := t.Context()
	reader := &access.Principal{Issuer: issuer, Subject: "rea", IAMRoles: []string{"Readers"}}
	if _, err := b.CreateIAMRole(ctx, admin, access.IAMRole{Name: "Readers", SystemRoles: []access.RoleID{b.role("Reader", access.STSIAMRoleList).ID}}, policy.Seen{}); err != nil {
		t.Fatal(err)
	}
	r := ask(t, b, m.ID)
	for who, c := range map[string]struct {
		by                  *access.Principal
		code                *fault.Code // why they may not decide
		own, previews, sees bool
		waiting             int
	}{
		"who asked":             {admin, fault.FourEyes, true, true, true, 0},
		"another administrator": {otto, nil, false, true, true, 1},
		"who may only list":     {reader, fault.Forbidden, false, false, true, 0},
		"anybody else":          {nobody, nil, false, false, false, 0},
	} {
		v, err := b.Request(ctx, c.by, r.ID)
		if !c.sees {
			wantCode(t, who, err, fault.NotFound)
			continue
		}
		if err != nil || v.Own != c.own || (v.Preview != nil) != c.previews || v.Obstacle != nil || (v.Decider == nil) != (c.code == nil) || c.code != nil && !c.code.Is(v.Decider) {
			t.Errorf("%s: %+v, %v", who, v, err)
		}
		if n, err := b.WaitingRequests(ctx, c.by); err != nil || n != c.waiting {
			t.Errorf("%s: %d wait, %v", who, n, err)
		}
	}
	if err := b.RefuseRequest(ctx, otto, r.ID, "not now"); err != nil {
		t.Fatal(err)
	}
	second := ask(t, b, m.ID)
	all, err := b.AllRequests(ctx, otto)
	if err != nil || len(all) != 2 || all[0].ID != second.ID || all[1].Closing != (policy.Closing{State: policy.Refused, At: b.clock.Now(), By: "otto", Answer: "not now"}) {
		t.Errorf("got %+v, %v", all, err)
	}
	b.clock.advance(policy.RequestsKept + time.Second)
	if err := b.ExpireRequests(ctx); err != nil || len(b.store.closed) != 1 {
		t.Errorf("%d are kept, %v", len(b.store.closed), err)
	}
}

// TestARequestThatNoLongerApplies says so, and can't be approved.
func TestARequestThatNoLongerApplies(t *testing.T) {
	b, m := demanding(t)
	ctx := t.Context()
	first, second := ask(t, b, m.ID), ask(t, b, m.ID)
	if err := b.ApproveRequest(ctx, otto, first.ID, b.Version()); err != nil {
		t.Fatal(err)
	}
	v, err := b.Request(ctx, otto, second.ID)
	if err != nil || v.Preview != nil || !fault.StalePreview.Is(v.Obstacle) {
		t.Fatalf("got %+v, %v", v, err)
	}
	wantCode(t, "approved all the same", b.ApproveRequest(ctx, otto, second.ID, b.Version()), fault.StalePreview)
	if err := b.RefuseRequest(ctx, otto, second.ID, "it is gone already"); err != nil {
		t.Error(err)
	}
}

// TestOfTwoApprovalsOneCounts, of two administrators at the same moment.
func TestOfTwoApprovalsOneCounts(t *testing.T) {
	b, m := demanding(t)
	r := ask(t, b, m.ID)
	eve := &access.Principal{Issuer: issuer, Subject: "eve", IAMRoles: []string{reserved}}
	both := [2]error{}
	var group sync.WaitGroup
	version := b.Version()
	for i, by := range []*access.Principal{otto, eve} {
		group.Go(func() { both[i] = b.ApproveRequest(t.Context(), by, r.ID, version) })
	}
	group.Wait()
	lost := both[0]
	if lost == nil {
		lost = both[1]
	} else if both[1] != nil {
		t.Fatalf("neither counts: %v", both)
	}
	// The other one is told that it is closed, or, where it looked before, that its preview is old.
	if !fault.RequestClosed.Is(lost) && !fault.StalePreview.Is(lost) {
		t.Errorf("the other one: %v", lost)
	}
}

// TestClosingIsNotLoosening: neither a probation that ends nor a mapping's own end needs a second administrator.
func TestClosingIsNotLoosening(t *testing.T) {
	b, m := demanding(t)
	ctx := t.Context()
	wantCode(t, "to set an end", func() error {
		_, err := b.UpdateIAMRole(ctx, admin, m.ID, policy.Seen{}, func(row *access.IAMRole) error {
			row.Ends = map[access.OrganisationID]access.End{"acme": {At: b.clock.Now().Truncate(time.Second).Add(time.Hour)}}
			return nil
		})
		return err
	}(), fault.FourEyes)
	ends := policy.Seen{}.Asking("a trainee")
	_, err := b.UpdateIAMRole(ctx, admin, m.ID, ends, func(row *access.IAMRole) error {
		row.Ends = map[access.OrganisationID]access.End{"acme": {At: b.clock.Now().Truncate(time.Second).Add(time.Hour)}}
		return nil
	})
	var asked *policy.Asked
	if !errors.As(err, &asked) {
		t.Fatal(err)
	}
	if err := b.ApproveRequest(ctx, otto, asked.Request.ID, b.Version()); err != nil {
		t.Fatal(err)
	}
	before := len(b.store.recorded())
	b.clock.advance(2 * time.Hour)
	if err := b.RecordEnds(ctx); err != nil || len(b.store.recorded()) != before+1 {
		t.Errorf("the end: %v, %+v", err, last(b))
	}
}

func TestARequestEnds(t *testing.T) {
	b, m := demanding(t)
	ctx := t.Context()
	if err := b.RefuseRequest(ctx, otto, ask(t, b, m.ID).ID, "ask their manager first"); err != nil || last(b).Action != history.Rejected || !strings.Contains(string(last(b).Metadata), `"answer":"ask their manager first"`) {
		t.Errorf("refused: %v, %+v", err, last(b))
	}
	if err := b.WithdrawRequest(ctx, admin, ask(t, b, m.ID).ID); err != nil || last(b).Action != history.Withdrawn {
		t.Errorf("withdrawn: %v, %+v", err, last(b))
	}
	ask(t, b, m.ID)
	if _, err := b.UpdateIAMRole(ctx, admin, m.ID, policy.Seen{}, func(row *access.IAMRole) error {
		row.OrganisationRoles["zeta"] = row.OrganisationRoles["acme"]
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	old := ask(t, b, m.ID)
	b.clock.advance(policy.RequestTime - time.Millisecond)
	if err := b.ExpireRequests(ctx); err != nil || len(b.store.requests) != 2 {
		t.Errorf("%d are left, %v", len(b.store.requests), err)
	}
	b.clock.advance(time.Millisecond)
	wantCode(t, "when its time is over", b.ApproveRequest(ctx, otto, old.ID, b.Version()), fault.RequestClosed)
	if err := b.ExpireRequests(ctx); err != nil || len(b.store.requests) != 0 || last(b).User != "portico: its time is over" || last(b).Action != history.Expired || last(b).Name != "G" {
		t.Errorf("%d are left, %v", len(b.store.requests), err)
	}
	for range policy.MostRequestsOwn {
		ask(t, b, m.ID)
	}
	wantCode(t, "too many", b.DeleteIAMRole(ctx, admin, m.ID, policy.Seen{}.Asking("more")), fault.TooMany)
	wantCode(t, "no reason", b.DeleteIAMRole(ctx, otto, m.ID, policy.Seen{}.Asking("")), fault.InvalidInput)
	wantCode(t, "a reason that hides something", b.DeleteIAMRole(ctx, otto, m.ID, policy.Seen{}.Asking("a\u202eb")), fault.InvalidInput)
	wantCode(t, "a long one", b.DeleteIAMRole(ctx, otto, m.ID, policy.Seen{}.Asking(strings.Repeat("x", 501))), fault.InvalidInput)
}

func TestAnImportIsRefusedOrLoud(t *testing.T) {
	b, m := demanding(t)
	remove := func(*access.Snapshot) (access.Change, error) {
		return access.Change{DeleteIAMRoles: []access.IAMRoleID{m.ID}}, nil
	}
	_, err := b.Import(t.Context(), "command line: eve", false, remove)
	wantCode(t, "an import", err, fault.FourEyes)
	if _, err := b.Import(t.Context(), "command line: eve", true, remove); err != nil || !strings.Contains(string(last(b).Metadata), "OVERRIDDEN") {
		t.Errorf("overridden: %v, %s", err, last(b).Metadata)
	}
	release := func(*access.Snapshot) (access.Change, error) {
		return access.Change{FourEyes: map[access.OrganisationID]bool{"acme": false}}, nil
	}
	_, err = b.Import(t.Context(), "command line: eve", false, release)
	wantCode(t, "letting it go", err, fault.FourEyes)
	if _, err := b.Import(t.Context(), "command line: eve", true, release); err != nil || !strings.Contains(string(last(b).Metadata), "OVERRIDDEN") || b.Snapshot().FourEyes("acme") {
		t.Errorf("let go: %v, %s", err, last(b).Metadata)
	}
}

// TestNothingChangesThereWithoutASecondPerson, whatever the two of them and others try, in any order.
func TestNothingChangesThereWithoutASecondPerson(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b, m := demanding(t)
		ctx := t.Context()
		people := []*access.Principal{admin, otto, {Issuer: access.BreakGlassIssuer, Subject: "file", IAMRoles: []string{access.BreakGlassRole}}}
		asker := map[string]string{}
		var requests []string
		given := func() string {
			s := b.Snapshot()
			text := fmt.Sprint(s.FourEyes("acme"))
			for _, im := range s.IAMRoles() {
				for _, id := range im.OrganisationRoles["acme"] {
					text += fmt.Sprint(im.Name, id, s.Role(id).Permissions.Names(), im.Ends["acme"])
				}
			}
			return text
		}
		for range rapid.IntRange(1, 8).Draw(rt, "steps") {
			by := rapid.SampledFrom(people).Draw(rt, "by")
			how := policy.Seen{}
			if rapid.Bool().Draw(rt, "asks") {
				how = how.Asking("because")
			}
			was, approver := given(), ""
			var err error
			switch rapid.IntRange(0, 6).Draw(rt, "step") {
			case 0:
				err = b.DeleteIAMRole(ctx, by, m.ID, how)
			case 1:
				_, err = b.UpdateIAMRole(ctx, by, m.ID, how, func(row *access.IAMRole) error { row.Name += "x"; return nil })
			case 2:
				_, err = b.UpdateRole(ctx, by, m.OrganisationRoles["acme"][0], how, func(r *access.Role) error {
					r.Permissions = r.Permissions.Union(access.SetOf(access.KeyList))
					return nil
				})
			case 3:
				err = b.SetFourEyes(ctx, by, "acme", false, how)
			case 4, 5:
				if len(requests) > 0 {
					id := rapid.SampledFrom(requests).Draw(rt, "request")
					if err = b.ApproveRequest(ctx, by, id, b.Version()); err == nil {
						approver = by.Issuer + by.Subject
						if approver == asker[id] || by.Issuer == access.BreakGlassIssuer {
							rt.Fatalf("%s approved their own", by.Subject)
						}
					}
				}
			case 6:
				_, err = b.CreateIAMRole(ctx, by, access.IAMRole{Name: "New", OrganisationRoles: map[access.OrganisationID][]access.RoleID{"acme": m.OrganisationRoles["acme"]}}, how)
			}
			var asked *policy.Asked
			if errors.As(err, &asked) {
				asker[asked.Request.ID] = by.Issuer + by.Subject
				requests = append(requests, asked.Request.ID)
			}
			if !strings.HasPrefix(was, "true") {
				return // they let it go together
			}
			if is := given(); is != was && approver == "" {
				rt.Fatalf("%s alone made of\n%s\n%s", by.Subject, was, is)
			}
		}
	})
}

// TestTheWayBackBringsOnlyWhatASecondOneApproved: a role that only the way back gives in a demanding organisation must not be
// widened meanwhile by one administrator.
func TestTheWayBackBringsOnlyWhatASecondOneApproved(t *testing.T) {
	b, ada, whole, _ := retired(t)
	ctx := t.Context()
	issuing, err := b.CreateRole(ctx, ada, access.Role{Name: "Issuing", Permissions: access.SetOf(access.CredentialIssue)}, policy.Seen{})
	if err != nil {
		t.Fatal(err)
	}
	deputies, err := b.CreateIAMRole(ctx, ada, access.IAMRole{
		Name: "Deputies", SystemRoles: []access.RoleID{whole.ID}, OrganisationRoles: map[access.OrganisationID][]access.RoleID{"acme": {issuing.ID}},
	}, policy.Seen{})
	if err != nil {
		t.Fatal(err)
	}
	otto := &access.Principal{Issuer: issuer, Subject: "otto", IAMRoles: []string{"Admins", "Deputies"}}
	b.seen = append(b.seen, session.Person{Issuer: issuer, Subject: "otto", IAMRoles: otto.IAMRoles})
	if err := b.SetFourEyes(ctx, ada, "acme", true, policy.Seen{}); err != nil {
		t.Fatal(err)
	}
	var asked *policy.Asked
	if err := b.DeleteIAMRole(ctx, ada, deputies.ID, policy.Seen{}.Asking("they left")); !errors.As(err, &asked) {
		t.Fatal(err)
	}
	b.clock.advance(time.Second)
	if err := b.ApproveRequest(ctx, otto, asked.Request.ID, b.Version()); err != nil || b.Snapshot().Probation() == nil {
		t.Fatalf("expected otto to give up a part of what they hold: %v", err)
	}
	_, err = b.UpdateRole(ctx, ada, issuing.ID, policy.Seen{}, func(r *access.Role) error {
		r.Permissions = access.SetOf(access.CredentialIssue, access.KeyList)
		return nil
	})
	wantCode(t, "widened alone", err, fault.FourEyes)
	if err := b.UndoProbation(ctx, ada); err != nil {
		t.Fatal(err)
	}
	set, _ := b.Snapshot().Effective(otto, "acme")
	if set.Has(access.KeyList) {
		t.Error("one administrator alone gave KEY_LIST in acme")
	}
}

// TestNobodyMakesTheirOwnSecond: by a mapping for another account or client of theirs, by more in a role that one has, or by
// a later end. To take it from somebody needs nobody else, as in an emergency.
func TestNobodyMakesTheirOwnSecond(t *testing.T) {
	b, _ := demanding(t)
	ctx := t.Context()
	const why = "nobody approved"
	reader := b.role("Reader", access.STSIAMRoleList)
	readers, err := b.CreateIAMRole(ctx, admin, access.IAMRole{Name: "Readers", SystemRoles: []access.RoleID{reader.ID}}, policy.Seen{})
	if err != nil {
		t.Errorf("reading makes nobody a second administrator: %v", err)
	}
	rows := b.Snapshot().IAMRoles()
	row := rows[slices.IndexFunc(rows, func(m *access.IAMRole) bool { return m.Name == "Mappers" })]
	mappers, mapper := row.ID, row.SystemRoles[0]
	_, err = b.CreateIAMRole(ctx, admin, access.IAMRole{Name: "Ada's batch", SystemRoles: []access.RoleID{mapper}}, policy.Seen{})
	wantCode(t, why, err, fault.FourEyes)
	_, err = b.UpdateIAMRole(ctx, admin, readers.ID, policy.Seen{}, func(m *access.IAMRole) error {
		m.SystemRoles = append(m.SystemRoles, mapper)
		return nil
	})
	wantCode(t, why, err, fault.FourEyes)
	_, err = b.UpdateRole(ctx, admin, reader.ID, policy.Seen{}, func(r *access.Role) error {
		r.Permissions = access.SetOf(access.STSIAMRoleList, access.STSIAMRoleEdit)
		return nil
	})
	wantCode(t, why, err, fault.FourEyes)
	for _, end := range []time.Duration{24 * time.Hour, time.Hour} {
		if _, err := b.UpdateIAMRole(ctx, admin, mappers, policy.Seen{}, func(m *access.IAMRole) error {
			m.Ends = map[access.OrganisationID]access.End{access.System: {At: b.Now().Add(end).Truncate(time.Second)}}
			return nil
		}); err != nil {
			t.Errorf("a sooner end: %v", err)
		}
	}
	_, err = b.UpdateIAMRole(ctx, admin, mappers, policy.Seen{}, func(m *access.IAMRole) error {
		m.Ends = nil
		return nil
	})
	wantCode(t, why, err, fault.FourEyes)
	if err := b.DeleteIAMRole(ctx, admin, mappers, policy.Seen{}); err != nil {
		t.Errorf("to take it away: %v", err)
	}
}

// TestWhoMayNoLongerChangeItIsNotTheFirst: of the two administrators that a change takes, the first was put out meanwhile.
func TestWhoMayNoLongerChangeItIsNotTheFirst(t *testing.T) {
	b, ada, whole, admins := retired(t)
	ctx := t.Context()
	if _, err := b.CreateIAMRole(ctx, ada, access.IAMRole{Name: "Deputies", SystemRoles: []access.RoleID{whole.ID}}, policy.Seen{}); err != nil {
		t.Fatal(err)
	}
	otto := &access.Principal{Issuer: issuer, Subject: "otto", IAMRoles: []string{"Deputies"}}
	b.seen = seen{{Issuer: issuer, Subject: "ada", IAMRoles: ada.IAMRoles}, {Issuer: issuer, Subject: "otto", IAMRoles: otto.IAMRoles}}
	issuing, err := b.CreateRole(ctx, ada, access.Role{Name: "Issuing", Permissions: access.SetOf(access.CredentialIssue)}, policy.Seen{})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.SetFourEyes(ctx, ada, "acme", true, policy.Seen{}); err != nil {
		t.Fatal(err)
	}
	var asked *policy.Asked
	_, err = b.CreateIAMRole(ctx, ada, access.IAMRole{Name: "Ada's friends", OrganisationRoles: map[access.OrganisationID][]access.RoleID{"acme": {issuing.ID}}}, policy.Seen{}.Asking("please"))
	if !errors.As(err, &asked) {
		t.Fatal(err)
	}
	if err := b.DeleteIAMRole(ctx, otto, admins.ID, policy.Seen{}); err != nil {
		t.Fatal(err)
	}
	wantCode(t, "approved when ada is no administrator any more", b.ApproveRequest(ctx, otto, asked.Request.ID, b.Version()), fault.FourEyes)
}
