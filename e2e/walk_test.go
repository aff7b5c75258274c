package e2e

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// world is a Portico with everything that a page can show: names of the greatest length, a refusal, and enough roles
// and organisations for lists that are filtered.
type world struct {
	*portico
	seed
	long struct{ name, role, organisation, access string }
	why  refusal // of Otto
}

func everything(t *testing.T) *world {
	t.Helper()
	p := start(t, nil)
	w := &world{portico: p, seed: seeded(t, p)}
	w.long.name = strings.Repeat("W", 255) // without a place to break
	w.long.role = w.ada.create("/api/sts/role/v1", map[string]any{"name": w.long.name, "permissions": []string{"CREDENTIAL_ISSUE", "STS_ROLE_LIST"}})
	w.long.organisation = w.ada.create("/api/organisation/v1", map[string]any{"name": w.long.name})
	w.long.access = w.ada.create("/api/sts/iam-role/v1", map[string]any{
		"name": w.long.name, "organisationRoles": map[string]any{w.long.organisation: []string{w.long.role}}, "systemRoles": []string{w.long.role},
	})
	w.ada.mayEverywhere("Acme Audit", w.long.role, w.long.organisation, w.acme.ID)
	otto := p.browser()
	otto.signIn("/", "otto@acme.test")
	decode(t, otto.in(w.long.organisation, "GET", "/api/key/v1"), &w.why)
	return w
}

// paths are the addresses of every page that the administrator can open, those that fail included.
func (w *world) paths() []string {
	return append(slices.Sorted(maps.Keys(w.pages())),
		personPage(w.portico, "ada@acme.test"), personPage(w.portico, "otto@acme.test"), "/roles/"+w.long.role, "/roles/"+w.long.role+"/edit", "/roles/"+w.long.role+"/delete", "/access/"+w.long.access, "/access/"+w.long.access+"/edit",
		"/access/"+w.long.access+"/delete", "/organisations/"+w.long.organisation, "/organisations/"+w.long.organisation+"/edit",
		"/organisations/"+w.long.organisation+"/deactivate", "/history/"+w.why.Reference, "/explain?reference="+w.why.Reference, "/explain?iamRole=acme+issuance&what=FLY",
		"/explain?iamRole=acme+issuance&iamRole=Acme+Audit&what=CREDENTIAL_ISSUE&organisation="+w.acme.ID, "/explain?iamRole=Acme+Audit&organisation="+w.long.organisation, "/history?action=REJECTED", "/history?from=nonsense", "/history/timeline?organisation="+w.long.organisation,
		"/roles?q=nothing+of+the+kind", "/roles?done=role-deleted", "/access/matrix?organisation=acme", "/access/matrix?q=nothing+of+the+kind", "/search?q=a", "/search?q=nothing+of+the+kind", "/search?q="+w.long.name[:200], "/roles?permission=KEY_LIST", "/nowhere", "/roles/"+acmeID, "/session/theme")
}

// stop is a place on the walk: what it shows, and how to come there from the stop before.
type stop struct {
	name string
	way  []step
}

