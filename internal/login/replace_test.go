package login_test

import (
	"net/http"
	"testing"

	"github.com/portico-iam/portico/internal/seal"
)

// TestASignInGoesOnAtAnotherReplica, whichever key-encryption key each of the two seals by, as long as both know both. With
// a key that is not at hand it is begun anew.
func TestASignInGoesOnAtAnotherReplica(t *testing.T) {
	old, fresh := seal.RandomKey(), seal.RandomKey()
	for rule, c := range map[string]struct {
		begun, ended *seal.Keys
		signedIn     bool
	}{
		"the old one restarted meanwhile":       {seal.NewKeys(old), seal.NewKeys(old, fresh), true},
		"the store is sealed anew meanwhile":    {seal.NewKeys(old, fresh), seal.NewKeys(fresh, old), true},
		"the other one has not heard of it yet": {seal.NewKeys(fresh, old), seal.NewKeys(old, fresh), true},
		"the old key is gone":                   {seal.NewKeys(old, fresh), seal.NewKeys(fresh), false},
	} {
		b := newBench(t)
		browser := b.browser()
		b.handler = b.replica(c.begun)
		answer := browser.toOkta("/roles")
		b.handler = b.replica(c.ended)
		if w := browser.get(answer); signedIn(w) != c.signedIn || !c.signedIn && w.Code != http.StatusBadRequest {
			t.Errorf("%s: got %d %s", rule, w.Code, w.Body)
		}
	}
	b := newBench(t)
	keys := seal.NewKeys(old, fresh)
	b.handler = b.replica(keys)
	browser := b.browser()
	answer := browser.toOkta("/roles")
	keys.Use(fresh.ID())
	if w := browser.get(answer); !signedIn(w) {
		t.Errorf("at the same replica, which seals by the new key now: got %d %s", w.Code, w.Body)
	}
}
