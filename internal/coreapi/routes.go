package coreapi

import (
	_ "embed"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/portico-iam/portico/internal/access"
)

// Kind says what a route asks of a token.
type Kind uint8

// The kinds. The zero value is none of them, so that a forgotten kind opens nothing.
const (
	NeedsPermission Kind = iota + 1 // a valid token with at least one of the permissions
	Authenticated                   // any valid token
	Public                          // no token
	ProtocolBearer                  // no token of ours; the route checks a bearer of its own protocol
)

func (k Kind) String() string {
	return [...]string{"unknown", "needs permission", "authenticated", "public", "protocol bearer"}[k]
}

// Scope says in which kind of token a route's permissions travel.
type Scope uint8

// The scopes.
const (
	ScopeNone         Scope = iota // no permission is asked for
	ScopeOrganisation              // all act within one organisation
	ScopeSystem                    // all act on the installation: a token without an organisation
	ScopeMixed                     // some of each: history
)

func (s Scope) String() string { return [...]string{"none", "organisation", "system", "mixed"}[s] }

// Route is one of Core's routes.
type Route struct {
	Method  string
	Pattern string              // a path of net/http's ServeMux, with {wildcards}
	AnyOf   []access.Permission // one of these suffices; empty unless Kind is NeedsPermission
	Kind    Kind
}

// String is the route as a ServeMux pattern: "GET /api/key/v1/{id}".
func (r Route) String() string { return r.Method + " " + r.Pattern }

// Scope tells whether the route's permissions act in an organisation, on the system, or some of each.
func (r Route) Scope() Scope {
	if len(r.AnyOf) == 0 {
		return ScopeNone
	}
	set := access.SetOf(r.AnyOf...)
	system := !set.Intersect(access.OfScope(access.ScopeSystem)).IsEmpty()
	organisation := !set.Intersect(access.OfScope(access.ScopeOrganisation)).IsEmpty()
	switch {
	case system && organisation:
		return ScopeMixed
	case system:
		return ScopeSystem
	}
	return ScopeOrganisation
}

// AsksForSystem tells whether the query of a request asks Core's history for all organisations, which needs the system's
// permission itself.
func AsksForSystem(rawQuery string) bool {
	query, err := url.ParseQuery(rawQuery)
	return err == nil && slices.Contains(query["showSystemHistory"], "true") // what can't be read Core will refuse
}

// UnderAPI tells whether the route is one of the management API, where a token is always needed.
func (r Route) UnderAPI() bool { return strings.HasPrefix(r.Pattern, "/api/") }

// Routes returns the catalogue: everything under /api, /ssi and /.well-known, in the file's order.
func Routes() []Route { return slices.Clone(catalogue()) }

//go:embed routes.txt
var routesText string

// catalogue parses the file once. A mistake in it is a mistake in the program, and the package's test would show it.
var catalogue = sync.OnceValue(func() []Route {
	routes, err := parseRoutes(routesText)
	if err != nil {
		panic("coreapi: routes.txt: " + err.Error())
	}
	return routes
})

func parseRoutes(text string) ([]Route, error) {
	var routes []Route
	seen := map[string]bool{}
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSuffix(line, "\n")
		if line == "" || line[0] == '#' {
			continue
		}
		r, err := parseRoute(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		if seen[r.String()] {
			return nil, fmt.Errorf("line %d: %s stands there twice", n, r)
		}
		seen[r.String()] = true
		routes = append(routes, r)
	}
	return routes, nil
}

func parseRoute(line string) (Route, error) {
	fields := strings.Fields(line)
	if len(fields) < 3 {
		return Route{}, fmt.Errorf("expected method, pattern and need, got %q", line)
	}
	r := Route{Method: fields[0], Pattern: fields[1]}
	if !slices.Contains([]string{"GET", "POST", "PATCH", "DELETE"}, r.Method) {
		return Route{}, fmt.Errorf("expected one of Core's methods, got %q", r.Method)
	}
	if !strings.HasPrefix(r.Pattern, "/api/") && !strings.HasPrefix(r.Pattern, "/ssi/") && !strings.HasPrefix(r.Pattern, "/.well-known/") {
		return Route{}, fmt.Errorf("expected a path under /api, /ssi or /.well-known, got %q", r.Pattern)
	}
	if err := r.parseNeed(fields[2:]); err != nil {
		return Route{}, fmt.Errorf("%s: %w", r, err)
	}
	// Whatever is under /api needs a token of ours, and nothing outside does: a slip in the file must not open a route.
	if tokenNeeded := r.Kind == NeedsPermission || r.Kind == Authenticated; tokenNeeded != r.UnderAPI() {
		return Route{}, fmt.Errorf("%s: kind %s does not fit its place", r, r.Kind)
	}
	return r, nil
}

func (r *Route) parseNeed(words []string) error {
	kind, isWord := map[string]Kind{"token": Authenticated, "open": Public, "own-bearer": ProtocolBearer}[words[0]]
	if isWord {
		r.Kind = kind
		if len(words) > 1 {
			return fmt.Errorf("expected nothing behind %q", words[0])
		}
		return nil
	}
	r.Kind = NeedsPermission
	for _, name := range words {
		p, ok := access.ParsePermission(name)
		if !ok {
			return fmt.Errorf("expected a permission, got %q", name)
		}
		if slices.Contains(r.AnyOf, p) {
			return fmt.Errorf("permission %s stands there twice", name)
		}
		r.AnyOf = append(r.AnyOf, p)
	}
	return nil
}
