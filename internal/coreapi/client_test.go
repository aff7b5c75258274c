package coreapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/fault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	canary = "canary.token.SECRET"
	someID = "11111111-2222-4333-8444-555555555555"
)

// roundTrip plays Core without a network.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func clientTo(h http.HandlerFunc) *Client {
	return over(func(r *http.Request) (*http.Response, error) {
		if r.Body == nil {
			r.Body = http.NoBody
		}
		w := httptest.NewRecorder()
		h(w, r)
		return w.Result(), nil
	})
}

func over(f roundTrip) *Client {
	return &Client{BaseURL: &url.URL{Scheme: "http", Host: "core.test", Path: "/base"}, HTTP: &http.Client{Transport: f}}
}

func answer(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

func TestErrorsOfCore(t *testing.T) {
	tests := []struct {
		name   string
		status int
		body   string
		code   string
		render int // the status that it is shown with
		detail string
	}{
		{"known code", 400, `{"code":"BR_0088","message":"m","cause":{"message":"no such"}}`, "BR_0088", 400, "no such"},
		{"known code, other status", 404, `{"code":"BR_0088","message":"m"}`, "BR_0088", 404, ""},
		{"foreign code", 404, `{"code":"BR_0207","message":"Identifier not found","cause":{"message":"x"}}`, "BR_0207", 404, "x"},
		{"foreign code we lack", 400, `{"code":"BR_9999","message":"New","more":1}`, "BR_9999", 400, ""},
		{"control characters", 400, "{\"code\":\"BR_9998\",\"message\":\"a\\nb\",\"cause\":{\"message\":\"c\\u001bd\"}}", "BR_9998", 400, "c d"},
		{"not Core's body", 404, `<html>`, "PT_0010", 502, "not by Core"},
		{"a code that is none", 400, `{"code":"<script>","message":"m"}`, "PT_0010", 502, "not by Core"},
		{"empty 401", 401, ``, "PT_0001", 401, "did not accept the token"},
		{"empty 403", 403, ``, "BR_0178", 403, "lacks the permission"},
		{"500", 500, `{"code":"BR_0000","message":"Panic"}`, "PT_0010", 502, "500"},
		{"redirect", 307, ``, "PT_0010", 502, "redirect"},
		{"slow down", 429, ``, "PT_0009", 429, "slow down"},
		{"unexpected success", 202, `{}`, "PT_0010", 502, "202"},
		{"not JSON", 200, `<html>`, "PT_0010", 502, "contract"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := clientTo(answer(tt.status, tt.body)).GetOrganisation(t.Context(), canary, someID)
			var f *fault.Fault
			if !errors.As(err, &f) {
				t.Fatalf("expected a fault, got %v", err)
			}
			if f.Code.ID != tt.code || f.Code.Status != tt.render || !strings.Contains(f.Detail, tt.detail) {
				t.Errorf("got %s (%d) %q", f.Code.ID, f.Code.Status, f.Detail)
			}
			if strings.Contains(err.Error(), "SECRET") || strings.ContainsAny(f.Code.Message, "\n\x1b") {
				t.Errorf("the error shows what it must not: %v", err)
			}
		})
	}
	_, err := clientTo(answer(400, `{"code":"BR_0088","message":"m"}`)).GetOrganisation(t.Context(), canary, someID)
	if !fault.OrganisationMissing.Is(err) {
		t.Errorf("Code.Is does not find Core's code: %v", err)
	}
}

