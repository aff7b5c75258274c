package devokta

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/portico-iam/portico/internal/devokta/world"
)

// Fault makes an endpoint misbehave, so that a test can have Okta slow, broken or away.
type Fault struct {
	// Endpoint is authorize, token, keys, userinfo, introspect, revoke, logout, discovery, organization or signin;
	// "management" is all of the Management API, "management/apps" and so on one of its areas; "" is everything.
	Endpoint string
	// Method and Path narrow it down further; "" is any. Path is the whole path.
	Method, Path string
	// Skip lets that many fitting requests pass first: Skip n hits request n+1.
	Skip int
	// Times is how many requests are hit then; 0 is all until the fault is cleared.
	Times int

	// Hold keeps the request until the channel is closed or the client gives up, Delay for a time. Then the rest applies.
	Hold  <-chan struct{}
	Delay time.Duration
	// Late lets the request do its work first; what follows then happens to its answer. A change is applied, and durable, but
	// the client does not learn of it.
	Late bool
	// Drop closes the connection without an answer. Truncate sends the first half of it.
	Drop, Truncate bool
	// Status answers with this status; 0 lets the request through. Body "" is Okta's own error for it.
	Status int
	Body   string
	Header http.Header
	// RetryIn is when a 429 says that the limit ends; 0 is a minute.
	RetryIn time.Duration
}

// HTMLPage is what a proxy or a maintenance page answers with. For Fault.Body.
const HTMLPage = "<!doctype html><html><head><title>Okta</title></head><body><h1>We'll be back soon</h1></body></html>"

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

// take finds the fault for a request and counts it.
func (f *faults) take(r *http.Request, endpoint string) (Fault, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, fault := range f.list {
		if !fault.fits(r, endpoint) {
			continue
		}
		if fault.Skip > 0 {
			fault.Skip--
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

const managementEndpoint = "management"

func (f *Fault) fits(r *http.Request, endpoint string) bool {
	if f.Endpoint != "" && f.Endpoint != endpoint && (f.Endpoint != managementEndpoint || !isManagement(endpoint)) {
		return false
	}
	return (f.Method == "" || f.Method == r.Method) && (f.Path == "" || f.Path == r.URL.Path)
}

func isManagement(endpoint string) bool {
	return strings.HasPrefix(endpoint, managementEndpoint+"/")
}

// withFaults puts an endpoint under the faults that fit it.
func (s *Server) withFaults(endpoint string, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		f, ok := s.faults.take(r, endpoint)
		if !ok {
			next(w, r)
			return
		}
		if !s.wait(r, f) {
			return
		}
		if f.Late || f.Truncate {
			done := &recorder{header: w.Header().Clone(), status: http.StatusOK}
			next(done, r)
			if f.Truncate {
				done.half(w)
				return
			}
		}
		switch {
		case f.Drop:
			panic(http.ErrAbortHandler) // net/http closes the connection and logs nothing
		case f.Status != 0:
			s.fail(w, f)
		case !f.Late:
			next(w, r)
		}
	}
}

// wait tells whether somebody still waits for the answer.
func (s *Server) wait(r *http.Request, f Fault) bool {
	if f.Hold != nil && !await(r, s.done, f.Hold) {
		return false
	}
	if f.Delay == 0 {
		return true
	}
	timer := time.NewTimer(f.Delay)
	defer timer.Stop()
	return await(r, s.done, timer.C)
}

// await waits for ready, or for the end of the server; false when the client gave up.
func await[T any](r *http.Request, done <-chan struct{}, ready <-chan T) bool {
	select {
	case <-ready:
	case <-done:
	case <-r.Context().Done():
		return false
	}
	return true
}

func (s *Server) fail(w http.ResponseWriter, f Fault) {
	if f.RetryIn > 0 {
		w.Header().Set("X-Rate-Limit-Limit", "600")
		w.Header().Set("X-Rate-Limit-Remaining", "0")
		w.Header().Set("X-Rate-Limit-Reset", strconv.FormatInt(s.now().Add(f.RetryIn).Unix(), 10))
	} else if f.Status == http.StatusTooManyRequests {
		s.rateLimitHeaders(w)
	}
	for name, values := range f.Header {
		w.Header()[http.CanonicalHeaderKey(name)] = values
	}
	if f.Body != "" {
		if f.Body == HTMLPage {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
		}
		w.WriteHeader(f.Status)
		_, _ = w.Write([]byte(f.Body))
		return
	}
	e := *world.ErrInternal
	for _, known := range []*world.Error{world.ErrRate, world.ErrReconciling, world.ErrToken, world.ErrPermission, world.Conflict("Conflict")} {
		if known.Status == f.Status {
			e = *known
		}
	}
	e.Status = f.Status
	s.apiError(w, &e)
}

// recorder keeps an answer.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) WriteHeader(status int)      { r.status = status }
func (r *recorder) Write(b []byte) (int, error) { return r.body.Write(b) }

// half sends the first half of the answer and says that there would be more.
func (r *recorder) half(w http.ResponseWriter) {
	for name, values := range r.header {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Length", strconv.Itoa(r.body.Len()))
	w.WriteHeader(r.status)
	_, _ = w.Write(r.body.Bytes()[:r.body.Len()/2])
	panic(http.ErrAbortHandler)
}
