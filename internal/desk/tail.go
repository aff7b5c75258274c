package desk

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/authn"
	"github.com/portico-iam/portico/internal/desk/view"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/session"
)

const (
	mostTails    = 50 // at a time, of everybody
	mostOfOne    = 3  // of one session
	tailEvery    = time.Second
	tailFor      = 25 * time.Second // then the browser comes again, and is judged anew
	tailAlive    = 10               // looks after which silence is broken, so that who hung up is noticed
	tailBehind   = 5 * time.Second  // by which an entry may come later than one that is newer
	tailBacklog  = time.Hour        // that is caught up with
	tailMostRows = 1000             // of one look
)

// tails counts the streams that are open.
type tails struct {
	mu      sync.Mutex
	of      map[string]int
	all     int
	over    chan struct{} // closed when no more is to be sent
	stopped bool

	every, length time.Duration // zero: as above
}

// enter counts a stream in, as long as there is room. Whoever it was let in for calls leave.
func (t *tails) enter(who string) (leave func(), over <-chan struct{}, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.stopped || t.all >= mostTails || t.of[who] >= mostOfOne {
		return nil, nil, false
	}
	if t.of == nil {
		t.of, t.over = map[string]int{}, make(chan struct{})
	}
	t.all++
	t.of[who]++
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.all--
		if t.of[who]--; t.of[who] == 0 {
			delete(t.of, who)
		}
	}, t.over, true
}

// StopTails ends the streams: the server stops.
func (h *Handler) StopTails() {
	t := &h.tails
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.stopped && t.over != nil {
		close(t.over)
	}
	t.stopped = true
}

// mountTail puts the stream at its address. Nobody need be there while it is open, so it keeps no session alive.
func (h *Handler) mountTail(mux *http.ServeMux) {
	next := h.known(h.historyTail)
	mux.HandleFunc("GET "+view.HistoryTailPath, func(w http.ResponseWriter, r *http.Request) { next.ServeHTTP(w, session.Passive(r)) })
}

// historyTail sends what comes into the list that the address chooses, as server-sent events (HTML, section 9.2): rows as the page
// has them, the newest first, each once, with the time of the newest as the event's id.
func (h *Handler) historyTail(w http.ResponseWriter, r *http.Request, c *authn.Caller) error {
	v, filter, scope, err := h.historyChosen(r, c)
	if err != nil {
		return err
	}
	if err := usable(&v); err != nil {
		return err
	}
	header := w.Header()
	header.Set("Cache-Control", "no-store")
	leave, over, ok := h.tails.enter(cmp.Or(c.SessionRef(), c.Principal.Issuer+" "+c.Principal.Subject))
	if !ok {
		header.Set("Content-Type", "text/plain; charset=utf-8")
		header.Set("Retry-After", "30")
		w.WriteHeader(http.StatusTooManyRequests)
		fmt.Fprintln(w, sayFault(r.Context(), fault.TooMany.New("too many pages follow the history: at most %d of one session, and %d in all", mostOfOne, mostTails)))
		return nil
	}
	defer leave()
	header.Set("Content-Type", "text/event-stream")
	header.Set("X-Accel-Buffering", "no")
	if r.Method == http.MethodHead {
		return nil
	}
	h.Reads.Note(history.Reading(c.Principal, scope, "Desk: history, live", chosen(v.List.Filters)))
	ctx, cancel := context.WithTimeout(r.Context(), cmp.Or(h.tails.length, tailFor))
	defer cancel()
	t := tail{h: h, filter: filter, last: h.tailSince(r), to: patient{w, http.NewResponseController(w)}}
	if err := t.run(ctx, over, func() bool { return h.stillLists(r, c, scope) }); err != nil && ctx.Err() == nil {
		h.Logger.WarnContext(ctx, "the history is not followed any more", "error", err)
	}
	return nil
}

// stillLists tells whether the caller may still list that part of the record. It enforces nothing: who comes again is refused.
func (h *Handler) stillLists(r *http.Request, c *authn.Caller, scope access.OrganisationID) bool {
	now, err := h.historyScope(r, c)
	return err == nil && now == scope
}

// tailSince is from when on: what the browser had last, else when the page was made.
func (h *Handler) tailSince(r *http.Request) time.Time {
	now := h.Now()
	ms, err := strconv.ParseInt(cmp.Or(r.Header.Get("Last-Event-ID"), r.URL.Query().Get("since")), 10, 64)
	since := time.UnixMilli(ms)
	switch {
	case err != nil || since.After(now):
		return now
	case since.Before(now.Add(-tailBacklog)):
		return now.Add(-tailBacklog)
	}
	return since
}

// tail is one stream.
type tail struct {
	h      *Handler
	filter history.Filter
	last   time.Time       // of the newest entry that was sent
	seen   map[string]bool // ids of the entries that the last look found
	to     patient
}

// run looks again and again, until it is over.
func (t *tail) run(ctx context.Context, over <-chan struct{}, allowed func() bool) error {
	if err := t.send(ctx, "retry: 1000\n\n"); err != nil {
		return err
	}
	tick := time.NewTicker(cmp.Or(t.h.tails.every, tailEvery))
	defer tick.Stop()
	for silent := 0; allowed(); silent++ {
		sent, err := t.look(ctx)
		if err != nil {
			return err
		}
		if sent {
			silent = 0
		}
		if silent == tailAlive {
			silent = 0
			if err := t.send(ctx, ":\n\n"); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-over:
			return nil
		case <-tick.C:
		}
	}
	return nil
}

// look sends what came since the last look. Entries may come a little later than newer ones, by another replica: so it looks
// further back than that, and leaves out what it has found before.
func (t *tail) look(ctx context.Context) (sent bool, err error) {
	f := t.filter
	f.Sort, f.Descending, f.Page, f.Size = "createdDate", true, 0, tailMostRows
	if from := t.last.Add(-tailBehind); from.After(f.After) {
		f.After = from
	}
	entries, total, err := t.h.History.List(ctx, f)
	if err != nil {
		return false, err
	}
	found, rows := make(map[string]bool, len(entries)), bytes.Buffer{}
	for _, e := range entries {
		found[e.ID] = true
		if t.seen[e.ID] {
			continue
		}
		if e.CreatedAt.After(t.last) {
			t.last = e.CreatedAt
		}
		if err := view.HistoryTableRow(t.h.historyRow(e)).Render(ctx, &rows); err != nil {
			return false, err
		}
	}
	t.seen = found
	if rows.Len() == 0 {
		return false, nil
	}
	event := ""
	if total > len(entries) {
		event = "event: gap\ndata: " + strconv.Itoa(total-len(entries)) + "\n\n"
	}
	event += "id: " + strconv.FormatInt(t.last.UnixMilli(), 10) + "\nevent: rows\ndata: " + oneLine.Replace(rows.String()) + "\n\n"
	return true, t.send(ctx, event)
}

// oneLine keeps HTML on one line: a line of its own would be a field of the event's, whoever wrote it.
var oneLine = strings.NewReplacer("\r", "&#13;", "\n", "&#10;")

func (t *tail) send(ctx context.Context, text string) error {
	if _, err := t.to.Write([]byte(text)); err != nil {
		return err
	}
	if err := t.to.control.Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	return ctx.Err()
}
