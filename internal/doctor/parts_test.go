package doctor

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/portico-iam/portico/internal/okta"
)

// TestNearMisses names the difference that an eye slides over.
func TestNearMisses(t *testing.T) {
	for _, c := range []struct{ got, want, says string }{
		{"https://o/oauth2/default/", "https://o/oauth2/default", "slash"},
		{"https://O/oauth2/default", "https://o/oauth2/default", "case"},
		{"https://O/oauth2/default/", "https://o/oauth2/default", "case and"},
		{"http://o/x", "https://o/x", "http and https"},
		{" api://x", "api://x", "blank"},
		{"https://o:8443/x", "https://o/x", "port"},
		{"https://dev-1-admin.okta.com/oauth2/default", "https://dev-1.okta.com/oauth2/default", "-admin"},
		{"https://o/a", "https://o/b", "path"},
		{"https://login.acme.test/oauth2/default", "https://acme.okta.com/oauth2/default", "host"},
		{"same", "same", ""},
		{"api://a", "api://b", ""},
		{"", "x", ""},
	} {
		if got := nearMiss(c.got, c.want); (c.says == "") != (got == "") || !strings.Contains(got, c.says) {
			t.Errorf("%q and %q: %q, expected %q", c.got, c.want, got, c.says)
		}
	}
}

// TestTheTextIsFoundInWhateverItComesIn: a page, an address, a log line, both wordings.
func TestTheTextIsFoundInWhateverItComesIn(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"HTML", `<html><style>.x{}</style><p>The &#39;redirect_uri&#39; parameter must be a <b>Login</b> redirect URI in the client app settings.</p>`, "told-redirect"},
		{"an address", "https://d/cb?error=access_denied&error_description=User+is+not+assigned+to+the+client+application.", "told-assigned"},
		{"percent escapes", "error_description=PKCE%20code%20challenge%20is%20required%20by%20the%20application.", "told-pkce"},
		{"a typographic apostrophe", "User isn’t assigned to the client app.", "told-assigned"},
		{"line ends", "Policy evaluation\n   failed for this request", "told-policy"},
		{"capitals", "POLICY EVALUATION FAILED", "told-policy"},
		{"nothing of it", "all is well", ""},
	} {
		told, got := readText(c.text), ""
		if len(told.symptoms) > 0 {
			got = told.symptoms[0].id
		}
		if got != c.want {
			t.Errorf("%s: got %q, expected %q", c.name, got, c.want)
		}
	}
	if told := readText(strings.Repeat("x", maxText) + "no_matching_policy"); len(told.symptoms) > 0 {
		t.Error("more than the bound is read")
	}
}

// TestTheRedirectURIIsTheParameter, and never one of the links of the page that quotes the error.
func TestTheRedirectURIIsTheParameter(t *testing.T) {
	const page = `400 Bad Request. The 'redirect_uri' parameter must be a Login redirect URI in the client app settings: https://dev-1-admin.okta.com/admin/app/oidc_client/instance/0oa1/#tab-general `
	const link = `<a href="https://dev-1-admin.okta.com/admin/app/oidc_client/instance/0oa1#tab-general">settings</a>`
	const address = `https://dev-1.okta.com/oauth2/default/v1/authorize?client_id=0oa1&redirect_uri=https%3A%2F%2Fdesk.test%2Fcb&state=s`
	for _, c := range []struct{ name, text, want string }{
		{"the page with its link", page, ""},
		{"the page as HTML", "<p>The &#39;redirect_uri&#39; parameter must be a Login redirect URI in the client app settings: " + link + "</p>", ""},
		{"the page, and the address it was at", page + address, "https://desk.test/cb"},
		{"the address first", address + "\n" + page, "https://desk.test/cb"},
		{"an address as HTML", `<a href="` + strings.ReplaceAll(address, "&", "&amp;") + `">try again</a> ` + page, "https://desk.test/cb"},
		{"an address in another", "https://dev-1.okta.com/login?fromURI=" + url.QueryEscape(address), "https://desk.test/cb"},
		{"the parameter by itself", "redirect_uri=https://desk.test/cb", "https://desk.test/cb"},
		{"the System Log", `{"debugData":{"redirectUri":"https://desk.test/cb","clientId":"0oa1"}}`, "https://desk.test/cb"},
		{"a log line", `illegal_redirect_uri, redirect_uri: "https://desk.test/cb"`, "https://desk.test/cb"},
		{"the one of signing out", "https://dev-1.okta.com/oauth2/default/v1/logout?post_logout_redirect_uri=https%3A%2F%2Fdesk.test%2F", ""},
		{"no address", "redirect_uri=/cb", ""},
	} {
		if got := readText(c.text).redirectURI; got != c.want {
			t.Errorf("%s: got %q, expected %q", c.name, got, c.want)
		}
	}
}

