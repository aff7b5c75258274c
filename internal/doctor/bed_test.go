package doctor_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/config"
	"github.com/portico-iam/portico/internal/devokta"
	"github.com/portico-iam/portico/internal/doctor"
	"github.com/portico-iam/portico/internal/okta"
)

const (
	publicURL = "http://127.0.0.1:9999"
	callback  = publicURL + "/.apisix/redirect"
	servers   = "/api/v1/authorizationServers/default"
	ada       = "ada@acme.test"
	nora      = "nora@acme.test"
)

// bed is an organisation with a Portico that fits it, and what the doctor is given of the two.
type bed struct {
	*testing.T
	*devokta.Server
	url string // of the organisation
	dir string
	cfg config.Config
	in  doctor.Input
	// pair is of two changes, of which the second may have nothing left to change.
	pair bool
}

type object map[string]any

// profiles are made once: an organisation's keys take long to make.
var profiles sync.Map // of *profile

type profile struct {
	once  sync.Once
	state []byte
	err   error
}

func stateOf(t *testing.T, name string) []byte {
	t.Helper()
	made, _ := profiles.LoadOrStore(name, &profile{})
	p := made.(*profile)
	p.once.Do(func() {
		dir, err := os.MkdirTemp("", "doctor")
		if err != nil {
			p.err = err
			return
		}
		defer os.RemoveAll(dir)
		file := filepath.Join(dir, "state.json")
		o, err := devokta.New(devokta.Config{
			PublicURL: "http://localhost:1", Profile: name, StateFile: file, WebRedirectURIs: []string{callback}, WebLogoutURIs: []string{publicURL + "/"},
		})
		if err == nil {
			err = o.Close()
		}
		if err == nil {
			p.state, err = os.ReadFile(file)
		}
		p.err = err
	})
	if p.err != nil {
		t.Fatal(p.err)
	}
	return p.state
}

// newBed starts an organisation; everything is as it should be.
func newBed(t *testing.T, profile string) *bed {
	t.Helper()
	b := &bed{T: t, dir: t.TempDir()}
	state := filepath.Join(b.dir, "state.json")
	if err := os.WriteFile(state, stateOf(t, profile), 0o600); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	b.url = "http://localhost:" + port
	if b.Server, err = devokta.New(devokta.Config{PublicURL: b.url, Profile: profile, StateFile: state}); err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: b.Handler(), ReadHeaderTimeout: 10 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() {
		_ = server.Close()
		<-served
		_ = b.Server.Close()
	})
	b.cfg = config.Default()
	w := b.World()
	b.cfg.Server.PublicURL = publicURL
	b.cfg.IAM.Issuer, b.cfg.IAM.ClientID, b.cfg.IAM.ClientSecret = w.Issuer, w.WebClient.ID, config.Secret(w.WebClient.Secret)
	b.cfg.STS.IAM.TokenValidation.Aud = w.Audience
	b.cfg.STS.Token.KeyEncryptionKeyFile = "key"
	transport := http.DefaultTransport.(*http.Transport).Clone()
	t.Cleanup(transport.CloseIdleConnections)
	// More patience than with Okta: making keys takes a busy machine long.
	b.in = doctor.Input{Now: time.Now, HTTP: &http.Client{Transport: transport, Timeout: 15 * time.Second}}
	return b
}

// config gives the doctor the configuration, after changes.
func (b *bed) config(change ...func(*config.Config)) *bed {
	for _, c := range change {
		c(&b.cfg)
	}
	cfg := b.cfg
	if err := cfg.Check(); err != nil {
		b.in.Faults, _ = err.(config.Faults)
	}
	b.in.Config = &cfg
	return b
}

// okta gives it the setup file with a credential; token "" is the administrator's.
func (b *bed) okta(token string, lines ...string) *bed {
	b.Helper()
	if token == "" {
		token = b.World().APIToken
	}
	return b.setup("apiToken: \""+token+"\"", lines...)
}

