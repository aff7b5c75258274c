package httpx

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/fault"
)

type body struct {
	Name        string              `json:"name"`
	Permissions []string            `json:"permissions"`
	Delegation  *nested             `json:"delegation"`
	Roles       map[string][]string `json:"roles"`
	Count       int                 `json:"count"`
	Metadata    json.RawMessage     `json:"metadata"`
}

type nested struct {
	Restricted bool `json:"restricted"`
}

func post(contentTypes []string, content string) *http.Request {
	r := httptest.NewRequest("POST", "/api/x", strings.NewReader(content))
	for _, c := range contentTypes {
		r.Header.Add("Content-Type", c)
	}
	return r
}

func TestStrictJSON(t *testing.T) {
	deep := func(n int) string {
		return `{"metadata":` + strings.Repeat("[", n) + strings.Repeat("]", n) + `}`
	}
	for _, c := range []struct {
		rule, content string
		want          string // the fault's detail; empty: accepted
	}{
		{"an object", `{"name":"x","permissions":["A"],"delegation":{"restricted":true},"roles":{"a":[]},"count":3}`, ""},
		{"blanks around", " \r\n\t{} \n", ""},
		{"an empty object", `{}`, ""},
		{"null members", `{"name":null,"delegation":null}`, ""},
		{"nested as deep as may be", deep(31), ""},
		{"a number that no float holds, where anything may be", `{"metadata":{"n":1e999}}`, ""},
		{"the same member in two objects", `{"metadata":[{"a":1},{"a":2}],"delegation":{"restricted":true}}`, ""},
		{"nothing", ``, "expected a JSON object, got an empty body"},
		{"blanks only", " \n", "expected a JSON object, got an empty body"},
		{"null", `null`, "expected a JSON object"},
		{"an array", `[]`, "expected a JSON object"},
		{"a text", `"x"`, "expected a JSON object"},
		{"a number", `1`, "expected a JSON object"},
		{"unknown member", `{"names":"x"}`, `unknown field "names"`},
		{"unknown nested member", `{"delegation":{"restricted":true,"x":1}}`, `unknown field "x"`},
		{"repeated member", `{"name":"a","name":"b"}`, `the member "name" stands twice in one object`},
		{"repeated in other case", `{"name":"a","Name":"b"}`, `stands twice`},
		{"repeated with a long s", `{"permissions":["A"],"permi\u017f\u017fions":["B"]}`, `stands twice`},
		{"repeated by an escape", `{"name":"a","n\u0061me":"b"}`, `stands twice`},
		{"repeated in a nested object", `{"delegation":{"restricted":false,"restricted":true}}`, `stands twice`},
		{"repeated in a map", `{"roles":{"a":[],"A":[]}}`, `stands twice`},
		{"repeated in what is kept as it is", `{"metadata":[{"a":1,"a":2}]}`, `stands twice`},
		{"repeated within an array within an object", `{"metadata":{"a":[{"b":1,"b":1}]}}`, `stands twice`},
		{"a second value", `{} {}`, "expected one JSON value, got more behind it"},
		{"a second value, glued", `{}{}`, "expected one JSON value, got more behind it"},
		{"rubbish behind", `{} x`, "malformed JSON"},
		{"a zero byte behind", "{}\x00", "malformed JSON"},
		{"cut short", `{"name":"x"`, "the JSON ends too early"},
		{"cut in a text", `{"name":"x`, "the JSON ends too early"},
		{"nested too deep", deep(32), "expected JSON nested at most 32 deep"},
		{"a bomb", `{"metadata":` + strings.Repeat("[", 500_000), "expected JSON nested at most 32 deep"},
		{"a bomb of objects", strings.Repeat(`{"metadata":`, 80_000), "expected JSON nested at most 32 deep"},
		{"invalid UTF-8", "{\"name\":\"\xff\"}", "expected the body as UTF-8"},
		{"byte order mark", "\ufeff{}", "malformed JSON"},
		{"UTF-16", "{\x00}\x00", "malformed JSON"},
		{"comment", `{/* x */}`, "malformed JSON"},
		{"trailing comma", `{"name":"x",}`, "malformed JSON"},
		{"single quotes", `{'name':'x'}`, "malformed JSON"},
		{"NaN", `{"count":NaN}`, "malformed JSON"},
		{"line end in a text", "{\"name\":\"a\nb\"}", "malformed JSON"},
		{"wrong type", `{"name":3}`, "name: expected a string, got number"},
		{"wrong nested type", `{"delegation":{"restricted":"yes"}}`, "delegation.restricted: expected true or false, got string"},
		{"a text for an array", `{"permissions":"A"}`, "permissions: expected an array, got string"},
		{"a text for an object", `{"delegation":"A"}`, "delegation: expected an object, got string"},
		{"a fraction for a whole number", `{"count":1.5}`, "count: expected a number, got number 1.5"},
		{"a number out of range", `{"count":1e999}`, "count: expected a number, got number 1e999"},
	} {
		var v body
		err := ReadJSON(httptest.NewRecorder(), post([]string{"application/json"}, c.content), &v)
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s: refused: %v", c.rule, err)
		case c.want != "" && (!fault.InvalidInput.Is(err) || !strings.Contains(fault.Of(err).Detail, c.want)):
			t.Errorf("%s: got %v, want %q", c.rule, err, c.want)
		}
	}
}

