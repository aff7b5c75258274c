package corecall_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/portico-iam/portico/internal/coreapi"
	"github.com/portico-iam/portico/internal/fault"
)

// Who closes the page right after deactivating an organisation must not leave it active here: beside an embedded Core
// nothing else would refresh the mirror.
func TestTheMirrorFollowsThoughTheCallerHangsUp(t *testing.T) {
	for rule, when := range map[string]func(w *world, hangUp func()) http.HandlerFunc{
		"before Core answers": func(w *world, hangUp func()) http.HandlerFunc {
			return func(rw http.ResponseWriter, r *http.Request) {
				if r.Method != http.MethodPatch {
					w.core.ServeHTTP(rw, r)
					return
				}
				// Core did it; its answer finds nobody.
				w.core.ServeHTTP(httptest.NewRecorder(), r.WithContext(context.WithoutCancel(r.Context())))
				hangUp()
				<-r.Context().Done()
			}
		},
		"while the mirror reads": func(w *world, hangUp func()) http.HandlerFunc {
			return func(rw http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodGet {
					hangUp()
				}
				w.core.ServeHTTP(rw, r)
			}
		},
	} {
		w := newWorld(t)
		id := w.create("Acme")
		w.letIn(id)
		ctx, cancel := context.WithCancel(t.Context())
		w.instead(when(w, cancel))
		err := w.Change(ctx, admin, id, active(false))
		if rule == "before Core answers" {
			wantCode(t, rule, err, fault.CoreUnavailable)
			if !errors.Is(err, context.Canceled) {
				t.Errorf("%s: expected the caller's own cancellation as cause, got %v", rule, err)
			}
		} else if err != nil {
			t.Errorf("%s: %v", rule, err)
		}
		w.instead(nil)
		w.wantMirror(rule)
		w.wantAccess(rule, id, false)
	}
}

func TestCancelledCallsDoNothing(t *testing.T) {
	w := newWorld(t)
	id := w.create("Acme")
	w.wantMirror("before")
	before := w.mirrored()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, listed := w.List(ctx, admin)
	_, got := w.Get(ctx, admin, id)
	_, created := w.Create(ctx, admin, coreapi.OrganisationCreate{})
	for rule, err := range map[string]error{
		"list": listed, "get": got, "create": created, "change": w.Change(ctx, admin, id, renamed("Beta")),
	} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: got %v", rule, err)
		}
	}
	w.wantMirror("afterwards")
	if after := w.mirrored(); after[0] != before[0] || len(after) != 1 {
		t.Errorf("a call that was given up changed something: %v", after)
	}
}

// A change that Core made and the mirror could not follow is an error, and still tells what was made.
func TestAChangeThatTheMirrorCouldNotFollow(t *testing.T) {
	w := newWorld(t)
	w.instead(func(rw http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			rw.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		w.core.ServeHTTP(rw, r)
	})
	name := "Acme"
	id, err := w.Create(t.Context(), admin, coreapi.OrganisationCreate{Name: &name})
	wantCode(t, "create", err, fault.CoreUnavailable)
	wantCode(t, "change", w.Change(t.Context(), admin, id, renamed("Beta")), fault.CoreUnavailable)
	if len(w.mirrored()) != 0 {
		t.Errorf("the mirror holds %v", w.mirrored())
	}
	w.instead(nil)
	if err := w.Policy.SyncOrganisations(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.wantMirror("the next time")
	if o := w.Policy.Snapshot().Organisation(id); o == nil || o.Name != "Beta" {
		t.Errorf("organisation %q: got %+v", id, o)
	}
}

// A Core that refuses or is away ends the call with its code; the mirror isn't even read.
func TestABadAnswerToAChange(t *testing.T) {
	w := newWorld(t)
	id := w.create("Acme")
	for rule, c := range badAnswers {
		if rule == "an array" || rule == "too many" || rule == "the second page away" || rule == "a time that isn't" {
			continue // of lists
		}
		w.instead(c.answer)
		before := w.Policy.Snapshot()
		calls := map[string]func() error{
			"list":   func() error { _, err := w.List(t.Context(), admin); return err },
			"get":    func() error { _, err := w.Get(t.Context(), admin, id); return err },
			"create": func() error { _, err := w.Create(t.Context(), admin, coreapi.OrganisationCreate{}); return err },
			"change": func() error { return w.Change(t.Context(), admin, id, renamed("Beta")) },
		}
		for what, do := range calls {
			sent := w.calls.Load()
			wantCode(t, what+", "+rule, do(), c.want)
			if rule != "not there" && w.calls.Load() != sent+1 { // net/http repeats a GET whose connection broke
				t.Errorf("%s, %s: %d calls", what, rule, w.calls.Load()-sent)
			}
		}
		if w.Policy.Snapshot() != before {
			t.Errorf("%s: the mirror was changed", rule)
		}
	}
}
