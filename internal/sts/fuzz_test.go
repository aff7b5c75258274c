package sts_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/sts"
)

// FuzzForm sends any body to the token endpoint. The answer is a token for what was asked, or an error of RFC 6749; and
// what it says of an unreadable request is bounded.
func FuzzForm(f *testing.F) {
	b := newBench(f)
	accepted := verify(func(_ context.Context, token string) (*access.Principal, error) {
		if token != "good" {
			return nil, fault.Unauthenticated.New("it is not signed by the identity provider")
		}
		return ivan(), nil
	})
	x := &sts.Exchange{Service: b.Service, IAM: accepted, History: &history.Recorder{Store: &forgetful{}, Now: b.Now, Logger: silent}}
	good := url.Values{
		"grant_type": {sts.GrantTokenExchange}, "subject_token_type": {sts.TypeAccessToken}, "subject_token": {"good"}, "organisation_id": {string(acme)},
	}
	f.Add(good.Encode())
	for name, value := range map[string]string{
		"scope": "CREDENTIAL_ISSUE", "audience": "bridge", "resource": "https://api.acme.test", "client_id": "0oa1", "client_secret": "s",
		"actor_token": "good", "actor_token_type": sts.TypeJWT, "requested_token_type": sts.TypeIDToken, "organisation_id": "x", "subject_token": "bad",
	} {
		form := url.Values{}
		for k, v := range good {
			form[k] = v
		}
		form.Set(name, value)
		f.Add(form.Encode())
		f.Add(good.Encode() + "&" + name + "=" + url.QueryEscape(value))
	}
	f.Add("%zz")
	f.Add(strings.Repeat("a=b&", 1000))
	f.Fuzz(func(t *testing.T, body string) {
		r := httptest.NewRequest(http.MethodPost, "/api/sts/token/v1", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		x.ServeHTTP(w, r)
		if w.Code == http.StatusOK {
			var answer struct{ Scope string }
			if json.Unmarshal(w.Body.Bytes(), &answer) != nil {
				t.Fatalf("%s", w.Body)
			}
			form, err := url.ParseQuery(body)
			if err != nil || form.Get("subject_token") != "good" || form.Get("grant_type") != sts.GrantTokenExchange {
				t.Fatalf("%q: got %s", body, w.Body)
			}
			asked := strings.Fields(form.Get("scope"))
			for _, p := range strings.Fields(answer.Scope) {
				if len(asked) > 0 && !slices.Contains(asked, p) {
					t.Fatalf("%q: was given %s", body, p)
				}
			}
			return
		}
		var answer struct{ Error string }
		if json.Unmarshal(w.Body.Bytes(), &answer) != nil || answer.Error == "" || w.Code < 400 || w.Code >= 500 {
			t.Fatalf("%q: got %d %s", body, w.Code, w.Body)
		}
		if w.Body.Len() > 2000 || bytes.Contains(w.Body.Bytes(), []byte(`"access_token":`)) {
			t.Fatalf("%q: got %s", body, w.Body)
		}
	})
}

// forgetful keeps no history: a run of hours makes millions of entries.
type forgetful struct{ memory }

func (*forgetful) AppendHistory(context.Context, history.Entry) error { return nil }
