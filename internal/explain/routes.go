package explain

import (
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/coreapi"
	"github.com/portico-iam/portico/internal/fault"
)

// route is an address with what it needs.
type route struct {
	name  string // "GET /api/key/v1/{id}"
	anyOf []access.Permission
	kind  coreapi.Kind
	mixed bool // some of the permissions act in an organisation, some on the system
	whole bool // its query asks for the whole system
}

// own are Portico's own routes; package bff tests them against their document.
var own = map[string]access.Permission{
	"GET /api/sts/role/v1":             access.STSRoleList,
	"POST /api/sts/role/v1":            access.STSRoleCreate,
	"GET /api/sts/role/v1/{id}":        access.STSRoleDetail,
	"GET /api/sts/role/v1/{id}/usage":  access.STSRoleDetail,
	"PATCH /api/sts/role/v1/{id}":      access.STSRoleEdit,
	"DELETE /api/sts/role/v1/{id}":     access.STSRoleDelete,
	"GET /api/sts/finding/v1":          access.STSIAMRoleList,
	"GET /api/sts/iam-role/v1":         access.STSIAMRoleList,
	"POST /api/sts/iam-role/v1":        access.STSIAMRoleCreate,
	"GET /api/sts/iam-role/v1/{id}":    access.STSIAMRoleDetail,
	"PATCH /api/sts/iam-role/v1/{id}":  access.STSIAMRoleEdit,
	"DELETE /api/sts/iam-role/v1/{id}": access.STSIAMRoleDelete,
	"GET /api/sts/key/v1":              access.STSKeyList,
	"POST /api/sts/key/v1/rotation":    access.STSKeyRotate,
	"DELETE /api/sts/key/v1/{kid}":     access.STSKeyRotate,
	"GET /api/sts/session/v1":          access.STSSessionList,
	"GET /api/sts/session/v1/{id}":     access.STSSessionList,
	"DELETE /api/sts/session/v1/{id}":  access.STSSessionRevoke,
	"POST /api/sts/revocation/v1":      access.STSSessionRevoke,
	"POST /api/sts/explain/v1":         access.STSAccessExplain,
	"POST /api/sts/preview/v1":         access.STSAccessExplain,

	"GET /api/sts/four-eyes/v1/{organisationId}": access.STSIAMRoleList,
	"PUT /api/sts/four-eyes/v1/{organisationId}": access.STSIAMRoleEdit,
}

// open are our own routes that ask for a sign-in alone.
var open = []string{"GET /api/user/v1/me", "PUT /api/user/v1/active-organisation", "GET /api/sts/permission/v1"}

// Needs returns what a route of Portico's own needs.
func Needs(pattern string) (access.Permission, bool) {
	p, ok := own[pattern]
	return p, ok
}

// catalogue finds routes as the server does: by the patterns of net/http.
var catalogue = sync.OnceValue(func() *http.ServeMux {
	mux := http.NewServeMux()
	for name, permission := range own {
		mux.Handle(name, route{name: name, anyOf: []access.Permission{permission}, kind: coreapi.NeedsPermission})
	}
	for _, name := range open {
		mux.Handle(name, route{name: name, kind: coreapi.Authenticated})
	}
	for _, r := range coreapi.Routes() {
		mux.Handle(r.String(), route{name: r.String(), anyOf: r.AnyOf, kind: r.Kind, mixed: r.Scope() == coreapi.ScopeMixed})
	}
	return mux
})

// ServeHTTP makes a route a value of the mux; nothing is ever served.
func (route) ServeHTTP(http.ResponseWriter, *http.Request) {}

// findRoute reads "METHOD /path" and finds it in the catalogue. The path may be a pattern, or hold real identifiers.
func findRoute(text string) (route, error) {
	method, path, ok := strings.Cut(strings.TrimSpace(text), " ")
	method, path = strings.ToUpper(method), strings.TrimSpace(path)
	path, query, _ := strings.Cut(path, "?")
	if !ok || !strings.HasPrefix(path, "/") || len(text) > 2048 {
		return route{}, fault.InvalidInput.New("route: expected a method and a path, such as POST /api/credential/v1").At("route")
	}
	req, err := http.NewRequest(method, "http://portico"+strings.NewReplacer("{", "", "}", "").Replace(path), http.NoBody)
	if err != nil {
		return route{}, fault.InvalidInput.New("route: expected a method and a path, such as POST /api/credential/v1").At("route")
	}
	if handler, _ := catalogue().Handler(req); handler != nil {
		if found, ok := handler.(route); ok {
			found.whole = coreapi.AsksForSystem(query)
			return found, nil
		}
	}
	for _, prefix := range []string{"/api/sts/", "/api/user/"} {
		if strings.HasPrefix(path, prefix) {
			return route{}, fault.InvalidInput.New("route: there is nothing at %s %s", method, clip(path)).At("route")
		}
	}
	return route{}, fault.InvalidInput.New("route: %s %s is not in the catalogue: it is passed on with the caller's own token, and Core decides", method, clip(path)).At("route")
}

func clip(s string) string { return fault.Clip(s, 200) }

// Routes lists every route that can be asked about, for people who choose one.
func Routes() []string {
	var all []string
	for name := range own {
		all = append(all, name)
	}
	all = append(all, open...)
	for _, r := range coreapi.Routes() {
		all = append(all, r.String())
	}
	slices.SortFunc(all, func(a, b string) int {
		_, pathA, _ := strings.Cut(a, " ")
		_, pathB, _ := strings.Cut(b, " ")
		return strings.Compare(pathA+" "+a, pathB+" "+b)
	})
	return all
}
