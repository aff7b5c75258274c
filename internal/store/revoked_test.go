package store_test

import (
	"maps"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/store"
	"github.com/portico-iam/portico/internal/testdb"
)

func TestRevokedTokens(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *store.DB) {
		revoke := func(id string, until, now time.Time) {
			t.Helper()
			if err := db.RevokeToken(t.Context(), id, until, now); err != nil {
				t.Fatal(err)
			}
		}
		want := func(rule string, now time.Time, ids map[string]time.Time) {
			t.Helper()
			got, err := db.RevokedTokens(t.Context(), now)
			if err != nil || !maps.EqualFunc(got, ids, time.Time.Equal) {
				t.Errorf("%s: got %v, %v", rule, got, err)
			}
		}
		want("none yet", at(0), map[string]time.Time{})
		revoke("a", at(2), at(0))
		revoke("b", at(9), at(0))
		revoke("b", at(9), at(1)) // another replica's
		want("both", at(1), map[string]time.Time{"a": at(2), "b": at(9)})
		want("one has expired", at(2), map[string]time.Time{"b": at(9)})
		revoke("c", at(9), at(2))
		want("and went", at(0), map[string]time.Time{"b": at(9), "c": at(9)})
	})
}
