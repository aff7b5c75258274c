package bff_test

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/explain"
)

const explainPath = "/api/sts/explain/v1"

func (b *bench) explained(t *testing.T, question string) (a explain.Answer) {
	t.Helper()
	got := b.call("explainer", "POST", explainPath, question)
	if got.status != 200 {
		t.Fatalf("%s: got %d %s", question, got.status, got.body)
	}
	if err := json.Unmarshal([]byte(got.body), &a); err != nil {
		t.Fatal(err)
	}
	return a
}

func TestExplain(t *testing.T) {
	b := newBench(t, options{})
	b.maps("explainer", access.SetOf(access.STSAccessExplain))
	b.maps("lister", access.SetOf(access.KeyList, access.STSRoleList))
	b.maps("reader", access.SetOf(access.HistoryList))
	b.maps("auditor", access.SetOf(access.HistoryList, access.SystemHistoryList))
	inAcme := `,"organisationId":"` + string(acme) + `"}`
	for _, c := range []struct {
		rule, question string
		allowed        bool
		reason         string
		state          explain.State // of the first IAM role
	}{
		{"a permission by IAM roles", `{"iamRoles":["lister"],"permission":"KEY_LIST"` + inAcme, true, "GRANTED", explain.Grants},
		{"a near miss", `{"iamRoles":["Lister"],"permission":"KEY_LIST"` + inAcme, false, "NO_MAPPED_IAM_ROLE", explain.Nearly},
		{"another permission", `{"iamRoles":["lister"],"permission":"KEY_CREATE"` + inAcme, false, "PERMISSION_MISSING", explain.Here},
		{"the first administrator's role, in an organisation", `{"iamRoles":["ONE_STS_ADMIN"],"permission":"KEY_LIST"` + inAcme, false, "NO_MAPPED_IAM_ROLE", explain.Bootstrap},
		{"and in the system", `{"iamRoles":["ONE_STS_ADMIN"],"permission":"CACHE_DELETE"}`, false, "PERMISSION_MISSING", explain.Bootstrap},
		{"what acts on the system is looked for there", `{"iamRoles":["ONE_STS_ADMIN"],"permission":"STS_ROLE_EDIT"` + inAcme, true, "GRANTED_BY_BOOTSTRAP", explain.Grants},
		{"a route by its path", `{"iamRoles":["lister"],"route":"get /api/key/v1?page=0"` + inAcme, true, "GRANTED", explain.Grants},
		{"a route of our own", `{"iamRoles":["lister"],"route":"GET /api/sts/role/v1"}`, true, "GRANTED", explain.Grants},
		{"a mixed route, asked for the whole system", `{"iamRoles":["reader"],"route":"GET /api/history/v1?showSystemHistory=true"` + inAcme, false, "PERMISSION_MISSING", explain.Here},
		{"a mixed route, in the only organisation that they have", `{"iamRoles":["reader"],"route":"GET /api/history/v1"}`, true, "GRANTED", explain.Grants},
		{"a mixed route, by the system's permission alone", `{"iamRoles":["auditor"],"route":"GET /api/history/v1"}`, true, "GRANTED", explain.Grants},
		{"a route for whoever is signed in", `{"iamRoles":["nobody"],"route":"GET /api/user/v1/me"}`, true, "NOTHING_NEEDED", explain.Unmapped},
		{"such a route in an organisation, with access", `{"iamRoles":["lister"],"route":"GET /api/config/v1"` + inAcme, true, "NOTHING_NEEDED", explain.Grants},
		{"such a route in an organisation, without any", `{"iamRoles":["nobody"],"route":"GET /api/config/v1"` + inAcme, false, "NO_MAPPED_IAM_ROLE", explain.Unmapped},
		{"everything", `{"iamRoles":["lister"]` + inAcme, true, "GRANTED", explain.Grants},
		{"a token", `{"token":"` + b.token("lister") + `","permission":"KEY_LIST"` + inAcme, true, "GRANTED", explain.Grants},
	} {
		a := b.explained(t, c.question)
		if a.Allowed != c.allowed || a.Reason != c.reason || len(a.Path) != 1 || a.Path[0].State != c.state || a.Sentence.String() == "" {
			t.Errorf("%s: got %+v", c.rule, a)
		}
		if a.Allowed != (len(a.Suggestions) == 0) {
			t.Errorf("%s: suggested %+v", c.rule, a.Suggestions)
		}
	}
	if a := b.explained(t, `{"iamRoles":["lister"]`+inAcme); len(a.Permissions) != 1 || a.Permissions[0].Permission != "KEY_LIST" || a.Permissions[0].Role == "" {
		t.Errorf("everything in an organisation: got %+v", a.Permissions)
	}
	refused := b.call("lister", "GET", "/api/credential/v1", "", "x-organisation-id", string(acme)).object(t)["reference"].(string)
	a := b.explained(t, `{"reference":"`+refused+`"}`)
	if a.Refusal == nil || a.Refusal.Reference != refused || a.Allowed || !slices.Equal(a.Who.IAMRoles, []string{"lister"}) || a.Organisation == nil || a.Who.Subject == "" {
		t.Errorf("a reference: got %+v", a)
	}
}

