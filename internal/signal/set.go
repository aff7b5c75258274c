package signal

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/iam"
	"github.com/portico-iam/portico/internal/revocation"
	"github.com/portico-iam/portico/internal/session"
)

const (
	channelShared = "shared signals"
	maxEvents     = 10 // in one token; Shared Signals have one

	// An event that is older ends nothing any more: cuts are forgotten then. It is remembered for a shorter time, since it ends no more the
	// second time: what it ends is what was held when it was issued.
	setFresh      = 89 * 24 * time.Hour
	setRemembered = 7 * 24 * time.Hour
)

// effect is what an event does.
type effect int

const (
	nothing    effect = iota
	endSession        // the session that is named, else all that the person holds
	endPerson         // all that the person holds
	renew             // what is known of the person is asked anew
)

const (
	caep = "https://schemas.openid.net/secevent/caep/event-type/"
	risc = "https://schemas.openid.net/secevent/risc/event-type/"
	ssf  = "https://schemas.openid.net/secevent/ssf/event-type/"
)

// effects are those of the events that have one. Every other event is acknowledged, recorded, and does nothing.
var effects = map[string]effect{
	caep + "session-revoked":          endSession,
	caep + "credential-change":        endPerson,
	caep + "device-compliance-change": endPerson,
	caep + "token-claims-change":      renew,
	risc + "account-disabled":         endPerson,
	risc + "account-purged":           endPerson,
	risc + "sessions-revoked":         endPerson,
}

// effectOf heeds what the event says besides.
func effectOf(event string, payload map[string]any) (does effect, why string) {
	text := func(name string) string { s, _ := payload[name].(string); return s }
	does, known := effects[event]
	switch {
	case event == ssf+"verification":
		return nothing, "the sender verified that it reaches us; state " + clip(text("state"))
	case event == ssf+"stream-updated":
		return nothing, "the stream is " + clip(text("status")) + " now: " + clip(text("reason"))
	case !known:
		return nothing, "nothing is done for such an event"
	case event == caep+"credential-change" && text("change_type") == "create": // one more way to sign in takes none away
		return nothing, "a credential was added"
	case event == caep+"device-compliance-change" && text("current_status") != "not-compliant":
		return nothing, "the device is " + clip(text("current_status")) + " now"
	}
	return does, ""
}

// hearSET validates a security event token and acts on it. One that was heard before is as good as heard now (RFC 8935 section 2).
func (s *Service) hearSET(ctx context.Context, raw, name string) error {
	t := told{channel: channelShared, by: s.Shared.Issuer}
	stated, events, err := s.verifySET(ctx, raw)
	if err == nil && name != "" && stated.Text("jti") != name {
		err = malformed("expected the token with the jti %s", clip(name))
	}
	if err != nil {
		s.refused(ctx, t, err)
		return err
	}
	t.id = stated.Text("jti")
	_, err = s.once(ctx, t, s.Now().Add(setRemembered), func() error {
		for _, event := range slices.Sorted(maps.Keys(events)) {
			t.what = event
			if err := s.actOn(ctx, t, stated, events[event]); err != nil {
				return err
			}
		}
		return nil
	})
	return err
}

// verifySET is RFC 8417 section 2 with what Shared Signals Framework 1.0 section 4.1 adds: an explicit type, no sub; exp is not used.
func (s *Service) verifySET(ctx context.Context, raw string) (*iam.Stated, map[string]map[string]any, error) {
	stated, err := s.Shared.State(ctx, raw, iam.Statement{
		Type: "secevent+jwt", Audience: s.Settings.SharedSignals.Audience, Issued: setFresh,
	}, s.Now())
	if err != nil {
		return nil, nil, err
	}
	switch {
	case !plain(stated.Text("jti")):
		return nil, nil, malformed("expected a jti of 1 to %d plain characters", maxName)
	case stated.Has("sub"):
		return nil, nil, malformed("expected no sub: whom an event is about is in sub_id")
	case stated.Has("nonce"):
		return nil, nil, malformed("expected no nonce: an ID token is no security event")
	}
	listed, _ := stated.Claims["events"].(map[string]any)
	if len(listed) == 0 || len(listed) > maxEvents {
		return nil, nil, malformed("events: expected 1 to %d", maxEvents)
	}
	events := map[string]map[string]any{}
	for name, payload := range listed {
		object, ok := payload.(map[string]any)
		if !ok || object == nil || !plain(name) {
			return nil, nil, malformed("events: expected an object for each event")
		}
		if object["subject"] != nil && stated.Has("sub_id") {
			return nil, nil, malformed("expected the subject once: as sub_id, or in the event")
		}
		events[name] = object
	}
	if stated.Has("sub_id") { // malformed is malformed, whatever the event
		if _, err := readSubject(stated.Claims["sub_id"]); err != nil {
			return nil, nil, err
		}
	}
	return stated, events, nil
}

