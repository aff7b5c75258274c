package bff_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/policy"
	"github.com/portico-iam/portico/internal/session"
)

const (
	bootstrap = "ONE_STS_ADMIN"
	fourEyes  = "/api/sts/four-eyes/v1/" + string(acme)
	requests  = "/api/sts/request/v1"
)

// demanding has Acme demand a second administrator, after something was mapped there. It returns the mapping's address.
func (b *bench) demanding(t *testing.T) string {
	t.Helper()
	b.maps("second", access.SetOf(access.STSIAMRoleList, access.STSIAMRoleCreate, access.STSIAMRoleEdit, access.STSIAMRoleDelete, access.STSAccessExplain,
		access.STSRoleCreate, access.STSRoleEdit, access.STSRoleDelete))
	b.maps("reader", access.SetOf(access.STSIAMRoleList))
	role, err := b.policy.CreateRole(t.Context(), admin, access.Role{Name: "Issuer", Permissions: access.SetOf(access.CredentialIssue)}, policy.Seen{})
	if err != nil {
		t.Fatal(err)
	}
	m, err := b.policy.CreateIAMRole(t.Context(), admin, access.IAMRole{Name: "Acme Issuance", OrganisationRoles: map[access.OrganisationID][]access.RoleID{acme: {role.ID}}}, policy.Seen{})
	if err != nil {
		t.Fatal(err)
	}
	if got := b.call(bootstrap, "PUT", fourEyes, `{"demanded":true}`); got.status != 409 || got.object(t)["code"] != "PT_0032" {
		t.Fatalf("without a second one: got %d %s", got.status, got.body)
	}
	if err := b.db.SeePerson(t.Context(), session.Person{Issuer: issuer, Subject: "who-second", IAMRoles: []string{"second"}, SeenAt: time.Now()}); err != nil {
		t.Fatal(err)
	}
	if got := b.call(bootstrap, "PUT", fourEyes, `{"demanded":true}`); got.status != 204 {
		t.Fatalf("got %d %s", got.status, got.body)
	}
	return "/api/sts/iam-role/v1/" + string(m.ID)
}

func (b *bench) ask(t *testing.T, address string) string {
	t.Helper()
	asked := b.call(bootstrap, "DELETE", address, "", requestHeader, "they left")
	id, _ := asked.object(t)["id"].(string)
	if asked.status != 202 || asked.header.Get("Location") != requests+"/"+id {
		t.Fatalf("got %d %s", asked.status, asked.body)
	}
	return id
}

const requestHeader = "X-Portico-Request"

