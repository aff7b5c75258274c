package view

import "context"

// timelineDay is what happened on one day, in UTC, in the order of the list.
type timelineDay struct {
	ID, Title string // ID is 2026-01-31
	Rows      []HistoryRow
}

// daysOf splits rows where the day changes.
func daysOf(ctx context.Context, rows []HistoryRow) (days []timelineDay) {
	for _, r := range rows {
		at := r.At.At.UTC()
		if id := at.Format("2006-01-02"); len(days) == 0 || days[len(days)-1].ID != id {
			days = append(days, timelineDay{ID: id, Title: date(ctx, at, "2 Jan 2006")})
		}
		last := &days[len(days)-1]
		last.Rows = append(last.Rows, r)
	}
	return days
}

// elsewhere is the same list, drawn the other way, from its start.
func (v HistoryList) elsewhere(path string) string {
	l := v.List
	l.Path = path
	return l.address(l.Sort, l.Descending, 1)
}