func TestExplainRefuses(t *testing.T) {
	b := newBench(t, options{})
	b.maps("explainer", access.SetOf(access.STSAccessExplain))
	lost := b.call("stranger", "GET", "/api/key/v1", "", "x-organisation-id", noID).object(t)["reference"].(string)
	many := `{"iamRoles":["x"` + strings.Repeat(`,"x"`, 1000) + `]}`
	for _, c := range []struct {
		rule, who, question string
		status              int
		detail              string
	}{
		{"nobody", "", `{"iamRoles":[]}`, 401, ""},
		{"who may not", "lister", `{"iamRoles":[]}`, 403, "BR_0178"},
		{"nobody's access", "explainer", `{}`, 400, "expected one of person"},
		{"two at once", "explainer", `{"iamRoles":["a"],"token":"x"}`, 400, "expected one of person"},
		{"a reference and more", "explainer", `{"reference":"` + noID + `","permission":"KEY_LIST"}`, 400, "nothing beside it"},
		{"a reference and an organisation", "explainer", `{"reference":"` + noID + `","organisationId":"` + noID + `"}`, 400, "nothing beside it"},
		{"a reference of nothing", "explainer", `{"reference":"` + noID + `"}`, 404, "no refusal"},
		{"a reference of a request to no organisation", "explainer", `{"reference":"` + lost + `"}`, 400, "no organisation that there is"},
		{"a reference that is none", "explainer", `{"reference":"x"}`, 400, "reference"},
		{"a token that does not hold", "explainer", `{"token":"` + b.token("a") + `x"}`, 400, "does not count"},
		{"somebody who was never seen", "explainer", `{"person":{"login":"eve@acme.test"}}`, 404, "90 days"},
		{"an unknown permission", "explainer", `{"iamRoles":["a"],"permission":"FLY"}`, 400, "FLY"},
		{"a route that is none", "explainer", `{"iamRoles":["a"],"route":"credential"}`, 400, "method and a path"},
		{"nothing of ours", "explainer", `{"iamRoles":["a"],"route":"GET /api/sts/nothing/v1"}`, 400, "there is nothing at"},
		{"a route outside the catalogue", "explainer", `{"iamRoles":["a"],"route":"GET /api/nothing/v1"}`, 400, "not in the catalogue"},
		{"both", "explainer", `{"iamRoles":["a"],"route":"GET /api/key/v1","permission":"KEY_LIST"}`, 400, "not both"},
		{"no organisation", "explainer", `{"iamRoles":["a"],"permission":"KEY_LIST"}`, 400, "acts in an organisation"},
		{"an unknown organisation", "explainer", `{"iamRoles":["a"],"organisationId":"` + noID + `"}`, 404, "no such organisation"},
		{"too many IAM roles", "explainer", many, 400, "at most 1000"},
		{"as of then, without the history", "explainer", `{"iamRoles":["a"],"permission":"STS_ROLE_LIST","asOf":"2026-01-31T09:30:00Z"}`, 403, "BR_0178"},
		{"a moment that is none", "explainer", `{"iamRoles":["a"],"asOf":"yesterday"}`, 400, "with an offset"},
		{"an unknown field", "explainer", `{"who":"ada"}`, 400, "who"},
	} {
		got := b.call(c.who, "POST", explainPath, c.question)
		if got.status != c.status || !regexp.MustCompile(c.detail).MatchString(got.body) {
			t.Errorf("%s: got %d %s", c.rule, got.status, got.body)
		}
		if strings.Contains(c.question, "token") && strings.Contains(got.body, b.token("a")[:60]) {
			t.Errorf("%s: the answer repeats the token", c.rule)
		}
	}
}

// Each operation of ours that says "Needs X" in the document is explained as needing X.
func TestOwnRoutesAreExplainedByWhatTheyNeed(t *testing.T) {
	b := newBench(t, options{})
	needs := regexp.MustCompile(`^Needs (STS_[A-Z_]+)`)
	found := 0
	for path, item := range b.document(t).Paths {
		for method, raw := range item {
			var op struct{ Description string }
			if json.Unmarshal(raw, &op) != nil {
				continue
			}
			name := strings.ToUpper(method) + " " + path
			permission, known := explain.Needs(name)
			if m := needs.FindStringSubmatch(op.Description); m != nil {
				if found++; !known || permission.String() != m[1] {
					t.Errorf("%s needs %s, explained as %s (%v)", name, m[1], permission, known)
				}
			} else if known {
				t.Errorf("%s is explained, but not documented to need anything", name)
			}
		}
	}
	if found < 8 {
		t.Errorf("only %d operations say what they need", found)
	}
}
