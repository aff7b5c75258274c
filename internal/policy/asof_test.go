package policy_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/policy"
)

var (
	pastNames    = []string{"A", "B", "C", "D"}
	pastPerms    = []access.Permission{access.KeyList, access.CredentialIssue, access.STSRoleList, access.SystemHistoryList}
	pastPlaces   = []access.OrganisationID{"acme", "zeta", access.System}
	pastIAMRoles = []string{"Issuers", "issuers", "Auditors", "Everyone"}
)

func drawRoles(t *rapid.T, now *access.Snapshot) []access.RoleID {
	var ids []access.RoleID
	for _, r := range now.Roles() {
		if rapid.Bool().Draw(t, "mapped") {
			ids = append(ids, r.ID)
		}
	}
	return ids
}

func drawRole(t *rapid.T, r *access.Role) {
	r.Name = rapid.SampledFrom(pastNames).Draw(t, "name")
	r.Permissions = access.SetOf(rapid.SliceOfN(rapid.SampledFrom(pastPerms), 0, 3).Draw(t, "permissions")...)
	if r.Delegation = nil; rapid.IntRange(0, 3).Draw(t, "restricted") == 3 {
		r.Delegation = &access.Delegation{RequiredUserPermissions: access.SetOf(rapid.SampledFrom(pastPerms).Draw(t, "required"))}
	}
}

func drawIAMRole(t *rapid.T, now *access.Snapshot, m *access.IAMRole) {
	m.Ends = map[access.OrganisationID]access.End{}
	for _, org := range pastPlaces {
		if rapid.IntRange(0, 2).Draw(t, "ends") == 2 {
			m.Ends[org] = access.End{At: begin.Truncate(time.Second).Add(time.Duration(rapid.IntRange(1, 8).Draw(t, "end")) * time.Second)}
		}
	}
	m.Name, m.SystemRoles = rapid.SampledFrom(pastIAMRoles).Draw(t, "IAM role"), drawRoles(t, now)
	m.OrganisationRoles = map[access.OrganisationID][]access.RoleID{}
	for _, org := range pastPlaces[:2] {
		if ids := drawRoles(t, now); len(ids) > 0 {
			m.OrganisationRoles[org] = ids
		}
	}
}

// drawImport changes several rows at once: some get names that others had.
func drawImport(t *rapid.T, now *access.Snapshot) (c access.Change) {
	for _, r := range now.Roles() {
		if rapid.Bool().Draw(t, "role") {
			row := r.Clone()
			drawRole(t, row)
			c.PutRoles = append(c.PutRoles, row)
		} else if len(now.RoleUses(r.ID)) == 0 && rapid.Bool().Draw(t, "role deleted") {
			c.DeleteRoles = append(c.DeleteRoles, r.ID)
		}
	}
	for _, m := range now.IAMRoles() {
		if rapid.Bool().Draw(t, "IAM role deleted") {
			c.DeleteIAMRoles = append(c.DeleteIAMRoles, m.ID)
		}
	}
	return c
}

// drawChange makes one change through the service. Those that are refused change nothing.
func drawChange(t *rapid.T, b *bench) {
	ctx, now := b.t.Context(), b.Snapshot()
	roles, iamRoles := now.Roles(), now.IAMRoles()
	switch do := rapid.IntRange(0, 7).Draw(t, "change"); {
	case do == 0 || do == 1 && len(roles) == 0:
		var r access.Role
		drawRole(t, &r)
		b.CreateRole(ctx, admin, r, policy.Seen{})
	case do == 1:
		id := roles[rapid.IntRange(0, len(roles)-1).Draw(t, "which")].ID
		b.UpdateRole(ctx, admin, id, policy.Seen{}, func(r *access.Role) error { drawRole(t, r); return nil })
	case do == 2 && len(roles) > 0:
		b.DeleteRole(ctx, admin, roles[rapid.IntRange(0, len(roles)-1).Draw(t, "which")].ID, policy.Seen{})
	case do <= 4 || len(iamRoles) == 0:
		var m access.IAMRole
		drawIAMRole(t, now, &m)
		b.CreateIAMRole(ctx, admin, m, policy.Seen{})
	case do == 5:
		id := iamRoles[rapid.IntRange(0, len(iamRoles)-1).Draw(t, "which")].ID
		b.UpdateIAMRole(ctx, admin, id, policy.Seen{}, func(m *access.IAMRole) error { drawIAMRole(t, now, m); return nil })
	case do == 6:
		b.DeleteIAMRole(ctx, admin, iamRoles[rapid.IntRange(0, len(iamRoles)-1).Draw(t, "which")].ID, policy.Seen{})
	default:
		b.Import(ctx, "olga", false, func(now *access.Snapshot) (access.Change, error) { return drawImport(t, now), nil })
	}
}

