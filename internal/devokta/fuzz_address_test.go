package devokta

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// oneLink is a header line of a list (RFC 8288), with nothing in it that could be taken for another.
var oneLink = regexp.MustCompile(`^<http://localhost:8081/[^<>"\s]*>; rel="(self|next)"$`)

// Whatever address, query and headers a client sends: no panic, no internal error, an error object for every refusal, and
// links that lead nowhere else.
func FuzzManagementAddress(f *testing.F) {
	for _, seed := range []struct{ method, path, query, media string }{
		{"GET", "/api/v1/apps", `limit=1&after=x`, "application/json"},
		{"GET", "/api/v1/apps", `q=a>;rel="next"`, ""},
		{"GET", "/api/v1/groups", `search=profile.name+eq+"x"&limit=10001`, ""},
		{"GET", "/api/v1/logs", "since=9999-99-99&until=2026-11-25T09:00:00.000Z&sortOrder=DESCENDING&limit=-1", ""},
		{"GET", "/api/v1/users/%00", "filter=id+eq", "text/html"},
		{"DELETE", "/api/v1/authorizationServers/default/claims/%2e%2e", "", "*/*"},
		{"PUT", "/api/v1/groups/x/users/me", "%", "application/json; charset=x"},
		{"POST", "/api/v1/users/me/lifecycle/unsuspend", "a;b", ""},
		{"HEAD", "/oauth2/v1/clients/acme-batch/roles", "", ""},
		{"PATCH", "/api/v1/policies/", "type=ACCESS_POLICY", ""},
	} {
		f.Add(seed.method, seed.path, seed.query, seed.media)
	}
	s, err := New(Config{PublicURL: "http://localhost:8081"})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = s.Close() })
	f.Fuzz(func(t *testing.T, method, path, query, media string) {
		r, err := http.NewRequestWithContext(t.Context(), method, "http://localhost:8081/api/v1/", strings.NewReader(""))
		if err != nil || !strings.HasPrefix(path, "/") {
			t.Skip()
		}
		if r.URL, err = r.URL.Parse("http://localhost:8081" + path); err != nil || r.URL.Host != "localhost:8081" {
			t.Skip()
		}
		r.URL.RawQuery, r.RequestURI = query, r.URL.RequestURI()
		r.Header = http.Header{"Authorization": {"SSWS " + s.World().APIToken}, "Accept": {media}, "Content-Type": {media}}
		r.RemoteAddr = "127.0.0.1:1"
		got := httptest.NewRecorder()
		s.Handler().ServeHTTP(got, r)
		var answer any
		isAPI := strings.HasPrefix(r.URL.Path, "/api/v1/") && r.URL.Path != "/api/v1/authn"
		switch {
		case got.Code >= 500 && got.Code != http.StatusNotImplemented:
			t.Fatalf("%s %s?%s: %d %s", method, path, query, got.Code, got.Body)
		case !isAPI || method == http.MethodHead || got.Code/100 == 3 || got.Code == http.StatusNoContent:
		case json.Unmarshal(got.Body.Bytes(), &answer) != nil:
			t.Fatalf("%s %s?%s: %d, no JSON: %s", method, path, query, got.Code, got.Body)
		case got.Code >= 400:
			if refusal, _ := answer.(map[string]any); refusal["errorCode"] == nil || refusal["errorCauses"] == nil {
				t.Fatalf("%s %s?%s: %d, no error object: %s", method, path, query, got.Code, got.Body)
			}
		}
		for _, link := range got.Header().Values("Link") {
			if isAPI && !oneLink.MatchString(link) {
				t.Fatalf("%s %s?%s: link %s", method, path, query, link)
			}
		}
		if slices.Contains(got.Header().Values("X-Rate-Limit-Remaining"), "") {
			t.Fatal("an empty header")
		}
	})
}
