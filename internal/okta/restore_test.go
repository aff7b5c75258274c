package okta_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// ours is the application that apply made, as the API has it, and its address.
func (o *org) ours() (address string, app map[string]any) {
	o.t.Helper()
	for _, a := range o.everything()["/api/v1/apps"].([]any) {
		if a := a.(map[string]any); a["signOnMode"] == "OPENID_CONNECT" && a["name"] == "oidc_client" {
			return "/api/v1/apps/" + a["id"].(string), a
		}
	}
	o.t.Fatal("there is no application")
	return "", nil
}

// put changes an object as somebody does in the console: reads it, changes something, and sends it back.
func (o *org) put(address string, change func(map[string]any)) {
	o.t.Helper()
	object := o.call("GET", address, "")
	change(object)
	delete(object, "_links")
	text, _ := json.Marshal(object)
	o.call("PUT", address, string(text))
}

func clientOf(app map[string]any) map[string]any {
	return app["settings"].(map[string]any)["oauthClient"].(map[string]any)
}

// TestRestored: what docs/okta.md lists is put back on objects that apply made, and somebody is asked where others may need
// what goes.
func TestRestored(t *testing.T) {
	o := newOrg(t, "fresh-free")
	s := o.setup(fresh)
	o.apply(s)
	app, _ := o.ours()
	policy, _ := o.ourPolicy()
	rules := o.everything()[policy+"/rules"].([]any)
	rule := policy + "/rules/" + rules[0].(map[string]any)["id"].(string)
	vera := o.call("GET", "/api/v1/users/vera@acme.test", "")["id"].(string)
	objects := func() map[string]any {
		all := o.everything()
		delete(all, app+"/users") // whose times are those of the application's last change
		return all
	}
	there := objects()
	for _, c := range []struct {
		what, address string
		change        func(map[string]any)
		danger        string
	}{
		{"label", app, func(a map[string]any) { a["label"] = "Other" }, ""},
		{"DPoP", app, func(a map[string]any) { clientOf(a)["dpop_bound_access_tokens"] = true }, ""},
		{"rotation", app, func(a map[string]any) {
			clientOf(a)["refresh_token"] = map[string]any{"rotation_type": "STATIC"}
		}, ""},
		{"PKCE", app, func(a map[string]any) {
			a["credentials"].(map[string]any)["oauthClient"].(map[string]any)["pkce_required"] = false
		}, ""},
		{"a further redirect URI", app, func(a map[string]any) {
			clientOf(a)["redirect_uris"] = []string{"https://other.example.com/cb", "http://127.0.0.1:9999/.apisix/redirect"}
		}, "https://other.example.com/cb would be removed"},
		{"a further sign-out URI", app, func(a map[string]any) {
			clientOf(a)["post_logout_redirect_uris"] = []string{"https://other.example.com/", "http://127.0.0.1:9999/"}
		}, "https://other.example.com/ would be removed"},
		{"an exclusion", rule, func(r map[string]any) {
			r["conditions"].(map[string]any)["people"].(map[string]any)["users"] = map[string]any{"include": []string{}, "exclude": []string{vera}}
		}, "could sign in again"},
	} {
		o.put(c.address, c.change)
		plan := o.plan(s)
		if dangers := plan.Dangers(); !plan.Changes() || (len(dangers) > 0) != (c.danger != "") || c.danger != "" && !strings.Contains(dangers[0].Danger, c.danger) {
			t.Errorf("%s: planned\n%s\n%+v", c.what, names(plan), dangers)
		}
		o.apply(s)
		sameAs(t, c.what, there, objects())
	}
	o.put(app, func(a map[string]any) {
		clientOf(a)["refresh_token"] = map[string]any{"rotation_type": "ROTATE", "leeway": 60}
	})
	if plan := o.plan(s); plan.Changes() {
		t.Errorf("expected another grace to do as well, got\n%s", names(plan))
	}
}

// TestFormerAddresses: those that apply registered for an earlier setup file go when somebody agrees; an application that was
// there before keeps all others, also those that came since.
func TestFormerAddresses(t *testing.T) {
	for _, before := range []bool{false, true} {
		o := newOrg(t, "fresh-free")
		if before {
			o.call("POST", "/api/v1/apps", fmt.Sprintf(webApp, "Procivis One"))
		}
		untouched := o.everything()
		o.apply(o.setup(fresh))
		address, _ := o.ours()
		want := []any{"http://127.0.0.1:8888/cb"}
		if before {
			o.put(address, func(a map[string]any) {
				clientOf(a)["redirect_uris"] = append(clientOf(a)["redirect_uris"].([]any), "https://third.example.com/cb")
			})
			want = []any{"https://other.example.com/cb", "https://third.example.com/cb", "http://127.0.0.1:8888/cb"}
		}
		for _, port := range []string{"7777", "8888"} {
			s := o.setup(strings.Replace(fresh, ":9999", ":"+port, 1) + "callbackPath: /cb\n")
			if dangers := o.plan(s).Dangers(); len(dangers) != 1 || !strings.Contains(dangers[0].Danger, "http://127.0.0.1:") {
				t.Errorf("expected a danger, got %+v", dangers)
			}
			o.apply(s)
			if again := o.plan(s); again.Changes() {
				t.Errorf("expected no changes, got\n%s", names(again))
			}
		}
		_, app := o.ours()
		if got := clientOf(app)["redirect_uris"].([]any); !slices.Equal(got, want) {
			t.Errorf("there before %v: redirect URIs are %q, expected %q", before, got, want)
		}
		if got := clientOf(app)["post_logout_redirect_uris"].([]any); !slices.Equal(got, []any{"http://127.0.0.1:8888/"}) {
			t.Errorf("there before %v: sign-out URIs are %q", before, got)
		}
		if before {
			o.put(address, func(a map[string]any) {
				clientOf(a)["redirect_uris"] = slices.DeleteFunc(clientOf(a)["redirect_uris"].([]any), func(uri any) bool { return uri == "https://third.example.com/cb" })
			})
		}
		o.undo(o.setup(fresh))
		sameAs(t, "undo", untouched, o.everything())
	}
}

// TestPlanShowsLifetimes: all that a new application and rule get stands in the plan.
func TestPlanShowsLifetimes(t *testing.T) {
	o := newOrg(t, "fresh-free")
	var text strings.Builder
	o.plan(o.setup(fresh)).Print(&text, "apply")
	for _, line := range []string{
		"Refresh token behavior: Rotate token after every use", "Grace period for token rotation, seconds: 30",
		"Access token lifetime, minutes: 60", "Refresh token lifetime, minutes: 10080", "but will expire if not used every, minutes: 10080",
	} {
		if !strings.Contains(text.String(), line) {
			t.Errorf("expected %q in\n%s", line, text.String())
		}
	}
}
