package corecall_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/coreapi"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/policy"
)

const unknownID = access.OrganisationID("11111111-2222-4333-8444-555555555555")

func renamed(name string) coreapi.OrganisationPatch { return coreapi.OrganisationPatch{Name: &name} }

func active(yes bool) coreapi.OrganisationPatch {
	no := !yes
	return coreapi.OrganisationPatch{Deactivate: &no}
}

// payload reads the token that a request bears.
func payload(t *testing.T, r *http.Request) (claims map[string]any) {
	parts := strings.Split(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), ".")
	if len(parts) != 3 {
		t.Errorf("%s %s bears no token", r.Method, r.URL)
		return nil
	}
	b, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err == nil {
		err = json.Unmarshal(b, &claims)
	}
	if err != nil {
		t.Error(err)
	}
	return claims
}

// methods are the calls on somebody's behalf, with the one permission that each needs.
func methods(t *testing.T, w *world, id access.OrganisationID) map[access.Permission]func(*access.Principal) error {
	return map[access.Permission]func(*access.Principal) error{
		access.STSOrganisationList:   func(by *access.Principal) error { _, err := w.List(t.Context(), by); return err },
		access.STSOrganisationDetail: func(by *access.Principal) error { _, err := w.Get(t.Context(), by, id); return err },
		access.STSOrganisationCreate: func(by *access.Principal) error {
			_, err := w.Create(t.Context(), by, coreapi.OrganisationCreate{})
			return err
		},
		access.STSOrganisationEdit: func(by *access.Principal) error { return w.Change(t.Context(), by, id, renamed("Acme")) },
	}
}

