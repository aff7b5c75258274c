package desk

import (
	"context"
	"net/http"
	"time"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/authn"
	"github.com/portico-iam/portico/internal/desk/view"
	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/sts"
)

// activityDays is how far the charts go back, today included.
const activityDays = 14

// activity is what the overview shows of the record, for who may list it, and of the keys. Nothing of it keeps the
// overview from being shown.
func (h *Handler) activity(r *http.Request, c *authn.Caller) view.Activity {
	a := view.Activity{Coming: h.coming(r.Context(), c)}
	scope, err := h.historyScope(r, c)
	if err != nil {
		return a
	}
	ctx, today := r.Context(), h.Now().UTC().Truncate(24*time.Hour)
	f := history.Filter{
		Actions: []string{string(history.Created), string(history.Rejected)},
		After:   today.AddDate(0, 0, 1-activityDays), Before: today.Add(24*time.Hour - time.Millisecond),
	}
	if scope != access.System {
		f.OrganisationIDs = []access.OrganisationID{scope}
	}
	tallies, err := h.Tallies.Of(r.Context(), f)
	if err != nil {
		h.Logger.WarnContext(r.Context(), "history not counted", "error", err)
		a.Failed = true
		return a
	}
	for i := range activityDays {
		a.Days = append(a.Days, f.After.AddDate(0, 0, i))
	}
	if scope == access.System { // signing in belongs to no organisation
		a.Charts = append(a.Charts, chartOf(say(ctx, "Sign-ins"), "", history.Created, history.STSSession, a.Days, tallies))
	}
	a.Charts = append(
		a.Charts,
		chartOf(say(ctx, "Refusals"), say(ctx, "The same refusal counts once a minute."), history.Rejected, "", a.Days, tallies),
		chartOf(say(ctx, "Tokens issued"), say(ctx, "Those that services exchanged."), history.Created, history.STSToken, a.Days, tallies),
	)
	return a
}

// chartOf picks one line out of the counts: an action, and a type or all of them, as the list filters them.
func chartOf(title, note string, action history.Action, of history.EntityType, days []time.Time, tallies []history.Tally) view.Chart {
	chart := view.Chart{
		Title: title, Note: note, Counts: make([]int, len(days)),
		Href: view.HistoryBetween(string(action), string(of), days[0], days[len(days)-1]),
	}
	for _, t := range tallies {
		if t.Action == action && (of == "" || t.EntityType == of) {
			chart.Counts[int(t.Day.Sub(days[0]).Hours()/24)] += t.Count
		}
	}
	return chart
}

// coming is when keys turn, for who may see them. It is known without asking the database.
func (h *Handler) coming(ctx context.Context, c *authn.Caller) (coming []view.Coming) {
	if !h.may(c, access.STSKeyList) {
		return nil
	}
	for _, k := range h.Keys.Ring.Keys() {
		if k.State == sts.KeyNext && !k.ActivatesAt.IsZero() {
			coming = append(coming, view.Coming{
				When: h.when(k.ActivatesAt), Text: say(ctx, "The next key signs app tokens."), Link: view.Link{Label: say(ctx, "Keys"), Href: view.KeysPath},
			})
		}
	}
	return coming
}
