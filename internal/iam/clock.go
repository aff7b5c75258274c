package iam

import (
	"net/http"
	"sync/atomic"
	"time"
)

// Clock compares our clock with the identity provider's while its answers pass: every one bears its time (RFC 9110 section
// 6.6.1), to the second.
type Clock struct {
	Base http.RoundTripper
	Now  func() time.Time
	last atomic.Pointer[Reading]
}

// Reading is one comparison.
type Reading struct {
	Ahead time.Duration // the provider's clock before ours; negative behind it
	At    time.Time
}

// RoundTrip implements http.RoundTripper.
func (c *Clock) RoundTrip(r *http.Request) (*http.Response, error) {
	sent := c.Now()
	response, err := c.Base.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if theirs, err := http.ParseTime(response.Header.Get("Date")); err == nil {
		got := c.Now()
		ours := sent.Add(got.Sub(sent) / 2)
		// Their second began somewhere within it: half a second is the best guess.
		c.last.Store(&Reading{Ahead: theirs.Add(time.Second / 2).Sub(ours).Round(time.Second), At: got})
	}
	return response, nil
}

// CloseIdleConnections passes http.Client's wish on.
func (c *Clock) CloseIdleConnections() {
	if closer, ok := c.Base.(interface{ CloseIdleConnections() }); ok {
		closer.CloseIdleConnections()
	}
}

// Last returns the last comparison; false when there was none.
func (c *Clock) Last() (Reading, bool) {
	if r := c.last.Load(); r != nil {
		return *r, true
	}
	return Reading{}, false
}
