package store_test

import (
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/breakglass"
	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/revocation"
	"github.com/portico-iam/portico/internal/session"
	"github.com/portico-iam/portico/internal/store"
	"github.com/portico-iam/portico/internal/testdb"
)

func anEntry() history.Entry {
	return history.Entry{ID: uuid.NewString(), CreatedAt: at(1), Action: history.Activated, EntityType: history.STSSession}
}

func TestBreakGlass(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		now := at(0)
		add := func(hash string) breakglass.Row {
			t.Helper()
			r := breakglass.Row{ID: uuid.NewString(), Label: "Safe \u202e⚿", CreatedAt: now, CreatedBy: "command line: eve", ValidUntil: now.Add(time.Hour)}
			if err := db.AddBreakGlass(ctx, r, hash, anEntry()); err != nil {
				t.Fatal(err)
			}
			return r
		}
		spend := func(id, hash, ticket string, at time.Time) bool {
			t.Helper()
			until, err := db.SpendBreakGlass(ctx, id, hash, ticket, at.Add(time.Minute), at, anEntry())
			if err != nil {
				t.Fatal(err)
			}
			return !until.IsZero()
		}
		redeem := func(ticket, browser, session string, at time.Time) *breakglass.Row {
			t.Helper()
			row, err := db.RedeemBreakGlass(ctx, ticket, browser, session, at)
			if err != nil {
				t.Fatal(err)
			}
			return row
		}
		a, b := add("hash a"), add("hash b")
		rows, err := db.BreakGlassFiles(ctx)
		if err != nil || len(rows) != 2 {
			t.Fatalf("got %v, %v", rows, err)
		}
		for _, r := range rows {
			if r.ID == a.ID {
				same(t, []*breakglass.Row{&a}, []*breakglass.Row{&r})
			}
		}

		for rule, c := range map[string]struct {
			id, hash string
			at       time.Time
		}{
			"another file's secret": {a.ID, "hash b", now}, "no secret": {a.ID, "", now}, "no such file": {uuid.NewString(), "hash a", now},
			"when its time is over": {a.ID, "hash a", now.Add(time.Hour)},
		} {
			if spend(c.id, c.hash, "ticket", c.at) {
				t.Errorf("%s: it was spent", rule)
			}
		}
		if redeem("", "b", "s", now) != nil || redeem("ticket", "b", "s", now) != nil {
			t.Error("a ticket that nobody has was redeemed")
		}
		if row, err := db.BreakGlassBySecret(ctx, a.ID, "hash b"); row != nil || err != nil {
			t.Errorf("got %v, %v", row, err)
		}
		if row, err := db.BreakGlassBySecret(ctx, a.ID, "hash a"); row == nil || err != nil || row.ID != a.ID {
			t.Errorf("got %v, %v", row, err)
		}

		// Of many tickets at once one spends the file, and of many browsers one redeems it.
		var spent, redeemed atomic.Int32
		many := func(do func(i string)) {
			var all sync.WaitGroup
			for i := range 8 {
				all.Go(func() { do(strconv.Itoa(i)) })
			}
			all.Wait()
		}
		var ticket atomic.Value
		many(func(i string) {
			if until, err := db.SpendBreakGlass(ctx, a.ID, "hash a", "ticket "+i, now.Add(time.Minute), now, anEntry()); err != nil {
				t.Error(err)
			} else if !until.IsZero() {
				spent.Add(1)
				ticket.Store("ticket " + i)
			}
		})
		mine := ticket.Load().(string)
		if !spend(a.ID, "hash a", mine, now.Add(time.Second)) || spend(a.ID, "hash a", "ticket", now) || spend(a.ID, "hash a", mine, now.Add(time.Minute)) {
			t.Error("the same ticket is to be had again while it lives, and no other")
		}
		if redeem(mine, "b", "s", now.Add(time.Minute)) != nil {
			t.Error("a ticket was redeemed when its time was over")
		}
		var browser atomic.Value
		many(func(i string) {
			if row, err := db.RedeemBreakGlass(ctx, mine, "browser "+i, "session "+i, now); err != nil {
				t.Error(err)
			} else if row != nil && row.ID == a.ID && row.Label == a.Label && row.SessionRef == "" {
				redeemed.Add(1)
				browser.Store(i)
			}
		})
		if spent.Load() != 1 || redeemed.Load() != 1 {
			t.Fatalf("spent %d times, redeemed %d times", spent.Load(), redeemed.Load())
		}
		winner := browser.Load().(string)
		if again := redeem(mine, "browser "+winner, "session", now); again == nil || again.SessionRef != "session "+winner {
			t.Errorf("the same browser is to have it again, and be told of the session of before; got %+v", again)
		}
		if redeem(mine, "", "session", now) != nil || spend(a.ID, "hash a", mine, now) {
			t.Error("it was redeemed, and is had again elsewhere")
		}

		for i, want := range []bool{true, false} {
			if got, err := db.RevokeBreakGlass(ctx, b.ID, now, anEntry()); err != nil || got != want {
				t.Errorf("attempt %d: got %v, %v", i, got, err)
			}
		}
		if spend(b.ID, "hash b", "ticket b", now) {
			t.Error("a revoked file was used")
		}
		if got, err := db.RevokeBreakGlass(ctx, a.ID, now, anEntry()); !got || err != nil || redeem(mine, "browser "+winner, "session", now) != nil {
			t.Errorf("a ticket that its browser may type again can't be revoked: %v, %v", got, err)
		}
		c := add("hash c")
		if !spend(c.ID, "hash c", "ticket c", now) {
			t.Fatal("not spent")
		}
		if got, err := db.RevokeBreakGlass(ctx, c.ID, now, anEntry()); !got || err != nil || redeem("ticket c", "b", "s", now) != nil || spend(c.ID, "hash c", "ticket c", now) {
			t.Errorf("a ticket that waits can't be revoked: %v, %v", got, err)
		}
		// Each of these has its entry, and nothing else has: three made, two spent, three revoked.
		if _, total, err := db.ListHistory(ctx, history.Filter{Size: 10}); err != nil || total != 8 {
			t.Errorf("got %d entries, %v", total, err)
		}
	})
}

