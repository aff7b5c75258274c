package corecall_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/config"
	"github.com/portico-iam/portico/internal/corecall"
	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/store"
	"github.com/portico-iam/portico/internal/testdb"
)

// posts is a Portico whose history is posted to a Core with a database of its own.
type posts struct {
	*world
	*corecall.Posting
	db, theirs *store.DB
	now        time.Time
	log        bytes.Buffer
}

func newPosts(t *testing.T, db *store.DB) *posts {
	t.Helper()
	p := &posts{world: newWorld(t), db: db, theirs: testdb.Open(t, store.SQLite), now: time.Now().UTC().Truncate(time.Millisecond)}
	p.core = newCore(t, p.theirs, p.caller.STS)
	p.Posting = p.replica("one")
	p.begin()
	return p
}

func (p *posts) replica(name string) *corecall.Posting {
	return &corecall.Posting{
		Caller: p.caller, Client: p.client, Store: p.db, Holder: name, Now: func() time.Time { return p.now },
		Known: func(org access.OrganisationID) bool { return org == known }, Logger: slog.New(slog.NewTextHandler(&p.log, nil)),
	}
}

const known = access.OrganisationID("6a3c0000-0000-4000-8000-000000000001")

// record stores and seals entries.
func (p *posts) record(entries ...history.Entry) {
	p.t.Helper()
	r := history.Recorder{Store: p.db, Now: func() time.Time { return p.now }, Logger: silent}
	for _, e := range entries {
		p.now = p.now.Add(time.Millisecond)
		r.Record(p.t.Context(), e)
	}
	sealer := history.Sealer{Store: p.db, Now: func() time.Time { return p.now }, Logger: silent}
	if err := sealer.Seal(p.t.Context()); err != nil {
		p.t.Fatal(err)
	}
}

func (p *posts) begin() {
	p.t.Helper()
	if err := p.db.BeginPosting(p.t.Context()); err != nil {
		p.t.Fatal(err)
	}
}

func (p *posts) post() {
	p.t.Helper()
	if err := p.Post(p.t.Context()); err != nil {
		p.t.Fatal(err)
	}
}

// arrived lists what Core has, the oldest first.
func (p *posts) arrived() []history.Entry {
	p.t.Helper()
	entries, _, err := p.theirs.ListHistory(p.t.Context(), history.Filter{Size: 1000, Sort: "createdDate"})
	if err != nil {
		p.t.Fatal(err)
	}
	return entries
}

func names(entries []history.Entry) (all []string) {
	for _, e := range entries {
		all = append(all, e.Name)
	}
	return all
}

func role(name string) history.Entry {
	return history.Entry{
		Action: history.Created, EntityType: history.STSRole, EntityID: "6a3c0000-0000-4000-8000-00000000000a", Name: name, Source: history.SourceSTS,
		User: "ada@acme.test", OrganisationID: known, Metadata: history.Details(map[string]int{"a": 1}),
	}
}

func TestTheHistoryIsPostedByCoresContract(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *store.DB) {
		p := newPosts(t, db)
		foreign := role("elsewhere")
		foreign.OrganisationID, foreign.User, foreign.EntityID = "6a3c0000-0000-4000-8000-000000000002", "", "Jq0MMc0g6TlX"
		p.record(role("first"), foreign)
		p.post()
		p.post() // once only
		got := p.arrived()
		if len(got) != 2 {
			t.Fatalf("got %+v", got)
		}
		e := got[0]
		if e.Name != "first" || e.User != "ada@acme.test" || e.EntityID != role("").EntityID || e.OrganisationID != known || e.Source != history.SourceSTS {
			t.Errorf("got %+v", e)
		}
		ours, _, err := db.ListHistory(t.Context(), history.Filter{Size: 10, Sort: "createdDate"})
		if err != nil {
			t.Fatal(err)
		}
		e, _, err = p.theirs.GetHistory(t.Context(), e.ID)
		var about struct {
			Reference, CreatedDate string
			Details                struct{ A int }
		}
		if err != nil || json.Unmarshal(e.Metadata, &about) != nil || about.Reference != ours[0].ID || about.Details.A != 1 || about.CreatedDate != ours[0].CreatedAt.Format("2006-01-02T15:04:05.000Z") {
			t.Errorf("got %s, %v", e.Metadata, err)
		}
		e, _, _ = p.theirs.GetHistory(t.Context(), got[1].ID)
		if e.User != "portico" || e.EntityID != "" || e.OrganisationID != "" || !strings.Contains(string(e.Metadata), `"entityId":"Jq0MMc0g6TlX","organisationId":"6a3c0000-0000-4000-8000-000000000002"`) {
			t.Errorf("got %+v, %s", e, e.Metadata)
		}
		if w, err := p.Waiting(t.Context()); w != nil || err != nil {
			t.Errorf("nothing waits, got %v, %v", w, err)
		}
	})
}

