package e2e

import (
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/devokta"
)

// okta is a development Okta by itself, which notes every secret that it hands out.
type okta struct {
	*devokta.Server
	world devokta.World
	stop  func() // it is away from then on

	mu     sync.Mutex
	issued []string
}

// startOkta runs a development Okta for a Portico at publicURL, in process, until the test ends.
func startOkta(t *testing.T, publicURL string) *okta {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	server, err := devokta.New(devokta.Config{
		PublicURL: "http://localhost:" + port, WebRedirectURIs: []string{publicURL + "/.apisix/redirect"}, WebLogoutURIs: []string{publicURL + "/"},
		Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	o := &okta{Server: server, world: server.World()}
	s := &http.Server{Handler: http.HandlerFunc(o.note), ReadHeaderTimeout: 10 * time.Second}
	done := make(chan error, 1)
	go func() { done <- s.Serve(listener) }()
	o.stop = func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(func() {
		http.DefaultTransport.(*http.Transport).CloseIdleConnections()
		_ = s.Close()
		<-done
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	return o
}

// note passes requests on, and keeps the tokens of the token endpoint's answers.
func (o *okta) note(w http.ResponseWriter, r *http.Request) {
	if !strings.HasSuffix(r.URL.Path, "/v1/token") {
		o.Handler().ServeHTTP(w, r)
		return
	}
	recorder := httptest.NewRecorder()
	o.Handler().ServeHTTP(recorder, r)
	var tokens map[string]any
	_ = json.Unmarshal(recorder.Body.Bytes(), &tokens)
	o.mu.Lock()
	for _, name := range []string{"access_token", "id_token", "refresh_token"} {
		if token, ok := tokens[name].(string); ok {
			o.issued = append(o.issued, token)
		}
	}
	o.mu.Unlock()
	for name, values := range recorder.Header() {
		w.Header()[name] = values
	}
	w.WriteHeader(recorder.Code)
	_, _ = w.Write(recorder.Body.Bytes())
}