func (b *bed) setup(credential string, lines ...string) *bed {
	b.Helper()
	if len(lines) == 0 {
		lines = []string{"bootstrap: {people: [" + ada + "]}", "authorizationServer: {id: default}"}
	}
	text := "okta:\n  url: " + b.url + "\n  " + credential + "\npublicUrl: " + publicURL + "\n" + strings.Join(lines, "\n") + "\n"
	path := filepath.Join(b.dir, "okta.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
	setup, err := okta.LoadSetup(path, nil)
	if err != nil {
		b.in.SetupFault = err.Error()
	}
	b.in.Setup = setup
	return b
}

func (b *bed) examine() *doctor.Report {
	b.Helper()
	report, err := doctor.Examine(b.Context(), b.in)
	if err != nil {
		b.Fatal(err)
	}
	return report
}

// call speaks to the Management API.
func (b *bed) call(method, path string, body any) []byte {
	b.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		b.Fatal(err)
	}
	r, err := http.NewRequestWithContext(b.Context(), method, b.url+path, bytes.NewReader(text))
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("Authorization", "SSWS "+b.World().APIToken)
	r.Header.Set("Content-Type", "application/json")
	response, err := b.in.HTTP.Do(r)
	if err != nil {
		b.Fatal(err)
	}
	defer response.Body.Close()
	answer, _ := io.ReadAll(response.Body)
	if response.StatusCode >= 300 {
		b.stop("%s %s: %d %s", method, path, response.StatusCode, answer)
	}
	return answer
}

func (b *bed) post(path string, body any) object {
	b.Helper()
	var out object
	_ = json.Unmarshal(b.call(http.MethodPost, path, body), &out)
	return out
}

func (b *bed) read(path string) object {
	b.Helper()
	var out object
	if err := json.Unmarshal(b.call(http.MethodGet, path, nil), &out); err != nil {
		b.Fatal(err)
	}
	return out
}

// find returns an item of a list by a field of its own or of its profile.
func (b *bed) find(path, name string) object {
	b.Helper()
	var list []object
	if err := json.Unmarshal(b.call(http.MethodGet, path, nil), &list); err != nil {
		b.Fatal(err)
	}
	for _, o := range list {
		if o["name"] == name || o["label"] == name || fmt.Sprint(o.at("profile.name")) == name {
			return o
		}
	}
	b.stop("%s has no %q", path, name)
	return nil
}

func (b *bed) stop(format string, args ...any) {
	b.Helper()
	if b.pair {
		b.Skipf("optional: these two changes exclude each other: "+format, args...)
	}
	b.Fatalf(format, args...)
}

func (o object) at(path string) any {
	var v any = map[string]any(o)
	for name := range strings.SplitSeq(path, ".") {
		m, _ := v.(map[string]any)
		v = m[name]
	}
	return v
}

func (o object) set(path string, value any) {
	names := strings.Split(path, ".")
	m := map[string]any(o)
	for _, name := range names[:len(names)-1] {
		inner, ok := m[name].(map[string]any)
		if !ok {
			inner = map[string]any{}
			m[name] = inner
		}
		m = inner
	}
	m[names[len(names)-1]] = value
}

func (o object) id() string { return fmt.Sprint(o["id"]) }

// put replaces what an object at an address has, pairs of path and value.
func (b *bed) put(path string, pairs ...any) {
	b.Helper()
	o := b.read(path)
	for i := 0; i+1 < len(pairs); i += 2 {
		o.set(pairs[i].(string), pairs[i+1])
	}
	delete(o, "_links")
	b.call(http.MethodPut, path, o)
}

func (b *bed) app(pairs ...any) {
	b.Helper()
	b.put("/api/v1/apps/"+b.World().WebClient.ID, pairs...)
}

func (b *bed) claim(pairs ...any) {
	b.Helper()
	b.put(servers+"/claims/"+b.find(servers+"/claims", "roles").id(), pairs...)
}

func (b *bed) policyPath() string {
	b.Helper()
	return servers + "/policies/" + b.find(servers+"/policies", "Procivis One").id()
}

func (b *bed) rulePath() string {
	b.Helper()
	return b.policyPath() + "/rules/" + b.find(b.policyPath()+"/rules", "Procivis One sign-in").id()
}

var readOnly = devokta.APIToken{ReadOnly: true}

// first is the id of the first item of a list.
func first(list []byte) string {
	var items []object
	_ = json.Unmarshal(list, &items)
	return items[0].id()
}
