package httpx

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"reflect"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/portico-iam/portico/internal/fault"
)

// MaxBody bounds every request body that Portico itself reads, in bytes. What it only passes on is not bounded by it.
const MaxBody = 1 << 20

// WriteJSON answers with status and v as JSON. v must marshal: a value that can't is a mistake in the code, and panics
// before anything was written.
func WriteJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) // a caller who hung up is nobody's fault
}

// ErrorBody is the shape of every error answer: Core's, plus the reference under which the full reason is kept.
type ErrorBody struct {
	Code      string     `json:"code"`
	Message   string     `json:"message"`
	Cause     *ErrorText `json:"cause,omitempty"`
	Reference string     `json:"reference,omitempty"`
}

// ErrorText is the concrete detail of an error.
type ErrorText struct {
	Message string `json:"message"`
}

// WriteError renders err. Only a fault's own text is shown; any other error is logged and shown as an internal one.
func WriteError(w http.ResponseWriter, r *http.Request, err error) {
	f := fault.Of(err)
	NoteRefusal(r.Context(), f.Code.ID, f.Reference)
	if f.Code.Status >= 500 {
		Logger(r.Context()).ErrorContext(r.Context(), "request failed", "code", f.Code.ID, "error", err)
	} else if cause := errors.Unwrap(f); cause != nil {
		Logger(r.Context()).InfoContext(r.Context(), "request refused", "code", f.Code.ID, "error", err)
	}
	body := ErrorBody{Code: f.Code.ID, Message: f.Code.Message, Reference: f.Reference}
	if f.Detail != "" {
		body.Cause = &ErrorText{Message: f.Detail}
	}
	for _, stale := range []string{"Content-Length", "Content-Encoding", "ETag", "Last-Modified"} {
		w.Header().Del(stale) // of the answer that was meant to be
	}
	if f.Code == fault.StepUp && f.SignIn != nil {
		w.Header().Set("WWW-Authenticate", StepUpChallenge(f.SignIn))
	}
	if f.Code == fault.Unauthenticated && w.Header().Get("WWW-Authenticate") == "" {
		w.Header().Set("WWW-Authenticate", `Bearer realm="portico"`) // RFC 6750 section 3
	}
	WriteJSON(w, f.Code.Status, body)
}

// ReadJSON decodes the request's body into v, which must be a pointer to a struct. Unknown fields, repeated members,
// anything after the value, other media types and more than MaxBody bytes are refused.
func ReadJSON(w http.ResponseWriter, r *http.Request, v any) error {
	if types := r.Header.Values("Content-Type"); len(types) != 1 || !isJSON(types[0]) {
		return fault.NotJSON.New("expected Content-Type application/json, got %q", clip(strings.Join(types, ", ")))
	}
	body, err := io.ReadAll(Body(w, r, MaxBody))
	if err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return fault.TooLarge.New("expected at most %d bytes of body", MaxBody)
		}
		return fault.InvalidInput.New("the body could not be read").Because(err)
	}
	return DecodeJSON(body, v)
}

// isJSON accepts application/json, in UTF-8 if it names a charset at all.
func isJSON(contentType string) bool {
	mediaType, params, err := mime.ParseMediaType(contentType)
	charset, named := params["charset"]
	return err == nil && mediaType == "application/json" && (!named || strings.EqualFold(charset, "utf-8"))
}

// DecodeJSON decodes strictly, as ReadJSON does.
func DecodeJSON(body []byte, v any) error {
	if !utf8.Valid(body) {
		return fault.InvalidInput.New("expected the body as UTF-8")
	}
	if err := noRepeatedMembers(body); err != nil {
		return err
	}
	if trimmed := bytes.TrimLeft(body, " \t\r\n"); trimmed[0] != '{' {
		return fault.InvalidInput.New("expected a JSON object")
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return fault.InvalidInput.New("%s", describeJSON(err))
	}
	if _, err := d.Token(); err != io.EOF {
		return fault.InvalidInput.New("expected one JSON value, got more behind it")
	}
	return nil
}

// noRepeatedMembers refuses an object that names a member twice: readers disagree on which one counts (RFC 8259
// section 4), and that disagreement is a way around checks.
func noRepeatedMembers(body []byte) error {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	type level struct {
		object bool
		isKey  bool
		seen   map[string]bool
	}
	var stack []level
	for read := false; ; read = true {
		token, err := d.Token()
		if err == io.EOF && read && len(stack) == 0 {
			return nil
		}
		if err == io.EOF && read {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return fault.InvalidInput.New("%s", describeJSON(err))
		}
		delim, isDelim := token.(json.Delim)
		if isDelim && (delim == '}' || delim == ']') {
			stack = stack[:len(stack)-1]
			continue
		}
		if n := len(stack); n > 0 && stack[n-1].object {
			top := &stack[n-1]
			if top.isKey {
				name := token.(string)
				key := foldMember(name)
				if top.seen[key] {
					return fault.InvalidInput.New("the member %q stands twice in one object", clip(name))
				}
				top.seen[key] = true
			}
			top.isKey = !top.isKey
		}
		if isDelim {
			if len(stack) >= 32 {
				return fault.InvalidInput.New("expected JSON nested at most 32 deep")
			}
			stack = append(stack, level{object: delim == '{', isKey: true, seen: map[string]bool{}})
		}
	}
}

// foldMember makes names equal that encoding/json takes for the same field: it matches them without regard to case,
// and to it ſ is an s.
func foldMember(name string) string {
	return strings.Map(func(r rune) rune {
		for next := unicode.SimpleFold(r); ; next = unicode.SimpleFold(next) {
			if next <= r {
				return next // the smallest of those that differ in case only
			}
		}
	}, name)
}

func describeJSON(err error) string {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case err == io.EOF:
		return "expected a JSON object, got an empty body"
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "the JSON ends too early"
	case errors.As(err, &syntax):
		return "malformed JSON: " + syntax.Error()
	case errors.As(err, &kind):
		return clip(kind.Field) + ": expected " + jsonKind(kind.Type) + ", got " + clip(kind.Value)
	}
	return clip(strings.TrimPrefix(err.Error(), "json: "))
}

// jsonKind says what a Go type is in JSON: the caller does not know our types.
func jsonKind(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Pointer:
		return jsonKind(t.Elem())
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "a string"
	case reflect.Slice, reflect.Array:
		return "an array"
	case reflect.Struct, reflect.Map:
		return "an object"
	}
	return "a number"
}

// clip bounds what is quoted back of a caller's own input.
func clip(s string) string { return fault.Clip(s, 100) }

// Timestamp formats a time as Core does: UTC, to the millisecond.
func Timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
