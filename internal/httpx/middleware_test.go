package httpx

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/uuid"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	// net/http lingers for half a second on a connection whose request it did not read to the end.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("net/http.(*conn).closeWriteAndWait"))
}

func TestRequestIDs(t *testing.T) {
	for _, c := range []struct {
		rule, id string
		kept     bool
	}{
		{"a UUID", "6a3c0f0e-0000-4000-8000-00000000000f", true},
		{"short", "a", true},
		{"64 characters", strings.Repeat("aZ0_-xyz", 8), true},
		{"none", "", false},
		{"65 characters", strings.Repeat("a", 65), false},
		{"a blank", "a b", false},
		{"a line end", "a\nlevel=ERROR", false},
		{"a quote", `a"b`, false},
		{"markup", "<script>", false},
		{"other letters", "é", false},
	} {
		var log bytes.Buffer
		var seen string
		h := WithRequestID(slog.New(slog.NewJSONHandler(&log, nil)), http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			seen = RequestID(r.Context())
			Logger(r.Context()).Info("hello")
		}))
		r := httptest.NewRequest("GET", "/", nil)
		r.Header["X-Request-Id"] = []string{c.id}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if (seen == c.id) != c.kept || seen == "" || w.Header().Get("X-Request-Id") != seen {
			t.Errorf("%s: got %q, answered %q", c.rule, seen, w.Header().Get("X-Request-Id"))
		}
		if !c.kept {
			if _, err := uuid.Parse(seen); err != nil {
				t.Errorf("%s: got %q", c.rule, seen)
			}
		}
		var line struct {
			RequestID string `json:"request_id"`
		}
		if err := json.Unmarshal(log.Bytes(), &line); err != nil || line.RequestID != seen {
			t.Errorf("%s: logged %s", c.rule, log.String())
		}
	}
	if RequestID(context.Background()) != "" || Logger(context.Background()) != slog.Default() {
		t.Error("outside a request there is no id, and the default logger")
	}
}

// canary prints itself by every way there is.
type canary struct{ Token string }

func (c canary) Error() string    { return c.Token }
func (c canary) String() string   { return c.Token }
func (c canary) GoString() string { return c.Token }

func TestNT51_APanicIsAnsweredAndItsValueKeptSecret(t *testing.T) {
	const secret = "canary-eyJhbGciOiJFZERTQSJ9"
	for name, f := range map[string]func(){
		"text":    func() { panic("token " + secret) },
		"error":   func() { panic(fmt.Errorf("token %s", secret)) },
		"struct":  func() { panic(canary{secret}) },
		"pointer": func() { panic(&canary{secret}) },
		"map":     func() { panic(map[string]string{"token": secret}) },
		"slice":   func() { panic([]string{secret}) },
		"nil":     func() { panic(nil) },
		"runtime": func() { _ = map[any]int{[]string{secret}: 1} }, // its message names what could not be hashed
	} {
		w, log := logged(t, func(w http.ResponseWriter, r *http.Request) {
			Recover(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Length", "1000")
				f()
			})).ServeHTTP(w, r)
		})
		if want := `{"code":"BR_0000","message":"Internal error","cause":{"message":"an internal error occurred"}}` + "\n"; w.Code != 500 || w.Body.String() != want {
			t.Errorf("%s: got %d %s", name, w.Code, w.Body)
		}
		if w.Header().Get("Content-Length") == "1000" {
			t.Errorf("%s: the length of another answer", name)
		}
		if strings.Contains(log, "canary-") || !strings.Contains(log, `"msg":"panic"`) || !strings.Contains(log, "middleware_test.go") {
			t.Errorf("%s: logged %s", name, log)
		}
	}
}

func TestAnAnswerThatHadBegunIsBrokenOff(t *testing.T) {
	server := httptest.NewUnstartedServer(WithRequestID(slog.New(slog.DiscardHandler), Recover(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/written":
			io.WriteString(w, strings.Repeat(`{"values":[`, 1000))
		case "/flushed":
			w.(http.Flusher).Flush()
		case "/controlled":
			http.NewResponseController(w).Flush()
		case "/header":
			w.WriteHeader(200)
		case "/aborted":
			panic(http.ErrAbortHandler)
		}
		panic("half way")
	}))))
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server.Start()
	defer server.Close()
	for _, p := range []string{"/written", "/flushed", "/header", "/aborted"} {
		answer, err := server.Client().Get(server.URL + p)
		if err != nil {
			continue // broken off before the header
		}
		b, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if err == nil {
			t.Errorf("%s: looks like a whole answer: %d %.80s", p, answer.StatusCode, b)
		}
		if bytes.Contains(b, []byte("BR_0000")) {
			t.Errorf("%s: two answers in one: %s", p, b)
		}
	}
	answer, err := server.Client().Get(server.URL + "/nothing")
	if err != nil || answer.StatusCode != 500 {
		t.Fatalf("before the answer began: %v, %v", answer, err)
	}
	answer.Body.Close()
}

func TestInformationIsNoBeginning(t *testing.T) {
	w := httptest.NewRecorder()
	Recover(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusEarlyHints)
		if w.(*answer).begun() {
			t.Error("a 103 began the answer")
		}
	})).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
}

func TestSecurityHeaders(t *testing.T) {
	for _, hsts := range []bool{false, true} {
		w := httptest.NewRecorder()
		SecurityHeaders(hsts, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Security-Policy", "default-src 'self'")
		})).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin", "Cache-Control": "no-store",
			"Content-Security-Policy": "default-src 'self'", "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
		} {
			if got := w.Header().Get(name); got != want {
				t.Errorf("%s: got %q, want %q", name, got, want)
			}
		}
		if (w.Header().Get("Strict-Transport-Security") != "") != hsts {
			t.Errorf("HSTS: got %q", w.Header().Get("Strict-Transport-Security"))
		}
	}
}
