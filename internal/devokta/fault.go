package devokta

import (
	"net/http"
	"sync"
)

// Fault makes an endpoint misbehave, so that a test can have Okta slow, broken or away.
type Fault struct {
	// Endpoint is authorize, token, keys, userinfo, introspect, revoke, logout, discovery, organization or
	// signin; "" is all of them.
	Endpoint string
	// Hold keeps the request until the channel is closed or the client gives up. Then the rest applies.
	Hold <-chan struct{}
	// Drop closes the connection without an answer.
	Drop bool
	// Status answers with this status; 0 lets the request through. Body "" is Okta's own error for it.
	Status int
	Body   string
	Header http.Header
	// Times is how many requests are hit; 0 is all until the fault is cleared.
	Times int
}

type faults struct {
	mu   sync.Mutex
	list []*Fault
}

// Inject adds a fault and returns what clears it. The first fault that fits a request is applied.
func (s *Server) Inject(f Fault) (clear func()) {
	fault := &f
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.list = append(s.faults.list, fault)
	return func() {
		s.faults.mu.Lock()
		defer s.faults.mu.Unlock()
		s.faults.remove(fault)
	}
}

func (f *faults) remove(fault *Fault) {
	kept := f.list[:0]
	for _, other := range f.list {
		if other != fault {
			kept = append(kept, other)
		}
	}
	f.list = kept
}

// take finds the fault for an endpoint and counts it.
func (f *faults) take(endpoint string) (Fault, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, fault := range f.list {
		if fault.Endpoint != "" && fault.Endpoint != endpoint {
			continue
		}
		taken := *fault
		if fault.Times > 0 {
			if fault.Times--; fault.Times == 0 {
				f.remove(fault)
			}
		}
		return taken, true
	}
	return Fault{}, false
}

// faulty applies a fault; true means that the request has been dealt with.
func (s *Server) faulty(w http.ResponseWriter, r *http.Request, endpoint string) bool {
	f, ok := s.faults.take(endpoint)
	if !ok {
		return false
	}
	if f.Hold != nil {
		select {
		case <-f.Hold:
		case <-r.Context().Done():
			return true
		case <-s.done:
		}
	}
	if f.Drop {
		panic(http.ErrAbortHandler) // net/http closes the connection and logs nothing
	}
	if f.Status == 0 {
		return false
	}
	for name, values := range f.Header {
		w.Header()[http.CanonicalHeaderKey(name)] = values
	}
	if f.Body != "" {
		w.WriteHeader(f.Status)
		_, _ = w.Write([]byte(f.Body))
		return true
	}
	e := apiInternal
	if f.Status == http.StatusTooManyRequests {
		e = apiRateLimit
	}
	e.Status = f.Status
	s.apiError(w, e)
	return true
}
