package e2e

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	browserlog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/portico-iam/portico/internal/testbrowser"
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

// tooWide tells how far a page is wider than its window, and what sticks out.
const tooWide = `(() => {
	const w = document.documentElement.clientWidth, over = document.documentElement.scrollWidth - w;
	if (over <= 0) return "";
	const out = [...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > w + 1)
		.map((e) => e.tagName.toLowerCase() + "." + e.className);
	return over + " px: " + out.slice(0, 4).join(", ");
})()`

// TestEverythingThatCanBeSeen goes once to all that can be seen: it is reached by the keyboard, fits its window, and axe finds
// no barrier.
func TestEverythingThatCanBeSeen(t *testing.T) {
	w := everything(t)
	ctx := testbrowser.Start(t)
	checks := []func(name string){reachable(t, ctx), sound(t, ctx), free(t, ctx)}
	w.walk(t, ctx, func(name string) {
		for _, check := range checks {
			check(name)
		}
		do(t, ctx, name, wide)
	})
}

// sound: wide and narrow there is no error, no violation of the policy, no sideways scrolling, and nothing that a screen
// reader could not name.
func sound(t *testing.T, ctx context.Context) func(name string) {
	t.Helper()
	complaints := listen(t, ctx)
	return func(name string) {
		for _, l := range []testbrowser.Look{testbrowser.Looks[0], testbrowser.Looks[2]} {
			do(t, ctx, name, testbrowser.As(l))
			over, err := chromedp.Run(ctx, chromedp.Evaluate[string](tooWide))
			if err != nil {
				t.Fatal(err)
			}
			if over != "" {
				t.Errorf("%s, %s: it scrolls sideways by %s", name, l.Name, over)
			}
			mustBeHeard(t, ctx, name+", "+l.Name)
		}
		for _, line := range complaints.take() {
			t.Errorf("%s: %s", name, line)
		}
	}
}

// scripts switches JavaScript off, or on again.
func scripts(on bool) step {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !on})
		return err
	})
}

// TestPagesWithoutJavaScript: a role and its access are made, filters and rows included, with scripts off.
func TestPagesWithoutJavaScript(t *testing.T) {
	p := start(t, nil)
	s := seeded(t, p)
	ctx := testbrowser.Start(t)
	do(t, ctx, "signs in", scripts(false), wide, visit(p.Info.PublicURL+"/roles/new"), credentials("ada@acme.test"), title("New role"))
	do(t, ctx, "a role without permissions is sent back", fill("name", "Key keeper"), press("Next step"), text("Choose at least one permission"))
	do(t, ctx, "the filter", fill("permissionsFilter", "key"), click(`button[value="filter:permissions"]`),
		until(`document.getElementById("permissionsFilter").value === "key" && !document.body.innerText.includes("CREDENTIAL_ISSUE")`))
	do(t, ctx, "a role", click("#permissions-KEY_LIST"), press("Next step"), text("The new role"), press("Save"), text("The role is created."))
	do(t, ctx, "access", visit(p.Info.PublicURL+"/access/new"), fill("name", "Acme Verification"), press("Next step"))
	do(t, ctx, "two rows", choose("addOrganisation", "Acme"), choose("addRole", "Key keeper"), press("Add another"), text("1 role"),
		choose("addOrganisation", "Other"), choose("addRole", "Key keeper"), press("Next step"), text("will be able to"), text("… in Other"))
	do(t, ctx, "saved", press("Save"), text("The access is saved."))
	shown := func(n int) step {
		return until(fmt.Sprintf(`[...document.querySelectorAll("#addRole-list li")].filter((e) => e.checkVisibility()).length === %d`, n))
	}
	do(t, ctx, "a role among many: filtered", (&world{portico: p, seed: s}).many(), visit(p.Info.PublicURL+"/access/new"), fill("name", "Acme Audit"), press("Next step"), shown(63),
		fill("addRoleFilter", "07 role"), click(`button[value="filter:addRole"]`), shown(2))
	do(t, ctx, "chosen, it stays in sight", chromedp.Click(`//ul[@id="addRole-list"]//label[normalize-space()="Role 07"]`, chromedp.NodeVisible),
		until(`window.before = true`), fill("addRoleFilter", "\r"), until(`!window.before`), shown(2), until(`document.querySelector("#addRole-list input:checked").value !== ""`))
	do(t, ctx, "another filter", fill("addRoleFilter", " no such"), click(`button[value="filter:addRole"]`), text("Nothing has such a name."), shown(3))
	do(t, ctx, "added", click(`#addOrganisation-list input[value="`+s.acme.ID+`"]`), press("Add another"), text("1 role"), press("Next step"), text("Role 07"), press("Save"), text("The access is saved."))

	vera := p.browser()
	vera.signIn("/", "vera@acme.test")
	for _, organisation := range []string{s.acme.ID, s.other.ID} {
		if got := vera.in(organisation, "GET", "/api/key/v1"); strings.Contains(got.body, "BR_0178") {
			t.Errorf("expected the access to count, got %d %s", got.status, got.body)
		}
	}
}