func TestTheSizeOfABodyIsBounded(t *testing.T) {
	fill := func(n int) string { return `{"name":"` + strings.Repeat("x", n-len(`{"name":""}`)) + `"}` }
	var v body
	if err := ReadJSON(httptest.NewRecorder(), post([]string{"application/json"}, fill(MaxBody)), &v); err != nil {
		t.Errorf("%d bytes: %v", MaxBody, err)
	}
	if err := ReadJSON(httptest.NewRecorder(), post([]string{"application/json"}, fill(MaxBody+1)), &v); !fault.TooLarge.Is(err) {
		t.Errorf("%d bytes: %v", MaxBody+1, err)
	}
	// The length may not be known beforehand.
	r := httptest.NewRequest("POST", "/", struct{ *strings.Reader }{strings.NewReader(fill(MaxBody + 1))})
	r.Header.Set("Content-Type", "application/json")
	if r.ContentLength != -1 {
		t.Fatal("the length is known")
	}
	if err := ReadJSON(httptest.NewRecorder(), r, &v); !fault.TooLarge.Is(err) {
		t.Errorf("chunked: %v", err)
	}
}

func TestNT47_OnlyJSONIsReadAsJSON(t *testing.T) {
	for _, c := range []struct {
		types []string
		ok    bool
	}{
		{[]string{"application/json"}, true},
		{[]string{"Application/JSON"}, true},
		{[]string{"application/json; charset=utf-8"}, true},
		{[]string{`application/json;charset="UTF-8"`}, true},
		{[]string{"application/json; charset=utf-16"}, false},
		{[]string{"application/json; charset=iso-8859-1"}, false},
		{[]string{"application/json; charset="}, false},
		{[]string{"application/json; charset=utf-8; charset=utf-7"}, false},
		{nil, false},
		{[]string{""}, false},
		{[]string{"text/plain"}, false},
		{[]string{"text/plain; application/json"}, false},
		{[]string{"text/plain;charset=application/json"}, false},
		{[]string{"text/json"}, false},
		{[]string{"application/x-www-form-urlencoded"}, false},
		{[]string{"multipart/form-data; boundary=x"}, false},
		{[]string{"application/jsonp"}, false},
		{[]string{"application/merge-patch+json"}, false},
		{[]string{"application/json, text/plain"}, false},
		{[]string{"application/json", "text/plain"}, false},
		{[]string{"text/plain", "application/json"}, false},
		{[]string{"application /json"}, false},
		{[]string{strings.Repeat("x", 10_000)}, false},
	} {
		var v body
		err := ReadJSON(httptest.NewRecorder(), post(c.types, `{"name":"x"}`), &v)
		if c.ok && err != nil || !c.ok && (!fault.NotJSON.Is(err) || v.Name != "") {
			t.Errorf("%q: got %v", c.types, err)
		}
		if err != nil && len(fault.Of(err).Detail) > 300 {
			t.Errorf("the detail quotes %d bytes of the caller's", len(fault.Of(err).Detail))
		}
	}
	if fault.NotJSON.Status != 415 {
		t.Errorf("the status is %d", fault.NotJSON.Status)
	}
}

func FuzzDecodeJSON(f *testing.F) {
	for _, seed := range []string{`{"name":"x"}`, `{"a":1,"A":2}`, `{"metadata":[{"a":1}]}`, "\ufeff{}", `{"roles":{"a":["b"]}}`, `{"permi\u017f\u017fions":[]}`, `null`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		var v body
		if err := DecodeJSON(content, &v); err != nil {
			if fault.Of(err).Detail == "" || fault.Of(err).Code.Status != 400 {
				t.Fatalf("got %v", err)
			}
			return
		}
		var lax map[string]json.RawMessage
		if err := json.Unmarshal(content, &lax); err != nil {
			t.Fatalf("accepted what is no JSON object: %v", err)
		}
		for a := range lax {
			for b := range lax {
				if a != b && strings.EqualFold(a, b) {
					t.Fatalf("accepted both %q and %q", a, b)
				}
			}
		}
		if len(lax) > 6 {
			t.Fatalf("accepted %d members", len(lax))
		}
	})
}

