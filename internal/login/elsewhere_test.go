package login_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/portico-iam/portico/internal/login"
)

func TestSigningOutElsewhere(t *testing.T) {
	for rule, c := range map[string]struct {
		address, site string
		err           error
		status        int
		location      string
		says          string
	}{
		"where the gateway signs out":    {"/oauth2/sign_out?rd=x", "same-origin", nil, 303, "/oauth2/sign_out?rd=x", ""},
		"by a client without the header": {"/oauth2/sign_out", "", nil, 303, "/oauth2/sign_out", ""},
		"the provider is away":           {"/oauth2/sign_out?rd=%2F", "none", errors.New("away"), 303, "/oauth2/sign_out?rd=%2F", ""},
		"nobody knows where":             {"", "same-origin", nil, 404, "", "You are still signed in"},
		"another site's link":            {"/oauth2/sign_out", "cross-site", nil, 200, "", "Another site asked"},
		"a neighbour's link":             {"/oauth2/sign_out", "same-site", nil, 200, "", "Another site asked"},
	} {
		mux := http.NewServeMux()
		(&login.Elsewhere{
			Address: func(context.Context) (string, error) { return c.address, c.err },
			Pages:   pages{}, Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
		}).Mount(mux)
		for _, method := range []string{"GET", "POST"} {
			r := httptest.NewRequest(method, "/logout", nil)
			r.Header.Set("Sec-Fetch-Site", c.site)
			w := httptest.NewRecorder()
			mux.ServeHTTP(w, r)
			if w.Code != c.status || w.Header().Get("Location") != c.location || !strings.Contains(w.Body.String(), c.says) {
				t.Errorf("%s, %s: got %d to %q: %s", rule, method, w.Code, w.Header().Get("Location"), w.Body)
			}
		}
	}
}
