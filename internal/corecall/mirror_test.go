package corecall_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/coreapi"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/httpx"
)

// tenants makes n organisations, the oldest first.
func tenants(n int) []coreapi.Organisation {
	all := make([]coreapi.Organisation, n)
	for i := range all {
		all[i] = coreapi.Organisation{
			ID: access.OrganisationID(fmt.Sprintf("6a3c0000-0000-4000-8000-%012d", i)), Name: fmt.Sprintf("Tenant %d", i),
			CreatedDate: coreapi.At(time.Date(2026, 1, 1, 0, 0, i, 0, time.UTC)),
		}
	}
	return all
}

// lists answers as Core does, page by page.
func lists(all []coreapi.Organisation) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		number, _ := strconv.Atoi(r.URL.Query().Get("page"))
		size, _ := strconv.Atoi(r.URL.Query().Get("pageSize"))
		page := httpx.Slice(all, httpx.Page{Number: number, Size: size})
		httpx.WriteJSON(w, http.StatusOK, httpx.NewList(page, len(all), size))
	}
}

func TestTheMirrorHoldsEveryPage(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		rule  string
		count int
		pages int64
	}{
		{"none", 0, 1},
		{"one", 1, 1},
		{"exactly one page", 1000, 1},
		{"one more than a page", 1001, 2},
		{"many pages", 12_345, 13},
	} {
		want := tenants(c.count)
		w.instead(lists(want))
		before := w.calls.Load()
		got, err := w.Policy.Organisations.Organisations(t.Context())
		if err != nil || len(got) != c.count || w.calls.Load()-before != c.pages {
			t.Errorf("%s: %d organisations in %d calls, %v", c.rule, len(got), w.calls.Load()-before, err)
			continue
		}
		for i, o := range got {
			if o.ID != want[i].ID || o.Name != want[i].Name || !o.CreatedAt.Equal(want[i].CreatedDate.Time) || !o.Active() {
				t.Fatalf("%s: at %d expected %+v, got %+v", c.rule, i, want[i], o)
			}
		}
	}
	for _, count := range []int{1001, 7} { // more than a page, then fewer than before
		w.instead(lists(tenants(count)))
		if err := w.Policy.SyncOrganisations(t.Context()); err != nil || len(w.mirrored()) != count {
			t.Errorf("expected %d in the mirror, got %d, %v", count, len(w.mirrored()), err)
		}
	}
}

