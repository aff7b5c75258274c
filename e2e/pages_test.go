package e2e

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	browserlog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// console collects what a browser complains of.
type console struct {
	mu    sync.Mutex
	lines []string
}

func (c *console) add(line string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lines = append(c.lines, line)
}

// take returns the complaints since the last call.
func (c *console) take() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	lines := c.lines
	c.lines = nil
	return lines
}

// listen notes errors, exceptions, violations of the policy and whatever pages write to the console.
func listen(t *testing.T, ctx context.Context) *console {
	t.Helper()
	c := &console{}
	err := chromedp.Listen(ctx, func(event any) {
		switch e := event.(type) {
		case *browserlog.EventEntryAdded:
			if e.Entry.Source == "rendering" && e.Entry.Level != "error" {
				return // that a typed date is none, or the focus is elsewhere already
			}
			if e.Entry.Source != "network" { // a page that is refused is refused; a file that is missing has its own check
				c.add(fmt.Sprintf("%s %s: %s (%s)", e.Entry.Source, e.Entry.Level, e.Entry.Text, e.Entry.URL))
			} else if strings.Contains(e.Entry.URL, "/assets/") {
				c.add(e.Entry.Text + " " + e.Entry.URL)
			}
		case *runtime.EventExceptionThrown:
			c.add("exception: " + e.ExceptionDetails.Text)
		case *runtime.EventConsoleAPICalled:
			c.add("console: " + string(e.Type))
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	do(t, ctx, "the console", chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, browserlog.Enable, cdp.Empty{})
		return err
	}))
	return c
}

// wide tells how far a page is wider than its window, and what sticks out.
const wide = `(() => {
	const w = document.documentElement.clientWidth, over = document.documentElement.scrollWidth - w;
	if (over <= 0) return "";
	const out = [...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > w + 1)
		.map((e) => e.tagName.toLowerCase() + "." + e.className);
	return over + " px: " + out.slice(0, 4).join(", ");
})()`

// TestEveryPageInChromium opens every page wide and narrow: no error, no violation of the policy, no sideways scrolling,
// one title, and with names of the greatest length.
func TestEveryPageInChromium(t *testing.T) {
	p := start(t, nil)
	s := seeded(t, p)
	// Names as long as they may be, without a place to break.
	long := strings.Repeat("W", 255)
	role := s.ada.create("/api/sts/role/v1", map[string]any{"name": long, "permissions": []string{"CREDENTIAL_ISSUE", "STS_ROLE_LIST"}})
	organisation := s.ada.create("/api/organisation/v1", map[string]any{"name": long})
	access := s.ada.create("/api/sts/iam-role/v1", map[string]any{"name": long, "organisationRoles": map[string]any{organisation: []string{role}}, "systemRoles": []string{role}})
	s.ada.mayEverywhere("Acme Audit", role, organisation, s.acme.ID)
	otto := p.browser()
	otto.signIn("/", "otto@acme.test")
	var why refusal
	decode(t, otto.in(organisation, "GET", "/api/key/v1"), &why)

	paths := slices.Sorted(maps.Keys(s.pages()))
	paths = append(paths, "/roles/"+role, "/roles/"+role+"/edit", "/roles/"+role+"/delete", "/access/"+access, "/access/"+access+"/edit",
		"/access/"+access+"/delete", "/organisations/"+organisation, "/organisations/"+organisation+"/edit", "/organisations/"+organisation+"/deactivate",
		"/history/"+why.Reference, "/history?action=REJECTED", "/history?from=nonsense", "/roles?q=nothing+of+the+kind", "/nowhere", "/roles/"+acmeID)

	ctx := chromium(t)
	complaints := listen(t, ctx)
	do(t, ctx, "sign in", as(looks[0]), visit(p.Info.PublicURL), credentials("ada@acme.test"), title("Ada"))
	visited := func(path string, l look) {
		do(t, ctx, path, as(l), visit(p.Info.PublicURL+path), until(`document.querySelectorAll("h1").length === 1`))
		over, err := chromedp.Run(ctx, chromedp.Evaluate[string](wide))
		if err != nil {
			t.Fatal(err)
		}
		if over != "" {
			t.Errorf("%s, %s: it scrolls sideways by %s", path, l.name, over)
		}
		for _, line := range complaints.take() {
			t.Errorf("%s, %s: %s", path, l.name, line)
		}
	}
	complaints.take()
	for _, path := range paths {
		for _, l := range []look{looks[0], looks[2]} {
			visited(path, l)
		}
	}
	do(t, ctx, "sign out", visit(p.Info.PublicURL), as(looks[0]), click("button[popovertarget=person-menu]"), click("#person-menu form[action='/logout'] button"), text("You are signed out"))
	for _, line := range complaints.take() {
		t.Errorf("signing out: %s", line)
	}
	do(t, ctx, "as Otto", visit(p.Info.PublicURL+"/login"), credentials("otto@acme.test"), title("Otto"))
	complaints.take()
	for _, path := range []string{"/", "/roles", "/history", "/access/new"} {
		visited(path, looks[2])
	}
}

// scripts switches JavaScript off, or on again.
func scripts(on bool) step {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !on})
		return err
	})
}

