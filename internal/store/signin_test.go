package store_test

import (
	"reflect"
	"testing"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/session"
	"github.com/portico-iam/portico/internal/store"
	"github.com/portico-iam/portico/internal/testdb"
)

// A restart must not forget how the person signed in: tokens for Core carry it.
func TestASessionKeepsTheSignIn(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *store.DB) {
		signIn := access.SignIn{At: 1_750_000_000, Class: "urn:loa:2", Methods: []string{"pwd", "otp"}}
		record := session.Record{Ref: "r", Hash: "h", Principal: access.Principal{Issuer: "i", Subject: "s", SignIn: signIn}, EndsAt: at(9), Version: 1}
		if err := testdb.InsertSession(t.Context(), db, record); err != nil {
			t.Fatal(err)
		}
		got, found, err := db.GetSession(t.Context(), "h", at(1))
		if err != nil || !found || !reflect.DeepEqual(got.Principal.SignIn, signIn) {
			t.Errorf("got %+v, %v, %v", got.Principal, found, err)
		}
	})
}
