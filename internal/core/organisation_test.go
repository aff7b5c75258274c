package core

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/coreapi"
	"github.com/portico-iam/portico/internal/httpx"
)

const orgs = "/api/organisation/v1"

// admin is a token of the system that may do everything with organisations.
func (w *world) admin() string {
	return w.token(in("", "STS_ORGANISATION_CREATE", "STS_ORGANISATION_LIST", "STS_ORGANISATION_DETAIL", "STS_ORGANISATION_EDIT"))
}

// recorded tells what the record holds of an organisation: "CREATED acme by user-1 from CORE".
func (w *world) recorded(id string) (got []string) {
	for _, e := range w.store.entries {
		if e.EntityID == id && e.EntityType == "ORGANISATION" && string(e.OrganisationID) == id {
			got = append(got, fmt.Sprintf("%s %s by %s from %s", e.Action, e.Name, e.User, e.Source))
		}
	}
	return got
}

func wantRecord(t *testing.T, w *world, id string, want ...string) {
	t.Helper()
	if got := w.recorded(id); !slices.Equal(got, want) {
		t.Errorf("record of %s: got %q, want %q", id, got, want)
	}
}

func TestOrganisationCreate(t *testing.T) {
	w := start(t)
	admin := w.admin()
	id := read[coreapi.Created](t, w.expect(admin, "POST", orgs, `{}`, 201, "")).ID
	w.expect(admin, "GET", orgs+"/"+id, "", 200, `"name":"`+id+`"`)
	wantRecord(t, w, id, "CREATED "+id+" by user-1 from CORE")

	w.expect(admin, "POST", orgs, `{"id":"`+acme+`","name":"Acme"}`, 201, `{"id":"`+acme+`"}`)
	w.expect(admin, "GET", orgs+"/"+acme, "", 200,
		`{"id":"`+acme+`","name":"Acme","createdDate":"2026-03-01T12:00:00.000Z","lastModified":"2026-03-01T12:00:00.000Z"}`)
	wantRecord(t, w, acme, "CREATED Acme by user-1 from CORE")

	w.expect(admin, "POST", orgs, `{"name":"Named"}`, 201, "")
	w.expect(admin, "POST", orgs, `{"id":"`+strings.ToUpper(beta)+`","name":null}`, 201, beta)
	w.expect(admin, "GET", orgs+"/"+strings.ToUpper(beta), "", 200, `"name":"`+beta+`"`)

	before := len(w.store.entries)
	for _, body := range []string{`{"id":"` + acme + `"}`, `{"name":"Acme"}`, `{"id":"` + acme + `","name":"Acme"}`, `{"id":"` + strings.ToUpper(acme) + `","name":"x"}`} {
		w.expect(admin, "POST", orgs, body, 400, "BR_0023")
	}
	if len(w.store.entries) != before {
		t.Error("a refused create was recorded")
	}
}

func TestOrganisationBodiesAreStrict(t *testing.T) {
	w := start(t)
	for _, body := range []string{
		``, `[]`, `"x"`, `{"id":"acme"}`, `{"id":""}`, `{"id":7}`, `{"name":""}`, `{"name":"  "}`, `{"name":"a\u0000b"}`, `{"name":"a\nb"}`,
		`{"name":"` + strings.Repeat("x", 256) + `"}`, `{"more":1}`, `{"name":"a","name":"b"}`, `{} {}`, `{`, "{\"name\":\"\xff\"}", `{"name":"` + strings.Repeat("x", httpx.MaxBody) + `"}`,
	} {
		for _, at := range []string{"POST " + orgs, "PATCH " + orgs + "/" + acme} {
			method, path, _ := strings.Cut(at, " ")
			if method == "PATCH" && strings.HasPrefix(body, `{"id"`) {
				continue
			}
			rec := w.expect(w.admin(), method, path, body, 400, "BR_0084")
			if rec.Body.Len() > 1000 {
				t.Errorf("%s: the answer is %d bytes long", at, rec.Body.Len())
			}
		}
	}
	w.expect(w.admin(), "PATCH", orgs+"/"+acme, `{"id":"`+acme+`"}`, 400, "BR_0084")
	w.expect(w.admin(), "PATCH", orgs+"/"+acme, `{"deactivate":"true"}`, 400, "BR_0084")
	w.expect(w.admin(), "PATCH", orgs+"/"+acme, `{"walletProvider":1}`, 400, "BR_0084")
	r := httptest.NewRequest("POST", orgs, strings.NewReader(`{}`))
	r.Header.Set("Authorization", "Bearer "+w.admin())
	r.Header.Set("Content-Type", "text/plain")
	if rec := w.send(r); rec.Code != 400 || !strings.Contains(rec.Body.String(), "BR_0084") {
		t.Errorf("text/plain: got %d %s", rec.Code, rec.Body)
	}
	if len(w.store.organisations) != 0 {
		t.Error("a refused body was stored")
	}
}

