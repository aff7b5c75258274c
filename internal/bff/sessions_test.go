package bff_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/config"
	"github.com/portico-iam/portico/internal/session"
	"github.com/portico-iam/portico/internal/testdb"
)

func TestSessionsAndRevocation(t *testing.T) {
	b := newBench(t, options{})
	const sessions, revocation = "/api/sts/session/v1", "/api/sts/revocation/v1"
	b.maps("lister", access.SetOf(access.STSSessionList))
	b.maps("revoker", access.SetOf(access.STSSessionRevoke))
	id := func(n int) string { return fmt.Sprintf("6a3c0000-0000-4000-8000-00000000010%d", n) }
	for n := range 3 {
		r := session.Record{
			Ref: id(n), Hash: id(n), Principal: access.Principal{Issuer: issuer, Subject: fmt.Sprintf("person-%d", n/2), Login: "x", IAMRoles: []string{"r"}},
			CreatedAt: time.Now(), SeenAt: time.Now(), EndsAt: time.Now().Add(time.Hour), Version: 1,
		}
		if err := testdb.InsertSession(t.Context(), b.db, r); err != nil {
			t.Fatal(err)
		}
	}
	count := func() int {
		t.Helper()
		return len(b.call("lister", "GET", sessions, "").object(t)["values"].([]any))
	}
	person := fmt.Sprintf(`{"person":{"issuer":%q,"subject":"person-0"}}`, issuer)
	for _, c := range []struct {
		rule, who, method, path, body string
		status                        int
		code                          string
	}{
		{"listed by who may only revoke", "revoker", "GET", sessions, "", 403, "BR_0178"},
		{"listed by nobody", "", "GET", sessions, "", 401, "PT_0001"},
		{"sorted", "lister", "GET", sessions + "?sort=name", "", 400, "BR_0084"},
		{"another's name", "lister", "GET", sessions + "?name=x", "", 400, "BR_0084"},
		{"one", "lister", "GET", sessions + "/" + id(0), "", 200, ""},
		{"one that is none", "lister", "GET", sessions + "/" + id(9), "", 404, "PT_0002"},
		{"an id that is none", "lister", "GET", sessions + "/x", "", 400, "BR_0084"},
		{"ended by who may only list", "lister", "DELETE", sessions + "/" + id(0), "", 403, "BR_0178"},
		{"one that is none, ended", "revoker", "DELETE", sessions + "/" + id(9), "", 404, "PT_0002"},
		{"revoked by who may only list", "lister", "POST", revocation, `{"everything":true}`, 403, "BR_0178"},
		{"revoked by nobody", "", "POST", revocation, `{"everything":true}`, 401, "PT_0001"},
		{"nothing", "revoker", "POST", revocation, `{}`, 400, "BR_0084"},
		{"two", "revoker", "POST", revocation, `{"everything":true,"sessionId":"` + id(0) + `"}`, 400, "BR_0084"},
		{"an unknown field", "revoker", "POST", revocation, `{"all":true}`, 400, "BR_0084"},
		{"a person without a subject", "revoker", "POST", revocation, `{"person":{"issuer":"x"}}`, 400, "BR_0084"},
		{"an unknown organisation", "revoker", "POST", revocation, `{"organisationId":"` + id(9) + `"}`, 400, "BR_0088"},
		{"an organisation that is no id", "revoker", "POST", revocation, `{"organisationId":"acme"}`, 400, "BR_0084"},
	} {
		got := b.call(c.who, c.method, c.path, c.body)
		if got.status != c.status || c.code != "" && got.object(t)["code"] != c.code {
			t.Errorf("%s: got %d %s", c.rule, got.status, got.body)
		}
		if n := count(); n != 3 {
			t.Errorf("%s: %d sessions are left", c.rule, n)
		}
	}
	if got := b.call("lister", "GET", sessions+"?issuer="+issuer+"&subject=person-0&pageSize=1", "").object(t); got["totalItems"] != 2.0 || got["totalPages"] != 2.0 {
		t.Errorf("a person's: got %v", got)
	}
	if got := b.call("revoker", "DELETE", sessions+"/"+id(0), ""); got.status != 204 || count() != 2 {
		t.Errorf("one: got %d %s", got.status, got.body)
	}
	if got := b.call("revoker", "POST", revocation, person); got.status != 200 || got.object(t)["sessionsEnded"] != 1.0 || count() != 1 {
		t.Errorf("a person: got %d %s", got.status, got.body)
	}
	// Everything: also the token by which it was asked.
	if got := b.call("revoker", "POST", revocation, `{"everything":true}`); got.status != 200 || got.object(t)["appTokensUntilDate"] == nil {
		t.Errorf("everything: got %d %s", got.status, got.body)
	}
	if got := b.call("revoker", "POST", revocation, `{"everything":true}`); got.status != 401 {
		t.Errorf("by a token from before: got %d %s", got.status, got.body)
	}
}

// An organisation's cut holds in every mode of Core's authentication, also where no token of ours goes there.
func TestNT29_AnOrganisationIsCutOffInEveryMode(t *testing.T) {
	for _, mode := range []string{config.AuthSTS, config.AuthUnsafeStatic, config.AuthUnsafeNone} {
		b := newBench(t, options{mode: mode})
		b.maps("all", everything())
		b.maps("revoker", access.SetOf(access.STSSessionRevoke))
		b.claims = map[string]any{"iat": time.Now().Add(-time.Hour).Unix()}
		old := b.token("all")
		b.claims = nil
		get := func(token string) (status, reached int) {
			got := b.call("", "GET", "/api/credential/v1?page=0&pageSize=10", "", "Authorization", "Bearer "+token, "X-Organisation-Id", string(acme))
			return got.status, len(b.core.take())
		}
		if status, reached := get(old); status != http.StatusTeapot || reached != 1 { // Core's own answer
			t.Fatalf("%s: before: got %d, %d", mode, status, reached)
		}
		if got := b.call("revoker", "POST", "/api/sts/revocation/v1", `{"organisationId":"`+string(acme)+`"}`); got.status != 200 {
			t.Fatalf("%s: got %d %s", mode, got.status, got.body)
		}
		if status, reached := get(old); status != 401 || reached != 0 {
			t.Errorf("%s: a token of before: got %d, %d", mode, status, reached)
		}
		// Tokens tell their time in whole seconds, so one of the next second is the first that counts.
		for deadline := time.Now().Add(10 * time.Second); ; {
			b.claims = map[string]any{"iat": time.Now().Unix()}
			fresh := b.token("all")
			b.claims = nil
			if status, _ := get(fresh); status == http.StatusTeapot {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s: a token of after does not count", mode)
			}
		}
		if got := b.call("", "GET", "/api/user/v1/me", "", "Authorization", "Bearer "+old); got.status != 200 {
			t.Errorf("%s: who they are, a token of before still tells: got %d", mode, got.status)
		}
	}
}
