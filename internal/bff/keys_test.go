package bff_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/portico-iam/portico/internal/access"
)

func TestSigningKeys(t *testing.T) {
	b := newBench(t, options{})
	const keys = "/api/sts/key/v1"
	b.maps("lister", access.SetOf(access.STSKeyList))
	b.maps("rotator", access.SetOf(access.STSKeyRotate))
	list := func() (kids map[string]string) {
		t.Helper()
		kids = map[string]string{}
		for _, v := range b.call("lister", "GET", keys, "").object(t)["values"].([]any) {
			k := v.(map[string]any)
			kids[k["state"].(string)] = k["kid"].(string)
		}
		return kids
	}
	before := list()
	for _, c := range []struct {
		rule, who, method, path, body string
		status                        int
		code                          string
	}{
		{"listed", "lister", "GET", keys, "", 200, ""},
		{"listed by who may only rotate", "rotator", "GET", keys, "", 403, "BR_0178"},
		{"listed by nobody", "", "GET", keys, "", 401, "PT_0001"},
		{"listed with a parameter", "lister", "GET", keys + "?x=1", "", 400, "BR_0084"},
		{"rotated by who may only list", "lister", "POST", keys + "/rotation", "{}", 403, "BR_0178"},
		{"rotated too early", "rotator", "POST", keys + "/rotation", "{}", 409, "PT_0020"},
		{"forced, without a name", "rotator", "POST", keys + "/rotation", `{"force":true}`, 400, "BR_0084"},
		{"forced, and another key is the next one", "rotator", "POST", keys + "/rotation", `{"force":true,"kid":"x"}`, 409, "PT_0021"},
		{"rotated with an unknown field", "rotator", "POST", keys + "/rotation", `{"now":true}`, 400, "BR_0084"},
		{"cut by who may only list", "lister", "DELETE", keys + "/" + before["next"], "", 403, "BR_0178"},
		{"a key that is none", "rotator", "DELETE", keys + "/x", "", 404, "PT_0002"},
		{"a method that is none", "rotator", "GET", keys + "/rotation", "", 405, "PT_0003"},
	} {
		got := b.call(c.who, c.method, c.path, c.body)
		if got.status != c.status || c.code != "" && got.object(t)["code"] != c.code {
			t.Errorf("%s: got %d %s", c.rule, got.status, got.body)
		}
		if now := list(); fmt.Sprint(now) != fmt.Sprint(before) {
			t.Errorf("%s: the keys changed", c.rule)
		}
	}
	if got := b.call("rotator", "POST", keys+"/rotation", fmt.Sprintf(`{"force":true,"kid":%q}`, before["next"])); got.status != 204 {
		t.Fatalf("got %d %s", got.status, got.body)
	}
	now := list()
	if now["active"] != before["next"] || now["retired"] != before["active"] {
		t.Errorf("before %v, after %v", before, now)
	}
	if got := b.call("rotator", "DELETE", keys+"/"+now["active"], ""); got.status != 204 {
		t.Fatalf("got %d %s", got.status, got.body)
	}
	if after := list(); after["active"] != now["next"] || strings.Contains(fmt.Sprint(after), now["active"]) {
		t.Errorf("before %v, after %v", now, after)
	}
	b.document(t).mustHold(t, keys, "get", b.call("lister", "GET", keys, ""))
	off := newBench(t, options{unmanaged: true})
	if got := off.call("ONE_STS_ADMIN", "GET", keys, ""); got.status != 404 {
		t.Errorf("switched off: got %d", got.status)
	}
}

// mustHold compares an answer with its documentation.
func (d *document) mustHold(t *testing.T, path, method string, got answer) {
	t.Helper()
	var op operation
	if err := json.Unmarshal(d.Paths[path][method], &op); err != nil {
		t.Fatal(err)
	}
	schema := op.Responses[fmt.Sprint(got.status)].Content["application/json"].Schema
	if schema == nil {
		t.Fatalf("%s %s: %d is not documented", method, path, got.status)
	}
	if err := d.check("", schema, any(got.object(t))); err != nil {
		t.Errorf("%s %s: %v in %s", method, path, err, got.body)
	}
}
