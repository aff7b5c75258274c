package e2e

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestStoryInBrowser is design.md's story as people live it: in Chromium, with the mouse and the keyboard.
func TestStoryInBrowser(t *testing.T) {
	p := start(t, nil)
	ctx := chromium(t)

	do(t, ctx, "the bootstrap administrator signs in", as(looks[0]), visit(p.Info.PublicURL), credentials("ada@acme.test"), title("Ada"))
	do(t, ctx, "overview", shoot(t, "overview-fresh"))

	do(t, ctx, "an organisation", click(`a[href="/organisations/new"]`), fill("name", "Acme"), press("Create organisation"), text("The organisation is created."))

	do(t, ctx, "a role: name and permissions", click(`a[href="/roles"]`), shoot(t, "roles-empty"), click(`a[href="/roles/new"]`),
		fill("name", "Credential issuer"), click("#permissions-CREDENTIAL_ISSUE"), click("#permissions-CREDENTIAL_LIST"), shoot(t, "role-new"),
		press("Next step"), text("The new role"), shoot(t, "role-review"))
	do(t, ctx, "a role: saved", press("Save"), text("The role is created."), shoot(t, "role"))

	do(t, ctx, "access: the IAM role's exact name", click(`a[href="/access"]`), click(`a[href="/access/new"]`), fill("name", "Acme Issuance"), press("Next step"))
	do(t, ctx, "access: organisation and role", choose("addOrganisation", "Acme"), choose("addRole", "Credential issuer"), shoot(t, "access-assign"),
		press("Add another"), text("1 role"), press("Next step"), text("will be able to"), shoot(t, "access-review"))
	do(t, ctx, "access: saved", press("Save"), text("The access is saved."), shoot(t, "access"))
	do(t, ctx, "history", click(`a[href="/history"]`), text("Credential issuer"), shoot(t, "history"))

	do(t, ctx, "sign out, of Okta too", press2("#person-menu form[action='/logout'] button", "button[popovertarget=person-menu]"), text("You are signed out"), shoot(t, "signed-out"))
	do(t, ctx, "sign in as a member of the group", click(`a[href="/login"]`), credentials("ivan@acme.test"), title("Ivan"), text("Issue credentials"), shoot(t, "overview-member"))

	var nav string
	do(t, ctx, "nothing else is offered", chromedp.Text("nav.sidebar", &nav, chromedp.ByQuery))
	if strings.Contains(nav, "Roles") || strings.Contains(nav, "Access control") {
		t.Errorf("expected no administration in the navigation, got %q", nav)
	}
	do(t, ctx, "a direct visit says what is missing", visit(p.Info.PublicURL+"/roles"), text("You may not do this"), text("STS_ROLE_LIST"), shoot(t, "refused"))
}

func visit(address string) chromedp.Action { return chromedp.Navigate(address) }

// credentials fills Okta's sign-in form in.
func credentials(login string) chromedp.Action {
	return chromedp.Tasks{
		chromedp.WaitVisible(`input[name="password"]`, chromedp.ByQuery),
		chromedp.SetValue(`input[name="username"]`, login, chromedp.ByQuery),
		chromedp.SendKeys(`input[name="password"]`, "portico-dev\r", chromedp.ByQuery),
	}
}

func fill(id, value string) chromedp.Action {
	return chromedp.Tasks{chromedp.WaitVisible("#"+id, chromedp.ByQuery), chromedp.SendKeys("#"+id, value, chromedp.ByQuery)}
}

func click(selector string) chromedp.Action {
	return chromedp.Tasks{chromedp.WaitReady(selector, chromedp.ByQuery), chromedp.Click(selector, chromedp.ByQuery, chromedp.NodeVisible)}
}

// press clicks the button with that text.
func press(label string) chromedp.Action {
	return chromedp.Click(`//button[normalize-space(text())="`+label+`"]`, chromedp.BySearch, chromedp.NodeVisible)
}

// press2 opens a menu and clicks in it.
func press2(selector, opener string) chromedp.Action {
	return chromedp.Tasks{click(opener), click(selector)}
}

// choose selects the option with that text.
func choose(id, label string) chromedp.Action {
	var chosen bool
	return chromedp.Tasks{
		chromedp.WaitVisible("#"+id, chromedp.ByQuery),
		chromedp.Evaluate(`(() => { const s = document.getElementById("`+id+`"); for (const o of s.options) if (o.text === "`+label+`") { s.value = o.value; return true; } return false; })()`, &chosen),
	}
}

// text waits until the page says so.
func text(s string) chromedp.Action {
	return chromedp.WaitVisible(`//*[contains(normalize-space(.), "`+s+`")][not(self::script)]`, chromedp.BySearch)
}

// title waits for a heading that greets, or names, somebody or something.
func title(s string) chromedp.Action {
	return chromedp.WaitVisible(`//h1[contains(normalize-space(.), "`+s+`")]`, chromedp.BySearch)
}
