package seal

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestARootKeyIsReplacedWhileBothAreAtHand(t *testing.T) {
	old, fresh := key(t, 1), key(t, 2)
	before := old.Box("session").Seal([]byte("token"), "ref")
	keys := NewKeys(fresh, old)
	box := keys.Box("session")
	if got, err := box.Open(before, "ref"); err != nil || string(got) != "token" {
		t.Fatalf("the previous key does not open: %q, %v", got, err)
	}
	for rule, place := range map[string]string{"another place": "other", "no place": ""} {
		if _, err := box.Open(before, place); err != ErrOpen {
			t.Errorf("%s: got %v", rule, err)
		}
	}
	if !keys.Use(old.ID()) || keys.Sealing().ID() != old.ID() {
		t.Fatal("the previous key does not seal though it was chosen")
	}
	if _, err := old.Box("session").Open(box.Seal([]byte("token"), "ref"), "ref"); err != nil {
		t.Errorf("sealed by another key than the chosen one: %v", err)
	}
	if same, changed, err := box.Reseal(before, "ref"); changed || err != nil || !slices.Equal(same, before) {
		t.Errorf("what is under the right key was sealed anew: %v, %v", changed, err)
	}
	if !keys.Use(fresh.ID()) {
		t.Fatal("the new key is at hand")
	}
	after, changed, err := box.Reseal(before, "ref")
	if !changed || err != nil {
		t.Fatalf("got %v, %v", changed, err)
	}
	if got, err := fresh.Box("session").Open(after, "ref"); err != nil || string(got) != "token" {
		t.Errorf("not under the new key: %q, %v", got, err)
	}
	if _, err := old.Box("session").Open(after, "ref"); err != ErrOpen {
		t.Errorf("still under the old key: %v", err)
	}
	if keys.Use(key(t, 3).ID()) || keys.Sealing().ID() != fresh.ID() {
		t.Error("a key that is not at hand was chosen")
	}
	if _, changed, err := box.Reseal([]byte("no box"), "ref"); changed || err != ErrOpen {
		t.Errorf("no box: %v, %v", changed, err)
	}
}

func TestAKeysNameTellsNothingOfIt(t *testing.T) {
	a, b := key(t, 1), key(t, 2)
	if a.ID() == b.ID() || a.ID() != key(t, 1).ID() || len(a.ID()) != 12 {
		t.Errorf("%s and %s: a name must rest on the key alone", a.ID(), b.ID())
	}
	for _, purpose := range []string{"signing key", "session", "login", "login flow"} {
		if strings.HasPrefix(fmt.Sprintf("%x", a.Derive(purpose)), a.ID()) {
			t.Errorf("%s: the name shows a key that is in use", purpose)
		}
	}
	if got := NewKeys(a, b, a).IDs(); !slices.Equal(got, []string{a.ID(), b.ID()}) {
		t.Errorf("got %v; the same key twice is one", got)
	}
}
