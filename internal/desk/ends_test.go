package desk

import (
	"slices"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/policy"
)

// TestComingEnds: what ended within a week is listed, what ends within 90 days is counted by week as well.
func TestComingEnds(t *testing.T) {
	b := newBench(t)
	now := time.Now().Truncate(time.Second)
	b.Now = func() time.Time { return now }
	const day = 24 * time.Hour
	issuing := b.role("Issuing", access.SetOf(access.CredentialIssue)).ID
	for name, in := range map[string]time.Duration{"soon": time.Hour, "this week": 7*day - time.Second, "next week": 8 * day, "last": 90 * day, "too far": 91 * day} {
		_, err := b.Policy.CreateIAMRole(t.Context(), ada.Principal, access.IAMRole{
			Name: name, OrganisationRoles: map[access.OrganisationID][]access.RoleID{acme: {issuing}}, Ends: map[access.OrganisationID]access.End{acme: {At: now.Add(in)}},
		}, policy.Seen{})
		if err != nil {
			t.Fatal(err)
		}
	}
	counted := func(want ...int) {
		t.Helper()
		v := b.comingEnds(t.Context(), ada)
		if !slices.Equal(v.Chart.Counts, append(want, make([]int, 13-len(want))...)) || len(v.Weeks) != 13 || v.More != 0 {
			t.Errorf("expected %v, got %+v", want, v)
		}
	}
	counted(2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1)
	now = now.Add(8 * day)
	v := b.comingEnds(t.Context(), ada)
	var names []string
	for _, row := range v.Rows {
		names = append(names, row.Name)
	}
	if want := []string{"this week", "next week", "last", "too far"}; !slices.Equal(names, want) {
		t.Errorf("expected %v, got %v", want, names)
	}
	counted(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2)
	if v := b.comingEnds(t.Context(), as("Nobody")); len(v.Rows) > 0 {
		t.Errorf("who may not list mappings is told %+v", v)
	}
}
