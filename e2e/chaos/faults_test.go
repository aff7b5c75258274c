package chaos

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// fault breaks something, and mends it before it returns.
type fault struct {
	name string
	do   func(a *actors, random *rand.Rand)
}

// any is one of the replicas.
func (a *actors) any(random *rand.Rand) *replica { return a.replicas[random.IntN(len(a.replicas))] }

// faults are all that can break.
var faults = []fault{
	{"a replica is killed", func(a *actors, random *rand.Rand) {
		r := a.any(random)
		r.end(syscall.SIGKILL)
		a.pause(2 * time.Second)
		r.start()
	}},
	{"all replicas are killed", func(a *actors, _ *rand.Rand) {
		for _, r := range a.replicas {
			r.end(syscall.SIGKILL)
		}
		for _, r := range a.replicas {
			r.start()
		}
	}},
	{"replicas are replaced, one by one", func(a *actors, _ *rand.Rand) { a.roll() }},
	{"an upgrade is rolled out", upgrade},
	{"PostgreSQL is killed", func(a *actors, _ *rand.Rand) {
		a.database.Stop()
		a.pause(2 * time.Second)
		a.database.Start()
	}},
	{"PostgreSQL is away for long", func(a *actors, _ *rand.Rand) {
		a.database.Stop()
		a.pause(2*maxStaleness + time.Second)
		a.database.Start()
	}},
	{"one replica's connections are cut", func(a *actors, random *rand.Rand) {
		r := a.any(random)
		for range 10 {
			r.wire.Cut()
			a.pause(200 * time.Millisecond)
		}
	}},
	{"one replica can't reach the database", func(a *actors, random *rand.Rand) {
		r := a.any(random)
		r.wire.Down()
		a.pause(2*maxStaleness + 5*time.Second)
		r.wire.Mend()
	}},
	{"one replica is cut off from the database", func(a *actors, random *rand.Rand) {
		r := a.any(random)
		r.wire.Hold()
		a.pause(2*maxStaleness + 2*time.Second)
		r.wire.Mend()
	}},
	{"all are cut off from the database", func(a *actors, _ *rand.Rand) {
		for _, r := range a.replicas {
			r.wire.Hold()
		}
		a.pause(3 * time.Second)
		for _, r := range a.replicas {
			r.wire.Mend()
		}
	}},
	{"the way to the database is slow", func(a *actors, random *rand.Rand) {
		r := a.any(random)
		r.wire.Slow(100 * time.Millisecond)
		a.pause(8 * time.Second)
		r.wire.Mend()
	}},
	{"connections are exhausted", exhaust},
	{"the database's disk is full", fill},
	{"Okta's connections are cut", func(a *actors, _ *rand.Rand) {
		for range 20 {
			a.oktaWire.Cut()
			a.pause(200 * time.Millisecond)
		}
	}},
	{"Okta hangs", func(a *actors, _ *rand.Rand) {
		a.oktaWire.Hold()
		a.pause(8 * time.Second)
		a.oktaWire.Mend()
	}},
	{"Okta is slow", func(a *actors, _ *rand.Rand) {
		a.oktaWire.Slow(300 * time.Millisecond)
		a.pause(8 * time.Second)
		a.oktaWire.Mend()
	}},
	{"Okta rotates its keys", func(a *actors, _ *rand.Rand) {
		if err := a.okta.RotateKeys(); err != nil {
			a.t.Error(err)
		}
		a.pause(3 * time.Second)
	}},
	{"our signing keys are rotated", func(a *actors, _ *rand.Rand) { a.keys("next", http.MethodPost) }},
	{"the signing key is cut", func(a *actors, _ *rand.Rand) { a.keys("active", http.MethodDelete) }},
	{"one clock is half a minute ahead", skew(30 * time.Second)},
	{"one clock is half a minute behind", skew(-30 * time.Second)},
	{"one clock leaps ten minutes ahead", skew(10 * time.Minute)},
	{"one clock leaps ten minutes back", skew(-10 * time.Minute)},
}

