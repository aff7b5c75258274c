package desk

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/authn"
	"github.com/portico-iam/portico/internal/desk/view"
	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/httpx"
	"github.com/portico-iam/portico/internal/policy"
	"github.com/portico-iam/portico/internal/session"
)

// follower reads one stream.
type follower struct {
	*http.Response
	lines *bufio.Scanner
	close context.CancelFunc
}

// followed serves the stream to whoever who says, over a real connection.
func (b *bench) followed(who func() *authn.Caller) (follow func(query, last string) follower) {
	b.t.Helper()
	b.tails.every = 2 * time.Millisecond
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := b.historyTail(w, r, who()); err != nil {
			httpx.WriteError(w, r, err)
		}
	}))
	b.t.Cleanup(func() {
		b.StopTails() // or the server waits for them
		server.Close()
	})
	return func(query, last string) follower {
		b.t.Helper()
		ctx, cancel := context.WithTimeout(b.t.Context(), 20*time.Second)
		b.t.Cleanup(cancel)
		r, err := http.NewRequestWithContext(ctx, "GET", server.URL+view.HistoryTailPath+query, nil)
		if err != nil {
			b.t.Fatal(err)
		}
		if last != "" {
			r.Header.Set("Last-Event-ID", last)
		}
		got, err := http.DefaultClient.Do(r)
		if err != nil {
			b.t.Fatal(err)
		}
		b.t.Cleanup(func() { got.Body.Close() })
		lines := bufio.NewScanner(got.Body)
		lines.Buffer(nil, 1<<20)
		return follower{got, lines, cancel}
	}
}

var entryOf = regexp.MustCompile(`data-entry="([^"]*)"`)

// next returns the ids of the rows of the next event, and its own; none when the stream is over.
func (f follower) next() (entries []string, id string) {
	for f.lines.Scan() {
		line := f.lines.Text()
		if at, ok := strings.CutPrefix(line, "id: "); ok {
			id = at
		}
		if data, ok := strings.CutPrefix(line, "data: "); ok {
			for _, m := range entryOf.FindAllStringSubmatch(data, -1) {
				entries = append(entries, m[1])
			}
			return entries, id
		}
	}
	return nil, id
}

// happens records an entry of that time.
func (b *bench) happens(at time.Time, e history.Entry) string {
	b.t.Helper()
	e = b.History.New(e)
	e.Source, e.EntityType = history.SourceSTS, history.STSRole
	if e.Action == "" {
		e.Action = history.Created
	}
	e.CreatedAt = at.UTC().Truncate(time.Millisecond)
	b.History.Append(b.t.Context(), e)
	return e.ID
}

func always(c *authn.Caller) func() *authn.Caller { return func() *authn.Caller { return c } }

// TestTailSendsEachEntryOnce: also one that comes late, and again after a new connection, which goes on where the last one was.
func TestTailSendsEachEntryOnce(t *testing.T) {
	b := newBench(t)
	follow := b.followed(always(ada))
	now := time.Now()
	since := fmt.Sprintf("?since=%d", now.UnixMilli())
	b.happens(now.Add(-time.Minute), history.Entry{Name: "before"})
	f := follow(since, "")
	if f.StatusCode != http.StatusOK || f.Header.Get("Content-Type") != "text/event-stream" || f.Header.Get("X-Accel-Buffering") != "no" || f.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("got %d %v", f.StatusCode, f.Header)
	}
	var sent, got []string
	last := ""
	for i := range 20 {
		at := now.Add(time.Duration(i) * 100 * time.Millisecond)
		if i%3 == 2 {
			at = at.Add(-2 * time.Second) // by a replica that was slow to store it
		}
		id := b.happens(at, history.Entry{Name: "one\r\ntwo\n\nid: 7\n\n"})
		sent = append(sent, id)
		rows, at2 := f.next()
		got, last = append(got, rows...), at2
	}
	if !slices.Equal(got, sent) {
		t.Errorf("sent were %q, got %q", sent, got)
	}
	f.close()
	if want := now.Add(1900 * time.Millisecond).UnixMilli(); last != fmt.Sprint(want) { // nor what a name says
		t.Errorf("the last event is %s, want %d", last, want)
	}
	missed := b.happens(now.Add(8*time.Second), history.Entry{Name: "while nobody followed"})
	rows, _ := follow(since, last).next()
	if len(rows) == 0 || rows[0] != missed || slices.Contains(rows, "before") || len(slices.Compact(slices.Sorted(slices.Values(rows)))) != len(rows) {
		t.Errorf("missed %s, got %q", missed, rows)
	}
}