func TestTransportErrors(t *testing.T) {
	refused := over(func(*http.Request) (*http.Response, error) { return nil, errors.New("connection refused") })
	if _, err := refused.GetOrganisation(t.Context(), canary, someID); !fault.CoreUnavailable.Is(err) || strings.Contains(err.Error(), "core.test") {
		t.Errorf("refused: got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	hangs := over(func(r *http.Request) (*http.Response, error) { <-r.Context().Done(); return nil, r.Context().Err() })
	if _, err := hangs.GetOrganisation(ctx, canary, someID); !fault.CoreUnavailable.Is(err) || !errors.Is(err, context.Canceled) {
		t.Errorf("given up: got %v", err)
	}
	cut := over(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Body: io.NopCloser(io.MultiReader(strings.NewReader(`{"id":`), failing{}))}, nil
	})
	if _, err := cut.GetOrganisation(t.Context(), canary, someID); !fault.CoreUnavailable.Is(err) {
		t.Errorf("cut off: got %v", err)
	}
	huge := clientTo(answer(200, `"`+strings.Repeat("x", maxAnswer)+`"`))
	if _, err := huge.GetOrganisation(t.Context(), canary, someID); !fault.CoreUnavailable.Is(err) || !strings.Contains(err.Error(), "at most") {
		t.Errorf("huge: got %v", err)
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestSilentCoreTimesOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		silent := over(func(r *http.Request) (*http.Response, error) { <-r.Context().Done(); return nil, r.Context().Err() })
		began := time.Now()
		_, err := silent.GetHistory(t.Context(), canary, someID)
		if !fault.CoreTimeout.Is(err) || time.Since(began) != callTimeout {
			t.Errorf("got %v after %v", err, time.Since(began))
		}
	})
}

// NT39, NT51: the token goes to Core and nowhere else.
func TestNT39_RedirectsAreNotFollowed(t *testing.T) {
	calls := 0
	c := clientTo(func(w http.ResponseWriter, r *http.Request) {
		calls++
		http.Redirect(w, r, "http://elsewhere.test/", http.StatusFound)
	})
	c.HTTP.CheckRedirect = func(*http.Request, []*http.Request) error { return nil }
	if _, err := c.ListOrganisations(t.Context(), canary); !fault.CoreUnavailable.Is(err) || calls != 1 {
		t.Errorf("got %v after %d calls", err, calls)
	}
}

func TestNT51_BadTokensAreNeitherSentNorShown(t *testing.T) {
	c := over(func(*http.Request) (*http.Response, error) { t.Error("it was sent"); return nil, io.EOF })
	for _, token := range []string{"", "SECRET with blank", "SECRET\r\nX-Injected: 1", "SECRET\x00", "SECRÉT"} {
		_, err := c.GetOrganisation(t.Context(), token, someID)
		if !fault.Unauthenticated.Is(err) || strings.Contains(err.Error(), "SECR") {
			t.Errorf("%q: got %v", token, err)
		}
	}
}

func TestIDsCannotChangeThePath(t *testing.T) {
	c := over(func(*http.Request) (*http.Response, error) { t.Error("it was sent"); return nil, io.EOF })
	for _, id := range []string{"", "..", "../../history/v1", someID + "/x", someID + "?x", strings.Repeat("a", 36)} {
		if _, err := c.GetHistory(t.Context(), canary, id); !fault.InvalidInput.Is(err) {
			t.Errorf("%q: got %v", id, err)
		}
	}
}

