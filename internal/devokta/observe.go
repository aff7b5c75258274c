package devokta

import (
	"net/http"
	"sync"
)

// Request is a request to the Management API, as a test sees it.
type Request struct {
	Method, Path, Query string
	Area                string // apps, authorizationServers, groups…
}

// Changes tells whether it is a request that may change something.
func (r Request) Changes() bool { return r.Method != http.MethodGet && r.Method != http.MethodHead }

type observers struct {
	mu   sync.Mutex
	next int
	all  map[int]func(Request)
}

// Observe calls f before every request to the Management API is served, faults included; what f does not return from is
// not served. It returns what ends the observation.
func (s *Server) Observe(f func(Request)) (stop func()) {
	o := &s.observers
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.all == nil {
		o.all = map[int]func(Request){}
	}
	id := o.next
	o.next++
	o.all[id] = f
	return func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		delete(o.all, id)
	}
}

func (o *observers) tell(r Request) {
	o.mu.Lock()
	calls := make([]func(Request), 0, len(o.all))
	for _, f := range o.all {
		calls = append(calls, f)
	}
	o.mu.Unlock()
	for _, f := range calls {
		f(r)
	}
}