// subject is whom or what an event is about (Shared Signals Framework 1.0 section 3).
type subject struct{ user, session *identifier }

// readSubject reads a simple subject, which is a person, or a complex one.
func readSubject(value any) (about subject, err error) {
	m, ok := value.(map[string]any)
	if !ok {
		return about, malformed("expected a subject identifier as an object")
	}
	format, has := m["format"]
	if has && format != "complex" {
		i, err := readIdentifier(m)
		switch {
		case errors.Is(err, errFormat):
			return about, nil
		case err != nil:
			return about, err
		}
		about.user = &i
		return about, nil
	}
	for name, into := range map[string]**identifier{"user": &about.user, "session": &about.session} {
		if m[name] == nil {
			continue
		}
		i, err := readIdentifier(m[name])
		switch {
		case errors.Is(err, errFormat):
			continue
		case err != nil:
			return about, err
		}
		*into = &i
	}
	return about, nil
}

// actOn does what one event asks for. What can't be done for good is recorded, and no reason to send it again.
func (s *Service) actOn(ctx context.Context, t told, stated *iam.Stated, payload map[string]any) error {
	var d done
	var does effect
	if does, d.why = effectOf(t.what, payload); does == nothing {
		s.record(ctx, t, d)
		return nil
	}
	value, has := stated.Claims["sub_id"]
	if !has { // as drafts of before had it, and Okta sends it
		value = payload["subject"]
	}
	about, err := readSubject(value)
	if err == nil {
		at := s.momentOf(s.Shared.Leeway, secondsOf(payload["event_timestamp"]), stated.IssuedAt)
		err = s.actUpon(ctx, does, about, at, &d)
	}
	if fault.InvalidInput.Is(err) {
		s.refused(ctx, t, err)
		return nil
	}
	if err != nil {
		return err
	}
	s.record(ctx, t, d)
	return nil
}

func (s *Service) actUpon(ctx context.Context, does effect, about subject, at time.Time, d *done) error {
	var people []revocation.Person
	if about.user != nil {
		var err error
		if people, err = s.find(ctx, *about.user, s.Shared.Issuer); err != nil {
			return err
		}
	}
	if does == endSession && about.session != nil {
		return s.endNamed(ctx, about, people, at, d)
	}
	switch {
	case about.user == nil:
		d.why = "it names no person in a way that is known here"
		return nil
	case len(people) == 0:
		d.why = "nobody like this has signed in here"
		return nil
	case does == renew:
		return s.renewPeople(ctx, people, d)
	}
	return s.endPeople(ctx, people, at, d)
}

// endNamed ends the session that is named. Where none is of that name, the person's go that bear no name: it may be one of them.
func (s *Service) endNamed(ctx context.Context, about subject, people []revocation.Person, at time.Time, d *done) error {
	issuer := s.SignIn.Issuer
	if name := about.session; name.Format == formatOpaque {
		theirs := func(r *session.Record) bool { // a person who is named too must be its person
			p := revocation.Person{Issuer: r.Principal.Issuer, Subject: r.Principal.Subject}
			return about.user == nil || slices.Contains(people, p)
		}
		ended, err := s.Revocations.EndSessions(ctx, revocation.Filter{Person: revocation.Person{Issuer: issuer}, SID: name.ID}, theirs)
		if err != nil {
			return err
		}
		d.wereEnded(ended)
	}
	if len(d.ended) > 0 {
		return nil
	}
	for _, p := range people {
		ended, err := s.Revocations.EndSessions(ctx, revocation.Filter{Person: p}, func(r *session.Record) bool {
			return r.SID == "" && !r.CreatedAt.After(at)
		})
		if err != nil {
			return err
		}
		d.wereEnded(ended)
	}
	if len(d.ended) == 0 {
		d.why = "there is no such session"
	}
	return nil
}

// secondsOf reads a NumericDate; zero: it is none.
func secondsOf(value any) time.Time {
	number, _ := value.(json.Number)
	seconds, err := number.Float64()
	if err != nil || seconds <= 0 || seconds > 1e11 { // milliseconds, as drafts had it, are not guessed at
		return time.Time{}
	}
	return time.Unix(int64(seconds), 0)
}

// setError is how a token's sender is told of its refusal (RFC 8935 section 2.4, RFC 8936 section 2.6).
type setError struct {
	Err         string `json:"err"`
	Description string `json:"description"`
}

func setErrorOf(err error) setError {
	code := "invalid_request"
	switch {
	case errors.Is(err, iam.ErrIssuer):
		code = "invalid_issuer"
	case errors.Is(err, iam.ErrAudience):
		code = "invalid_audience"
	case errors.Is(err, iam.ErrKey):
		code = "invalid_key"
	}
	return setError{code, strings.TrimSpace(described(err, ""))}
}

// passing tells whether the same token may fare better later: it is not the token's fault.
func passing(err error) bool { return fault.Of(err).Code.Status >= 500 }