// logged runs f with a logger in the request's context, and returns what was logged.
func logged(t *testing.T, f func(w http.ResponseWriter, r *http.Request)) (*httptest.ResponseRecorder, string) {
	t.Helper()
	var log bytes.Buffer
	w := httptest.NewRecorder()
	WithRequestID(slog.New(slog.NewJSONHandler(&log, nil)), http.HandlerFunc(f)).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	return w, log.String()
}

func TestErrorsNeverShowTheirCause(t *testing.T) {
	cause := errors.New("canary 4711: password=hunter2")
	for _, c := range []struct {
		rule   string
		err    error
		status int
		body   string
		log    string
	}{
		{"an error of unknown kind", cause, 500, `{"code":"BR_0000","message":"Internal error","cause":{"message":"an internal error occurred"}}`, `"level":"ERROR"`},
		{"a wrapped error", fmt.Errorf("open: %w", cause), 500, `{"code":"BR_0000","message":"Internal error","cause":{"message":"an internal error occurred"}}`, `"level":"ERROR"`},
		{"a refusal with a cause", fault.InvalidInput.New("expected a name").Because(cause), 400, `{"code":"BR_0084","message":"General input validation error","cause":{"message":"expected a name"}}`, `"level":"INFO"`},
		{"a failure with a cause", fault.CoreUnavailable.New("").Because(cause), 502, `{"code":"PT_0010","message":"Core can't be reached"}`, `"level":"ERROR"`},
		{"a wrapped refusal", fmt.Errorf("%w: %w", cause, fault.NotFound.New("there is no role 7")), 404, `{"code":"PT_0002","message":"Not found","cause":{"message":"there is no role 7"}}`, ``},
		{"a plain refusal", fault.NotFound.New("there is no role 7"), 404, `{"code":"PT_0002","message":"Not found","cause":{"message":"there is no role 7"}}`, ``},
	} {
		w, log := logged(t, func(w http.ResponseWriter, r *http.Request) { WriteError(w, r, c.err) })
		if w.Code != c.status || w.Body.String() != c.body+"\n" || w.Header().Get("Content-Type") != "application/json" {
			t.Errorf("%s: got %d %s", c.rule, w.Code, w.Body)
		}
		if strings.Contains(w.Body.String()+fmt.Sprint(w.Header()), "canary") {
			t.Errorf("%s: the cause is shown", c.rule)
		}
		if c.log != "" && (!strings.Contains(log, c.log) || !strings.Contains(log, "canary")) || c.log == "" && log != "" {
			t.Errorf("%s: logged %q", c.rule, log)
		}
	}
}

func TestErrorAnswers(t *testing.T) {
	w, _ := logged(t, func(w http.ResponseWriter, r *http.Request) {
		for _, stale := range []string{"Content-Length", "Content-Encoding", "ETag", "Last-Modified"} {
			w.Header().Set(stale, "5")
		}
		WriteError(w, r, fault.Unauthenticated.New("sign in"))
	})
	if w.Code != 401 || w.Header().Get("WWW-Authenticate") != `Bearer realm="portico"` {
		t.Errorf("got %d %v", w.Code, w.Header())
	}
	for _, stale := range []string{"Content-Length", "Content-Encoding", "ETag", "Last-Modified"} {
		if w.Header().Get(stale) != "" {
			t.Errorf("%s belongs to another answer", stale)
		}
	}
	f := fault.Forbidden.New("no")
	f.Reference = "42"
	w, _ = logged(t, func(w http.ResponseWriter, r *http.Request) { WriteError(w, r, f) })
	if want := `{"code":"BR_0178","message":"Forbidden","cause":{"message":"no"},"reference":"42"}` + "\n"; w.Body.String() != want || w.Header().Get("WWW-Authenticate") != "" {
		t.Errorf("got %s", w.Body)
	}
}

func TestWriteJSONWritesAllOrNothing(t *testing.T) {
	w := httptest.NewRecorder()
	func() {
		defer func() { recover() }()
		WriteJSON(w, 200, map[string]any{"bad": make(chan int)})
		t.Error("a channel was written as JSON")
	}()
	if w.Body.Len() > 0 || w.Header().Get("Content-Type") != "" {
		t.Errorf("an answer had begun: %s", w.Body)
	}
}

func TestTimestamp(t *testing.T) {
	at := time.Date(2026, 1, 31, 10, 30, 0, 123456789, time.FixedZone("", 3600))
	if got := Timestamp(at); got != "2026-01-31T09:30:00.123Z" {
		t.Errorf("got %s", got)
	}
}
