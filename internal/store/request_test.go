package store_test

import (
	"errors"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/policy"
	"github.com/portico-iam/portico/internal/store"
	"github.com/portico-iam/portico/internal/testdb"
)

func TestRequests(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		r := role("Issuer", access.CredentialIssue)
		m := commit(t, db, access.Model{}, access.Change{
			Organisations: []*access.Organisation{{ID: "acme", Name: "Acme"}}, PutRoles: []*access.Role{r}, FourEyes: map[access.OrganisationID]bool{"acme": true}, At: at(1),
		})
		if got, err := db.LoadModel(ctx); err != nil || !reflect.DeepEqual(got.FourEyes, m.FourEyes) || len(m.FourEyes) != 1 {
			t.Fatalf("got %v, %v", got.FourEyes, err)
		}
		row := iamRole("G ⚿", map[access.OrganisationID][]access.RoleID{"acme": {r.ID}})
		row.Ends = map[access.OrganisationID]access.End{"acme": {At: at(1).Truncate(time.Second).Add(time.Hour)}}
		ask := func(subject string) policy.Request {
			return policy.Request{
				ID: uuid.NewString(), Issuer: "https://okta", Subject: subject, Name: "Ada", Reason: "because", At: at(2), Until: at(3),
				Organisations: []access.OrganisationID{"acme"}, Change: access.Change{PutIAMRoles: []*access.IAMRole{row}, FourEyes: map[access.OrganisationID]bool{"acme": false}},
				Names: map[string]string{"gone": "G ⚿"}, Closing: policy.Closing{State: policy.Open},
			}
		}
		first := ask("ada")
		add := func(r policy.Request) bool {
			t.Helper()
			added, err := db.AddRequest(ctx, r, 2, 3, anEntry())
			if err != nil {
				t.Fatal(err)
			}
			return added
		}
		if !add(first) {
			t.Fatal("not added")
		}
		if all, err := db.OpenRequests(ctx); err != nil || len(all) != 1 || !reflect.DeepEqual(all[0], first) {
			t.Fatalf("got  %+v\nwant %+v\n%v", all, first, err)
		}
		var added atomic.Int32 // of many at once no more than may be
		var group sync.WaitGroup
		for range 5 {
			group.Go(func() {
				if ok, err := db.AddRequest(ctx, ask("ada"), 2, 3, anEntry()); err == nil && ok {
					added.Add(1)
				} else if err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		if added.Load() != 1 || !add(ask("otto")) || add(ask("eve")) {
			t.Errorf("%d of one person were added, or more than may be in all", added.Load())
		}

		change := first.Change
		change.Request, change.At, change.By = first.ID, at(2), "otto"
		m = commit(t, db, m, change)
		checkModel(t, db, m)
		if got, err := db.LoadModel(ctx); err != nil || len(got.FourEyes) != 0 {
			t.Errorf("it is demanded still: %v, %v", got.FourEyes, err)
		}
		_, again, err := m.Apply(access.Change{PutRoles: []*access.Role{role("Other")}, Request: first.ID, At: at(2)}, "")
		if err != nil {
			t.Fatal(err)
		}
		if err := db.CommitChange(ctx, m.Version, again, nil); !errors.Is(err, policy.ErrRequestClosed) {
			t.Errorf("approved twice: %v", err)
		}
		checkModel(t, db, m)
		all, err := db.OpenRequests(ctx)
		if err != nil || len(all) != 2 {
			t.Fatalf("%d are open, %v", len(all), err)
		}
		for i, want := range []bool{true, false} {
			if closed, err := db.CloseRequest(ctx, all[0].ID, policy.Closing{State: policy.Refused, At: at(3), By: "eve", Answer: "no ⚿"}, anEntry()); err != nil || closed != want {
				t.Errorf("refused, time %d: %v, %v", i+1, closed, err)
			}
		}
		closed, err := db.ClosedRequests(ctx, at(2), 9)
		if err != nil || len(closed) != 2 || closed[0].Closing != (policy.Closing{State: policy.Refused, At: at(3), By: "eve", Answer: "no ⚿"}) ||
			closed[1].ID != first.ID || closed[1].Closing != (policy.Closing{State: policy.Approved, At: at(2), By: "otto"}) {
			t.Fatalf("closed: %+v, %v", closed, err)
		}
		if one, err := db.ClosedRequests(ctx, at(3), 9); err != nil || len(one) != 1 {
			t.Errorf("lately closed: %+v, %v", one, err)
		}
		if one, err := db.ClosedRequests(ctx, at(2), 1); err != nil || len(one) != 1 {
			t.Errorf("at most one: %+v, %v", one, err)
		}
		if err := db.ForgetRequests(ctx, at(3)); err != nil {
			t.Fatal(err)
		}
		if one, err := db.ClosedRequests(ctx, at(0), 9); err != nil || len(one) != 1 || one[0].ID != all[0].ID {
			t.Errorf("kept: %+v, %v", one, err)
		}
		if open, err := db.OpenRequests(ctx); err != nil || len(open) != 1 {
			t.Errorf("open: %+v, %v", open, err)
		}
	})
}
