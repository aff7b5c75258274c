package store_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/breakglass"
	"github.com/portico-iam/portico/internal/cluster"
	"github.com/portico-iam/portico/internal/directory"
	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/policy"
	"github.com/portico-iam/portico/internal/revocation"
	"github.com/portico-iam/portico/internal/session"
	"github.com/portico-iam/portico/internal/store"
	"github.com/portico-iam/portico/internal/sts"
	"github.com/portico-iam/portico/internal/testdb"
)

// everyChange is what replicas must hear of, by topic.
func everyChange(t *testing.T, db *store.DB) map[cluster.Topic]func() error {
	ctx := t.Context()
	all := func(*session.Record) bool { return true }
	begin := func(hash string) session.Record {
		r := session.Record{Ref: "ref-" + hash, Hash: hash, PreviousHash: "before-" + hash, CreatedAt: at(1), SeenAt: at(1), EndsAt: at(9), Version: 1}
		if err := testdb.InsertSession(ctx, db, r); err != nil {
			t.Fatal(err)
		}
		return r
	}
	return map[cluster.Topic]func() error{
		cluster.Policy: func() error { return db.CommitChange(ctx, 0, access.Change{}, nil) },
		cluster.Keys: func() error {
			return db.SaveKeys(ctx, 0, []sts.KeyRecord{{KID: "k", State: sts.KeyActive, CreatedAt: at(1)}})
		},
		cluster.Revocations: func() error {
			_, err := db.EndSessions(ctx, &revocation.Cut{Target: revocation.Target{Everything: true}, At: at(5)}, revocation.Filter{}, all, at(0))
			return err
		},
		cluster.Tokens: func() error { return db.RevokeToken(ctx, "jti", at(5), at(1)) },
		cluster.Sessions: func() error {
			changed, err := db.UpdateSession(ctx, begin("changed"))
			if !changed {
				return errors.Join(err, errors.New("not changed"))
			}
			ended, err := db.DeleteSession(ctx, begin("ended").Ref)
			if ended == nil {
				return errors.Join(err, errors.New("not ended"))
			}
			return err
		},
		cluster.Directory: func() error {
			u := directory.User{ID: "u", UserName: "ivan", Changed: directory.Changed{CreatedAt: at(1), ModifiedAt: at(1), Revision: 1}}
			if err := db.InsertUser(ctx, u, history.Entry{ID: "d1", CreatedAt: at(1)}); err != nil {
				return err
			}
			g := directory.Group{ID: "g", Name: "Acme", Changed: u.Changed}
			_, err := db.InsertGroup(ctx, g, []directory.MemberChange{{Users: []string{"u"}}}, history.Entry{ID: "d2", CreatedAt: at(1)})
			return err
		},
		cluster.BreakGlass: func() error {
			return db.AddBreakGlass(ctx, breakglass.Row{ID: "g", CreatedAt: at(1), ValidUntil: at(9)}, "hash", history.Entry{ID: "e", CreatedAt: at(1)})
		},
	}
}

// TestChangesAreCounted: whoever reads the numbers learns of every kind of change, and of none that was not made.
func TestChangesAreCounted(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *store.DB) {
		numbers := func() map[cluster.Topic]int64 {
			n, _, err := db.Numbers(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		changes := everyChange(t, db)
		if len(changes) != len(cluster.Topics) {
			t.Fatalf("topics without a change: %v", cluster.Topics)
		}
		for _, topic := range cluster.Topics {
			before := numbers()
			if err := changes[topic](); err != nil {
				t.Fatalf("%s: %v", topic, err)
			}
			if after := numbers(); after[topic] <= before[topic] {
				t.Errorf("%s: a change is not counted: %d, then %d", topic, before[topic], after[topic])
			}
		}
		before := numbers()
		if err := db.CommitChange(t.Context(), 4711, access.Change{}, nil); !errors.Is(err, policy.ErrVersion) {
			t.Errorf("expected a lost update, got %v", err)
		}
		if gone, err := db.DeleteSession(t.Context(), "nobody's"); gone != nil || err != nil {
			t.Errorf("got %v, %v", gone, err)
		}
		after := numbers()
		for _, topic := range cluster.Topics {
			if after[topic] != before[topic] {
				t.Errorf("%s: what was not changed is counted", topic)
			}
		}
	})
}

// TestChangesAreHeard by another process, in their order, with the numbers that the table has, and naming sessions by their
// cookies' hashes.
func TestChangesAreHeard(t *testing.T) {
	cfg := testdb.Config(t, store.Postgres)
	here, there := testdb.OpenConfig(t, cfg), testdb.OpenConfig(t, cfg)
	ctx, stop := context.WithCancel(t.Context())
	ready, heard, ended := make(chan struct{}), make(chan cluster.Announcement, 100), make(chan error, 1)
	go func() {
		ended <- there.Listen(ctx, func() { close(ready) }, func(message string) {
			if a, err := cluster.ParseAnnouncement(message); err == nil {
				heard <- a
			} else {
				t.Errorf("%q: %v", message, err)
			}
		})
	}()
	<-ready
	changes := everyChange(t, here)
	var names []string
	for _, topic := range cluster.Topics {
		if err := changes[topic](); err != nil {
			t.Fatal(err)
		}
		for seen := false; !seen; {
			select {
			case a := <-heard:
				seen = a.Topic == topic
				if numbers, _, err := here.Numbers(ctx); err != nil || a.Origin != here.Origin() || a.Number > numbers[a.Topic] || a.Number < 1 {
					t.Errorf("got %+v, numbers %v, %v", a, numbers, err)
				}
				names = append(names, a.Names...)
			case <-time.After(20 * time.Second):
				t.Fatalf("%s: nothing was heard", topic)
			}
		}
	}
	names = slices.DeleteFunc(names, func(name string) bool { return len(name) == 1 }) // of the directory
	for len(names) < 4 {                                                               // the second of the two announcements of sessions
		select {
		case a := <-heard:
			names = append(names, a.Names...)
		case <-time.After(20 * time.Second):
			t.Fatalf("heard of %q only", names)
		}
	}
	slices.Sort(names)
	if want := []string{"before-changed", "before-ended", "changed", "ended"}; !slices.Equal(names, want) {
		t.Errorf("expected %q, got %q", want, names)
	}
	stop()
	if err := <-ended; err == nil {
		t.Error("who stops listening is not told")
	}
}

// TestManySessionsAreNotNamed: a message has room for so many.
func TestManySessionsAreNotNamed(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *store.DB) {
		for i := range cluster.MostNames {
			r := session.Record{Ref: string(rune('a'+i%26)) + string(rune('a'+i/26)), Hash: "h" + string(rune(0x100+i)), PreviousHash: "p" + string(rune(0x100+i)), CreatedAt: at(1), SeenAt: at(1), EndsAt: at(9), Version: 1}
			if err := testdb.InsertSession(t.Context(), db, r); err != nil {
				t.Fatal(err)
			}
		}
		gone, err := db.EndSessions(t.Context(), nil, revocation.Filter{}, func(*session.Record) bool { return true }, at(0))
		if err != nil || len(gone) != cluster.MostNames {
			t.Errorf("ended %d: %v", len(gone), err)
		}
	})
}