// TestAGroupOfWordsIsAllOfThem: "a & b" is both.
func TestAGroupOfWordsIsAllOfThem(t *testing.T) {
	s := symptom{texts: []string{"one & two"}}
	if s.in("one") || !s.in("two and one") {
		t.Error("a part of the words counts")
	}
}

// TestRulesAreEvaluatedAsOktaDoes: policies in their order, in each its rules, on to the next policy when none fits.
func TestRulesAreEvaluatedAsOktaDoes(t *testing.T) {
	rule := func(name string, change ...func(*okta.RuleFacts)) okta.RuleFacts {
		r := okta.RuleFacts{Name: name, Status: "ACTIVE", Grants: []string{codeGrant}, Scopes: []string{"*"}, Groups: []string{"EVERYONE"}}
		for _, c := range change {
			c(&r)
		}
		return r
	}
	policy := func(name, client string, rules ...okta.RuleFacts) okta.PolicyFacts {
		return okta.PolicyFacts{Name: name, Status: "ACTIVE", Clients: []string{client}, Rules: rules}
	}
	off := func(r *okta.RuleFacts) { r.Status = "INACTIVE" }
	only := func(scopes ...string) func(*okta.RuleFacts) { return func(r *okta.RuleFacts) { r.Scopes = scopes } }
	for _, c := range []struct {
		name     string
		policies []okta.PolicyFacts
		want     string // of the rule
		misses   int
	}{
		{"the first that fits", []okta.PolicyFacts{policy("a", "c", rule("1"), rule("2"))}, "1", 0},
		{"an inactive rule is passed by", []okta.PolicyFacts{policy("a", "c", rule("1", off), rule("2"))}, "2", 0},
		{"another client's policy is passed by", []okta.PolicyFacts{policy("a", "other", rule("1")), policy("b", "c", rule("2"))}, "2", 0},
		{"on to the next policy", []okta.PolicyFacts{policy("a", "c", rule("1", only("x"))), policy("b", "ALL_CLIENTS", rule("2"))}, "2", 0},
		{"every scope must be there", []okta.PolicyFacts{policy("a", "c", rule("1", only("openid")))}, "1", 1},
		{"the nearest is named", []okta.PolicyFacts{policy("a", "c", rule("1", off, only("openid")), rule("2", only("openid")))}, "2", 1},
	} {
		_, got, why := signIn{client: "c", scopes: []string{"openid", "profile"}}.winner(c.policies)
		if got == nil || got.Name != c.want || len(why) != c.misses {
			t.Errorf("%s: rule %v misses %v, expected %s with %d", c.name, got, why, c.want, c.misses)
		}
	}
}

// TestExpressionsAreOnlyJudgedWhereThatIsSure.
func TestExpressionsAreOnlyJudgedWhereThatIsSure(t *testing.T) {
	for _, c := range []struct {
		value        string
		broken, text bool
	}{
		{`Groups.startsWith("OKTA","ONE_",100) ?: {}`, false, false},
		{`Groups.startsWith("OKTA","ONE_",101)`, true, false},
		{`Groups.contains("active_directory","ONE_",0)`, true, false},
		{`Arrays.flatten(Groups.startsWith("OKTA","A",9), Groups.startsWith("OKTA","B",9))`, true, false},
		{`Arrays.flatten(Groups.startsWith("OKTA","A",9) ?: {}, Groups.startsWith("OKTA","B",9) ?: {})`, false, false},
		{`Groups.startsWith("OKTA","A",9`, true, false},
		{`user.department`, false, true},
		{`user.roles`, false, false},
		{`"ONE_STS_ADMIN"`, false, true},
		{`Arrays.toCsvString(Groups.startsWith("OKTA","A",9))`, false, true},
		{`isMemberOfGroupName("X") ? {"ONE_STS_ADMIN"} : {}`, false, false},
	} {
		if got := brokenExpression(c.value) != ""; got != c.broken {
			t.Errorf("%s: broken %v, expected %v", c.value, got, c.broken)
		}
		if got := isText(c.value); got != c.text {
			t.Errorf("%s: a text %v, expected %v", c.value, got, c.text)
		}
	}
}

// TestRedirectVariantsHaveTheUsualMistakes, and never what was asked already.
func TestRedirectVariantsHaveTheUsualMistakes(t *testing.T) {
	const uri = "https://Desk.test:8443/.apisix/Redirect"
	all := redirectVariants(uri)
	for _, want := range []string{uri + "/", "http://Desk.test:8443/.apisix/Redirect", "https://desk.test:8443/.apisix/redirect", "https://Desk.test/.apisix/Redirect", "https://Desk.test:8443/oauth2/callback"} {
		if !slices.Contains(all, want) {
			t.Errorf("%s is not tried: %v", want, all)
		}
	}
	if slices.Contains(all, uri) || len(all) > 12 {
		t.Errorf("tried are %v", all)
	}
}
