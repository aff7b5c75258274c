package breakglass

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestTheSecretGoesOnlyWhereNobodyElseReadsIt(t *testing.T) {
	for address, fine := range map[string]bool{
		"https://one.acme.test": true, "https://one.acme.test:8443/": true, "http://localhost:8080": true, "http://127.0.0.1:1": true, "http://[::1]:1": true,
		"http://one.acme.test": false, "http://localhost.evil.test": false, "http://10.0.0.1": false, "ftp://localhost": false, "one.acme.test": false,
		"": false, "https://": false, "https://user:pw@one.acme.test": false, "https://a b": false,
	} {
		if _, err := useAddress(address); (err == nil) != fine {
			t.Errorf("%q: got %v", address, err)
		}
	}
}

func TestWhatAnotherServerAnswersIsSaid(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { t.Errorf("it was sent on to %s", r.URL) }))
	defer elsewhere.Close()
	for rule, c := range map[string]struct {
		answer http.HandlerFunc
		says   string
	}{
		"a refusal": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(401)
			fmt.Fprintf(w, `{"code":"PT_0001","cause":{"message":%q}}`, errRefused.Detail)
		}, errRefused.Detail},
		"another refusal": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(429)
			fmt.Fprint(w, `{"cause":{"message":"too many attempts"}}`)
		}, "too many attempts"},
		"no Portico":   {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(404) }, "answered 404"},
		"another page": {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") }, "is not Portico's"},
		"a redirection": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
		}, "answered 307"},
		"a gateway in front": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(401)
			fmt.Fprint(w, `{"code":"PT_0001","cause":{"message":"not signed in"}}`)
		}, "not signed in"},
	} {
		server := httptest.NewServer(c.answer)
		_, err := Send(t.Context(), server.URL, Use{ID: "id", Secret: "secret"}, func(context.Context) {})
		if err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: got %v", rule, err)
		}
		server.Close()
		if _, err := Send(t.Context(), server.URL, Use{}, func(context.Context) {}); err == nil || !strings.Contains(err.Error(), "can't be reached") {
			t.Errorf("%s, gone: got %v", rule, err)
		}
	}
}

// TestALostAnswerIsAskedForAgain with the same ticket.
func TestALostAnswerIsAskedForAgain(t *testing.T) {
	var bodies []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		switch bodies = append(bodies, string(body)); len(bodies) {
		case 1:
			panic(http.ErrAbortHandler) // after it was done
		case 2:
			w.WriteHeader(http.StatusServiceUnavailable)
		default:
			fmt.Fprint(w, `{"until":"2026-01-31T09:45:00Z"}`)
		}
	}))
	defer server.Close()
	waits := 0
	used, err := Send(t.Context(), server.URL, Use{ID: "id", Secret: "secret", Ticket: "ticket"}, func(context.Context) { waits++ })
	if err != nil || used.Until.IsZero() || waits != 2 || len(bodies) != 3 || bodies[0] != bodies[2] {
		t.Errorf("got %v, %v after %d waits: %v", used, err, waits, bodies)
	}
}
