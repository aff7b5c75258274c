package policy_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/policy"
)

// ending maps issuing in acme to G until an hour from now.
func ending(t *testing.T, b *bench) (*access.IAMRole, time.Time) {
	t.Helper()
	end := begin.Add(time.Hour).Truncate(time.Second)
	m, err := b.CreateIAMRole(t.Context(), admin, access.IAMRole{
		Name:              "G",
		OrganisationRoles: map[access.OrganisationID][]access.RoleID{"acme": {b.role("Issuer", access.CredentialIssue).ID}},
		Ends:              map[access.OrganisationID]access.End{"acme": {At: end}},
	}, policy.Seen{})
	if err != nil {
		t.Fatal(err)
	}
	return m, end
}

// TestAnEndCountsToTheSecondOnEveryReplicaAndIsRecordedOnce.
func TestAnEndCountsToTheSecondOnEveryReplicaAndIsRecordedOnce(t *testing.T) {
	b := newBench(t)
	m, end := ending(t, b)
	somebody := &access.Principal{Issuer: issuer, Subject: "gil", IAMRoles: []string{"G"}}
	replicas := []*policy.Service{b.Service, b.another(), b.another()}
	may := func(s *policy.Service) bool {
		return s.Snapshot().Decide(somebody, "acme", access.CredentialIssue).Allowed
	}
	rights, err := b.Permissions(t.Context(), somebody, "acme", "x")
	if err != nil || !rights.Until.Equal(end) {
		t.Errorf("they hold it until %s, %v", rights.Until, err)
	}
	b.clock.advance(end.Sub(b.clock.Now()) - time.Nanosecond)
	for _, s := range replicas {
		if err := s.RecordEnds(t.Context()); err != nil || !may(s) || b.store.committed() != 2 {
			t.Fatalf("it ended early: %v", err)
		}
	}
	b.clock.advance(time.Nanosecond)
	var all sync.WaitGroup
	for _, s := range replicas {
		for range 8 {
			all.Go(func() {
				if may(s) {
					t.Error("it goes on after its end")
				}
				if err := s.RecordEnds(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
	}
	all.Wait()
	var ended []history.Entry
	for _, e := range b.store.recorded() {
		if e.Action == history.Deactivated {
			ended = append(ended, e)
		}
	}
	if len(ended) != 1 || ended[0].EntityID != string(m.ID) || !strings.Contains(string(ended[0].Metadata), `"roles":["Issuer"]`) {
		t.Fatalf("recorded: %+v", ended)
	}
	err = b.Enforce(t.Context(), somebody, "acme", "POST /x", access.CredentialIssue)
	if f := wantCode(t, "after its end", err, fault.Forbidden); !strings.Contains(f.Detail, "ended on 2026-01-31 10:30 UTC") {
		t.Errorf("the refusal says %q", f.Detail)
	}
	// It may still be edited, and prolonged.
	if _, err := b.UpdateIAMRole(t.Context(), admin, m.ID, policy.Seen{}, func(row *access.IAMRole) error { row.Name = "G2"; return nil }); err != nil {
		t.Error(err)
	}
	if _, err := b.UpdateIAMRole(t.Context(), admin, m.ID, policy.Seen{}, func(row *access.IAMRole) error {
		row.Name, row.Ends["acme"] = "G", access.End{At: end.Add(time.Hour)}
		return nil
	}); err != nil || !may(b.Service) {
		t.Errorf("prolonged: %v", err)
	}
}

func TestAPreviewTellsWhatEndsTakeAway(t *testing.T) {
	b := newBench(t)
	m, end := ending(t, b)
	row := m.Clone()
	row.Ends["acme"] = access.End{At: end.Add(24 * time.Hour)}
	p, err := b.Preview(t.Context(), admin, access.Change{PutIAMRoles: []*access.IAMRole{row}})
	if err != nil || len(p.Groups) != 0 || len(p.Later) != 1 {
		t.Fatalf("%+v, %v", p, err)
	}
	later := p.Later[0]
	if !later.At.Equal(end.Add(24*time.Hour)) || len(later.Groups) != 1 || later.Groups[0].Effects[0].Lost != access.SetOf(access.CredentialIssue) {
		t.Errorf("%+v", later)
	}
	row.Ends["acme"] = access.End{At: begin.Add(-time.Second).Truncate(time.Second)}
	if _, err := b.Preview(t.Context(), admin, access.Change{PutIAMRoles: []*access.IAMRole{row}}); !fault.InvalidInput.Is(err) {
		t.Errorf("an end in the past: %v", err)
	}
}

// TestWhoseWayInEndsSoonIsNotCountedUpon: the last administrator must be one for longer than 90 days.
func TestWhoseWayInEndsSoonIsNotCountedUpon(t *testing.T) {
	for _, c := range []struct {
		rule    string
		in      time.Duration
		refused bool
	}{
		{"in an hour", time.Hour, true},
		{"in 90 days", policy.EndsSoon, true},
		{"later", policy.EndsSoon + 2*time.Second, false},
	} {
		b, ada, _, gone := retired(t)
		_, err := b.UpdateIAMRole(t.Context(), ada, gone.ID, policy.Seen{}, func(row *access.IAMRole) error {
			row.Ends = map[access.OrganisationID]access.End{access.System: {At: b.clock.Now().Add(c.in).Truncate(time.Second)}}
			return nil
		})
		if c.refused {
			wantCode(t, c.rule, err, fault.LastAdministrator)
		} else if err != nil {
			t.Errorf("%s: %v", c.rule, err)
		}
	}
	// With a second way in it is a change of one's own administration, on probation.
	b, ada, role, gone := retired(t)
	if _, err := b.CreateIAMRole(t.Context(), ada, access.IAMRole{Name: "Deputies", SystemRoles: []access.RoleID{role.ID}}, policy.Seen{}); err != nil {
		t.Fatal(err)
	}
	ada = &access.Principal{Issuer: issuer, Subject: "ada", IAMRoles: []string{"Admins", "Deputies"}}
	end := b.clock.Now().Add(time.Minute).Truncate(time.Second)
	if _, err := b.UpdateIAMRole(t.Context(), ada, gone.ID, policy.Seen{}, func(row *access.IAMRole) error {
		row.Ends = map[access.OrganisationID]access.End{access.System: {At: end}}
		return nil
	}); err != nil || b.Snapshot().Probation() == nil {
		t.Fatalf("expected it on probation: %v", err)
	}
	// The end comes and is recorded meanwhile; the way back is open all the same.
	b.clock.advance(2 * time.Minute)
	if err := b.RecordEnds(t.Context()); err != nil || last(b).Action != history.Deactivated {
		t.Fatalf("recorded %+v, %v", last(b), err)
	}
	b.clock.advance(policy.ProbationTime)
	if err := b.EndProbation(t.Context()); err != nil || len(b.Snapshot().IAMRole(gone.ID).Ends) != 0 {
		t.Fatalf("undone: %+v, %v", b.Snapshot().IAMRole(gone.ID), err)
	}
}