func TestOrganisationUnknownID(t *testing.T) {
	w := start(t)
	w.expect(w.admin(), "GET", orgs+"/"+acme, "", 400, "BR_0088")
	for _, id := range []string{"x", acme[:35], acme + "0", "{" + acme[1:], strings.ReplaceAll(acme, "-", "")} {
		if id[0] != '{' {
			w.expect(w.admin(), "GET", orgs+"/"+id, "", 400, "BR_0084")
			w.expect(w.admin(), "PATCH", orgs+"/"+id, "{}", 400, "BR_0084")
		}
	}
}

func TestOrganisationPatchIsAnUpsert(t *testing.T) {
	w := start(t)
	admin, path := w.admin(), orgs+"/"+acme
	get := func() coreapi.Organisation {
		return read[coreapi.Organisation](t, w.expect(admin, "GET", path, "", 200, ""))
	}
	w.expect(admin, "PATCH", path, `{"name":"Acme"}`, 204, "")
	w.clock.advance(20 * time.Minute)
	w.expect(admin, "PATCH", path, `{"deactivate":true}`, 204, "")
	first := get()
	if !first.DeactivatedAt.Equal(began.Add(20*time.Minute)) || !first.LastModified.Equal(began.Add(20*time.Minute)) || !first.CreatedDate.Equal(began) {
		t.Errorf("deactivated: %+v", first)
	}
	w.clock.advance(20 * time.Minute)
	for _, nothing := range []string{`{}`, `{"deactivate":true}`, `{"name":"Acme"}`, `{"walletProvider":null}`, `{"name":null,"deactivate":null}`} {
		w.expect(admin, "PATCH", path, nothing, 204, "")
	}
	if got := get(); got != first {
		t.Errorf("a patch that changes nothing changed %+v to %+v", first, got)
	}
	w.expect(admin, "PATCH", path, `{"deactivate":true,"name":"Acme GmbH"}`, 204, "")
	if got := get(); got.DeactivatedAt != first.DeactivatedAt || got.Name != "Acme GmbH" {
		t.Errorf("the first deactivation is the one that counts, got %+v", got)
	}
	w.expect(admin, "PATCH", path, `{"deactivate":false,"name":"Acme AG"}`, 204, "")
	if got := get(); !got.DeactivatedAt.IsZero() || got.Name != "Acme AG" || !got.LastModified.Equal(began.Add(40*time.Minute)) {
		t.Errorf("reactivated: %+v", got)
	}
	wantRecord(t, w, acme, "CREATED Acme by user-1 from CORE", "DEACTIVATED Acme by user-1 from CORE",
		"UPDATED Acme GmbH by user-1 from CORE", "UPDATED Acme AG by user-1 from CORE", "REACTIVATED Acme AG by user-1 from CORE")

	w.expect(admin, "PATCH", orgs+"/"+beta, `{"deactivate":true}`, 204, "")
	wantRecord(t, w, beta, "CREATED "+beta+" by user-1 from CORE", "DEACTIVATED "+beta+" by user-1 from CORE")
	w.expect(admin, "PATCH", orgs+"/"+beta, `{"name":"Acme AG"}`, 400, "BR_0023")
	w.expect(admin, "PATCH", orgs+"/"+other, `{"name":"Acme AG"}`, 400, "BR_0023")
	wantRecord(t, w, other)
}

