package scim

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/portico-iam/portico/internal/directory"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/httpx"
)

// Path is where the edge is.
const Path = "/scim/v2"

// mediaType is that of every answer (RFC 7644 section 8.1).
const mediaType = "application/scim+json"

// The messages' schemas.
const (
	errorSchema = "urn:ietf:params:scim:api:messages:2.0:Error"
	listSchema  = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
	patchSchema = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
)

// Config is what the edge needs.
type Config struct {
	Directory *directory.Service
	Tokens    []string // any of them opens it
	PublicURL string
	Logger    *slog.Logger
}

// Handler is the edge.
type Handler struct {
	Config
	tokens [][sha256.Size]byte
}

// New returns the edge.
func New(cfg Config) *Handler {
	h := &Handler{Config: cfg}
	for _, token := range cfg.Tokens {
		h.tokens = append(h.tokens, sha256.Sum256([]byte(token)))
	}
	return h
}

// Mount puts the edge's addresses on mux. Whatever is below Path asks for the token first: without it nothing is told, not even
// what there is.
func (h *Handler) Mount(mux *http.ServeMux) {
	own := http.NewServeMux()
	route := func(pattern string, do func(http.ResponseWriter, *http.Request) error) {
		method, path, _ := strings.Cut(pattern, " ")
		own.Handle(method+" "+Path+path, h.answer(do))
	}
	route("GET /Users", h.listUsers)
	route("POST /Users", h.createUser)
	route("GET /Users/{id}", h.getUser)
	route("PUT /Users/{id}", h.replaceUser)
	route("PATCH /Users/{id}", h.patchUser)
	route("DELETE /Users/{id}", h.deleteUser)
	route("GET /Groups", h.listGroups)
	route("POST /Groups", h.createGroup)
	route("GET /Groups/{id}", h.getGroup)
	route("PUT /Groups/{id}", h.replaceGroup)
	route("PATCH /Groups/{id}", h.patchGroup)
	route("DELETE /Groups/{id}", h.deleteGroup)
	h.mountDiscovery(route)
	for _, path := range []string{"/Me", "/Bulk"} { // RFC 7644 sections 3.11 and 3.7
		own.Handle(Path+path, h.answer(func(http.ResponseWriter, *http.Request) error {
			return &problem{http.StatusNotImplemented, "", path + " is not supported"}
		}))
	}
	for _, path := range []string{"/Users", "/Users/{id}", "/Groups", "/Groups/{id}", "/ServiceProviderConfig", "/ResourceTypes", "/Schemas"} {
		own.Handle(Path+path, h.answer(func(_ http.ResponseWriter, r *http.Request) error {
			return &problem{http.StatusMethodNotAllowed, "", r.Method + " is not possible here"}
		}))
	}
	own.Handle("/", h.answer(func(http.ResponseWriter, *http.Request) error {
		return &problem{http.StatusNotFound, "", "there is no such endpoint: expected Users, Groups, ServiceProviderConfig, ResourceTypes or Schemas below " + Path}
	}))
	guarded := h.guard(own)
	mux.Handle(Path+"/", guarded)
}

// guard lets in whoever has a token. Each is compared in constant time, and all of them always.
func (h *Handler) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		values := r.Header.Values("Authorization")
		token := ""
		if len(values) == 1 {
			if scheme, rest, ok := strings.Cut(values[0], " "); ok && strings.EqualFold(scheme, "Bearer") { // RFC 9110 section 11.1
				token = rest
			}
		}
		given, same := sha256.Sum256([]byte(token)), 0
		for i := range h.tokens {
			same |= subtle.ConstantTimeCompare(given[:], h.tokens[i][:])
		}
		if same != 1 || token == "" {
			w.Header().Set("WWW-Authenticate", `Bearer realm="portico-scim"`)
			writeProblem(w, &problem{http.StatusUnauthorized, "", "expected the provisioning token: Authorization: Bearer …"})
			return
		}
		httpx.NoteCaller(r.Context(), "", directory.By, "")
		next.ServeHTTP(w, r)
	})
}

// problem is a refusal (RFC 7644 section 3.12).
type problem struct {
	status   int
	scimType string
	detail   string
}

func (p *problem) Error() string { return p.detail }

// The scimTypes.
const (
	invalidFilter = "invalidFilter"
	invalidPath   = "invalidPath"
	invalidSyntax = "invalidSyntax"
	invalidValue  = "invalidValue"
	mutability    = "mutability"
	noTarget      = "noTarget"
	tooMany       = "tooMany"
	uniqueness    = "uniqueness"
)

// refuse makes a 400 of one of the scimTypes.
func refuse(scimType, format string, args ...any) error {
	return &problem{http.StatusBadRequest, scimType, fmt.Sprintf(format, args...)}
}

// answer renders what do returns as an error.
func (h *Handler) answer(do func(http.ResponseWriter, *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := do(w, r)
		if err == nil {
			return
		}
		p := problemOf(err)
		if p.status >= http.StatusInternalServerError && p.status != http.StatusNotImplemented {
			h.Logger.ErrorContext(r.Context(), "provisioning failed", "error", err)
		}
		writeProblem(w, p)
	})
}