func TestWhatWasRecordedBeforeIsNotPosted(t *testing.T) {
	db := testdb.Open(t, store.SQLite)
	p := &posts{world: newWorld(t), db: db, theirs: testdb.Open(t, store.SQLite), now: time.Now()}
	p.core = newCore(t, p.theirs, p.caller.STS)
	p.record(role("before"))
	p.Posting = p.replica("one")
	p.begin()
	p.begin()
	p.record(role("after"))
	p.post()
	if got := names(p.arrived()); !slices.Equal(got, []string{"after"}) {
		t.Errorf("got %q", got)
	}
}

// TestWhileCoreIsAwayTheHistoryWaits: nothing is lost, nothing overtakes, and Core is not hammered.
func TestWhileCoreIsAwayTheHistoryWaits(t *testing.T) {
	for rule, answer := range map[string]http.HandlerFunc{
		"it hangs up":                        func(w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) },
		"a proxy says so":                    status(http.StatusBadGateway, ""),
		"it is busy":                         status(http.StatusTooManyRequests, ""),
		"it knows not our keys":              status(http.StatusUnauthorized, ""),
		"it does not allow it":               status(http.StatusForbidden, ""),
		"the endpoint is off":                status(http.StatusNotFound, ""),
		"something else answers":             status(http.StatusBadRequest, "<html>no"),
		"it answers what is not its own 201": status(http.StatusOK, `{"id":"x"}`),
	} {
		t.Run(rule, func(t *testing.T) {
			p := newPosts(t, testdb.Open(t, store.SQLite))
			p.instead(answer)
			p.record(role("1"), role("2"))
			before := p.calls.Load()
			for range 50 {
				p.post()
				p.now = p.now.Add(time.Minute)
			}
			if calls := p.calls.Load() - before; calls < 10 || calls > 25 {
				t.Errorf("%d calls in 50 minutes", calls)
			}
			w, err := p.Waiting(t.Context())
			if err != nil || w == nil || w.Entries != 2 || w.Why == nil {
				t.Fatalf("got %+v, %v", w, err)
			}
			if n := strings.Count(p.log.String(), "can't be posted"); n != 1 {
				t.Errorf("it is told %d times", n)
			}
			p.instead(nil)
			p.record(role("3"))
			p.now = p.now.Add(10 * time.Minute)
			p.post()
			if got := names(p.arrived()); !slices.Equal(got, []string{"1", "2", "3"}) {
				t.Errorf("got %q", got)
			}
		})
	}
}

func status(code int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body)
	}
}

// TestAnEntryThatCoreNeverTakesKeepsNoOtherFromIt and is named in the log.
func TestAnEntryThatCoreNeverTakesKeepsNoOtherFromIt(t *testing.T) {
	for rule, answer := range map[string]http.HandlerFunc{
		"Core refuses it by a code":    status(http.StatusBadRequest, `{"code":"BR_0084","message":"no"}`),
		"Core misses what it names":    status(http.StatusNotFound, `{"code":"BR_0022","message":"no"}`),
		"Core fails at it each time":   status(http.StatusInternalServerError, `{"code":"BR_0000","message":"no"}`),
		"Core fails without any words": status(http.StatusInternalServerError, ""),
	} {
		t.Run(rule, func(t *testing.T) {
			p := newPosts(t, testdb.Open(t, store.SQLite))
			p.instead(func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				if strings.Contains(string(body), `"poison"`) {
					answer(w, r)
					return
				}
				r.Body = io.NopCloser(bytes.NewReader(body))
				p.core.ServeHTTP(w, r)
			})
			p.record(role("1"), role("poison"), role("2"))
			for range 10 {
				p.post()
				p.now = p.now.Add(5 * time.Minute)
			}
			if got := names(p.arrived()); !slices.Equal(got, []string{"1", "2"}) {
				t.Errorf("got %q", got)
			}
			if !strings.Contains(p.log.String(), "level=ERROR") || !strings.Contains(p.log.String(), "left out of Core's history") {
				t.Errorf("it is not told: %s", &p.log)
			}
		})
	}
}