// TestPagesMethods: an address that takes another method says which; what does not exist is not found by any.
func TestPagesMethods(t *testing.T) {
	p := start(t, nil)
	s := seeded(t, p)
	send := func(method, path string) answer {
		req := s.ada.request(method, path, nil)
		req.Header.Set("Accept", "text/html")
		req.Header.Set("Sec-Fetch-Site", "same-origin")
		return s.ada.do(req)
	}
	const read, form, act = "GET, HEAD", "GET, HEAD, POST", "POST"
	allowed := map[string]string{"/session/theme": act, "/session/language": act, "/session/organisation": act, "/login": read, "/logout": form, "/assets/x": read}
	for path := range s.pages() {
		allowed[path] = read
		for _, end := range []string{"/new", "/edit", "/delete", "/deactivate", "/reactivate", "/rotation", "/revoke", "/explain", "/demand", "/release"} {
			if strings.HasSuffix(path, end) {
				allowed[path] = form
			}
		}
	}
	for path, methods := range allowed {
		for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} {
			if strings.Contains(methods, method) {
				continue
			}
			got := send(method, path)
			if got.status != http.StatusMethodNotAllowed || got.header.Get("Allow") != methods {
				t.Errorf("%s %s: expected 405 and %q, got %d and %q", method, path, methods, got.status, got.header.Get("Allow"))
			}
			got.mustContain(t, "This can’t be done here", path+" accepts "+strings.ReplaceAll(methods, ", ", " or "), "Nothing was changed.", "Go to the overview")
		}
	}
	for _, method := range []string{"GET", "POST", "PUT", "DELETE"} {
		for _, path := range []string{"/nowhere", "/roles/7/fly", "/roles/"} {
			got := send(method, path)
			if got.status != http.StatusNotFound || got.header.Get("Allow") != "" {
				t.Errorf("%s %s: expected 404, got %d", method, path, got.status)
			}
			got.mustContain(t, "There is nothing here")
		}
	}
}

// TestPagesKeepTheWizard: who has to make an organisation or a role first comes back to the access that waits for it,
// with the name as it was typed.
func TestPagesKeepTheWizard(t *testing.T) {
	p := start(t, nil)
	ctx := testbrowser.Start(t)
	const name = "Acme  Issuance & “Co”"
	back := chromedp.Steps(title("New access"), until(`document.querySelector(".subject .exact").innerText.includes("Co")`), until(`document.querySelector("input[name=name]").value === `+quoted(name)))
	first := func(path string) step { return click(`#assignments a[href^="` + path + `?then="]`) }
	do(t, ctx, "the name", wide, visit(p.Info.PublicURL+"/access/new"), credentials("ada@acme.test"), title("New access"), fill("name", name), press("Next step"), text("no organisation yet"))
	do(t, ctx, "to an organisation and back without one", first("/organisations/new"), title("New organisation"), click(".form-actions a"), back)
	do(t, ctx, "an organisation, at the second go", first("/organisations/new"), press("Create organisation"), until(`document.getElementById("name").matches(":invalid") || document.getElementById("errors")`),
		fill("name", "Acme"), press("Create organisation"), text("The organisation is created."), back)
	do(t, ctx, "a role", first("/roles/new"), fill("name", "Issuer"), click("#permissions-CREDENTIAL_ISSUE"), press("Next step"), text("The new role"), press("Back"), title("New role"), press("Next step"),
		text("The new role"), press("Save"), text("The role is created."), back)
	do(t, ctx, "the access", choose("addOrganisation", "Acme"), choose("addRole", "Issuer"), press("Next step"), text("will be able to"), press("Save"), text("The access is saved."))

	// An existing access comes back to itself; no other address is gone to.
	ada := p.browser()
	ada.signIn("/", "ada@acme.test")
	for then, want := range map[string]string{
		"/access/new?name=X&step=2": "/access/new", "/access/" + acmeID + "/edit?name=Y": "/access/" + acmeID + "/edit",
		"/logout": "", "//evil.example/access/new": "", "https://evil.example/access/new": "", "/access/new/../../logout": "", "/access/" + acmeID + "/delete": "", "/access/x/edit": "", `/\\evil.example`: "",
	} {
		got := ada.steps().submit("/organisations/new", url.Values{"name": {"For " + then}, "then": {then}})
		location, err := url.Parse(got.header.Get("Location"))
		if err != nil || got.status != http.StatusSeeOther {
			t.Fatalf("%s: %d %v", then, got.status, err)
		}
		if want == "" && !strings.HasPrefix(location.Path, "/organisations/") || want != "" && location.Path != want || location.Host != "" || location.Query().Get("done") == "" {
			t.Errorf("%s leads to %s", then, location)
		}
	}
	// What an address brings along is looked at like what is typed.
	ada.open("/access/new?step=2&name=acme++issuance+%26+%E2%80%9Cco%E2%80%9D").mustContain(t, "Is this the name you mean?")
	ada.open("/access/new?step=2&name=ONE_STS_ADMIN").mustContain(t, "reserved")
	ada.open("/access/new?step=3&name=Fresh&name=%ff").mustContain(t, `value="Fresh"`, "Step 1 of 3")
}
