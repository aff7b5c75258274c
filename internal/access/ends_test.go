package access

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// foreseen: what the ends of a change are said to take away is what deciding says right before and at each of them.
func foreseen(t *rapid.T, after *Snapshot, c Change) {
	p := drawPrincipal(t)
	later, more := after.Later(c)
	if more > 0 {
		t.Fatalf("%d ends of a handful were not looked at", more)
	}
	for days := range 4 {
		at := day.AddDate(0, 0, days+1)
		said := map[OrganisationID]PermissionSet{}
		for _, l := range later {
			if l.At.Equal(at) {
				for _, e := range l.On(p) {
					if said[e.Organisation] = e.Lost; !e.Gained.IsEmpty() {
						t.Fatalf("an end gives %v", e.Gained.Names())
					}
				}
			}
		}
		for _, put := range c.PutIAMRoles {
			alone := *p
			alone.IAMRoles = []string{put.Name}
			for org := range after.places {
				was, is := after.At(at.Add(-time.Millisecond)).Reachable(&alone, org), after.At(at).Reachable(&alone, org)
				if lost := was.Minus(is); !lost.IsEmpty() && len(later) == 0 {
					t.Fatalf("%v ends in %q unforeseen", lost.Names(), org)
				}
			}
		}
		for org, lost := range said {
			was, is := after.At(at.Add(-time.Millisecond)).Reachable(p, org), after.At(at).Reachable(p, org)
			if was.Minus(is) != lost {
				t.Fatalf("in %q: said %v, lost %v", org, lost.Names(), was.Minus(is).Names())
			}
		}
	}
}

// TestASnapshotHoldsUntilItsNextEnd: deciding by it is right at any moment before, and wrong for somebody from then on. What
// somebody holds they hold until Until.
func TestASnapshotHoldsUntilItsNextEnd(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, b := drawModel(t)
		s := Build(m, b, day)
		at := day.Add(time.Duration(rapid.Int64Range(0, int64(4*24*time.Hour)).Draw(t, "later")))
		then := Build(m, b, at)
		if next := s.NextEnd(); next.IsZero() || at.Before(next) {
			if comparison := s.Compare(then); len(comparison.touched) > 0 {
				t.Fatalf("%v differ %s later, before %s", comparison.IAMRoles(), at.Sub(day), next)
			}
		}
		p, org := drawPrincipal(t), drawPlace(t)
		held, _ := s.Effective(p, org)
		still, _ := then.Effective(p, org)
		// A sign-in that is dated ahead may count later: then somebody gains, which no end has to tell.
		if until := s.Until(p, org); !held.Minus(still).IsEmpty() && (until.IsZero() || at.Before(until)) {
			t.Fatalf("%v became %v %s later, before %s", held.Names(), still.Names(), at.Sub(day), until)
		}
	})
}

