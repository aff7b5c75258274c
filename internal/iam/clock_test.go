package iam_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/iam"
)

type dated string

func (d dated) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{Header: http.Header{"Date": {string(d)}}, Body: http.NoBody}, nil
}

func TestClockReadsTheDifference(t *testing.T) {
	now := time.Date(2026, 11, 25, 12, 0, 0, 400_000_000, time.UTC)
	for date, want := range map[string]time.Duration{
		now.Format(http.TimeFormat): 0, now.Add(90 * time.Second).Format(http.TimeFormat): 90 * time.Second,
		now.Add(-time.Hour).Format(http.TimeFormat): -time.Hour,
	} {
		clock := &iam.Clock{Base: dated(date), Now: func() time.Time { return now }}
		request, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://okta.test/", nil)
		if _, err := clock.RoundTrip(request); err != nil {
			t.Fatal(err)
		}
		if got, ok := clock.Last(); !ok || got.Ahead != want {
			t.Errorf("%s: expected %s, got %s, %v", date, want, got.Ahead, ok)
		}
	}
	clock := &iam.Clock{Base: dated("not a date"), Now: time.Now}
	request, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://okta.test/", nil)
	if _, err := clock.RoundTrip(request); err != nil {
		t.Fatal(err)
	}
	if _, ok := clock.Last(); ok {
		t.Error("read a time where there was none")
	}
}
