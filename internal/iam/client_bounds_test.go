package iam_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/portico-iam/portico/internal/iam"
)

// Whatever the token endpoint says in its refusal, what is kept of it is short, valid text without control characters:
// it goes to the log and to the history.
func TestRefusalsAreBoundedWhateverTheServerSays(t *testing.T) {
	p := newIDP(t)
	rapid.Check(t, func(r *rapid.T) {
		code := rapid.StringN(1, 300, -1).Draw(r, "error")
		description := rapid.StringN(0, 300, -1).Draw(r, "error_description")
		p.set(func() {
			p.token = func(w http.ResponseWriter, q *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(http.StatusBadRequest)
				_, _ = w.Write([]byte(`{"error":` + jsonText(code) + `,"error_description":` + jsonText(description) + `}`))
			}
		})
		_, err := p.exchange(t)
		var refused *iam.RefusedError
		if !errors.As(err, &refused) {
			r.Fatalf("expected the server's refusal, got %v", err)
		}
		for _, text := range []string{refused.Code, refused.Description} {
			if len(text) > 210 || !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
				r.Errorf("kept %q", text)
			}
		}
		if len(code) <= 200 && !strings.ContainsFunc(code, unicode.IsControl) && refused.Code != code {
			r.Errorf("%q became %q", code, refused.Code)
		}
	})
}

func jsonText(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(b)
}