func TestEndsAreInTheFutureAndStayWhatTheyWere(t *testing.T) {
	m := world()
	passed, coming := End{At: day.Add(-time.Hour), Recorded: true}, End{At: day.Add(time.Hour)}
	m.IAMRoles[0].Ends = map[OrganisationID]End{acme: passed, closed: coming}
	for _, c := range []struct {
		rule    string
		ends    map[OrganisationID]End
		undo    bool
		refused bool
		want    map[OrganisationID]End
	}{
		{"those that passed and were not touched stay", map[OrganisationID]End{acme: {At: passed.At}, closed: {At: coming.At}}, false, false, map[OrganisationID]End{acme: passed, closed: coming}},
		{"one is prolonged, and will be recorded anew", map[OrganisationID]End{acme: coming}, false, false, map[OrganisationID]End{acme: coming}},
		{"none", nil, false, false, nil},
		{"where nothing is mapped nothing ends", map[OrganisationID]End{zeta: coming, System: coming}, false, false, nil},
		{"the present is no end", map[OrganisationID]End{acme: {At: day}}, false, true, nil},
		{"nor is the past", map[OrganisationID]End{closed: {At: day.Add(-time.Second)}}, false, true, nil},
		{"in ten years", map[OrganisationID]End{acme: {At: day.AddDate(10, 0, 0)}}, false, false, map[OrganisationID]End{acme: {At: day.AddDate(10, 0, 0)}}},
		{"later than that", map[OrganisationID]End{acme: {At: day.AddDate(10, 0, 0).Add(time.Second)}}, false, true, nil},
		{"no fractions of seconds", map[OrganisationID]End{acme: {At: coming.At.Add(time.Millisecond)}}, false, true, nil},
		{"no zero time", map[OrganisationID]End{acme: {Recorded: true}}, false, true, nil},
		{"a file tells of what ended", map[OrganisationID]End{closed: {day.Add(-time.Minute), true}}, false, false, map[OrganisationID]End{closed: {day.Add(-time.Minute), true}}},
		{"nobody says that what comes is recorded", map[OrganisationID]End{acme: {day.Add(time.Minute), true}}, false, false, map[OrganisationID]End{acme: {At: day.Add(time.Minute)}}},
		{"the way back is open though an end passed meanwhile", map[OrganisationID]End{closed: {At: day.Add(-time.Minute)}}, true, false, map[OrganisationID]End{closed: {At: day.Add(-time.Minute)}}},
	} {
		row := m.IAMRoles[0].Clone()
		row.Ends = c.ends
		next, stored, err := m.Apply(Change{PutIAMRoles: []*IAMRole{row}, EndsProbation: c.undo, Undoes: c.undo, At: day}, "")
		if c.refused {
			if faultOf(err) != Malformed {
				t.Errorf("%s: %v", c.rule, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.rule, err)
			continue
		}
		got := next.iamRole(row.ID).Ends
		if len(got) != len(c.want) || len(stored.PutIAMRoles[0].Ends) != len(got) || c.want == nil && got != nil {
			t.Errorf("%s: %v", c.rule, got)
		}
		for org, end := range c.want {
			if got[org] != end {
				t.Errorf("%s: in %s %v, want %v", c.rule, org, got[org], end)
			}
		}
	}
}

// TestAnEndIsRecordedOnce: recording is no edit, and what is on probation is undone to what was recorded.
func TestAnEndIsRecordedOnce(t *testing.T) {
	m := world()
	m.IAMRoles[0].Ends = map[OrganisationID]End{acme: {At: day.Add(time.Minute)}, closed: {At: day.Add(time.Hour)}}
	row := m.IAMRoles[0].Clone()
	row.Name = "Renamed"
	m, _, err := m.Apply(Change{PutIAMRoles: []*IAMRole{row}, Probation: &Probation{At: day, Until: day.Add(time.Hour)}, At: day}, "")
	if err != nil {
		t.Fatal(err)
	}
	later := day.Add(2 * time.Minute)
	ended := Build(m, bootstrap, later).Unrecorded(later)
	if len(ended) != 1 || ended[0] != (Placement{"1", acme}) {
		t.Fatalf("ended: %v", ended)
	}
	m, _, err = m.Apply(Change{RecordEnds: ended, At: later}, "")
	if err != nil || m.iamRole("1").Changed.Revision != 2 || len(Build(m, bootstrap, later).Unrecorded(later)) != 0 {
		t.Fatalf("recorded: %+v, %v", m.iamRole("1"), err)
	}
	m, _, err = m.Apply(m.UndoProbation(), "")
	if err != nil || m.iamRole("1").Name != "Acme Issuance" || !m.iamRole("1").Ends[acme].Recorded || m.iamRole("1").Ends[closed].Recorded {
		t.Fatalf("undone: %+v, %v", m.iamRole("1"), err)
	}
	if _, _, err := m.Apply(Change{RecordEnds: []Placement{{"2", System}}}, ""); faultOf(err) != Missing {
		t.Errorf("what has no end was recorded: %v", err)
	}
}

func TestWhatEndedIsANearMiss(t *testing.T) {
	m := world()
	m.IAMRoles[0].Ends = map[OrganisationID]End{acme: {At: day}}
	s := Build(m, bootstrap, day)
	e := s.Explain(person("Acme Issuance"), acme, CredentialIssue)
	if e.Decision.Allowed || e.Decision.Reason != NotMappedHere || !strings.Contains(e.Sentence().String(), `was allowed by "Acme Issuance" in Acme, and ended on 2026-01-31 09:30 UTC`) {
		t.Errorf("%+v: %s", e.Decision, e.Sentence())
	}
	if len(e.Suggestions) == 0 || e.Suggestions[0].Edits[0].Kind != Prolong || !e.Matched[0].Ended.Equal(day) {
		t.Errorf("suggested %+v, matched %+v", e.Suggestions, e.Matched)
	}
	if e := s.Explain(person("Acme Issuance"), acme, ProofIssue); len(e.Ended) != 0 || e.Suggestions[0].Edits[0].Kind == Prolong {
		t.Errorf("it never gave that: %+v", e)
	}
	if s.At(day.Add(-time.Second)).Decide(person("Acme Issuance"), acme, CredentialIssue).Allowed == s.Decide(person("Acme Issuance"), acme, CredentialIssue).Allowed {
		t.Error("the end makes no difference")
	}
}
