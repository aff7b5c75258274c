package signal_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/iam"
	"github.com/portico-iam/portico/internal/signal"
)

// transmitter has tokens to fetch, until they are acknowledged.
type transmitter struct {
	*httptest.Server
	mu       sync.Mutex
	sets     map[string]string
	errs     map[string]string
	requests int
	answer   http.HandlerFunc // instead
	most     int
}

func transmit(t *testing.T, sets map[string]string) *transmitter {
	x := &transmitter{sets: sets, errs: map[string]string{}, most: 50}
	x.Server = httptest.NewServer(x)
	t.Cleanup(x.Close)
	return x
}

func (x *transmitter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.requests++
	if x.answer != nil {
		x.answer(w, r)
		return
	}
	var ask struct {
		MaxEvents         int
		ReturnImmediately bool
		Ack               []string
		SetErrs           map[string]struct{ Err, Description string }
	}
	if r.Header.Get("Authorization") != "Bearer the-poll-token" || json.NewDecoder(r.Body).Decode(&ask) != nil || !ask.ReturnImmediately || ask.MaxEvents < 1 {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	for _, name := range ask.Ack {
		delete(x.sets, name)
	}
	for name, e := range ask.SetErrs {
		delete(x.sets, name)
		x.errs[name] = e.Err
	}
	answer := map[string]string{}
	for name, set := range x.sets {
		if len(answer) < min(ask.MaxEvents, x.most) {
			answer[name] = set
		}
	}
	json.NewEncoder(w).Encode(object{"sets": answer, "moreAvailable": len(answer) < len(x.sets)})
}

func (x *transmitter) asked() int {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.requests
}

func polling(t *testing.T, x *transmitter) func(*signal.Config) {
	return func(c *signal.Config) {
		c.Settings.SharedSignals.Poll.Endpoint, c.Settings.SharedSignals.Poll.Token = x.URL, "the-poll-token"
		c.HTTP = iam.HTTPClient()
		t.Cleanup(c.HTTP.CloseIdleConnections)
	}
}

// Tokens are fetched until there are none; what can be heard is acknowledged, and what never will be is refused by its name.
func TestPolling(t *testing.T) {
	named := func(name string, changes ...object) string {
		return eventToken(append([]object{{"jti": name}}, changes...)...).String()
	}
	x := transmit(t, map[string]string{
		"a": named("a"), "b": named("b", object{"sub_id": object{"format": "email", "email": "vera@acme.test"}}), "c": named("c", object{"events": object{ssf + "verification": object{}}}),
		"of another name": named("d"), "of another audience": named("of another audience", object{"aud": "x"}), "no token": "x",
	})
	x.most = 2
	b := newBench(t, polling(t, x))
	if every, polls := b.Polls(); !polls || every != 30*time.Second {
		t.Error(every, polls)
	}
	if w := b.send(pushed(named("e"))); w.Code != http.StatusNotFound {
		t.Errorf("it is pushed to as well: %d", w.Code)
	}
	if err := b.Poll(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.stay("polled", "x1")
	x.mu.Lock()
	if len(x.sets) > 0 || len(x.errs) != 3 || x.errs["of another audience"] != "invalid_audience" || x.errs["no token"] != "invalid_request" || x.errs["of another name"] != "invalid_request" {
		t.Errorf("left %d, refused %v", len(x.sets), x.errs)
	}
	x.sets["a"] = named("a") // an acknowledgement that was lost
	x.mu.Unlock()
	before := len(b.entries(history.Revoked))
	if err := b.Poll(t.Context()); err != nil || len(b.entries(history.Revoked)) != before {
		t.Errorf("again: %v, %d entries more", err, len(b.entries(history.Revoked))-before)
	}
}

// What can't be acted upon now is neither acknowledged nor refused: it comes again.
func TestPollingWithoutTheStore(t *testing.T) {
	x := transmit(t, map[string]string{"j1": eventToken().String()})
	b := newBench(t, polling(t, x))
	if err := b.withoutStore().Poll(t.Context()); err == nil {
		t.Error("no error")
	}
	x.mu.Lock()
	if len(x.sets) != 1 || len(x.errs) > 0 {
		t.Errorf("left %v, refused %v", x.sets, x.errs)
	}
	x.mu.Unlock()
	if err := b.Poll(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.stay("the store is back", "v1", "x1")
}

// Who answers badly is asked less often, and soon again once it is well.
func TestPollingBacksOff(t *testing.T) {
	x := transmit(t, map[string]string{"j1": eventToken().String()})
	b := newBench(t, polling(t, x))
	for rule, answer := range map[string]http.HandlerFunc{
		"an error":   func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) },
		"no JSON":    func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<html>") },
		"other JSON": func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, `{"sets":["x"]}`) },
		"a flood": func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, `{"sets":{"a":"`+strings.Repeat("x", 5<<20)+`"}}`)
		},
		"another address": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		},
		"too many":         func(w http.ResponseWriter, _ *http.Request) { json.NewEncoder(w).Encode(object{"sets": manySets()}) },
		"names of nothing": func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, `{"sets":{"":"x"}}`) },
	} {
		x.mu.Lock()
		x.answer = answer
		x.mu.Unlock()
		before := x.asked()
		var asked []int // in which of the intervals
		for i := range 24 {
			n := x.asked()
			err := b.Poll(t.Context())
			if x.asked() > n {
				asked = append(asked, i)
				if err == nil {
					t.Errorf("%s: no error", rule)
				}
			}
			b.advance(30 * time.Second)
		}
		if n := x.asked() - before; n < 2 || n > 5 || !slices.IsSorted(asked) {
			t.Errorf("%s: asked %d times in 12 minutes: %v", rule, n, asked)
		}
		x.mu.Lock()
		x.answer = nil
		x.mu.Unlock()
		b.advance(10 * time.Minute)
		if err := b.Poll(t.Context()); err != nil {
			t.Errorf("%s: it is well: %v", rule, err)
		}
	}
	b.stay("at last", "v1", "x1")
}

func manySets() object {
	all := object{}
	for i := range 200 {
		all[strings.Repeat("a", i+1)] = "x"
	}
	return all
}
