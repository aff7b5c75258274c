package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/portico-iam/portico/internal/testbrowser"
)

// TestStoryInBrowser is design.md's story as people live it: in Chromium, with the mouse and the keyboard.
func TestStoryInBrowser(t *testing.T) {
	p := start(t, nil)
	ctx := testbrowser.Start(t)

	do(t, ctx, "the bootstrap administrator signs in", wide, visit(p.Info.PublicURL), credentials("ada@acme.test"), title("Ada"))
	do(t, ctx, "overview", shoot("overview-fresh"))

	do(t, ctx, "an organisation", click(`a[href="/organisations/new"]`), fill("name", "Acme"), press("Create organisation"), text("The organisation is created."))

	do(t, ctx, "a role: name and permissions", click(`a[href="/roles"]`), shoot("roles-empty"), click(`a[href="/roles/new"]`),
		fill("name", "Credential issuer"), click("#permissions-CREDENTIAL_ISSUE"), click("#permissions-CREDENTIAL_LIST"), shoot("role-new"),
		press("Next step"), text("The new role"), shoot("role-review"))
	do(t, ctx, "a role: saved", press("Save"), text("The role is created."), shoot("role"))

	do(t, ctx, "access: the IAM role's exact name", click(`a[href="/access"]`), click(`a[href="/access/new"]`), fill("name", "Acme Issuance"), press("Next step"))
	do(t, ctx, "access: organisation and role", choose("addOrganisation", "Acme"), choose("addRole", "Credential issuer"), shoot("access-assign"),
		press("Add another"), text("1 role"), press("Next step"), text("will be able to"), shoot("access-review"))
	do(t, ctx, "access: saved", press("Save"), text("The access is saved."), shoot("access"))
	do(t, ctx, "history", click(`a[href="/history"]`), text("Credential issuer"), shoot("history"))

	do(t, ctx, "sign out, of Okta too", click("button[popovertarget=person-menu]"), click("#person-menu form[action='/logout'] button"), text("You are signed out"), shoot("signed-out"))
	do(t, ctx, "sign in as a member of the group", click(`a[href="/login"]`), credentials("ivan@acme.test"), title("Ivan"), text("Issue credentials"), shoot("overview-member"))

	nav, err := chromedp.Run(ctx, chromedp.Text(chromedp.CSS("nav.sidebar")))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(nav, "Roles") || strings.Contains(nav, "Access control") {
		t.Errorf("expected no administration in the navigation, got %q", nav)
	}
	do(t, ctx, "a direct visit says what is missing", visit(p.Info.PublicURL+"/roles"), text("You may not do this"), text("STS_ROLE_LIST"), shoot("refused"))
}

func visit(address string) step { return chromedp.Navigate(address) }

// credentials fills Okta's sign-in form in.
func credentials(login string) step {
	return chromedp.Steps(
		chromedp.WaitVisible(chromedp.CSS(`input[name="password"]`)),
		chromedp.SetValue(chromedp.CSS(`input[name="username"]`), login),
		chromedp.SendKeys(chromedp.CSS(`input[name="password"]`), "portico-dev\r"),
	)
}

func fill(id, value string) step {
	return chromedp.Steps(chromedp.WaitVisible(chromedp.CSS("#"+id)), chromedp.SendKeys(chromedp.CSS("#"+id), value))
}

func click(selector string) step {
	return chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible)
}

// press clicks the button with that text, in marks or without (TestEveryTextIsSaid).
func press(label string) step {
	return chromedp.Click(`//button[normalize-space(translate(text(), "⟦⟧", ""))="`+label+`"]`, chromedp.NodeVisible)
}

// choose selects the option with that text.
func choose(id, label string) step {
	return func(ctx context.Context, t *chromedp.Target) (none chromedp.Void, err error) {
		if _, err := chromedp.WaitVisible(chromedp.CSS("#"+id))(ctx, t); err != nil {
			return none, err
		}
		found, err := chromedp.Evaluate[bool](`(() => { const s = document.getElementById("`+id+`"); for (const o of s.options) if (o.text === "`+label+`") { s.value = o.value; return true; } return false; })()`)(ctx, t)
		if err == nil && !found {
			err = fmt.Errorf("#%s offers no %q", id, label)
		}
		return none, err
	}
}

// text waits until the page says so.
func text(s string) step { return until(`document.body.innerText.includes(` + quoted(s) + `)`) }

// title waits for a heading that greets, or names, somebody or something.
func title(s string) step {
	return until(`[...document.querySelectorAll("h1")].some((h) => h.innerText.includes(` + quoted(s) + `))`)
}

func quoted(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}

// until polls a condition of the page. While the page changes the condition can't be asked: it is asked again.
func until(condition string) step {
	return func(ctx context.Context, t *chromedp.Target) (none chromedp.Void, err error) {
		for {
			holds, evalErr := chromedp.Evaluate[bool](`document.readyState === "complete" && (`+condition+`)`)(ctx, t)
			if evalErr == nil && holds {
				return none, nil
			}
			select {
			case <-ctx.Done():
				return none, fmt.Errorf("the page never fulfilled %s: %w", condition, ctx.Err())
			case <-time.After(20 * time.Millisecond):
			}
		}
	}
}
