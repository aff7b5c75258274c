package bff_test

import (
	"fmt"
	"testing"

	"github.com/portico-iam/portico/internal/access"
)

func TestPreview(t *testing.T) {
	b := newBench(t, options{})
	b.maps("explainer", access.SetOf(access.STSAccessExplain))
	b.maps("lister", access.SetOf(access.KeyList))
	const ada, path = "ONE_STS_ADMIN", "/api/sts/preview/v1"
	var role *access.Role
	for _, r := range b.policy.Snapshot().Roles() {
		if r.Permissions.Has(access.KeyList) {
			role = r
		}
	}
	wider := fmt.Sprintf(`{"roles":{"put":[{"id":%q,"permissions":["KEY_LIST","KEY_DETAIL"]}]}}`, role.ID)
	got := b.call("explainer", "POST", path, wider)
	preview := got.object(t)
	groups, _ := preview["groups"].([]any)
	if got.status != 200 || len(groups) != 1 || groups[0].(map[string]any)["iamRole"] != "lister" || preview["lastAdministrator"] != false {
		t.Fatalf("got %d %s", got.status, got.body)
	}
	if b.policy.Snapshot().Role(role.ID).Permissions != role.Permissions {
		t.Error("the preview changed the role")
	}
	mapping := fmt.Sprint(preview["mapping"])
	patch := func(mapping string) answer {
		return b.call(ada, "PATCH", "/api/sts/role/v1/"+string(role.ID), `{"permissions":["KEY_LIST","KEY_DETAIL"]}`, "x-portico-mapping", mapping)
	}
	b.maps("between", access.SetOf(access.KeyList))
	for _, c := range []struct {
		rule   string
		got    answer
		status int
		code   string
	}{
		{"a stale preview", patch(mapping), 409, "PT_0023"},
		{"one that is none", patch("soon"), 400, "BR_0084"},
		{"the present one", patch(fmt.Sprint(b.policy.Snapshot().Version())), 204, ""},
		{"nobody asks", b.call("", "POST", path, `{}`), 401, "PT_0001"},
		{"who may not asks", b.call("lister", "POST", path, `{}`), 403, "BR_0178"},
		{"a role that is gone", b.call("explainer", "POST", path, `{"roles":{"delete":["`+noID+`"]}}`), 404, "PT_0002"},
		{"an id that is none", b.call("explainer", "POST", path, `{"iamRoles":{"put":[{"id":"x"}]}}`), 400, "BR_0084"},
		{"what could not be saved", b.call("explainer", "POST", path, `{"iamRoles":{"put":[{"name":"lister"}]}}`), 409, "PT_0004"},
		{"a role that is mapped, deleted", b.call("explainer", "POST", path, fmt.Sprintf(`{"roles":{"delete":[%q]}}`, role.ID)), 409, "PT_0005"},
		{"an unknown field", b.call("explainer", "POST", path, `{"roles":{"drop":[]}}`), 400, "BR_0084"},
	} {
		if c.got.status != c.status || c.code != "" && c.got.object(t)["code"] != c.code {
			t.Errorf("%s: got %d %s", c.rule, c.got.status, c.got.body)
		}
	}
}