// TestWizardsWithoutJavaScript: a role and its access are made, filters and rows included, with scripts off.
func TestWizardsWithoutJavaScript(t *testing.T) {
	p := start(t, nil)
	s := seeded(t, p)
	ctx := chromium(t)
	do(t, ctx, "signs in", scripts(false), as(looks[0]), visit(p.Info.PublicURL+"/roles/new"), credentials("ada@acme.test"), title("New role"))
	do(t, ctx, "a role without permissions is sent back", fill("name", "Key keeper"), press("Next step"), text("Choose at least one permission"))
	do(t, ctx, "the filter", fill("permissionsFilter", "key"), click(`button[value="filter:permissions"]`),
		until(`document.getElementById("permissionsFilter").value === "key" && !document.body.innerText.includes("CREDENTIAL_ISSUE")`))
	do(t, ctx, "a role", click("#permissions-KEY_LIST"), press("Next step"), text("The new role"), press("Save"), text("The role is created."))
	do(t, ctx, "access", visit(p.Info.PublicURL+"/access/new"), fill("name", "Acme Verification"), press("Next step"))
	do(t, ctx, "two rows", choose("addOrganisation", "Acme"), choose("addRole", "Key keeper"), press("Add another"), text("1 role"),
		choose("addOrganisation", "Other"), choose("addRole", "Key keeper"), press("Next step"), text("will be able to"), text("… in Other"))
	do(t, ctx, "saved", press("Save"), text("The access is saved."))

	vera := p.browser()
	vera.signIn("/", "vera@acme.test")
	for _, organisation := range []string{s.acme.ID, s.other.ID} {
		if got := vera.in(organisation, "GET", "/api/key/v1"); strings.Contains(got.body, "BR_0178") {
			t.Errorf("expected the access to count, got %d %s", got.status, got.body)
		}
	}
}

// keys types, key by key.
func keys(s string) step { return chromedp.KeyEvent(s) }

// tabTo presses Tab until the focus is on what the condition, about e, wants.
func tabTo(condition string) step {
	return func(ctx context.Context, t *chromedp.Target) (none chromedp.Void, err error) {
		for range 120 {
			if _, err := keys("\t")(ctx, t); err != nil {
				return none, err
			}
			there, err := chromedp.Evaluate[bool](`(() => { const e = document.activeElement; return `+condition+`; })()`)(ctx, t)
			if err != nil || there {
				return none, err
			}
		}
		return none, fmt.Errorf("the focus never came to %s", condition)
	}
}

// TestKeyboardAlone signs in, goes to Roles, makes one and signs out: Tab, Enter, Space and letters.
func TestKeyboardAlone(t *testing.T) {
	p := start(t, nil)
	ctx := chromium(t)
	field := func(name string) string { return `e.name === "` + name + `"` }
	button := func(label string) string { return `e.tagName === "BUTTON" && e.innerText.trim() === "` + label + `"` }
	do(t, ctx, "to the sign-in", as(looks[0]), visit(p.Info.PublicURL), chromedp.WaitVisible(chromedp.CSS(`input[name="password"]`)))
	do(t, ctx, "signs in", chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		focused, err := chromedp.Evaluate[bool](`document.activeElement.name === "username"`)(ctx, target)
		if err == nil && !focused {
			_, err = tabTo(field("username"))(ctx, target)
		}
		return err
	}), keys("ada@acme.test"), tabTo(field("password")), keys("portico-dev\r"), title("Ada"))
	do(t, ctx, "the first Tab offers to skip the navigation", tabTo(`e.getAttribute("href") === "#main"`), keys("\r"), until(`location.hash === "#main"`))
	do(t, ctx, "Roles", visit(p.Info.PublicURL), title("Ada"), tabTo(`e.getAttribute("href") === "/roles"`), keys("\r"), title("Roles"))
	do(t, ctx, "New role", tabTo(`e.getAttribute("href") === "/roles/new"`), keys("\r"), title("New role"))
	do(t, ctx, "name and permission", chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		focused, err := chromedp.Evaluate[bool](`document.activeElement.id === "name"`)(ctx, target)
		if err == nil && !focused {
			_, err = tabTo(`e.id === "name"`)(ctx, target)
		}
		return err
	}), keys("By keyboard"), tabTo(`e.id === "permissions-KEY_LIST"`), keys(" "), until(`document.getElementById("permissions-KEY_LIST").checked`))
	do(t, ctx, "the focus can be seen", until(`getComputedStyle(document.activeElement).outlineStyle !== "none"`))
	do(t, ctx, "review and save", tabTo(button("Next step")), keys("\r"), text("The new role"), tabTo(button("Save")), keys(" "), text("The role is created."))
	do(t, ctx, "sign out", tabTo(`e.getAttribute("popovertarget") === "person-menu"`), keys("\r"), tabTo(button("Sign out")), keys("\r"), text("You are signed out"))
	address, err := chromedp.Run(ctx, chromedp.Location())
	if err != nil {
		t.Fatal(err)
	}
	if u, err := url.Parse(address); err != nil || "http://"+u.Host != p.Info.PublicURL {
		t.Errorf("expected to be back at Portico, got %s", address)
	}
}