// TestAsOfDecidesAsItWasDecidedThen: for any changes, at each moment, for everybody.
func TestAsOfDecidesAsItWasDecidedThen(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b := newBench(t)
		type moment struct {
			at   time.Time
			then *access.Snapshot
		}
		var moments []moment
		for range rapid.IntRange(1, 12).Draw(rt, "changes") {
			drawChange(rt, b)
			now := moment{b.clock.Now(), b.Snapshot()}
			if n := len(moments); n > 0 && moments[n-1].at.Equal(now.at) {
				moments[n-1] = now // several changes in one moment: the last one counts
			} else {
				moments = append(moments, now)
			}
			if err := b.RecordEnds(t.Context()); err != nil {
				rt.Fatal(err)
			}
			b.clock.advance(time.Duration(rapid.SampledFrom([]int{0, 1, 2, 1000, 2000}).Draw(rt, "later")) * time.Millisecond)
		}
		for _, m := range moments {
			m.then = m.then.At(m.at)
			past, known, err := b.AsOf(t.Context(), m.at)
			if fault.InvalidInput.Is(err) && known.Oldest.After(m.at) || err != nil && len(b.store.recorded()) == 0 {
				continue // nothing was changed by then
			}
			if err != nil || len(known.Unknown) > 0 {
				rt.Fatalf("as of %s: %v, unknown %v", m.at, err, known.Unknown)
			}
			for _, name := range append(pastIAMRoles, reserved) {
				p := &access.Principal{Issuer: issuer, Subject: "somebody", IAMRoles: []string{name}}
				for _, org := range pastPlaces {
					for _, permission := range pastPerms {
						if got, want := past.Decide(p, org, permission), m.then.Decide(p, org, permission); told(got) != told(want) {
							rt.Fatalf("as of %s: %s in %q for %q: got %+v, then it was %+v", m.at, permission, org, name, got, want)
						}
					}
					got, _ := past.Delegated(p, access.SetOf(access.KeyList), org)
					if want, _ := m.then.Delegated(p, access.SetOf(access.KeyList), org); got != want {
						rt.Fatalf("as of %s: delegated in %q to %q: got %v, then it was %v", m.at, org, name, got.Names(), want.Names())
					}
				}
			}
		}
	})
}

func TestAsOfRefusesWhatNobodyKnows(t *testing.T) {
	b := newBench(t)
	asOf := func(at time.Time) error { _, _, err := b.AsOf(t.Context(), at); return err }
	if f := wantCode(t, "no change yet", asOf(b.clock.Now()), fault.InvalidInput); f.Field != "asOf" || !strings.Contains(f.Detail, "no change") {
		t.Errorf("got %v", f)
	}
	b.clock.advance(time.Minute)
	b.role("Keys", access.KeyList)
	first := b.clock.Now().Truncate(time.Millisecond)
	b.clock.advance(time.Minute)
	if err := asOf(first); err != nil {
		t.Errorf("as of the oldest change: %v", err)
	}
	if f := wantCode(t, "before the oldest", asOf(first.Add(-time.Millisecond)), fault.InvalidInput); !strings.Contains(f.Detail, "2026-01-31T09:31:01Z") {
		t.Errorf("expected the first whole second that is known, got %v", f)
	}
	for _, at := range []time.Time{{}, time.Date(-300, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), b.clock.Now().Add(time.Millisecond)} {
		wantCode(t, at.String(), asOf(at), fault.InvalidInput)
	}
	if err := asOf(b.clock.Now()); err != nil {
		t.Errorf("as of now: %v", err)
	}
}

