package e2e

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/portico-iam/portico/internal/testbrowser"
)

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
	ctx := testbrowser.Start(t)
	field := func(name string) string { return `e.name === "` + name + `"` }
	button := func(label string) string { return `e.tagName === "BUTTON" && e.innerText.trim() === "` + label + `"` }
	do(t, ctx, "to the sign-in", wide, visit(p.Info.PublicURL), chromedp.WaitVisible(chromedp.CSS(`input[name="password"]`)))
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

// watch notes where the focus goes, and what is wrong with it there: it must be seen, and, when the next key is pressed,
// not be behind what sticks to the window's edges. What can be focused is known from the page, in its order.
const watch = `(() => {
	const describe = (e) => e.tagName.toLowerCase() + (e.id ? "#" + e.id : "") + (e.name ? "[name=" + e.name + "]" : "") + (e.value && e.type !== "text" ? "=" + e.value : "") + " " + e.textContent.trim().slice(0, 30);
	const focusable = [...document.querySelectorAll("a[href], button, input, select, textarea, summary")].filter((e) =>
		e.tabIndex >= 0 && !e.disabled && e.checkVisibility({visibilityProperty: true}) && (e.type !== "radio" || e.checked));
	const again = window.focusSeen !== undefined;
	window.focusSeen = [];
	window.focusWrong = [];
	window.focusWanted = focusable.map(describe);
	if (again) return;
	let last;
	document.addEventListener("focusin", ({target: e}) => {
		if (window.focusSeen.length >= window.focusWanted.length || e === last) return;
		last = e;
		window.focusSeen.push(describe(e));
	});
	document.addEventListener("keydown", () => {
		const e = document.activeElement, box = e.getBoundingClientRect();
		if (e === document.body) return;
		const style = getComputedStyle(e);
		if (style.outlineStyle === "none" || parseFloat(style.outlineWidth) < 2) window.focusWrong.push("no outline: " + describe(e));
		const top = document.elementFromPoint(box.x + Math.min(box.width, 16) / 2, box.y + Math.min(box.height, 16) / 2);
		if (!top || !e.contains(top) && !top.contains(e)) window.focusWrong.push("covered: " + describe(e));
	}, true);
})()`

type focus struct{ Seen, Wanted, Wrong []string }

// reachable: Tab comes to every control, in the order of the page, and the focus is visible. A form that is refused has the
// focus on what is wrong with it. A page whose controls are those of one before is not gone through again.
func reachable(t *testing.T, ctx context.Context) func(name string) {
	t.Helper()
	known := map[string]bool{}
	return func(name string) {
		if open, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`document.querySelector(":popover-open, dialog[open]") !== null`)); err != nil || open {
			return // menus and the search have tests of their own
		}
		at, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.querySelector("#errors") ? document.activeElement.id : "errors"`))
		if err != nil || at != "errors" {
			t.Errorf("%s: expected the focus on the summary of errors, got %q %v", name, at, err)
		}
		do(t, ctx, name, chromedp.Evaluate[chromedp.Void](`document.activeElement.blur()`), chromedp.Evaluate[chromedp.Void](watch))
		look := chromedp.Evaluate[focus](`({Seen: focusSeen, Wanted: focusWanted, Wrong: focusWrong})`)
		f, err := chromedp.Run(ctx, look)
		if err != nil {
			t.Fatal(err)
		}
		controls := strings.Join(f.Wanted, "\n")
		if known[controls] {
			return
		}
		known[controls] = true
		for last := -1; last < len(f.Seen); {
			last = len(f.Seen)
			do(t, ctx, name, keys(strings.Repeat("\t", 16)))
			if f, err = chromedp.Run(ctx, look); err != nil {
				t.Fatal(err)
			}
		}
		for _, wrong := range f.Wrong {
			t.Errorf("%s: %s", name, wrong)
		}
		if i := slices.Index(f.Seen, f.Wanted[0]); i > 0 { // the browser goes on where the focus was
			f.Seen = slices.Concat(f.Seen[i:], f.Seen[:i])
		}
		if !slices.Equal(f.Seen, f.Wanted) {
			t.Errorf("%s: Tab goes to\n%s\nand should go to\n%s", name, strings.Join(f.Seen, "\n"), strings.Join(f.Wanted, "\n"))
		}
	}
}

// TestKeyboardMenusAndLists: the skip link leads past the navigation, Escape closes a menu and gives the focus back,
// and one of many roles is found and chosen.
func TestKeyboardMenusAndLists(t *testing.T) {
	p := start(t, nil)
	s := seeded(t, p)
	ctx := testbrowser.Start(t)
	on := func(condition string) step {
		return until(`(() => { const e = document.activeElement; return ` + condition + `; })()`)
	}
	do(t, ctx, "signs in", wide, visit(p.Info.PublicURL+"/roles"), credentials("ada@acme.test"), title("Roles"))
	do(t, ctx, "past the navigation", keys("\t"), on(`e.getAttribute("href") === "#main" && e.getBoundingClientRect().y >= 0`), keys("\r"), until(`location.hash === "#main"`),
		keys("\t"), on(`e.getAttribute("href") === "/roles/new"`))
	opened := `document.getElementById("person-menu").matches(":popover-open")`
	for _, key := range []string{"\r", " "} {
		do(t, ctx, "the menu", tabTo(`e.getAttribute("popovertarget") === "person-menu"`), keys(key), until(opened), keys("\t"), on(`e.closest("#person-menu") !== null`),
			keys("\u001b"), until("!"+opened), on(`e.getAttribute("popovertarget") === "person-menu"`))
	}
	do(t, ctx, "one of many", (&world{portico: p, seed: s}).many(), visit(p.Info.PublicURL+"/access/new"), title("New access"), tabTo(`e.id === "name"`), keys("By keyboard\r"), text("In the whole system"),
		tabTo(`e.id === "addOrganisationFilter"`), keys("acme"), keys("\t"), on(`e.name === "addOrganisation" && e.value === ""`), keys(kb.ArrowDown), on(`e.checked && e.value !== ""`),
		keys("\t"), on(`e.id === "addRoleFilter"`), keys("role 3 1"), keys("\t"), keys(kb.ArrowDown), on(`e.checked && e.closest("li").innerText.trim() === "Role 13"`),
		keys("\t"), on(`e.value === "add"`), keys(" "), text("1 role"), until(`document.querySelector("#assignments tbody").innerText.includes("Role 13")`))
}
