package coreapi

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/portico-iam/portico/internal/access"
)

func TestCatalogueSize(t *testing.T) {
	count := map[Kind]int{}
	api := 0
	for _, r := range Routes() {
		count[r.Kind]++
		if r.UnderAPI() {
			api++
		}
	}
	if api != 113 {
		t.Errorf("expected 113 routes under /api, got %d", api)
	}
	if count[Authenticated] != 3 || count[NeedsPermission] != 110 || count[ProtocolBearer] != 10 || count[Public] != 44 {
		t.Errorf("kinds: got %v", count)
	}
}

// Each permission of table 7.2 is accepted where the table says, and nowhere else.
func TestCatalogueAgreesWithPermissionFacts(t *testing.T) {
	accepted := map[access.Permission][]string{}
	for _, r := range Routes() {
		for _, p := range r.AnyOf {
			accepted[p] = append(accepted[p], r.String())
		}
	}
	known := 0
	for line := range strings.Lines(strings.TrimSpace(permissionFacts)) {
		name, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		scope, list, _ := strings.Cut(rest, " ")
		p, ok := access.ParsePermission(name)
		if !ok {
			t.Errorf("%s is not in the catalogue of permissions", name)
			continue
		}
		known++
		if got := p.Info().Scope; (scope == "system") != (got == access.ScopeSystem) {
			t.Errorf("%s: expected scope %s, got %s", name, scope, got)
		}
		var want []string
		for fact := range strings.SplitSeq(list, ", ") {
			if method, path, ok := strings.Cut(fact, " "); ok {
				want = append(want, method+" /api/"+path)
			}
		}
		got := accepted[p]
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s:\n got %q\nwant %q", name, got, want)
		}
		delete(accepted, p)
	}
	if known != 98 || len(accepted) > 0 {
		t.Errorf("expected 98 permissions and none beyond them, got %d and %v", known, accepted)
	}
}

func TestAuthenticatedRoutesAreTheThree(t *testing.T) {
	var got []string
	for _, r := range Routes() {
		if r.Kind == Authenticated {
			got = append(got, r.String())
		}
	}
	want := []string{"GET /api/build-info/v1", "GET /api/config/v1", "GET /api/jsonld-context/v1"}
	if slices.Sort(got); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Every route finds itself on a ServeMux: no duplicate, no conflict, none hidden behind another.
func TestCatalogueFitsServeMux(t *testing.T) {
	mux := http.NewServeMux()
	for _, r := range Routes() {
		mux.Handle(r.String(), http.NotFoundHandler())
	}
	for _, r := range Routes() {
		path := strings.NewReplacer("{", "", "}", "").Replace(r.Pattern)
		if _, pattern := mux.Handler(httptest.NewRequest(r.Method, path, nil)); pattern != r.String() {
			t.Errorf("%s %s was routed to %q", r.Method, path, pattern)
		}
	}
}

func TestRouteScope(t *testing.T) {
	want := map[string]Scope{
		"GET /api/config/v1":                       ScopeNone,
		"GET /api/credential/v1":                   ScopeOrganisation,
		"POST /api/history/v1":                     ScopeOrganisation,
		"GET /api/history/v1":                      ScopeMixed,
		"GET /api/history/v1/{id}":                 ScopeMixed,
		"PATCH /api/organisation/v1/{id}":          ScopeSystem,
		"POST /api/signature/v1/revocation-check":  ScopeSystem,
		"GET /ssi/ca/{id}":                         ScopeNone,
		"GET /api/statistics/v1/dashboard/system":  ScopeSystem,
		"GET /api/statistics/v1/dashboard":         ScopeOrganisation,
		"POST /api/interaction/v1/propose-proof":   ScopeOrganisation,
		"DELETE /api/cache/v1":                     ScopeSystem,
		"POST /ssi/trust-entity/v1":                ScopeNone,
		"POST /api/task/v1/run":                    ScopeSystem,
		"POST /api/signature/v1/{id}/revoke":       ScopeOrganisation,
		"GET /api/trust-collection/v1/{id}":        ScopeOrganisation,
		"POST /api/credential/v1/revocation-check": ScopeOrganisation,
	}
	mixed := 0
	for _, r := range Routes() {
		if r.Scope() == ScopeMixed {
			mixed++
		}
		if scope, ok := want[r.String()]; ok {
			if r.Scope() != scope {
				t.Errorf("%s: got %s, want %s", r, r.Scope(), scope)
			}
			delete(want, r.String())
		}
	}
	if mixed != 2 || len(want) > 0 {
		t.Errorf("expected 2 mixed routes, got %d; not in the catalogue: %v", mixed, want)
	}
}

func TestRoutesAreACopy(t *testing.T) {
	Routes()[0].Pattern = "/changed"
	if Routes()[0].Pattern == "/changed" {
		t.Error("the catalogue can be changed from outside")
	}
}

func TestParseRoutesIsStrict(t *testing.T) {
	for name, line := range map[string]string{
		"too few":                  "GET /api/key/v1",
		"unknown method":           "FETCH /api/key/v1 KEY_LIST",
		"put":                      "PUT /api/key/v1 KEY_LIST",
		"elsewhere":                "GET /metrics open",
		"unknown permission":       "GET /api/key/v1 KEY_LISTS",
		"lower case":               "GET /api/key/v1 key_list",
		"permission twice":         "GET /api/key/v1 KEY_LIST KEY_LIST",
		"more behind token":        "GET /api/key/v1 token KEY_LIST",
		"open under /api":          "GET /api/key/v1 open",
		"own-bearer under /api":    "GET /api/key/v1 own-bearer",
		"permission outside /api":  "GET /ssi/ca/{id} KEY_LIST",
		"token outside /api":       "GET /ssi/ca/{id} token",
		"stands there twice":       "GET /ssi/ca/{id} open\nGET /ssi/ca/{id} open",
		"mixed word and permitted": "GET /api/key/v1 KEY_LIST token",
	} {
		if routes, err := parseRoutes(line); err == nil {
			t.Errorf("%s: expected an error, got %v", name, routes)
		}
	}
}