func (w *world) systemRole(name string, set access.PermissionSet) *access.Principal {
	w.t.Helper()
	role, err := w.Policy.CreateRole(w.t.Context(), admin, access.Role{Name: name, Permissions: set}, policy.Seen{})
	if err == nil {
		_, err = w.Policy.CreateIAMRole(w.t.Context(), admin, access.IAMRole{Name: name, SystemRoles: []access.RoleID{role.ID}}, policy.Seen{})
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return &access.Principal{Issuer: issuer, Subject: name, IAMRoles: []string{name}, NotAfter: time.Now().Add(time.Hour)}
}

func TestEveryCallNeedsItsPermissionAndNoOther(t *testing.T) {
	w := newWorld(t)
	id := w.create("Acme")
	everything := access.PermissionSet{}
	for p := range access.Permissions() {
		everything = everything.Union(access.SetOf(p))
	}
	for need, do := range methods(t, w, id) {
		without := w.systemRole("all but "+need.String(), everything.Minus(access.SetOf(need)))
		only := w.systemRole("only "+need.String(), access.SetOf(need))
		calls := w.calls.Load()
		wantCode(t, need.String(), do(without), fault.Forbidden)
		wantCode(t, need.String()+", nobody", do(nil), fault.Unauthenticated)
		if w.calls.Load() != calls {
			t.Errorf("%s: a refused call reached Core", need)
		}
		if err := do(only); err != nil {
			t.Errorf("with %s alone: %v", need, err)
		}
	}
	gone := *admin
	gone.NotAfter = time.Now().Add(-time.Second)
	for need, do := range methods(t, w, id) {
		wantCode(t, need.String()+", by a token that has expired", do(&gone), fault.Unauthenticated)
	}
}

// Core's records must name the person, not Portico; and no organisation's rights are needed for its administration.
func TestCoreIsCalledAsThePerson(t *testing.T) {
	w := newWorld(t)
	id := w.create("Acme")
	var mu sync.Mutex
	var subjects []any
	w.instead(func(rw http.ResponseWriter, r *http.Request) {
		claims := payload(t, r)
		mu.Lock()
		if claims["sub"] != "portico" { // the mirror follows as Portico
			subjects = append(subjects, claims["sub"], claims["organisationId"])
		}
		mu.Unlock()
		w.core.ServeHTTP(rw, r)
	})
	all := methods(t, w, id)
	for need, do := range all {
		if err := do(admin); err != nil {
			t.Errorf("%s: %v", need, err)
		}
	}
	if got, want := fmt.Sprint(subjects), fmt.Sprint([]any{"ada", nil, "ada", nil, "ada", nil, "ada", nil}); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestTheMirrorFollowsEveryChangeAtOnce(t *testing.T) {
	w := newWorld(t)
	id := w.create("Acme")
	w.letIn(id)
	w.wantAccess("created", id, true)
	for _, step := range []struct {
		rule   string
		body   coreapi.OrganisationPatch
		access bool
	}{
		{"renamed", renamed("Beta"), true},
		{"renamed again", renamed("Gamma"), true},
		{"deactivated", active(false), false},
		{"renamed while inactive", renamed("Delta"), false},
		{"reactivated", active(true), true},
		{"renamed back", renamed("Acme"), true},
		{"nothing", coreapi.OrganisationPatch{}, true},
	} {
		w.change(id, step.body)
		w.wantMirror(step.rule)
		w.wantAccess(step.rule, id, step.access)
	}
	w.create("Zeta")
	w.wantMirror("another one")
}

// Core's own refusals come back with Core's codes, and nothing of them is in the mirror.
func TestWhatCoreRefuses(t *testing.T) {
	w := newWorld(t)
	id := w.create("Acme")
	w.create("Zeta")
	taken, long := "Zeta", strings.Repeat("x", 256)
	ownID := string(id)
	for _, c := range []struct {
		rule string
		want *fault.Code
		do   func() error
	}{
		{"a taken name", fault.OrganisationExists, func() error {
			created, err := w.Create(t.Context(), admin, coreapi.OrganisationCreate{Name: &taken})
			if created != "" {
				t.Errorf("it has the id %s", created)
			}
			return err
		}},
		{"a taken id", fault.OrganisationExists, func() error {
			_, err := w.Create(t.Context(), admin, coreapi.OrganisationCreate{ID: &ownID})
			return err
		}},
		{"another's name", fault.OrganisationExists, func() error { return w.Change(t.Context(), admin, id, renamed("Zeta")) }},
		{"a name that is too long", fault.InvalidInput, func() error { return w.Change(t.Context(), admin, id, renamed(long)) }},
		{"no such organisation", fault.OrganisationMissing, func() error { _, err := w.Get(t.Context(), admin, unknownID); return err }},
		{"an id that is none", fault.InvalidInput, func() error { _, err := w.Get(t.Context(), admin, "../history"); return err }},
		{"a change of an id that is none", fault.InvalidInput, func() error { return w.Change(t.Context(), admin, "x/y", renamed("X")) }},
	} {
		before := w.Policy.Snapshot()
		wantCode(t, c.rule, c.do(), c.want)
		if w.Policy.Snapshot() != before {
			t.Errorf("%s: the mirror was changed", c.rule)
		}
	}
	w.wantMirror("in the end")
}

func TestTheListHasTheOldestFirst(t *testing.T) {
	w := newWorld(t)
	var want []string
	for _, name := range []string{"Zeta", "Acme", "Mira"} {
		w.create(name)
		want = append(want, name)
	}
	list, err := w.List(t.Context(), admin)
	if err != nil {
		t.Fatal(err)
	}
	// Two of one millisecond are in the order of their ids.
	for i := 1; i < len(list); i++ {
		if list[i].CreatedDate.Before(list[i-1].CreatedDate.Time) {
			t.Errorf("%s (%s) stands behind %s (%s)", list[i].Name, list[i].CreatedDate, list[i-1].Name, list[i-1].CreatedDate)
		}
	}
	if len(list) != len(want) {
		t.Errorf("expected %v, got %v", want, list)
	}
}

// Whoever is last, the mirror must end as Core does: an older list never overwrites a newer one.
func TestChangesAtOnceLeaveTheMirrorAsCoreIs(t *testing.T) {
	w := newWorld(t)
	shared := w.create("Shared")
	var all sync.WaitGroup
	for i := range 6 {
		all.Go(func() {
			name := fmt.Sprintf("Tenant %d", i)
			id, err := w.Create(t.Context(), admin, coreapi.OrganisationCreate{Name: &name})
			for _, body := range []coreapi.OrganisationPatch{renamed(name + " GmbH"), active(false), active(i%2 == 0)} {
				if err == nil {
					err = w.Change(t.Context(), admin, id, body)
				}
			}
			if err == nil {
				err = w.Change(t.Context(), admin, shared, active(i%2 == 0))
			}
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
	all.Wait()
	w.wantMirror("in the end")
	if n := len(w.mirrored()); n != 7 {
		t.Errorf("expected 7 organisations, got %d", n)
	}
}