func TestASecondAdministratorByTheAPI(t *testing.T) {
	b := newBench(t, options{})
	mapping := b.demanding(t)
	id := b.ask(t, mapping)
	other := b.ask(t, mapping)
	one := requests + "/" + id
	shown := b.call("second", "GET", one, "").object(t)
	seen := fmt.Sprint(shown["preview"].(map[string]any)["mapping"])
	if shown["mayDecide"] != true || shown["own"] != false || shown["state"] != "OPEN" || shown["reason"] != "they left" {
		t.Errorf("shown as %v", shown)
	}
	long := `{"reason":"` + strings.Repeat("x", 501) + `"}`
	for _, c := range []struct {
		rule, who, method, path, body string
		headers                       []string
		status                        int
		code                          string
	}{
		{"no request", bootstrap, "DELETE", mapping, "", nil, 409, "PT_0030"},
		{"no reason", bootstrap, "DELETE", mapping, "", []string{requestHeader, ""}, 400, "BR_0084"},
		{"it is demanded", "reader", "GET", fourEyes, "", nil, 200, ""},
		{"who may not list", "nobody", "GET", fourEyes, "", nil, 403, "BR_0178"},
		{"an organisation that is none", bootstrap, "GET", "/api/sts/four-eyes/v1/" + noID, "", nil, 404, "PT_0002"},
		{"an id that is none", bootstrap, "PUT", "/api/sts/four-eyes/v1/x", `{"demanded":true}`, nil, 400, "BR_0084"},
		{"neither nor", bootstrap, "PUT", fourEyes, `{}`, nil, 400, "BR_0084"},
		{"as it is", bootstrap, "PUT", fourEyes, `{"demanded":true}`, nil, 204, ""},
		{"no longer, alone", bootstrap, "PUT", fourEyes, `{"demanded":false}`, nil, 409, "PT_0030"},
		{"no longer, asked for", bootstrap, "PUT", fourEyes, `{"demanded":false}`, []string{requestHeader, "we are few"}, 202, ""},
		{"who may not change it", "reader", "PUT", fourEyes, `{"demanded":false}`, nil, 403, "BR_0178"},
		{"what is not demanded there", bootstrap, "PUT", "/api/sts/four-eyes/v1/" + string(zeta), `{"demanded":false}`, nil, 204, ""},
		{"another one's withdrawn", "second", "POST", one + "/withdraw", "", nil, 403, "BR_0178"},
		{"one's own approved", bootstrap, "POST", one + "/approve", "", []string{"X-Portico-Mapping", seen}, 409, "PT_0030"},
		{"who may not approves", "reader", "POST", one + "/approve", "", []string{"X-Portico-Mapping", seen}, 403, "BR_0178"},
		{"nobody sees it", "nobody", "GET", one, "", nil, 404, "PT_0002"},
		{"unseen", "second", "POST", one + "/approve", "", nil, 409, "PT_0023"},
		{"a preview that is none", "second", "POST", one + "/approve", "", []string{"X-Portico-Mapping", "soon"}, 400, "BR_0084"},
		{"an older preview", "second", "POST", one + "/approve", "", []string{"X-Portico-Mapping", "1"}, 409, "PT_0023"},
		{"refused without a reason", "second", "POST", one + "/refuse", `{"reason":""}`, nil, 400, "BR_0084"},
		{"refused at length", "second", "POST", one + "/refuse", long, nil, 400, "BR_0084"},
		{"approved", "second", "POST", one + "/approve", "", []string{"X-Portico-Mapping", seen}, 204, ""},
		{"approved again", "second", "POST", one + "/approve", "", []string{"X-Portico-Mapping", seen}, 409, "PT_0031"},
		{"withdrawn too late", bootstrap, "POST", one + "/withdraw", "", nil, 409, "PT_0031"},
		{"what is gone", "second", "POST", requests + "/" + other + "/approve", "", []string{"X-Portico-Mapping", fmt.Sprint(b.policy.Version() + 1)}, 409, "PT_0023"},
		{"refused", "second", "POST", requests + "/" + other + "/refuse", `{"reason":"it is gone"}`, nil, 204, ""},
		{"an id that is none", "second", "POST", requests + "/1/approve", "", nil, 400, "BR_0084"},
		{"an id of nothing", "second", "POST", requests + "/" + noID + "/refuse", `{"reason":"x"}`, nil, 409, "PT_0031"},
		{"a parameter", "second", "POST", one + "/withdraw?x=1", "", nil, 400, "BR_0084"},
	} {
		got := b.call(c.who, c.method, c.path, c.body, c.headers...)
		if got.status != c.status || c.code != "" && got.object(t)["code"] != c.code {
			t.Errorf("%s: got %d %s", c.rule, got.status, got.body)
		}
	}
	if got := b.call(bootstrap, "GET", mapping, ""); got.status != 404 {
		t.Errorf("the mapping is still there: %d", got.status)
	}
	for query, want := range map[string]int{
		"": 3, "?state[]=OPEN": 1, "?state[]=APPROVED&state[]=REFUSED": 2, "?organisationId[]=" + string(acme): 3, "?organisationId[]=" + string(zeta): 0,
		"?sort=untilDate&sortDirection=DESC&pageSize=1": 3,
	} {
		got := b.call("reader", "GET", requests+query, "").object(t)
		if got["totalItems"] != float64(want) {
			t.Errorf("%s: got %v", query, got)
		}
		if values := got["values"].([]any); query == "" && (values[0].(map[string]any)["state"] != "OPEN" || values[1].(map[string]any)["answer"] != "it is gone") {
			t.Errorf("not the open one first: %v", values)
		}
	}
	for _, query := range []string{"?state=OPEN", "?state[]=MAYBE", "?organisationId[]=x", "?sort=name"} {
		if got := b.call("reader", "GET", requests+query, ""); got.status != 400 {
			t.Errorf("%s: got %d", query, got.status)
		}
	}
	if got := b.call("nobody", "GET", requests, "").object(t); got["totalItems"] != 0.0 {
		t.Errorf("others see %v", got)
	}
}

// verifyRequests holds answers about requests against the document.
func (b *bench) verifyRequests(t *testing.T, verify func(path, method string, got answer)) {
	t.Helper()
	mapping := b.demanding(t)
	verify("/api/sts/four-eyes/v1/{organisationId}", "get", b.call(bootstrap, "GET", fourEyes, ""))
	verify("/api/sts/four-eyes/v1/{organisationId}", "put", b.call(bootstrap, "PUT", fourEyes, `{"demanded":false}`, requestHeader, "x"))
	const body = `{"ends":{"` + string(acme) + `":"2032-01-31T12:00:00Z"}}`
	verify("/api/sts/iam-role/v1/{id}", "patch", b.call(bootstrap, "PATCH", mapping, body, requestHeader, "x"))
	var last string
	for _, v := range b.call(bootstrap, "GET", requests, "").object(t)["values"].([]any) {
		last = v.(map[string]any)["id"].(string)
		verify(requests+"/{id}", "get", b.call("second", "GET", requests+"/"+last, ""))
	}
	verify(requests+"/{id}/approve", "post", b.call(bootstrap, "POST", requests+"/"+last+"/approve", ""))
	verify(requests+"/{id}/refuse", "post", b.call("second", "POST", requests+"/"+last+"/refuse", `{"reason":"no"}`))
	verify(requests+"/{id}/withdraw", "post", b.call(bootstrap, "POST", requests+"/"+last+"/withdraw", ""))
	verify(requests+"/{id}", "get", b.call("second", "GET", requests+"/"+last, ""))
	verify(requests, "get", b.call(bootstrap, "GET", requests, ""))
}
