package history

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
)

// store keeps one entry, unless it is broken.
type store struct {
	err   error
	entry Entry
	ctx   context.Context
}

func (s *store) AppendHistory(ctx context.Context, e Entry) error {
	s.ctx = ctx
	if err := errors.Join(ctx.Err(), s.err); err != nil {
		return err
	}
	s.entry = e
	return nil
}

func (s *store) ListHistory(context.Context, Filter) ([]Entry, int, error) {
	return []Entry{s.entry}, 1, s.err
}

func (s *store) GetHistory(_ context.Context, id string) (Entry, bool, error) {
	return s.entry, id == s.entry.ID, s.err
}

var at = time.Date(2026, 1, 31, 10, 30, 0, 123_999_999, time.FixedZone("", 3600))

func recorder(s Store) (*Recorder, *bytes.Buffer) {
	var log bytes.Buffer
	return &Recorder{Store: s, Now: func() time.Time { return at }, Logger: slog.New(slog.NewTextHandler(&log, nil))}, &log
}

func TestNewFillsInIdAndTime(t *testing.T) {
	r, _ := recorder(&store{})
	a, b := r.New(Entry{ID: "mine", Action: Created}), r.New(Entry{})
	if _, err := uuid.Parse(a.ID); err != nil || a.ID == b.ID || a.Action != Created {
		t.Errorf("got %+v", a)
	}
	if want := time.Date(2026, 1, 31, 9, 30, 0, 123_000_000, time.UTC); a.CreatedAt != want {
		t.Errorf("got %s; times are UTC, to the millisecond", a.CreatedAt)
	}
}

func TestARecordOutlivesTheRequest(t *testing.T) {
	s := &store{}
	r, log := recorder(s)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	e := r.Record(ctx, Entry{Action: Rejected})
	if s.entry.ID != e.ID || log.Len() > 0 {
		t.Errorf("who hangs up goes unrecorded: %s", log)
	}
	if deadline, bounded := s.ctx.Deadline(); !bounded || time.Until(deadline) > 5*time.Second {
		t.Error("a record may take for ever")
	}
	if got, found, err := r.Get(t.Context(), e.ID); !found || err != nil || got.ID != e.ID {
		t.Errorf("got %+v, %v, %v", got, found, err)
	}
	if list, total, err := r.List(t.Context(), Filter{}); len(list) != 1 || total != 1 || err != nil {
		t.Errorf("got %v, %d, %v", list, total, err)
	}
}

func TestALostRecordIsLogged(t *testing.T) {
	r, log := recorder(&store{err: errors.New("disk full")})
	e := r.Record(t.Context(), Entry{Action: Rejected, EntityType: STSToken, Metadata: Details(map[string]string{"iamRoles": "canary"})})
	if e.ID == "" || !strings.Contains(log.String(), e.ID) || !strings.Contains(log.String(), "disk full") {
		t.Errorf("got %+v, logged %s", e, log)
	}
	if strings.Contains(log.String(), "canary") {
		t.Errorf("the log holds the entry's content: %s", log)
	}
}

func TestDetails(t *testing.T) {
	if got := string(Details(map[string]int{"a": 1})); got != `{"a":1}` {
		t.Errorf("got %s", got)
	}
	if got := string(Details(make(chan int))); !strings.Contains(got, "unrecordable") {
		t.Errorf("got %s", got)
	}
}
