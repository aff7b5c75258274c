package management

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/portico-iam/portico/internal/devokta/world"
)

// Handler serves the Management API.
type Handler struct {
	World *world.World
	Lock  sync.Locker      // guards World
	Save  func() error     // returns when the state is durable; called without the lock
	Now   func() time.Time // for headers
	Keys  Keys
	OAuth OAuth
	// Base is the URL under which the org was addressed, Issuer a server's issuer as seen from there.
	Base   func(*http.Request) string
	Issuer func(*http.Request, *world.Server) string
	// Clients are those that hold refresh tokens of a server. Called with the lock held.
	Clients func(serverID string) []string
	// Ended is told of a person who may no longer be signed in. Called with the lock held.
	Ended func(userID string)
	// Fail writes an error.
	Fail func(http.ResponseWriter, *world.Error)
	// Gate wraps every operation under the name of its area; tests put faults there.
	Gate func(area string, next http.HandlerFunc) http.HandlerFunc

	limits limits
}

// Keys are the authorization servers' signing keys.
type Keys interface {
	// Signing is the kid of the key that signs now; List shows all of a server's, that one first.
	Signing(serverID string) string
	List(serverID string) []Key
	// Rotate makes NEXT the signing key.
	Rotate(serverID string) error
	// Forget drops the keys of a server that is gone.
	Forget(serverID string)
}

// Key is a signing key as the API shows one.
type Key struct {
	Alg         string     `json:"alg"`
	Created     world.Time `json:"created"`
	E           string     `json:"e"`
	Expires     world.Time `json:"expiresAt"`
	Kid         string     `json:"kid"`
	Kty         string     `json:"kty"`
	LastUpdated world.Time `json:"lastUpdated"`
	N           string     `json:"n"`
	Status      string     `json:"status"`
	Use         string     `json:"use"`
}

// maxBody bounds a request; Okta's largest objects are far smaller.
const maxBody = 64 << 10

// call is one request.
type call struct {
	*Handler
	r      *http.Request
	query  url.Values
	body   []byte
	base   string
	caller Caller
	secret bool // the answer shows the client secret
}

// answer is what an operation gives back: status, body (nil = none) and where the list goes on.
type answer struct {
	status int
	body   any
	next   string
	list   bool
}

// operation runs under the lock.
type operation func(*call) (answer, error)

// methods of one address.
type methods map[string]operation

// on serves one address. Its area decides which scope is needed.
func (h *Handler) on(mux *http.ServeMux, path, area string, m methods) {
	if get, ok := m[http.MethodGet]; ok {
		m[http.MethodHead] = get
	}
	mux.HandleFunc(path, h.Gate(area, func(w http.ResponseWriter, r *http.Request) {
		h.serve(w, r, area, m)
	}))
}

func (h *Handler) serve(w http.ResponseWriter, r *http.Request, area string, m methods) {
	h.limits.headers(w, area, h.Now())
	caller, ok := h.authenticate(w, r)
	if !ok {
		return
	}
	if h.limits.exceeded(area) {
		h.Fail(w, world.ErrRate)
		return
	}
	op, ok := m[r.Method]
	if !ok {
		w.Header().Set("Allow", allowed(m))
		h.Fail(w, world.ErrMethod)
		return
	}
	write := r.Method != http.MethodGet && r.Method != http.MethodHead
	if refused := caller.may(area, write); refused != nil {
		h.challenge(w, r, caller, area, write)
		h.Fail(w, refused)
		return
	}
	c := &call{Handler: h, r: r, base: h.Base(r), caller: caller}
	out, err := h.run(w, c, op, area, write)
	if err != nil {
		h.refuse(w, err)
		return
	}
	h.write(w, c, out)
}

// run reads the request, lets the operation work, and makes a change durable.
func (h *Handler) run(w http.ResponseWriter, c *call, op operation, area string, write bool) (answer, error) {
	if area == world.AreaServers && !h.World.HasAuthorizationServers() {
		return answer{}, world.ErrLicence
	}
	var err error
	if c.query, err = url.ParseQuery(c.r.URL.RawQuery); err != nil {
		return answer{}, world.ErrMalformed
	}
	if c.body, err = readBody(w, c.r); err != nil {
		return answer{}, err
	}
	out, err := h.locked(c, op)
	if err == nil && write {
		err = h.Save()
	}
	return out, err
}

// locked runs the operation and encodes its answer: what is shown is the world's own.
func (h *Handler) locked(c *call, op operation) (answer, error) {
	h.Lock.Lock()
	defer h.Lock.Unlock()
	out, err := op(c)
	if err != nil || out.body == nil {
		return out, err
	}
	encoded, err := json.Marshal(out.body)
	out.body = json.RawMessage(encoded)
	return out, err
}

func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if accept := r.Header.Get("Accept"); accept != "" && !strings.Contains(accept, "json") && !strings.Contains(accept, "*/*") {
		return nil, world.ErrMedia
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return nil, world.ErrMalformed
	}
	if len(bytes.TrimSpace(body)) == 0 {
		return nil, nil
	}
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "application/json" {
		return nil, world.ErrMedia
	}
	return body, nil
}

// decode reads the body as an object. Fields that are not known are ignored, as Okta does.
func decode[T any](c *call) (T, error) {
	var out T
	err := decodeInto(c, &out)
	return out, err
}

func decodeInto(c *call, out any) error {
	if body := bytes.TrimSpace(c.body); len(body) == 0 || body[0] != '{' {
		return world.ErrMalformed
	}
	dec := json.NewDecoder(bytes.NewReader(c.body))
	if dec.Decode(out) != nil {
		return world.ErrMalformed
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) { // More would let a stray bracket pass
		return world.ErrMalformed
	}
	return nil
}

// optional is decode for a body that may be left out.
func optional[T any](c *call) (T, error) {
	if len(c.body) == 0 {
		var out T
		return out, nil
	}
	return decode[T](c)
}

func (h *Handler) refuse(w http.ResponseWriter, err error) {
	var refused *world.Error
	if !errors.As(err, &refused) {
		refused = world.ErrInternal
	}
	h.Fail(w, refused)
}

func (h *Handler) write(w http.ResponseWriter, c *call, out answer) {
	if out.list {
		w.Header().Add("Link", "<"+c.base+linkable(c.r.URL.RequestURI())+`>; rel="self"`)
		if out.next != "" {
			w.Header().Add("Link", "<"+out.next+`>; rel="next"`)
		}
	}
	if out.body == nil {
		w.WriteHeader(out.status)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(out.status)
	_, _ = w.Write(out.body.(json.RawMessage))
}

// linkable keeps a query that the client wrote from ending the link that repeats it (RFC 8288 section 3).
func linkable(uri string) string {
	var b strings.Builder
	for _, c := range []byte(uri) {
		if c <= ' ' || c > '~' || strings.IndexByte(`<>"`, c) >= 0 {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

func allowed(m methods) string {
	var names []string
	for name := range m {
		if name != http.MethodHead {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// nothing is the answer without a body.
var nothing = answer{status: http.StatusNoContent}

// empty is the answer of life-cycle operations that answer with an object without fields.
var empty = answer{status: http.StatusOK, body: struct{}{}}