// TestTailIsNarrowedAsThePage: by the same filters, and to what its reader may list.
func TestTailIsNarrowedAsThePage(t *testing.T) {
	b := newBench(t)
	b.maps("Acme Audit", acme, b.role("Auditor", access.SetOf(access.HistoryList)).ID)
	now := time.Now().Add(-time.Minute)
	at := now
	tick := func() time.Time { at = at.Add(time.Millisecond); return at }
	created := b.happens(tick(), history.Entry{Name: "Alpha"})
	rejected := b.happens(tick(), history.Entry{Action: history.Rejected, Name: "Beta", User: "ivan"})
	inAcme := b.happens(tick(), history.Entry{Name: "Gamma", OrganisationID: acme})
	inZeta := b.happens(tick(), history.Entry{Name: "Alphabet", OrganisationID: zeta})
	who := ada
	follow := b.followed(func() *authn.Caller { return who })
	since := fmt.Sprintf("&since=%d", now.UnixMilli())
	for _, c := range []struct {
		who   *authn.Caller
		query string
		want  []string
	}{
		{ada, "", []string{inZeta, inAcme, rejected, created}},
		{ada, "action=REJECTED", []string{rejected}},
		{ada, "user=ivan", []string{rejected}},
		{ada, "name=alpha", []string{inZeta, created}},
		{ada, "organisation=" + string(zeta), []string{inZeta}},
		{as("Acme Audit"), "", []string{inAcme}},
		{as("Acme Audit"), "organisation=" + string(zeta), []string{inAcme}},
	} {
		who = c.who
		f := follow("?"+c.query+since, "")
		rows, _ := f.next()
		f.close()
		rows = slices.DeleteFunc(rows, func(id string) bool { return !slices.Contains([]string{created, rejected, inAcme, inZeta}, id) }) // nor what made the roles
		if !slices.Equal(rows, c.want) {
			t.Errorf("%v %s: got %q, want %q", c.who.Principal.IAMRoles, c.query, rows, c.want)
		}
	}
	who = as("nobody")
	if f := follow("?", ""); f.StatusCode != http.StatusForbidden {
		t.Errorf("somebody without any right: got %d", f.StatusCode)
	}
	who = ada
	if f := follow("?from=yesterday", ""); f.StatusCode != http.StatusBadRequest {
		t.Errorf("no day: got %d", f.StatusCode)
	}
}

// TestTailEnds when its time is over, when the right is taken away, and when the server stops; then nobody comes in.
func TestTailEnds(t *testing.T) {
	b := newBench(t)
	auditor := b.maps("Acme Audit", acme, b.role("Auditor", access.SetOf(access.HistoryList)).ID)
	follow := b.followed(always(as("Acme Audit")))
	f := follow("", "")
	if err := b.Policy.DeleteIAMRole(t.Context(), ada.Principal, auditor.ID, policy.Seen{}); err != nil {
		t.Fatal(err)
	}
	if rows, _ := f.next(); len(rows) > 0 || f.lines.Err() != nil {
		t.Errorf("got %q, %v", rows, f.lines.Err())
	}
	if f := follow("", ""); f.StatusCode != http.StatusForbidden {
		t.Errorf("the right is gone: got %d", f.StatusCode)
	}

	b = newBench(t)
	follow = b.followed(always(ada))
	b.tails.length = 20 * time.Millisecond
	if rows, _ := follow(fmt.Sprintf("?since=%d", time.Now().UnixMilli()), "").next(); len(rows) > 0 {
		t.Errorf("got %q", rows)
	}
	b.tails.length = time.Hour
	f = follow("", "")
	b.StopTails()
	if f.next(); f.lines.Err() != nil {
		t.Errorf("the server stops: %v", f.lines.Err())
	}
	if f := follow("", ""); f.StatusCode != http.StatusTooManyRequests {
		t.Errorf("it has stopped: got %d", f.StatusCode)
	}
}

// TestTailsAreFew: three of one session, fifty in all; who is one too many is told so in plain text.
func TestTailsAreFew(t *testing.T) {
	b := newBench(t)
	who := ada
	follow := b.followed(func() *authn.Caller { return who })
	b.tails.every = time.Hour // none of them has to look
	of := func(n int) *authn.Caller {
		return &authn.Caller{Principal: ada.Principal, Session: &session.Session{Record: session.Record{Ref: fmt.Sprint("session-", n)}}}
	}
	open := func(n, want int) follower {
		t.Helper()
		who = of(n)
		f := follow("", "")
		if f.StatusCode != want {
			t.Fatalf("session %d: got %d, want %d", n, f.StatusCode, want)
		}
		return f
	}
	var all []follower
	for i := range mostTails {
		all = append(all, open(i/mostOfOne, http.StatusOK))
	}
	f := open(0, http.StatusTooManyRequests)
	if f.lines.Scan(); f.Header.Get("Content-Type") != "text/plain; charset=utf-8" || !strings.Contains(f.lines.Text(), "at most 3 of one session, and 50 in all") {
		t.Errorf("got %v %q", f.Header, f.lines.Text())
	}
	open(999, http.StatusTooManyRequests)
	all[0].close()
	deadline := time.Now().Add(10 * time.Second)
	for who = of(999); ; {
		f := follow("", "")
		if f.StatusCode == http.StatusOK {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("who left keeps the room")
		}
	}
	open(1, http.StatusTooManyRequests) // it has three
}

// TestTailIsReadOnce: a stream is one read of the history, however often it looks.
func TestTailIsReadOnce(t *testing.T) {
	b := newBench(t)
	b.Reads = &history.Gatherer{Recorder: b.History, Store: b.db}
	follow := b.followed(always(ada))
	f := follow("?user=ivan", "")
	for range 3 {
		b.happens(time.Now(), history.Entry{User: "ivan"})
		f.next()
	}
	f.close()
	if err := b.Reads.Close(); err != nil {
		t.Fatal(err)
	}
	reads, total, err := b.History.List(t.Context(), history.Filter{Actions: []string{string(history.Requested)}, Size: 10})
	if err != nil || total != 1 || !strings.Contains(string(reads[0].Metadata), `"count":1`) || !strings.Contains(string(reads[0].Metadata), "history, live") {
		t.Errorf("got %d, %v %v", total, reads, err)
	}
}
