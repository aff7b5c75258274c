package view

import (
	"context"
	"time"
)

// ComingEnds are the mappings that end before long, or have just ended.
type ComingEnds struct {
	Rows  []ComingEnd // the soonest first
	More  int         // that are not among them
	Weeks []time.Time // that are to come, by their beginnings
	Chart Chart       // of those weeks
}

// ComingEnd is a mapping that ends; without an organisation of the whole system.
type ComingEnd struct {
	ID, Name, Organisation string
	End                    When
}

// ending says how far off an end is, or how long ago it was.
func (w When) ending(ctx context.Context) string {
	if w.Now.Before(w.At) {
		return say(ctx, "ends %s", w.ahead(ctx))
	}
	return say(ctx, "ended %s", w.relative(ctx))
}

// endTone warns of what ends within a week.
func (w When) endTone() string {
	if w.At.Sub(w.Now) < 7*24*time.Hour {
		return "warning"
	}
	return ""
}

// step is that of the field: seconds are shown only where there are any.
func (e PlaceEnd) step() string {
	if len(e.At) > len("2006-01-02T15:04") {
		return "1"
	}
	return "60"
}