func TestOrganisationWalletProvider(t *testing.T) {
	w := start(t)
	admin, a, b := w.admin(), orgs+"/"+acme, orgs+"/"+beta
	w.expect(admin, "PATCH", a, `{"walletProvider":"EUDI"}`, 204, "")
	w.expect(admin, "GET", a, "", 200, `"walletProvider":"EUDI"`)
	w.expect(admin, "PATCH", a, `{"name":"Acme"}`, 204, "") // absent keeps
	w.expect(admin, "GET", a, "", 200, `"walletProvider":"EUDI"`)
	w.expect(admin, "PATCH", b, `{"walletProvider":"EUDI"}`, 400, "BR_0283")
	w.expect(admin, "PATCH", b, `{"walletProvider":"NONE"}`, 400, "BR_0284")
	w.expect(admin, "PATCH", b, `{"walletProviderIssuer":"`+other+`"}`, 404, "BR_0207")
	w.expect(admin, "PATCH", b, `{"walletProviderIssuer":"x"}`, 400, "BR_0084")
	w.expect(admin, "PATCH", a, `{"walletProvider":null,"walletProviderIssuer":null}`, 204, "") // null clears
	if got := w.expect(admin, "GET", a, "", 200, "").Body.String(); strings.Contains(got, "wallet") {
		t.Errorf("cleared: %s", got)
	}
	w.expect(admin, "PATCH", b, `{"walletProvider":"EUDI"}`, 204, "")
}

func TestOrganisationParallelUpserts(t *testing.T) {
	w := start(t)
	admin := w.admin()
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			w.expect(admin, "PATCH", orgs+"/"+acme, fmt.Sprintf(`{"name":"Acme %d"}`, i), 204, "")
		})
	}
	wg.Wait()
	created := 0
	for _, line := range w.recorded(acme) {
		if strings.HasPrefix(line, "CREATED") {
			created++
		}
	}
	if created != 1 || len(w.recorded(acme)) != 20 {
		t.Errorf("expected one CREATED and 19 UPDATED, got %q", w.recorded(acme))
	}
}

func TestOrganisationList(t *testing.T) {
	w := start(t)
	admin := w.admin()
	for i, name := range []string{"beta", "Alpha", "alphabet", "100%", "1000"} {
		w.expect(admin, "POST", orgs, fmt.Sprintf(`{"id":"0000000%d-0000-4000-8000-000000000000","name":%q}`, i, name), 201, "")
		if i != 1 { // Alpha and alphabet are of one moment
			w.clock.advance(time.Minute)
		}
	}
	w.expect(admin, "PATCH", orgs+"/00000000-0000-4000-8000-000000000000", `{"deactivate":true}`, 204, "")
	for query, want := range map[string]string{
		"":                                       "1000 100% alphabet Alpha beta 5/1",
		"&sortDirection=ASC":                     "1000 100% alphabet Alpha beta 5/1", // without a sort it says nothing
		"&sort=createdDate":                      "beta Alpha alphabet 100% 1000 5/1",
		"&sort=createdDate&sortDirection=DESC":   "1000 100% alphabet Alpha beta 5/1",
		"&sort=name":                             "100% 1000 Alpha alphabet beta 5/1",
		"&name=ALPHA":                            "alphabet Alpha 2/1",
		"&name=alpha&exact[]=name":               " 0/0",
		"&name=Alpha&exact[]=name":               "Alpha 1/1",
		"&name=100%25":                           "100% 1/1",
		"&name=1__":                              " 0/0",
		"&createdDateAfter=2026-03-01T12:01:00Z": "1000 100% alphabet Alpha 4/1",
		"&createdDateBefore=2026-03-01T12:01:00Z":         "alphabet Alpha beta 3/1",
		"&lastModifiedAfter=2026-03-01T12:04:00Z":         "beta 1/1",
		"&lastModifiedBefore=2026-03-01T13:01:00%2B01:00": "alphabet Alpha 2/1",
		"&page=1&pageSize=2":                              "alphabet Alpha 5/3",
		"&page=2147483647&pageSize=1000":                  " 5/1",
	} {
		full := "page=0&pageSize=30" + query
		if strings.Contains(query, "&page=") {
			full = query[1:]
		}
		list := read[httpx.List[coreapi.Organisation]](t, w.expect(admin, "GET", orgs+"?"+full, "", 200, ""))
		var names []string
		for _, o := range list.Values {
			names = append(names, o.Name)
		}
		if got := fmt.Sprintf("%s %d/%d", strings.Join(names, " "), list.TotalItems, list.TotalPages); got != want {
			t.Errorf("%s: got %q, want %q", query, got, want)
		}
	}
	w.expect(admin, "GET", orgs+"?page=9&pageSize=1", "", 200, `"values":[]`)
}