func TestRequestsOnTheWire(t *testing.T) {
	var got string
	c := clientTo(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got = fmt.Sprintf("%s %s %s %s %s", r.Method, r.URL.Path, r.URL.RawQuery, r.Header.Get("Content-Type"), b)
		if r.Header.Get("Authorization") != "Bearer "+canary {
			t.Errorf("authorization: %q", r.Header.Get("Authorization"))
		}
		switch r.Method {
		case http.MethodPost:
			answer(201, `{"id":"`+someID+`"}`)(w, r)
		case http.MethodPatch:
			w.WriteHeader(204)
		default:
			answer(200, `{"values":[],"totalItems":0,"totalPages":0}`)(w, r)
		}
	})
	name, off := "Acme", true
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	tests := []struct {
		want string
		do   func() error
	}{
		{`POST /base/api/organisation/v1  application/json {"name":"Acme"}`, func() error {
			id, err := c.CreateOrganisation(t.Context(), canary, OrganisationCreate{Name: &name})
			if id != someID {
				t.Errorf("id: %q", id)
			}
			return err
		}},
		{`PATCH /base/api/organisation/v1/` + someID + `  application/json {"deactivate":true,"walletProvider":null}`, func() error {
			return c.PatchOrganisation(t.Context(), canary, someID, OrganisationPatch{Deactivate: &off, WalletProvider: Null[string]()})
		}},
		{`GET /base/api/history/v1 page=0&pageSize=30  `, func() error {
			_, err := c.ListHistory(t.Context(), canary, HistoryQuery{})
			return err
		}},
		{`GET /base/api/history/v1 actions%5B%5D=CREATED&actions%5B%5D=DELETED&createdDateAfter=2026-01-02T03%3A04%3A05.000Z&organisationIds%5B%5D=` + someID + `&page=2&pageSize=5&showSystemHistory=true&sort=user&sortDirection=DESC  `, func() error {
			_, err := c.ListHistory(t.Context(), canary, HistoryQuery{
				Page: 2, Size: 5, Sort: "user", Descending: true, After: at,
				Actions: []string{"CREATED", "DELETED"}, OrganisationIDs: []access.OrganisationID{someID}, System: true,
			})
			return err
		}},
		{`POST /base/api/history/v1  application/json {"action":"CREATED","name":"n","entityType":"STS_ROLE","source":"STS","metadata":{"a":1}}`, func() error {
			_, err := c.CreateHistory(t.Context(), canary, HistoryCreate{Action: "CREATED", Name: "n", EntityType: "STS_ROLE", Source: "STS", Metadata: json.RawMessage(`{"a":1}`)})
			return err
		}},
	}
	for _, tt := range tests {
		if err := tt.do(); err != nil || got != tt.want {
			t.Errorf("\n got %s, %v\nwant %s", got, err, tt.want)
		}
	}
}

func TestListOrganisationsReadsEveryPageAndIsBounded(t *testing.T) {
	page := func(n, pages, total int) string {
		return fmt.Sprintf(`{"values":[{"id":"%d"}],"totalItems":%d,"totalPages":%d}`, n, total, pages)
	}
	calls := 0
	c := clientTo(func(w http.ResponseWriter, r *http.Request) {
		answer(200, page(calls, 3, 3))(w, r)
		if r.URL.Query().Get("page") != fmt.Sprint(calls) || r.URL.Query().Get("pageSize") != "1000" {
			t.Errorf("query: %s", r.URL.RawQuery)
		}
		calls++
	})
	all, err := c.ListOrganisations(t.Context(), canary)
	if err != nil || len(all) != 3 || all[2].ID != "2" {
		t.Errorf("got %v, %v", all, err)
	}
	if _, err := clientTo(answer(200, page(0, 1, MaxOrganisations+1))).ListOrganisations(t.Context(), canary); !fault.CoreUnavailable.Is(err) {
		t.Errorf("unbounded: got %v", err)
	}
	// A Core that promises pages without end ends the reading at once.
	if all, err := clientTo(answer(200, `{"values":[],"totalPages":9,"totalItems":0}`)).ListOrganisations(t.Context(), canary); err != nil || len(all) != 0 {
		t.Errorf("got %v, %v", all, err)
	}
}

// TestNoListIsNoEmptyList: what only looks like "no organisations" is refused, or everybody would lose access by it.
func TestNoListIsNoEmptyList(t *testing.T) {
	for body, fine := range map[string]bool{
		`{"values":[],"totalItems":0,"totalPages":0}`: true,
		`{}`: false, `null`: false, `{"values":null}`: false, `{"values":[],"totalItems":7,"totalPages":1}`: false,
	} {
		all, err := clientTo(answer(http.StatusOK, body)).ListOrganisations(t.Context(), canary)
		if (err == nil) != fine || len(all) != 0 {
			t.Errorf("%s: expected fine=%v, got %v, %v", body, fine, all, err)
		}
	}
}
