package view

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"time"
)

// Activity is what was recorded in the last days, and what is to come.
type Activity struct {
	Days   []time.Time // midnights of UTC, the oldest first
	Charts []Chart
	Failed bool // it can't be counted at the moment
	Coming []Coming
}

// Chart is one thing that is counted by day, or by week.
type Chart struct {
	Title, Note string
	Counts      []int  // in the order of the days
	Href        string // the list of what is counted; empty: it stands beside
	Weekly      bool
}

// Coming is something that will happen by itself.
type Coming struct {
	When When
	Text string
	Link Link
}

// HistoryBetween lists entries of an action, and of a type or of all, from one day to another.
func HistoryBetween(action, entityType string, from, to time.Time) string {
	query := url.Values{"action": {action}, "from": {from.Format(time.DateOnly)}, "to": {to.Format(time.DateOnly)}}
	if entityType != "" {
		query.Set("type", entityType)
	}
	return HistoryPath + "?" + query.Encode()
}

func (c Chart) total() (n int) {
	for _, count := range c.Counts {
		n += count
	}
	return n
}

func (c Chart) most() (most int) {
	for _, count := range c.Counts {
		most = max(most, count)
	}
	return most
}

// alt is the chart in words.
func (c Chart) alt(ctx context.Context, days []time.Time) string {
	if c.Weekly {
		return say(ctx, "%s by week, from %s: %d in all, at most %d in a week.", c.Title, date(ctx, days[0], "2 Jan"), c.total(), c.most())
	}
	return say(ctx, "%s by day, from %s to %s: %d in all, at most %d in a day.", c.Title, date(ctx, days[0], "2 Jan"), date(ctx, days[len(days)-1], "2 Jan"), c.total(), c.most())
}

// The chart's drawing, in its own units.
const (
	chartHeight = 64
	chartSlot   = 20 // a bar and the gap beside it
	chartBar    = 14
)

func (c Chart) box() string { return fmt.Sprintf("0 0 %d %d", len(c.Counts)*chartSlot, chartHeight+1) }

// bar is the place of a day's bar. What happened at all can be seen.
func (c Chart) bar(i int) (x, y, height string) {
	h := 0.0
	if c.Counts[i] > 0 {
		h = max(2, float64(c.Counts[i])*chartHeight/float64(c.most()))
	}
	text := func(f float64) string { return strconv.FormatFloat(f, 'f', 1, 64) }
	return strconv.Itoa(i*chartSlot + (chartSlot-chartBar)/2), text(chartHeight - h), text(h)
}

// columns head the table that says the same as the charts.
func (a Activity) columns(ctx context.Context) []column {
	columns := []column{{Label: say(ctx, "Day (UTC)")}}
	for _, c := range a.Charts {
		columns = append(columns, column{Label: c.Title, Numeric: true})
	}
	return columns
}

// ahead is how far off something is.
func (w When) ahead(ctx context.Context) string {
	switch d := w.At.Sub(w.Now); {
	case d < time.Minute:
		return say(ctx, "now")
	case d < time.Hour:
		return say(ctx, "in %d minutes", int(d.Minutes()))
	case d < 48*time.Hour:
		return say(ctx, "in %d hours", int(d.Hours()))
	default:
		return say(ctx, "in %d days", int(d.Hours()/24))
	}
}