// TestAsOfSeesWhatAnotherProcessChanged before it was asked.
func TestAsOfSeesWhatAnotherProcessChanged(t *testing.T) {
	b := newBench(t)
	b.role("Keys", access.KeyList)
	replica := b.another()
	b.clock.advance(time.Minute)
	b.role("More", access.KeyCreate)
	past, _, err := replica.AsOf(t.Context(), b.clock.Now())
	if err != nil || len(past.Roles()) != 2 {
		t.Errorf("got %d roles, %v", len(past.Roles()), err)
	}
}

func TestAsOfGoesBackByPages(t *testing.T) {
	b := newBench(t)
	b.role("Keys", access.KeyList)
	then := b.clock.Now()
	b.clock.advance(time.Minute)
	for i := range 1203 {
		b.role(fmt.Sprint("Role ", i))
	}
	past, _, err := b.AsOf(t.Context(), then)
	if err != nil || len(past.Roles()) != 1 || past.Roles()[0].Name != "Keys" {
		t.Errorf("got %d roles, %v", len(past.Roles()), err)
	}
}

// TestWhatCantBeReadOfThePastCountsAsNothing, and is said.
func TestWhatCantBeReadOfThePastCountsAsNothing(t *testing.T) {
	for rule, spoilt := range map[string]string{"not JSON": `{`, "nothing before": `{"after":{"name":"x"}}`, "another form": `{"before":{"name":7}}`, "none": ``} {
		b := newBench(t)
		role := b.role("Keys", access.KeyList)
		b.iamRole("Issuers", "acme", role.ID)
		then := b.clock.Now()
		b.clock.advance(time.Minute)
		if _, err := b.UpdateRole(t.Context(), admin, role.ID, policy.Seen{}, func(r *access.Role) error { r.Name = "Locks"; return nil }); err != nil {
			t.Fatal(err)
		}
		b.store.entries[len(b.store.entries)-1].Metadata = json.RawMessage(spoilt)
		past, known, err := b.AsOf(t.Context(), then)
		if err != nil || len(known.Unknown) != 1 || !strings.Contains(known.Unknown[0].String(), "Locks") {
			t.Fatalf("%s: got %v, %v", rule, known.Unknown, err)
		}
		if past.Decide(&access.Principal{Issuer: issuer, Subject: "ivan", IAMRoles: []string{"Issuers"}}, "acme", access.KeyList).Allowed {
			t.Errorf("%s: what is not known allows", rule)
		}
	}
}

// TestAChangeIsRecordedAsOfOneMoment, and by ids.
func TestAChangeIsRecordedAsOfOneMoment(t *testing.T) {
	b := newBench(t)
	role := b.role("Keys", access.KeyList)
	b.clock.gate = func() { b.clock.mu.Lock(); b.clock.now = b.clock.now.Add(7 * time.Millisecond); b.clock.mu.Unlock() }
	_, err := b.Import(t.Context(), "olga", false, func(now *access.Snapshot) (access.Change, error) {
		row := now.Role(role.ID).Clone()
		row.Name = "Locks"
		return access.Change{PutRoles: []*access.Role{row}, PutIAMRoles: []*access.IAMRole{
			{ID: "m", Name: "Issuers", SystemRoles: []access.RoleID{role.ID}, OrganisationRoles: map[access.OrganisationID][]access.RoleID{"acme": {role.ID}}},
		}}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	b.clock.gate = nil
	entries := b.store.recorded()
	one, two := entries[len(entries)-2], entries[len(entries)-1]
	if !one.CreatedAt.Equal(two.CreatedAt) || one.EntityType != history.STSRole || two.EntityType != history.STSIAMRole {
		t.Errorf("got %s of %s, %s of %s", one.EntityType, one.CreatedAt, two.EntityType, two.CreatedAt)
	}
	want := fmt.Sprintf(`{"after":{"name":"Issuers","organisations":[{"id":"acme","name":"Acme","roles":["Locks"],"roleIds":[%q]}],"system":["Locks"],"systemRoleIds":[%[1]q]}}`, role.ID)
	if string(two.Metadata) != want {
		t.Errorf("got %s, want %s", two.Metadata, want)
	}
}

// told is what a decision tells: not by which rows of its snapshot it was made.
func told(d access.Decision) string {
	return fmt.Sprintln(d.Allowed, d.Reason, d.Permission, d.Organisation, d.IAMRole, d.Role)
}