// walk goes to everything that can be seen: each page, each step of the wizards, each menu, what is refused and what
// fails, and the pages of the sign-in; see is called at each.
func (w *world) walk(t *testing.T, ctx context.Context, see func(name string)) {
	t.Helper()
	at := func(path string) step { return visit(w.Info.PublicURL + path) }
	one := until(`document.querySelectorAll("h1").length === 1`)
	stops := []stop{
		{"Okta's sign-in", []step{wide, at("/"), chromedp.WaitVisible(chromedp.CSS(`input[name="password"]`))}},
		{"Okta's sign-in, refused", []step{wrongPassword, text("Unable to sign in")}},
		{"signing in is refused", []step{credentials("uma@acme.test"), one, text("You may not sign in here")}},
		{"signed in", []step{forget, at("/"), credentials("ada@acme.test"), title("Ada")}},
	}
	for _, path := range w.paths() {
		stops = append(stops, stop{path, []step{wide, at(path), one}})
	}
	for _, menu := range []string{"person-menu", "navigation"} {
		open := until(`document.getElementById("` + menu + `").matches(":popover-open")`)
		stops = append(stops, stop{menu, []step{narrow, at("/"), click(`button[popovertarget="` + menu + `"]`), open}})
	}
	finds := func(query, said string) step {
		return chromedp.Steps(at("/"), click("[data-search-open]"), fill("search-everything", query), until(`document.querySelector("[data-search] [role=status]").textContent.includes(`+quoted(said)+`)`))
	}
	stops = append(stops,
		stop{"overview, charts as a table", []step{wide, at("/"), click(`[aria-labelledby="lately"] summary`), text("In all")}},
		stop{"search dialog", []step{wide, finds("a", " results")}},
		stop{"search dialog, long names", []step{finds("WWW", " results")}},
		stop{"search dialog, nothing found", []step{finds("no such thing", "Nothing is found.")}},
		stop{"new role, refused", []step{wide, at("/roles/new"), fill("name", "ONE_STS_ADMIN"), press("Next step"), text("need your attention")}},
		stop{"new role, review", []step{at("/roles/new"), fill("name", w.long.name[:100]), click("#permissions-KEY_LIST"), click("#permissions-STS_ROLE_LIST"), press("Next step"), text("The new role")}},
		stop{"new role, for delegation", []step{at("/roles/new"), click(".advanced > summary"), click("#restricted"), until(`document.getElementById("requiredUserPermissionsFilter").checkVisibility()`)}},
		stop{"role, review of a change", []step{at("/roles/" + w.role.ID + "/edit"), click("#permissions-KEY_LIST"), press("Next step"), text("People with this role gain")}},
		stop{"new organisation, advanced", []step{at("/organisations/new"), click(".advanced > summary"), until(`document.getElementById("newID").checkVisibility()`)}},
		stop{"organisation, refused", []step{at("/organisations/new"), fill("name", "Acme"), press("Create organisation"), text("this name already")}},
		stop{"confirmation, refused", []step{at("/organisations/" + w.acme.ID + "/deactivate"), fill("confirm", "x"), press("Deactivate organisation"), text("This is not the name")}},
		stop{"new access, warned", []step{at("/access/new"), fill("name", "acme issuance"), press("Next step"), text("Is this the name you mean?")}},
		stop{"new access, step 2", []step{press("Next step"), text("In the whole system")}},
		stop{"new access, step 2 refused", []step{press("Next step"), text("needs your attention")}},
		stop{"new access, step 2 with rows", []step{choose("addOrganisation", "Acme"), choose("addRole", "Issuer"), press("Add another"), text("1 role")}},
		stop{"new access, review", []step{press("Next step"), text("will be able to")}},
		stop{"access, review of a change", []step{at("/access/" + w.access.ID + "/edit"), choose("addOrganisation", "Other"), choose("addRole", "Issuer"), press("Next step"), text("What changes")}},
		stop{"a form that is refused as a whole", []step{at("/"), click(`button[popovertarget="person-menu"]`), spoil("#person-menu .menu-theme button"), click("#person-menu .menu-theme button"), text("Nothing was changed.")}},
	)
	stops = append(stops,
		stop{"new access, long lists", []step{w.many(), at("/access/new"), fill("name", "Chooser"), press("Next step"), text("In the whole system")}},
		stop{"new access, filtered", []step{fill("addRoleFilter", "role 07"), until(`document.querySelectorAll("#addRole-list li:not([hidden])").length === 2`)}},
		stop{"access matrix, wider than the window", []step{at("/access/matrix"), one}},
		stop{"long lists", []step{at("/roles?page=2"), one}},
		stop{"no longer signed in", []step{at("/roles/new"), forget, fill("name", "x"), press("Next step"), text("no longer signed in")}},
		stop{"signed in again, the form as it was", []step{click("main .actions a"), credentials("ada@acme.test"), text("nothing of it is saved yet"), until(`document.getElementById("name").value === "x"`)}},
		stop{"as Otto", []step{forget, at("/login"), credentials("otto@acme.test"), title("Otto")}},
		stop{"organisation menu", []step{click(`button[popovertarget="organisation-menu"]`), until(`document.getElementById("organisation-menu").matches(":popover-open")`)}},
		stop{"refused", []step{at("/roles/new"), text("You may not do this")}},
		stop{"history of an organisation", []step{at("/history"), one}},
		stop{"signed out", []step{at("/"), click("button[popovertarget=person-menu]"), click("#person-menu form[action='/logout'] button"), text("You are signed out")}},
		stop{"as Nora, who may nothing", []step{forget, at("/login"), credentials("nora@acme.test"), title("Nora")}},
	)
	for _, s := range stops {
		do(t, ctx, s.name, s.way...)
		see(s.name)
	}
}

// many makes so many roles and organisations that they no longer fit a selection, or a page.
func (w *world) many() step {
	return chromedp.Func(func(context.Context, *chromedp.Target) error {
		for i := range 60 {
			w.ada.create("/api/sts/role/v1", map[string]any{"name": fmt.Sprintf("Role %02d", i), "permissions": []string{"KEY_LIST", "STS_ROLE_LIST"}})
		}
		for i := range 15 {
			w.ada.create("/api/organisation/v1", map[string]any{"name": fmt.Sprintf("Organisation %02d", i)})
		}
		return nil
	})
}

var wrongPassword = chromedp.Steps(
	chromedp.SetValue(chromedp.CSS(`input[name="username"]`), "ada@acme.test"),
	chromedp.SendKeys(chromedp.CSS(`input[name="password"]`), "wrong\r"),
)

// spoil makes a button send what no page sends.
func spoil(selector string) step {
	return until(`(document.querySelector(` + quoted(selector) + `).value = "pink") === "pink"`)
}

// forget loses every cookie.
var forget = chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
	_, err := cdp.Call(ctx, t, network.ClearBrowserCookies, cdp.Empty{})
	return err
})
