package desk

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/authn"
	"github.com/portico-iam/portico/internal/desk/view"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/policy"
)

// nextEnd is the first end of a mapping that is still to come; where none is, the last that came.
func (h *Handler) nextEnd(m *access.IAMRole) view.When {
	now := h.Now()
	var end time.Time
	for _, org := range m.EndingIn() {
		if end = m.Ends[org].At; now.Before(end) {
			break
		}
	}
	return h.when(end)
}

const (
	endsListed   = 10
	endsLately   = 7 * 24 * time.Hour // an end is shown for so long
	localTime    = "2006-01-02T15:04"
	localSeconds = "2006-01-02T15:04:05"
)

// comingEnds lists what ends before long or has just ended, and counts by week what is to come, for whoever may list mappings.
func (h *Handler) comingEnds(ctx context.Context, c *authn.Caller) (v view.ComingEnds) {
	if !h.may(c, access.STSIAMRoleList) {
		return v
	}
	now, s := h.Now(), h.sight(c)
	const week = 7 * 24 * time.Hour
	v.Chart = view.Chart{Title: say(ctx, "To come"), Weekly: true, Counts: make([]int, (policy.EndsSoon+week-1)/week)}
	for i := range v.Chart.Counts {
		v.Weeks = append(v.Weeks, now.UTC().Add(time.Duration(i)*week))
	}
	var all []view.ComingEnd
	for _, m := range s.IAMRoles() {
		for org, end := range m.Ends {
			if end.At.Before(now.Add(-endsLately)) || end.At.After(now.Add(policy.EndsSoon)) {
				continue
			}
			row := view.ComingEnd{ID: string(m.ID), Name: m.Name, End: h.when(end.At)}
			if org != access.System {
				row.Organisation = s.organisation(org).Name
			}
			all = append(all, row)
			if now.Before(end.At) {
				v.Chart.Counts[min(int(end.At.Sub(now)/week), len(v.Chart.Counts)-1)]++
			}
		}
	}
	slices.SortFunc(all, func(a, b view.ComingEnd) int {
		if order := a.End.At.Compare(b.End.At); order != 0 {
			return order
		}
		return byName(a.Name+a.Organisation, b.Name+b.Organisation)
	})
	v.More = max(0, len(all)-endsListed)
	v.Rows = all[:len(all)-v.More]
	return v
}

// formEnds shows ends as a form has them: in UTC.
func formEnds(ends map[access.OrganisationID]access.End) map[string]string {
	texts := map[string]string{}
	for org, end := range ends {
		layout := localTime
		if end.At.Second() != 0 {
			layout = localSeconds
		}
		texts[string(org)] = end.At.UTC().Format(layout)
	}
	return texts
}

// readEnds reads them as they were typed.
func readEnds(r *http.Request, v *view.AccessForm) error {
	places, times := r.PostForm["endPlace"], r.PostForm["endAt"]
	if len(places) != len(times) || len(places) > maxAssignments {
		return fault.InvalidInput.New("expected as many ends as places, at most %d", maxAssignments)
	}
	v.EndAt = map[string]string{}
	for i, place := range places {
		if len(times[i]) <= len(localSeconds) {
			v.EndAt[place] = times[i]
		}
	}
	return nil
}

func parseLocal(text string) (time.Time, error) {
	at, err := time.Parse(localTime, text)
	if err != nil {
		at, err = time.Parse(localSeconds, text)
	}
	return at, err
}

// endErrors says which ends can't be saved: those that came may stay as they are.
func (h *Handler) endErrors(ctx context.Context, v *view.AccessForm, old access.IAMRole) (errors view.FieldErrors) {
	now := h.Now()
	for i, e := range v.PlaceEnds() {
		if e.At == "" {
			continue
		}
		fail := func(text string) {
			errors = append(errors, view.FieldError{Field: "end-" + strconv.Itoa(i), Text: text})
		}
		switch at, err := parseLocal(e.At); {
		case err != nil:
			fail(say(ctx, "Expected a date and a time."))
		case old.Ends[access.OrganisationID(e.ID)].At.Equal(at):
		case !at.After(now):
			fail(say(ctx, "This is in the past. Choose a time to come."))
		case at.After(now.AddDate(access.MaxEndYears, 0, 0)):
			fail(say(ctx, "Choose a time within %d years, or none.", access.MaxEndYears))
		}
	}
	return errors
}

// endsOf are the ends of the form. Those that are no times were refused before.
func endsOf(v *view.AccessForm) map[access.OrganisationID]access.End {
	ends := map[access.OrganisationID]access.End{}
	for _, e := range v.PlaceEnds() {
		if at, err := parseLocal(e.At); err == nil {
			ends[access.OrganisationID(e.ID)] = access.End{At: at}
		}
	}
	return ends
}

func exactTime(at time.Time) string { return at.UTC().Format("2006-01-02 15:04:05 UTC") }
