package scim

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/directory"
	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/revocation"
	"github.com/portico-iam/portico/internal/store"
	"github.com/portico-iam/portico/internal/testdb"
)

func TestMain(m *testing.M) { testdb.Main(m) }

const (
	issuer    = "https://acme.okta.test/oauth2/default"
	token     = "0123456789abcdef0123456789abcdef"
	oldToken  = "fedcba9876543210fedcba9876543210"
	publicURL = "https://desk.example.com"
)

// ends notes whose sessions end.
type ends struct{ subjects []string }

func (e *ends) End(_ context.Context, t revocation.Target, _, _ string) (revocation.Ended, error) {
	e.subjects = append(e.subjects, t.Person.Subject)
	return revocation.Ended{}, nil
}

// bed is the edge on a database.
type bed struct {
	t     testing.TB
	db    *store.DB
	dir   *directory.Service
	ended *ends
	mux   *http.ServeMux
	log   bytes.Buffer
}

func newBed(t testing.TB, db *store.DB, subjectFrom string) *bed {
	b := &bed{t: t, db: db, ended: &ends{}, mux: http.NewServeMux()}
	logger := slog.New(slog.NewTextHandler(&b.log, nil))
	var err error
	b.dir, err = directory.New(t.Context(), directory.Config{
		Store: db, Issuer: issuer, SubjectFrom: subjectFrom, Ender: b.ended, Now: time.Now, Logger: logger,
		History: &history.Recorder{Store: db, Now: time.Now, Logger: logger},
	})
	if err != nil {
		t.Fatal(err)
	}
	New(Config{Directory: b.dir, Tokens: []string{token, oldToken}, PublicURL: publicURL, Logger: logger}).Mount(b.mux)
	return b
}

type reply struct {
	status int
	header http.Header
	text   string
	body   object
}

func (b *bed) send(method, path, body string, headers ...string) reply {
	req := httptest.NewRequest(method, publicURL+Path+path, strings.NewReader(body))
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", mediaType)
	for i := 0; i+1 < len(headers); i += 2 {
		if req.Header.Del(headers[i]); headers[i+1] != "" {
			req.Header.Set(headers[i], headers[i+1])
		}
	}
	w := httptest.NewRecorder()
	b.mux.ServeHTTP(w, req)
	r := reply{status: w.Code, header: w.Header(), text: w.Body.String()}
	if w.Body.Len() > 0 {
		if err := json.Unmarshal(w.Body.Bytes(), &r.body); err != nil {
			b.t.Fatalf("%s %s: %v in %s", method, path, err, r.text)
		}
	}
	return r
}

func (b *bed) must(status int, method, path, body string, headers ...string) reply {
	b.t.Helper()
	r := b.send(method, path, body, headers...)
	if r.status != status {
		b.t.Fatalf("%s %s %s: expected %d, got %d %s", method, path, body, status, r.status, r.text)
	}
	return r
}

func (r reply) id() string { id, _ := r.body["id"].(string); return id }

func (b *bed) user(userName, more string) string {
	b.t.Helper()
	return b.must(http.StatusCreated, "POST", "/Users", userBody(userName, more)).id()
}

func userBody(userName, more string) string {
	name, _ := json.Marshal(userName)
	if more != "" {
		more = "," + more
	}
	return `{"schemas":["` + userSchema + `"],"userName":` + string(name) + more + `}`
}

func groupBody(name string, members ...string) string {
	text, _ := json.Marshal(name)
	list := []object{}
	for _, id := range members {
		list = append(list, object{"value": id})
	}
	all, _ := json.Marshal(list)
	return `{"schemas":["` + groupSchema + `"],"displayName":` + string(text) + `,"members":` + string(all) + `}`
}

func patchBody(operations string) string {
	return `{"schemas":["` + patchSchema + `"],"Operations":[` + operations + `]}`
}
