package explain

import (
	"time"

	"github.com/portico-iam/portico/internal/fault"
)

// ParseAsOf reads a moment that is asked about: RFC 3339, with its offset.
func ParseAsOf(text string) (time.Time, error) {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil || len(text) > 40 {
		return time.Time{}, fault.InvalidInput.New("asOf: expected a date and time with an offset, such as 2026-01-31T09:30:00Z").At("asOf")
	}
	return at, nil
}