// listFaults are wrong with every list.
var listFaults = map[string]string{
	"":                                    "Query missing",
	"page=0":                              "pageSize: expected",
	"pageSize=1":                          "page: expected",
	"page=-1&pageSize=1":                  "page: expected",
	"page=0&pageSize=0":                   "pageSize: expected",
	"page=0&pageSize=1001":                "pageSize: expected",
	"page=x&pageSize=1":                   "page: expected",
	"page=0&page=1&pageSize=1":            "page: expected one",
	"page=0&pageSize=1&foo=1&bar=2":       "Query extraction error: Unknown query params: bar, foo",
	"page=0&pageSize=1&sort=id":           "sort: expected",
	"page=0&pageSize=1&sortDirection=asc": "sortDirection: expected",
	"page=0&pageSize=1&createdDateAfter=yesterday": "createdDateAfter: expected",
	"page=0&pageSize=1&%zz":                        "malformed",
}

func TestOrganisationListFaults(t *testing.T) {
	w := start(t)
	for query, part := range listFaults {
		rec := w.expect(w.admin(), "GET", orgs+"?"+query, "", 400, "BR_0084")
		if !strings.Contains(rec.Body.String(), part) {
			t.Errorf("%q: expected %q in %s", query, part, rec.Body)
		}
	}
	for _, query := range []string{"&exact[]=id", "&name=a%00", "&name=%ff", "&name=a&name=b"} {
		w.expect(w.admin(), "GET", orgs+"?page=0&pageSize=1"+query, "", 400, "BR_0084")
	}
	for _, at := range []string{"POST " + orgs + "?x=1", "GET " + orgs + "/" + acme + "?x=1", "PATCH " + orgs + "/" + acme + "?x=1"} {
		method, target, _ := strings.Cut(at, " ")
		w.expect(w.admin(), method, target, "{}", 400, "Unknown query params: x")
	}
}

// The permissions are the system's: no organisation of the token's is compared (platform contract 7.4).
func TestOrganisationOfAnotherIsNotCompared(t *testing.T) {
	w := start(t)
	w.expect(w.token(in(beta, "STS_ORGANISATION_EDIT")), "PATCH", orgs+"/"+acme, `{}`, 204, "")
	w.expect(w.token(in(beta, "STS_ORGANISATION_DETAIL")), "GET", orgs+"/"+acme, "", 200, acme)
	w.expect(w.token(in(beta, "STS_ORGANISATION_DETAIL")), "PATCH", orgs+"/"+acme, `{}`, 403, "")
}

func TestABrokenStoreIsAnInternalErrorWithoutItsText(t *testing.T) {
	w := start(t)
	w.store.broken = errors.New("dsn postgres://u:SECRET@h")
	all := w.token(in(acme, everyPermission()...))
	for _, at := range []string{
		"POST " + orgs, "PATCH " + orgs + "/" + acme, "GET " + orgs + "/" + acme, "GET " + orgs + "?page=0&pageSize=1",
		"GET /api/history/v1?page=0&pageSize=1", "GET /api/history/v1/" + acme,
	} {
		method, target, _ := strings.Cut(at, " ")
		body := ""
		if method == "POST" || method == "PATCH" {
			body = "{}"
		}
		if rec := w.expect(all, method, target, body, 500, "BR_0000"); strings.Contains(rec.Body.String(), "SECRET") {
			t.Errorf("%s: %s", at, rec.Body)
		}
	}
	w.expect(all, "POST", "/api/history/v1", `{"action":"CREATED","name":"n","entityType":"USER","source":"STS"}`, 500, "BR_0000")
}
