package management

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/portico-iam/portico/internal/devokta/world"
)

// Caller is who calls, as far as rights go.
type Caller struct {
	Roles  []string
	OAuth  bool // a token of the org authorization server, which has scopes
	Scopes []string
}

// OAuth judges a request with an access token of the org authorization server. On false it has written the answer.
type OAuth func(w http.ResponseWriter, r *http.Request) (Caller, bool)

// authenticate takes "SSWS token" itself and leaves Bearer and DPoP to OAuth.
func (h *Handler) authenticate(w http.ResponseWriter, r *http.Request) (Caller, bool) {
	scheme, value, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if strings.EqualFold(scheme, "Bearer") || strings.EqualFold(scheme, "DPoP") {
		return h.OAuth(w, r)
	}
	h.Lock.Lock()
	token := h.World.FindAPIToken(value)
	h.Lock.Unlock()
	switch {
	case r.Header.Get("Authorization") == "":
		h.Fail(w, world.ErrSession)
	case !strings.EqualFold(scheme, "SSWS") || token == nil:
		h.Fail(w, world.ErrToken)
	default:
		return Caller{Roles: []string{token.Role}}, true
	}
	return Caller{}, false
}

// may applies the gates: scope first, then role.
func (c Caller) may(area string, write bool) *world.Error {
	if c.OAuth && !c.hasScope(area, write) {
		return world.ErrPermission
	}
	if !world.RoleAllows(c.Roles, area, write) {
		return world.ErrPermission
	}
	return nil
}

func (c Caller) hasScope(area string, write bool) bool {
	if slices.Contains(c.Scopes, scopeName(area, true)) {
		return true
	}
	return !write && slices.Contains(c.Scopes, scopeName(area, false))
}

func scopeName(area string, write bool) string {
	if write {
		return "okta." + area + ".manage"
	}
	return "okta." + area + ".read"
}

// challenge says which scope was missing.
func (h *Handler) challenge(w http.ResponseWriter, r *http.Request, c Caller, area string, write bool) {
	if !c.OAuth || c.hasScope(area, write) {
		return
	}
	base := h.Base(r)
	w.Header().Set("WWW-Authenticate", fmt.Sprintf(
		`Bearer authorization_uri=%q, realm=%q, scope=%q, error="insufficient_scope", error_description="The access token provided does not contain the required scopes.", resource=%q`,
		base+"/oauth2/v1/authorize", base, scopeName(area, write), r.URL.Path))
}

// limits count requests by area and minute. They refuse only when a test sets a limit: a test suite is faster than any
// client Okta has in mind.
type limits struct {
	mu     sync.Mutex
	limit  int // 0 = count, but never refuse
	minute time.Time
	used   map[string]int
}

// usualLimit is what the headers say.
const usualLimit = 600

// SetRateLimit makes requests past limit per minute and area fail with 429; 0 never does.
func (h *Handler) SetRateLimit(limit int) {
	h.limits.mu.Lock()
	defer h.limits.mu.Unlock()
	h.limits.limit, h.limits.used = limit, nil
}

// headers counts the request.
func (l *limits) headers(w http.ResponseWriter, area string, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if minute := now.Truncate(time.Minute); l.used == nil || !minute.Equal(l.minute) {
		l.minute, l.used = minute, map[string]int{}
	}
	l.used[area]++
	limit := l.limit
	if limit == 0 {
		limit = usualLimit
	}
	header := w.Header()
	header.Set("X-Rate-Limit-Limit", strconv.Itoa(limit))
	header.Set("X-Rate-Limit-Remaining", strconv.Itoa(max(0, limit-l.used[area])))
	header.Set("X-Rate-Limit-Reset", strconv.FormatInt(l.minute.Add(time.Minute).Unix(), 10))
}

func (l *limits) exceeded(area string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.limit > 0 && l.used[area] > l.limit
}
