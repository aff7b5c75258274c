package devokta

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// api is a client of the Management API.
type api struct {
	*browser
	authorization string
}

func (w *testbed) api() *api { return &api{w.browser(), "SSWS " + w.s.World().APIToken} }

// call sends a request; body is JSON text, or "" for none.
func (a *api) call(method, path, body string, change ...func(*http.Request)) answer {
	a.Helper()
	r, err := http.NewRequestWithContext(context.Background(), method, a.s.cfg.PublicURL+path, strings.NewReader(body))
	if err != nil {
		a.Fatal(err)
	}
	r.Header.Set("Authorization", a.authorization)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, c := range change {
		c(r)
	}
	return a.do(r)
}

// must sends a request that succeeds, and decodes an object.
func (a *api) must(status int, method, path, body string) object {
	a.Helper()
	got := a.call(method, path, body)
	if got.status != status {
		a.Fatalf("%s %s: %d %s, expected %d", method, path, got.status, got.body, status)
	}
	if got.body == "" {
		return nil
	}
	return got.json(a.T)
}

func (a *api) list(path string) []object {
	a.Helper()
	got := a.call("GET", path, "")
	var out []object
	if err := json.Unmarshal([]byte(got.body), &out); err != nil || got.status != 200 {
		a.Fatalf("GET %s: %d %s", path, got.status, got.body)
	}
	return out
}

// refusedWith checks status, code, and that one of the causes has the text.
func (got answer) refusedWith(t *testing.T, status int, code, cause string) {
	t.Helper()
	body := got.json(t)
	if got.status != status || body["errorCode"] != code || body["errorLink"] != code || body["errorId"] == nil || body["errorCauses"] == nil {
		t.Fatalf("got %d %s, expected %d %s", got.status, got.body, status, code)
	}
	if !strings.Contains(got.body, cause) {
		t.Fatalf("%s does not say %q", got.body, cause)
	}
}

// object is a decoded JSON object.
type object map[string]any

// at follows a path of names.
func (o object) at(path string) any {
	var v any = map[string]any(o)
	for name := range strings.SplitSeq(path, ".") {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[name]
	}
	return v
}

func (o object) id() string { s, _ := o["id"].(string); return s }

// without is the object without what only the server sets, as a client sends it back.
func (o object) encode() string {
	encoded, _ := json.Marshal(o)
	return string(encoded)
}

func decode(t *testing.T, body string, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(body), into); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
}
