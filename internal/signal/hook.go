package signal

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/httpx"
	"github.com/portico-iam/portico/internal/revocation"
)

const (
	channelHook    = "Okta event hook"
	challenge      = "X-Okta-Verification-Challenge"
	maxHook        = 1 << 20 // bytes of body
	maxHookEvents  = 100
	maxHookTargets = 20
	hookRemembered = 24 * time.Hour
	hookLeeway     = time.Minute
)

// hookEffects are those of Okta's events that have one.
var hookEffects = map[string]effect{
	"user.lifecycle.deactivate":          endPerson,
	"user.lifecycle.suspend":             endPerson,
	"user.lifecycle.delete.initiated":    endPerson,
	"user.session.clear":                 endPerson,
	"group.user_membership.add":          renew,
	"group.user_membership.remove":       renew,
	"application.user_membership.add":    renew,
	"application.user_membership.remove": renew,
}

// verifyHook answers Okta's one-time question whether the address is ours. It says nothing, so anybody may ask.
func (s *Service) verifyHook(w http.ResponseWriter, r *http.Request) {
	noStore(w)
	values := r.Header.Values(challenge)
	if len(values) != 1 || !plain(values[0]) {
		writeRefusal(w, http.StatusBadRequest, "invalid_request", malformed("expected the header %s once, with 1 to %d plain characters", challenge, maxName), "")
		return
	}
	httpx.WriteJSON(w, http.StatusOK, map[string]string{"verification": values[0]})
}

// hook hears events. Okta waits for three seconds, and does not read the answer.
func (s *Service) hook(w http.ResponseWriter, r *http.Request) {
	noStore(w)
	t := told{channel: channelHook, by: "Okta event hook"}
	err := s.hearHook(w, r, t)
	if err == nil {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	status, code := http.StatusBadRequest, "invalid_request"
	switch f := fault.Of(err); {
	case f.Code == fault.Unauthenticated:
		status, code = http.StatusUnauthorized, "invalid_client"
		w.Header().Set("WWW-Authenticate", `Bearer realm="portico"`)
	case f.Code.Status >= http.StatusInternalServerError:
		status, code = http.StatusServiceUnavailable, "temporarily_unavailable"
	}
	writeRefusal(w, status, code, err, s.refused(r.Context(), t, err))
}

// isOurs compares what is sent with the secret, in a time that tells nothing of either.
func (s *Service) isOurs(r *http.Request) bool {
	values := r.Header.Values("Authorization")
	if len(values) != 1 {
		return false
	}
	got, want := sha256.Sum256([]byte(values[0])), sha256.Sum256([]byte(s.Settings.EventHook.Secret.Reveal()))
	return subtle.ConstantTimeCompare(got[:], want[:]) == 1
}

func (s *Service) hearHook(w http.ResponseWriter, r *http.Request, t told) error {
	if !s.isOurs(r) {
		return fault.Unauthenticated.New("expected the Authorization that the event hook was given in Okta (signals.eventHook.secretFile)")
	}
	body, err := readBody(w, r, "application/json", maxHook)
	if err != nil {
		return err
	}
	source, events, err := readHook(body)
	if err != nil {
		return err
	}
	if source != "" {
		t.by = source
	}
	for _, e := range events {
		t.what, t.id = e.EventType, e.UUID
		_, err := s.once(r.Context(), t, s.Now().Add(hookRemembered), func() error { return s.actOnHook(r.Context(), t, e) })
		if err != nil {
			return err
		}
	}
	return nil
}

// hookEvent is what we read of an event of Okta's System Log.
type hookEvent struct {
	UUID      string    `json:"uuid"`
	Published time.Time `json:"published"`
	EventType string    `json:"eventType"`
	Outcome   struct {
		Result string `json:"result"`
	} `json:"outcome"`
	Target []hookTarget `json:"target"`
}

type hookTarget struct {
	ID          string `json:"id"`
	Type        string `json:"type"`
	AlternateID string `json:"alternateId"`
}

// readHook reads what Okta sends, of which there is more than we need.
func readHook(body []byte) (source string, events []hookEvent, err error) {
	var request struct {
		EventType string `json:"eventType"`
		Source    string `json:"source"`
		Data      struct {
			Events []hookEvent `json:"events"`
		} `json:"data"`
	}
	if err := json.Unmarshal(body, &request); err != nil {
		return "", nil, malformed("expected Okta's event hook as JSON")
	}
	if request.EventType != "com.okta.event_hook" {
		return "", nil, malformed("eventType: expected com.okta.event_hook, got %q", clip(request.EventType))
	}
	events = request.Data.Events
	if len(events) == 0 || len(events) > maxHookEvents {
		return "", nil, malformed("data.events: expected 1 to %d, got %d", maxHookEvents, len(events))
	}
	for _, e := range events {
		if !plain(e.UUID) || !plain(e.EventType) || len(e.Target) > maxHookTargets {
			return "", nil, malformed("data.events: expected of each a uuid, an eventType, and at most %d targets", maxHookTargets)
		}
	}
	return clip(request.Source), events, nil
}

func (s *Service) actOnHook(ctx context.Context, t told, e hookEvent) error {
	var d done
	does := hookEffects[e.EventType]
	switch {
	case does == nothing:
		d.why = "nothing is done for such an event"
	case e.Outcome.Result != "" && e.Outcome.Result != "SUCCESS":
		d.why = "it did not succeed: " + clip(e.Outcome.Result)
	default:
		people, err := s.targets(ctx, e)
		if err != nil {
			return err
		}
		if len(people) == 0 {
			d.why = "nobody like this has signed in here"
		} else if does == renew {
			err = s.renewPeople(ctx, people, &d)
		} else {
			err = s.endPeople(ctx, people, s.momentOf(hookLeeway, e.Published), &d)
		}
		if err != nil {
			return err
		}
	}
	s.record(ctx, t, d)
	return nil
}

// targets finds the people whom an event is about: by Okta's id of them, else by their login.
func (s *Service) targets(ctx context.Context, e hookEvent) (people []revocation.Person, err error) {
	for _, target := range e.Target {
		if !strings.EqualFold(target.Type, "User") {
			continue
		}
		var found []revocation.Person
		if plain(target.ID) {
			if found, err = s.findNamed(ctx, target.ID, false); err != nil {
				return nil, err
			}
		}
		if len(found) == 0 && plain(target.AlternateID) {
			if found, err = s.findNamed(ctx, target.AlternateID, true); err != nil {
				return nil, err
			}
		}
		people = append(people, found...)
	}
	return people, nil
}