// One that Core no longer lists must not be reached by what was once mapped to it; its mappings wait for its return.
func TestAnOrganisationThatDisappearsGrantsNothing(t *testing.T) {
	w := newWorld(t)
	all := tenants(2)
	acme := all[0].ID
	sync := func(list []coreapi.Organisation) {
		t.Helper()
		w.instead(lists(list))
		if err := w.Policy.SyncOrganisations(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	sync(all)
	w.letIn(acme)
	w.wantAccess("listed", acme, true)
	sync(all[1:])
	w.wantAccess("gone", acme, false)
	sync(nil)
	w.wantAccess("all gone", acme, false)
	sync(all)
	w.wantAccess("back", acme, true)
	all[0].DeactivatedAt = coreapi.At(time.Now())
	sync(all)
	w.wantAccess("deactivated", acme, false)
}

// badAnswers is what may come in place of a list.
var badAnswers = map[string]struct {
	answer http.HandlerFunc
	want   *fault.Code
}{
	"not there":          {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, fault.CoreUnavailable},
	"an internal error":  {says(500, `{"code":"BR_0000","message":"Internal error"}`), fault.CoreUnavailable},
	"a page for people":  {says(200, `<!doctype html><title>Maintenance</title>`), fault.CoreUnavailable},
	"a gateway's page":   {says(502, `<html>Bad gateway</html>`), fault.CoreUnavailable},
	"a login page":       {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/login", http.StatusFound) }, fault.CoreUnavailable},
	"cut off":            {says(200, `{"values":[{"id":"6a3c0000`), fault.CoreUnavailable},
	"an array":           {says(200, `[]`), fault.CoreUnavailable},
	"a time that isn't":  {says(200, `{"values":[{"id":"1","name":"n","createdDate":"yesterday"}],"totalPages":1,"totalItems":1}`), fault.CoreUnavailable},
	"too large":          {oversized, fault.CoreUnavailable},
	"too many":           {says(200, `{"values":[],"totalPages":1,"totalItems":100001}`), fault.CoreUnavailable},
	"refused":            {says(401, ``), fault.Unauthenticated},
	"forbidden":          {says(403, ``), fault.Forbidden},
	"asked to slow down": {says(429, ``), fault.TooMany},
	"the second page away": {func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("page") != "0" {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		lists(tenants(1500))(w, r)
	}, fault.CoreUnavailable},
}

func says(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// oversized is JSON in form, but for its length.
func oversized(w http.ResponseWriter, _ *http.Request) {
	_, _ = io.WriteString(w, `{"values":[],`)
	for range 9 << 10 {
		if _, err := io.WriteString(w, strings.Repeat(" ", 1<<10)); err != nil {
			return
		}
	}
	_, _ = io.WriteString(w, `"totalPages":1,"totalItems":0}`)
}

// What Core says amiss must not be taken for "there are no organisations": everybody would be locked out.
func TestABadAnswerLeavesTheMirrorAsItWas(t *testing.T) {
	w := newWorld(t)
	acme := w.create("Acme")
	w.letIn(acme)
	for rule, c := range badAnswers {
		before := w.Policy.Snapshot()
		w.instead(c.answer)
		wantCode(t, rule, w.Policy.SyncOrganisations(t.Context()), c.want)
		if w.Policy.Snapshot() != before {
			t.Errorf("%s: the mirror was changed", rule)
		}
		w.wantAccess(rule, acme, true)
		w.instead(nil)
		if err := w.Policy.SyncOrganisations(t.Context()); err != nil {
			t.Errorf("%s: afterwards: %v", rule, err)
		}
	}
	w.wantMirror("in the end")
}

func TestAFirstLoadThatFailsHealsByItself(t *testing.T) {
	w := newWorld(t)
	for rule, c := range badAnswers {
		w.instead(c.answer)
		wantCode(t, rule, w.Policy.SyncOrganisations(t.Context()), c.want)
		if here := w.Policy.Snapshot().Organisations(); len(here) != 0 {
			t.Errorf("%s: the mirror holds %d", rule, len(here))
		}
	}
	w.instead(lists(tenants(3)))
	if err := w.Policy.SyncOrganisations(t.Context()); err != nil || len(w.Policy.Snapshot().Organisations()) != 3 {
		t.Errorf("afterwards: %d organisations, %v", len(w.Policy.Snapshot().Organisations()), err)
	}
}

// A Core that hangs must not keep the next reading out for ever.
func TestASilentCoreCostsTheCallersPatienceOnly(t *testing.T) {
	w := newWorld(t)
	asked := make(chan struct{}, 2)
	w.instead(func(_ http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		<-r.Context().Done()
	})
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan error, 1)
	go func() { result <- w.Policy.SyncOrganisations(ctx) }()
	<-asked
	cancel()
	wantCode(t, "given up", <-result, fault.CoreUnavailable)

	late, cancel := context.WithDeadline(t.Context(), time.Now())
	defer cancel()
	_, err := w.Policy.Organisations.Organisations(late)
	wantCode(t, "past its deadline", err, fault.CoreTimeout)
	w.instead(nil)
	if err := w.Policy.SyncOrganisations(t.Context()); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// Portico's own token may list organisations and nothing else: it is nobody's, and sent every 15 seconds.
func TestTheMirrorsTokenListsAndNothingElse(t *testing.T) {
	w := newWorld(t)
	var claims map[string]any
	w.instead(func(rw http.ResponseWriter, r *http.Request) {
		claims = payload(t, r)
		w.core.ServeHTTP(rw, r)
	})
	if err := w.Policy.SyncOrganisations(t.Context()); err != nil {
		t.Fatal(err)
	}
	got, _ := json.Marshal([]any{claims["sub"], claims["permissions"], claims["organisationId"], claims["aud"]})
	if want := `["portico",["STS_ORGANISATION_LIST"],null,["one-core"]]`; string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
