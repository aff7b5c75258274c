package login_test

import (
	"maps"
	"net/url"
	"testing"
)

func TestHowSignInsEnd(t *testing.T) {
	b := newBench(t)
	c := b.browser()
	address := c.toOkta("/")
	if w := c.get(address); !signedIn(w) {
		t.Fatalf("got %d", w.Code)
	}
	b.browser().get(address)                  // somebody else's browser
	c.get("/.apisix/redirect?code=x&state=y") // no state of ours
	refused := c.toOkta("/login?as=somebody-else")
	c.get(callback + "?error=access_denied&state=" + url.QueryEscape(mustQuery(refused).Get("state")))
	want := map[string]int{"completed": 1, "not_ours": 2, "refused": 1}
	if !maps.Equal(b.ended, want) {
		t.Errorf("got %v, want %v", b.ended, want)
	}
}