// TestACoreThatFailsAtEverythingLacksLittle: of a night of 500s, which is no entry's fault; and of one 500 after an outage nothing.
func TestACoreThatFailsAtEverythingLacksLittle(t *testing.T) {
	p := newPosts(t, testdb.Open(t, store.SQLite))
	try := func(times int) {
		for range times {
			p.post()
			p.now = p.now.Add(5 * time.Minute)
		}
	}
	for i := range 20 {
		p.record(role(fmt.Sprint(i)))
	}
	p.instead(status(http.StatusBadGateway, ""))
	try(10)
	p.instead(status(http.StatusInternalServerError, ""))
	try(1)
	p.instead(p.core.ServeHTTP)
	try(1)
	if got := p.arrived(); len(got) != 20 {
		t.Fatalf("after one failure Core has %d", len(got))
	}
	for i := range 20 {
		p.record(role(fmt.Sprint(i)))
	}
	p.instead(status(http.StatusInternalServerError, ""))
	try(12 * 10)
	p.instead(p.core.ServeHTTP)
	try(1)
	if got := p.arrived(); len(got) != 36 || p.leavesOut() != 4 {
		t.Errorf("after ten hours Core has %d, and %d are left out", len(got), p.leavesOut())
	}
}

func (p *posts) leavesOut() int { return strings.Count(p.log.String(), "left out of Core's history") }

// TestReplicasPostEachEntryOnce, also when the one that posts is gone.
func TestReplicasPostEachEntryOnce(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *store.DB) {
		p := newPosts(t, db)
		var want []string
		for i := range 120 {
			want = append(want, fmt.Sprintf("entry %03d", i))
			p.record(role(want[i]))
		}
		var all sync.WaitGroup
		for i := range 4 {
			now := p.now.Add(time.Duration(i+1) * 3 * time.Minute) // the lease of the one before is over
			replica := p.replica(fmt.Sprintf("replica %d", i))
			replica.Now, replica.Logger = func() time.Time { return now }, silent
			all.Go(func() {
				if err := replica.Post(t.Context()); err != nil {
					t.Error(err)
				}
			})
			if i == 0 {
				all.Wait()
			}
		}
		all.Wait()
		p.now = p.now.Add(13 * time.Minute) // the last lease ends in a minute
		got := names(p.arrived())
		slices.Sort(got) // those of one millisecond
		if !slices.Equal(got, want) {
			t.Errorf("got %d entries: %q", len(got), got)
		}
		p.record(role("later"))
		p.post()
		if len(p.arrived()) != len(want) {
			t.Error("somebody else holds the lease")
		}
		p.now = p.now.Add(3 * time.Minute)
		p.post()
		if len(p.arrived()) != len(want)+1 {
			t.Error("the lease was over")
		}
	})
}

func TestTheTokenOfARecordAllowsNothingElse(t *testing.T) {
	p := newPosts(t, testdb.Open(t, store.SQLite))
	var token string
	p.instead(func(w http.ResponseWriter, r *http.Request) {
		token = strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		p.core.ServeHTTP(w, r)
	})
	p.record(role("1"))
	p.post()
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	var claims struct {
		Sub, OrganisationID string
		Permissions         []string
	}
	if err != nil || json.Unmarshal(payload, &claims) != nil || claims.Sub != "ada@acme.test" || claims.OrganisationID != "" || !slices.Equal(claims.Permissions, []string{"HISTORY_CREATE"}) {
		t.Errorf("got %s, %v", payload, err)
	}
	p.caller.Mode = config.AuthUnsafeNone
	p.record(role("2"))
	p.post()
	if token != "none" {
		t.Errorf("got %q where Core reads no token", token)
	}
}
