package coreapi

import (
	"encoding/json"
	"time"

	"github.com/portico-iam/portico/internal/httpx"
)

// Time is a point in time on the wire: UTC, to the millisecond.
type Time struct{ time.Time }

// At makes a Time. The zero time is left out of JSON by the fields' omitzero.
func At(t time.Time) Time { return Time{t} }

// MarshalJSON writes as Core does.
func (t Time) MarshalJSON() ([]byte, error) { return json.Marshal(httpx.Timestamp(t.Time)) }

// UnmarshalJSON reads RFC 3339.
func (t *Time) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	parsed, err := time.Parse(time.RFC3339, s)
	t.Time = parsed.UTC()
	return err
}

// Optional tells a member that is absent from one that is null: in a PATCH the first keeps and the second clears
// (RFC 7396). The zero value is absent. Its field needs the tag omitzero.
type Optional[T any] struct {
	Present bool
	Value   *T // nil: null
}

// Set is a member with a value.
func Set[T any](v T) Optional[T] { return Optional[T]{Present: true, Value: &v} }

// Null is a member that clears.
func Null[T any]() Optional[T] { return Optional[T]{Present: true} }

// IsZero tells encoding/json to leave an absent member out.
func (o Optional[T]) IsZero() bool { return !o.Present }

// MarshalJSON writes null or the value.
func (o Optional[T]) MarshalJSON() ([]byte, error) { return json.Marshal(o.Value) }

// UnmarshalJSON is only called for a member that is there; null too.
func (o *Optional[T]) UnmarshalJSON(b []byte) error {
	o.Present = true
	return json.Unmarshal(b, &o.Value)
}

// Created is the answer of every create.
type Created struct {
	ID string `json:"id"`
}
