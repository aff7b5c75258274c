package signal

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"maps"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/revocation"
	"github.com/portico-iam/portico/internal/session"
)

// told is one thing that somebody told, as it stands in the history.
type told struct {
	channel string // by which it came, e.g. "back-channel logout"
	by      string // who told it: issuer, or what stands for it
	what    string // the event, in its sender's words
	id      string // the sender's name of it: jti, uuid
}

// done is what came of it.
type done struct {
	people  []revocation.Person
	ended   []session.Record
	renewed int    // sessions
	why     string // nothing was done
}

// wasPerson notes who was concerned.
func (d *done) wasPerson(p revocation.Person) {
	for _, known := range d.people {
		if known == p {
			return
		}
	}
	d.people = append(d.people, p)
}

func (d *done) wereEnded(records []session.Record) {
	d.ended = append(d.ended, records...)
	for _, r := range records {
		d.wasPerson(revocation.Person{Issuer: r.Principal.Issuer, Subject: r.Principal.Subject})
	}
}

// endPeople ends all that they held at that time.
func (s *Service) endPeople(ctx context.Context, people []revocation.Person, at time.Time, d *done) error {
	for _, p := range people {
		ended, err := s.Revocations.EndPerson(ctx, p, at)
		if err != nil {
			return err
		}
		d.wasPerson(p)
		d.wereEnded(ended)
	}
	return nil
}

// renewPeople has their sessions ask the identity provider anew.
func (s *Service) renewPeople(ctx context.Context, people []revocation.Person, d *done) error {
	for _, p := range people {
		live, err := s.Revocations.SessionsOf(ctx, p)
		if err != nil {
			return err
		}
		n, err := s.Sessions.Renew(ctx, live)
		if err != nil {
			return fault.Unavailable.New("the sessions can't be changed at the moment; try again").Because(err)
		}
		d.wasPerson(p)
		d.renewed += n
	}
	if d.renewed == 0 {
		d.why = "they have no session"
	}
	return nil
}

const mostListed = 100 // people and sessions in one entry: as many as a reader could want

// record notes what came of something that was told.
func (s *Service) record(ctx context.Context, t told, d done) {
	action := history.Accepted
	if len(d.ended) > 0 || d.why == "" && d.renewed == 0 {
		action = history.Revoked
	}
	var refs []string
	for _, r := range d.ended[:min(len(d.ended), mostListed)] {
		refs = append(refs, r.Ref)
	}
	people := []map[string]string{}
	for _, p := range d.people[:min(len(d.people), mostListed)] {
		people = append(people, map[string]string{"issuer": p.Issuer, "subject": p.Subject})
	}
	e := history.Entry{
		Action: action, EntityType: history.STSSession, Name: t.channel, Source: history.SourceSTS, User: access.OwnSubject + t.channel,
		Metadata: details(map[string]any{
			"channel": t.channel, "by": t.by, "event": t.what, "id": t.id, "people": people, "sessionsEnded": len(d.ended), "sessions": refs,
			"sessionsRenewed": d.renewed, "why": d.why,
		}),
	}
	if len(d.people) == 1 {
		e.EntityID, e.Name = d.people[0].Subject, d.people[0].Subject
	}
	s.History.Record(ctx, e)
}

// details leaves out what is not said.
func details(said map[string]any) json.RawMessage {
	maps.DeleteFunc(said, func(_ string, value any) bool { return value == "" })
	return history.Details(said)
}

// refusals are those of one channel.
type refusals struct {
	recorded *rate.Limiter // which of them reach log and history
	missed   atomic.Int64  // how many did not
}

// refused records why something was not acted upon, unless there are too many. It returns the reference; empty: none.
func (s *Service) refused(ctx context.Context, t told, err error) string {
	if fault.Unavailable.Is(err) || fault.Of(err).Code == fault.Internal {
		s.Logger.ErrorContext(ctx, "a signal could not be acted upon", "channel", t.channel, "error", err)
		return ""
	}
	refusals := s.refusals[t.channel]
	if !refusals.recorded.AllowN(s.Now(), 1) {
		refusals.missed.Add(1)
		return ""
	}
	reason := clip(reasonOf(err))
	unrecorded := refusals.missed.Swap(0)
	e := s.History.Record(ctx, history.Entry{
		Action: history.Rejected, EntityType: history.STSSession, Name: t.channel, Source: history.SourceSTS, User: access.OwnSubject + t.channel,
		Metadata: details(map[string]any{
			"channel": t.channel, "by": clip(t.by), "event": clip(t.what), "id": clip(t.id), "reason": reason, "unrecordedBefore": unrecorded,
		}),
	})
	s.Logger.WarnContext(ctx, "a signal was refused", "channel", t.channel, "reason", reason, "unrecorded_before", unrecorded, "history_id", e.ID)
	return e.ID
}

// reasonOf is the detail of a fault, without its code.
func reasonOf(err error) string {
	var f *fault.Fault
	if errors.As(err, &f) {
		return f.Detail
	}
	return err.Error()
}

// idOf is under which name a signal is remembered. Whose it is belongs to it: two senders may give one name.
func idOf(channel, by, id string) string {
	h := sha256.New()
	for _, part := range []string{channel, by, id} {
		sum := sha256.Sum256([]byte(part))
		h.Write(sum[:])
	}
	return hex.EncodeToString(h.Sum(nil))
}

// once does something unless it was done for that signal, which is remembered until then. It is noted when it is done: a process
// that dies between does it twice rather than never, and it does no harm twice.
func (s *Service) once(ctx context.Context, t told, until time.Time, do func() error) (fresh bool, err error) {
	id := idOf(t.channel, t.by, t.id)
	seen, err := s.Store.SignalSeen(ctx, id, s.Now())
	if err != nil || seen {
		return false, err
	}
	if err := do(); err != nil {
		return false, err
	}
	return true, s.Store.NoteSignal(ctx, id, until, s.Now())
}