func problemOf(err error) *problem {
	var p *problem
	var f *fault.Fault
	switch {
	case errors.As(err, &p):
		return p
	case errors.Is(err, directory.ErrTaken):
		return &problem{http.StatusConflict, uniqueness, "the name is already taken: userName counts without case, a group's displayName exactly"}
	case errors.Is(err, directory.ErrTakenID):
		return &problem{http.StatusConflict, uniqueness, "the externalId is already taken"}
	case errors.Is(err, directory.ErrChanged):
		return &problem{http.StatusPreconditionFailed, "", "it was changed in the meantime: read it again"}
	case errors.Is(err, directory.ErrGone):
		return &problem{http.StatusNotFound, "", "there is no such resource"}
	case errors.Is(err, directory.ErrStranger):
		return &problem{http.StatusBadRequest, invalidValue, "members: expected ids of Users that exist; groups in groups are not supported"}
	case errors.Is(err, directory.ErrTooMany):
		return &problem{http.StatusBadRequest, tooMany, fmt.Sprintf("expected at most %d members; of a list leave them out by excludedAttributes=members", directory.MaxMembers)}
	case errors.As(err, &f) && f.Code.Status < http.StatusInternalServerError:
		return &problem{f.Code.Status, scimTypeOf(f), f.Detail}
	case errors.As(err, &f) && f.Code == fault.Unavailable:
		return &problem{http.StatusServiceUnavailable, "", f.Detail}
	}
	return &problem{http.StatusInternalServerError, "", "an internal error occurred"}
}

func scimTypeOf(f *fault.Fault) string {
	if f.Code.Status == http.StatusBadRequest {
		return invalidSyntax
	}
	return ""
}

type errorBody struct {
	Schemas  []string `json:"schemas"`
	Status   string   `json:"status"` // a string, as the RFC has it
	SCIMType string   `json:"scimType,omitempty"`
	Detail   string   `json:"detail"`
}

func writeProblem(w http.ResponseWriter, p *problem) {
	write(w, p.status, errorBody{[]string{errorSchema}, strconv.Itoa(p.status), p.scimType, p.detail})
}

func write(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		panic(err) // a mistake in the code; nothing is written yet
	}
	w.Header().Set("Content-Type", mediaType)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) // a caller who hung up is nobody's fault
}

// readBody reads a JSON object.
func readBody(w http.ResponseWriter, r *http.Request) (object, error) {
	types := r.Header.Values("Content-Type")
	ok := len(types) == 1
	if ok {
		kind, params, err := mime.ParseMediaType(types[0])
		charset, named := params["charset"]
		ok = err == nil && (kind == mediaType || kind == "application/json") && (!named || strings.EqualFold(charset, "utf-8"))
	}
	if !ok {
		return nil, &problem{http.StatusUnsupportedMediaType, "", "expected Content-Type " + mediaType}
	}
	body, err := io.ReadAll(httpx.Body(w, r, httpx.MaxBody))
	if err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return nil, &problem{http.StatusRequestEntityTooLarge, "", fmt.Sprintf("expected at most %d bytes of body", httpx.MaxBody)}
		}
		return nil, refuse(invalidSyntax, "the body could not be read")
	}
	if len(strings.TrimSpace(string(body))) == 0 {
		return nil, refuse(invalidSyntax, "expected a JSON object, got an empty body")
	}
	var o object
	if err := httpx.DecodeJSON(body, &o); err != nil {
		return nil, err
	}
	return o, nil
}

// etag is the version of a resource (RFC 7644 section 3.14).
func etag(c directory.Changed) string { return fmt.Sprintf(`W/"%d"`, c.Revision) }

// seen returns the revision that If-Match names; 0: any.
func seen(r *http.Request) (int64, error) {
	values := r.Header.Values("If-Match")
	if len(values) == 0 || len(values) == 1 && strings.TrimSpace(values[0]) == "*" {
		return 0, nil
	}
	if len(values) == 1 {
		text := strings.TrimPrefix(strings.TrimSpace(values[0]), "W/")
		if number, quoted := strings.CutPrefix(text, `"`); quoted && strings.HasSuffix(number, `"`) {
			if revision, err := strconv.ParseInt(strings.TrimSuffix(number, `"`), 10, 64); err == nil && revision > 0 {
				return revision, nil
			}
		}
	}
	return 0, &problem{http.StatusPreconditionFailed, "", `If-Match: expected the version of the resource, as W/"3"`}
}

// unchanged answers a GET whose client has this version already (RFC 9110 section 13.1.2).
func unchanged(w http.ResponseWriter, r *http.Request, c directory.Changed) bool {
	w.Header().Set("ETag", etag(c))
	if got := r.Header.Get("If-None-Match"); got == "" || strings.TrimPrefix(got, "W/") != strings.TrimPrefix(etag(c), "W/") {
		return false
	}
	w.WriteHeader(http.StatusNotModified)
	return true
}

func clip(s string) string { return fault.Clip(s, 100) }