// TestWhoeverIsSentAwayStaysAway: that a ticket may be typed again after a lost answer is no way back into a session that was ended.
func TestWhoeverIsSentAwayStaysAway(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *store.DB) {
		ctx, now := t.Context(), at(0)
		redeem := func(name, ref string) bool {
			t.Helper()
			row, err := db.RedeemBreakGlass(ctx, "ticket "+name, "browser", ref, now)
			if err != nil {
				t.Fatal(err)
			}
			return row != nil
		}
		begin := func(r *breakglass.Row, ref string) {
			t.Helper()
			err := testdb.InsertSession(ctx, db, session.Record{
				Ref: ref, Hash: ref, Principal: access.Principal{Issuer: access.BreakGlassIssuer, Subject: r.Subject()}, EndsAt: now.Add(time.Hour), Version: 1,
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		for rule, end := range map[string]func(ref string) error{
			"signed out": func(ref string) error { _, err := db.DeleteSession(ctx, ref); return err },
			"sent away": func(ref string) error {
				_, err := db.EndSessions(ctx, nil, revocation.Filter{Ref: ref}, func(*session.Record) bool { return true }, now)
				return err
			},
		} {
			r := breakglass.Row{ID: uuid.NewString(), Label: rule, CreatedAt: now, ValidUntil: now.Add(time.Hour)}
			if err := db.AddBreakGlass(ctx, r, rule, anEntry()); err != nil {
				t.Fatal(err)
			}
			if _, err := db.SpendBreakGlass(ctx, r.ID, rule, "ticket "+rule, now.Add(time.Minute), now, anEntry()); err != nil || !redeem(rule, "1 "+rule) {
				t.Fatalf("%s: not redeemed: %v", rule, err)
			}
			begin(&r, "1 "+rule)
			again := redeem(rule, "2 "+rule) // as after a lost answer, which ends the session of before
			if err := end("1 " + rule); err != nil || !again || !redeem(rule, "3 "+rule) {
				t.Fatalf("%s: it can't be typed again: %v", rule, err)
			}
			begin(&r, "3 "+rule)
			if err := end("3 " + rule); err != nil || redeem(rule, "4 "+rule) {
				t.Errorf("%s, and came in again: %v", rule, err)
			}
		}
	})
}
