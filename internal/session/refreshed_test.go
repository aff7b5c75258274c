package session_test

import (
	"errors"
	"maps"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/iam"
)

func TestHowRefreshesEnd(t *testing.T) {
	b := newBench(t)
	results, looks := map[string]int{}, map[bool]int{}
	b.Refreshed, b.Looked = func(result string) { results[result]++ }, func(found bool) { looks[found]++ }
	c := b.begin(t)
	b.untilDue(t, c)
	b.okta.answers(func(string) (*iam.Grant, error) { return nil, errors.New("connection refused") })
	if _, _, err := b.find(c); err != nil {
		t.Fatal(err)
	}
	b.advance(6 * time.Second)
	b.okta.answers(func(string) (*iam.Grant, error) { return b.grant("refresh-2", "Acme Issuance"), nil })
	if _, _, err := b.find(c); err != nil {
		t.Fatal(err)
	}
	b.untilDue(t, c)
	b.okta.answers(func(string) (*iam.Grant, error) { return nil, iam.ErrGrantEnded })
	if _, _, err := b.find(c); err == nil {
		t.Error("the grant had ended")
	}
	if want := map[string]int{"failed": 1, "renewed": 1, "ended": 1}; !maps.Equal(results, want) {
		t.Errorf("got %v, want %v", results, want)
	}
	if looks[true] == 0 {
		t.Errorf("looked: %v", looks)
	}
}
