package devokta

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// proves posts a password to primary authentication, and returns the session token or the error code.
func (b *browser) proves(body string) string {
	b.Helper()
	r, err := http.NewRequestWithContext(b.Context(), http.MethodPost, b.s.cfg.PublicURL+"/api/v1/authn", strings.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	answer := b.do(r).json(b.T)
	if code, refused := answer["errorCode"].(string); refused {
		return code
	}
	token, _ := answer["sessionToken"].(string)
	return token
}

const right = `{"username":"ada@acme.test","password":"portico-dev"}`

// TestSessionToken: a password proven by a program is good for one sign-in, soon, and without a page.
func TestSessionToken(t *testing.T) {
	w := start(t)
	b := w.browser()
	for body, want := range map[string]string{
		`{"username":"ada@acme.test","password":"wrong"}`:       "E0000004",
		`{"username":"eve@acme.test","password":"portico-dev"}`: "E0000004",
		`{`:                                      "E0000003",
		`{"x":"` + strings.Repeat("y", maxAuthn): "E0000003",
	} {
		if got := b.proves(body); got != want {
			t.Errorf("%.40s: expected %s, got %s", body, want, got)
		}
	}
	try := func(b *browser, token, want string) {
		t.Helper()
		got := b.get(b.url("/v1/authorize?" + with(w.request(), "sessionToken", token, "prompt", "none").Encode())).location(t)
		if got.Query().Get(want) == "" {
			t.Errorf("expected %s, got %s", want, got)
		}
	}
	token := b.proves(right)
	try(b, token, "code")
	try(w.browser(), token, "error") // once
	try(w.browser(), "never-given", "error")
	late := b.proves(right)
	w.clock.advance(sessionTokenLife + time.Second)
	try(w.browser(), late, "error")
}
