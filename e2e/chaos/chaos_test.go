package chaos

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/testdb"
)

func TestMain(m *testing.M) { testdb.Main(m) }

// short is how long it lasts as part of all tests.
const short = 20 * time.Second

// TestNothingWrongAndNothingLost runs the load while one thing after the other breaks.
func TestNothingWrongAndNothingLost(t *testing.T) {
	long, err := time.ParseDuration(os.Getenv("CHAOS_FOR"))
	if err != nil {
		long = short
	}
	seed, err := strconv.ParseUint(os.Getenv("CHAOS_SEED"), 10, 64)
	if err != nil {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("CHAOS_SEED=%d CHAOS_FOR=%s", seed, long)
	random := rand.New(rand.NewPCG(seed, seed))

	disk := mount(t)
	a := &actors{cluster: startCluster(t), ledger: newLedger(), made: map[string]*made{}, cuts: map[string]time.Time{}, disk: disk}
	ctx, cancel := context.WithTimeout(t.Context(), long)
	defer cancel()
	a.ctx = ctx
	a.prepare()
	a.run()
	only := slices.DeleteFunc(slices.Clone(faults), func(f fault) bool { return !strings.Contains(f.name, os.Getenv("CHAOS_ONLY")) })
	for !a.over() {
		for _, i := range random.Perm(len(only)) {
			a.suffer(only[i], random)
		}
	}
	a.working.Wait()
	time.Sleep(grace) // a replica that was cut off when the time was over does not know yet what the others did
	a.verify()
	a.print(t)
	if len(a.wrong) > 0 || len(a.lost) > 0 {
		t.Errorf("%d wrong answers, %d lost writes", len(a.wrong), len(a.lost))
	}
	if a.notes["roles whose state was answered"] == 0 || a.notes["session ended"] == 0 || a.notes["access given and taken away"] == 0 {
		t.Error("nothing was tried")
	}
}

// prepare makes the roles that the load needs.
func (a *actors) prepare() {
	ada := a.signedIn("ada@acme.test")
	var role struct{ ID string }
	got := ada.call(http.MethodPost, "/api/sts/role/v1", map[string]any{"name": "Lists roles", "permissions": []string{"STS_ROLE_LIST"}})
	if !got.is(201) || json.Unmarshal(got.body, &role) != nil {
		a.t.Fatalf("%d %s", got.status, got.body)
	}
	a.role = role.ID
	if got := ada.call(http.MethodPost, "/api/sts/iam-role/v1", map[string]any{"name": "Acme Batch", "systemRoles": []string{a.role}}); !got.is(201) {
		a.t.Fatalf("%d %s", got.status, got.body)
	}
}

// suffer has the cluster meet one fault, and come back.
func (a *actors) suffer(f fault, random *rand.Rand) {
	a.pause(2 * time.Second)
	if a.over() {
		return
	}
	a.begin(f.name)
	f.do(a, random)
	for _, r := range a.replicas {
		r.revive()
	}
	a.recover()
	a.begin("nothing")
}

// recover waits until all replicas are ready again: what is broken next meets a whole cluster.
func (a *actors) recover() {
	a.pause(time.Second) // the balancer notices
	for until := time.Now().Add(30 * time.Second); a.balancer.ready() < len(a.replicas) && !a.over(); a.pause(100 * time.Millisecond) {
		if time.Now().After(until) {
			a.t.Errorf("half a minute after %q only %d replicas are ready", a.now.name, a.balancer.ready())
			return
		}
	}
}

// mount gives the database a file system of its own, so that it can be filled; empty: not here.
func mount(t *testing.T) (folder string) {
	folder, err := os.MkdirTemp("/tmp", "chaos")
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", folder, "tmpfs", 0, "size=400m,mode=1777"); err != nil {
		t.Logf("no file system of its own for the database: %v", err)
		_ = os.Remove(folder)
		return ""
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(folder, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
		_ = os.Remove(folder)
	})
	t.Setenv("TMPDIR", filepath.Clean(folder))
	return folder
}
