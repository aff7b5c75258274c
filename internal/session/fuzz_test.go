package session_test

import (
	"testing"

	"github.com/portico-iam/portico/internal/fault"
)

// FuzzCookie sends any Cookie header: only the very cookie that Begin set is a session (NT09).
func FuzzCookie(f *testing.F) {
	b := newBench(f)
	c := b.begin(f)
	good := c.Name + "=" + c.Value
	for _, header := range []string{good, good + "; " + good, "", "a=b; " + good, c.Name + `="` + c.Value + `"`, good + "=", c.Name + "=", "__host-portico=" + c.Value, good[:len(good)-1]} {
		f.Add(header)
	}
	f.Fuzz(func(t *testing.T, header string) {
		r := request()
		r.Header.Set("Cookie", header)
		var sent []string
		for _, cookie := range r.CookiesNamed(c.Name) {
			sent = append(sent, cookie.Value)
		}
		s, w, err := b.findIn(r)
		switch isIt := len(sent) == 1 && sent[0] == c.Value; {
		case isIt && err != nil:
			t.Errorf("%q: the session is refused: %v", header, err)
		case !isIt && (s != nil || !fault.Unauthenticated.Is(err)):
			t.Errorf("%q: got %v, %v", header, s, err)
		case len(w.Result().Cookies()) > 0:
			t.Errorf("%q: a cookie was set", header)
		}
	})
}