// roll replaces one replica after the other: the next when the one before is ready.
func (a *actors) roll() {
	for _, r := range a.replicas {
		r.end(syscall.SIGTERM)
		r.start()
		for until := time.Now().Add(20 * time.Second); !healthy(a.ctx, r) && time.Now().Before(until); {
			a.pause(50 * time.Millisecond)
		}
		a.pause(500 * time.Millisecond) // the balancer notices
	}
}

// upgrade brings the tables up to date as a later version would, while the replicas run, and replaces them one by one.
func upgrade(a *actors, random *rand.Rand) {
	table := fmt.Sprintf("later_%d", random.Uint32())
	a.sql(`CREATE TABLE `+table+` (id BIGINT PRIMARY KEY)`,
		`ALTER TABLE role ADD COLUMN `+table+` TEXT NOT NULL DEFAULT ''`,
		`ALTER TABLE session ADD COLUMN `+table+` TEXT NOT NULL DEFAULT ''`,
		`INSERT INTO schema_version (version_id, is_applied) SELECT MAX(version_id) + 1, true FROM schema_version`)
	a.roll()
}

// sql runs statements as the administrator, in the database that the replicas use.
func (a *actors) sql(statements ...string) {
	conn, err := pgx.Connect(context.Background(), a.dsn)
	if err != nil {
		a.note("the administrator was not let into the database")
		return
	}
	defer conn.Close(context.Background())
	for _, s := range statements {
		if _, err := conn.Exec(context.Background(), s); err != nil {
			a.t.Errorf("%s: %v", s, err)
		}
	}
}

// exhaust takes every connection that the server has left.
func exhaust(a *actors, _ *rand.Rand) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	var taken []*pgx.Conn
	for range 500 {
		conn, err := pgx.Connect(ctx, a.dsn)
		if err != nil {
			break
		}
		taken = append(taken, conn)
	}
	for _, r := range a.replicas {
		r.wire.Cut() // they need new ones
	}
	a.pause(4 * time.Second)
	for _, conn := range taken {
		_ = conn.Close(context.Background())
	}
}

// fill leaves the database no room. It takes a file system of its own (mount).
func fill(a *actors, _ *rand.Rand) {
	if a.disk == "" {
		a.note("a full disk could not be tried: no file system could be mounted")
		return
	}
	path := filepath.Join(a.disk, "full")
	f, err := os.Create(path)
	if err != nil {
		a.t.Error(err)
		return
	}
	block := make([]byte, 1<<20)
	for err == nil {
		_, err = f.Write(block)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		a.t.Error(err)
	}
	a.pause(4 * time.Second)
	f.Close()
	if err := os.Remove(path); err != nil {
		a.t.Error(err)
	}
	a.database.Revive()
}

// keys rotates, or cuts, the signing key that is in that state.
func (a *actors) keys(state, method string) {
	ada := a.signedIn("ada@acme.test")
	var list struct{ Values []struct{ Kid, State string } }
	if ada == nil {
		return
	}
	if got := ada.call(http.MethodGet, "/api/sts/key/v1", nil); !got.is(200) || json.Unmarshal(got.body, &list) != nil {
		return
	}
	for _, k := range list.Values {
		switch {
		case k.State != state:
		case method == http.MethodDelete:
			if ada.call(method, "/api/sts/key/v1/"+url.PathEscape(k.Kid), nil).is(204, 200) {
				a.mu.Lock()
				a.cuts[k.Kid] = time.Now()
				a.mu.Unlock()
				a.note("signing key cut")
			}
		case ada.call(method, "/api/sts/key/v1/rotation", map[string]any{"force": true, "kid": k.Kid}).is(204, 200):
			a.note("signing key rotated")
		}
	}
	a.pause(2 * time.Second)
}

// skew has one replica's clock be off for a while.
func skew(off time.Duration) func(*actors, *rand.Rand) {
	return func(a *actors, random *rand.Rand) {
		r := a.any(random)
		r.setClock(off)
		a.pause(8 * time.Second)
		r.setClock(0)
	}
}
