package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/portico-iam/portico/internal/testbrowser"
)

func search(b *browser, query string) answer {
	return b.open("/search?" + url.Values{"q": {query}}.Encode())
}

// TestSearchFindsEveryKind: what the administrator may see is found by its name, and a history entry by its reference.
func TestSearchFindsEveryKind(t *testing.T) {
	w := everything(t)
	for query, want := range map[string][]string{
		"":                               {"Pages", `href="/roles/new"`, `href="/access/matrix"`, `href="/history"`},
		"issuer":                         {"/roles/" + w.role.ID},
		"acme issuance":                  {"/access/" + w.access.ID},
		"ACME":                           {"/organisations/" + w.acme.ID, "/access/" + w.access.ID},
		"otto@acme":                      {"/people/person?"},
		"KEY_LIST":                       {`href="/roles?permission=KEY_LIST"`, "List keys"},
		w.why.Reference:                  {"/history/" + w.why.Reference, "Refused"},
		strings.ToUpper(w.why.Reference): {"/history/" + w.why.Reference},
		w.long.name[:200]:                {"/roles/" + w.long.role, "/organisations/" + w.long.organisation},
		"<script>alert(1)</script>":      {"Nothing matches", "&lt;script&gt;"},
		strings.Repeat("x", 5000):        {"Nothing matches"},
		"nothing of the kind":            {"Nothing matches"},
		acmeID:                           {"Nothing matches"},
		"\x00":                           {"Nothing matches"},
		"%":                              {"Nothing matches"},
	} {
		got := search(w.ada, query)
		mustStatus(t, got, http.StatusOK)
		got.mustContain(t, want...)
	}
	w.ada.open("/search?all=Permissions&q=list").mustContain(t, "KEY_LIST", "STS_ROLE_LIST", "STS_SESSION_LIST", "HISTORY_LIST", "PROOF_LIST")
	w.ada.open("/roles?permission=CREDENTIAL_ISSUE").mustContain(t, "Only roles that hold", w.role.ID, w.long.role)
	w.ada.open("/roles?permission=KEY_LIST").mustNotContain(t, w.role.ID)
	w.ada.open("/roles?permission=NONSENSE").mustContain(t, w.role.ID)
}

// TestSearchTellsNothing: who may not see a thing does not find it, and is not told that there was something.
func TestSearchTellsNothing(t *testing.T) {
	w := everything(t)
	before := w.ada.open("/history?action=REJECTED").body
	ivan, nora := w.browser(), w.browser()
	ivan.signIn("/", "ivan@acme.test")
	nora.signIn("/", "nora@acme.test")
	search(ivan, "acme").mustContain(t, `href="/#organisations"`)
	search(ivan, "").mustContain(t, `href="/history"`)
	for who, b := range map[string]*browser{"Ivan": ivan, "Nora": nora} {
		for _, query := range []string{"Issuer", "Other", "WWW", "Acme Issuance", "ada@acme.test", "KEY_LIST", "New role", "matrix", w.why.Reference} {
			for _, path := range []string{"/search?", "/search?fragment&"} {
				got := b.open(path + url.Values{"q": {query}}.Encode())
				mustStatus(t, got, http.StatusOK)
				if !strings.Contains(got.body, "Nothing ") {
					t.Errorf("%s finds something with %q at %s", who, query, path)
				}
			}
		}
	}
	if after := w.ada.open("/history?action=REJECTED").body; strings.Count(after, `class="name`) != strings.Count(before, `class="name`) {
		t.Error("a search was recorded as refused")
	}
	if got := w.browser().open("/search?q=x"); !strings.Contains(got.body, `name="password"`) {
		t.Errorf("nobody: expected Okta's sign-in, got %d", got.status)
	}
}

// TestSearchDialog: opened by a key or by the button, walked through by arrows, left by Escape with the focus where it was.
func TestSearchDialog(t *testing.T) {
	p := start(t, nil)
	s := seeded(t, p)
	ctx := testbrowser.Start(t)
	open := `document.querySelector("[data-search]").open`
	said := func(words string) step {
		return until(`document.querySelector("[data-search] [role=status]").textContent === ` + quoted(words))
	}
	active := func(condition string) step {
		return until(`(() => { const i = document.getElementById("search-everything"), e = document.getElementById(i.getAttribute("aria-activedescendant")); return ` + condition + `; })()`)
	}
	press := func(ctrlK string) step { // as the keys do it: chromedp's own know no modifiers
		return chromedp.Evaluate[chromedp.Void](`document.activeElement.dispatchEvent(new KeyboardEvent("keydown", {key: "k", bubbles: true, cancelable: true, ` + ctrlK + `: true}))`)
	}
	do(t, ctx, "signs in", wide, visit(p.Info.PublicURL+"/roles"), credentials("ada@acme.test"), title("Roles"))
	do(t, ctx, "the key opens it, with the pages", tabTo(`e.getAttribute("href") === "/roles/new"`), press("ctrlKey"), until(open), active(`i === document.activeElement && !e`), said("Type to search."))
	do(t, ctx, "Escape closes it and gives the focus back", keys("x"), keys("\u001b"), until("!"+open), until(`document.activeElement.getAttribute("href") === "/roles/new"`))
	do(t, ctx, "the other key", press("metaKey"), until(open))
	do(t, ctx, "finds", keys("acme"), said("3 results"), active(`e.getAttribute("aria-selected") === "true" && e.innerText === "Acme"`), until(`document.querySelector("[data-search] input").getAttribute("aria-expanded") === "true"`))
	do(t, ctx, "walks down, round and up", keys(kb.ArrowUp), active(`e.innerText.includes("ada@acme.test")`), keys(kb.ArrowDown), active(`e.innerText === "Acme"`), keys(kb.ArrowDown), active(`e.innerText === "Acme Issuance"`),
		until(`document.querySelectorAll("[data-search] [aria-selected=true]").length === 1`))
	do(t, ctx, "Enter opens it", keys("\r"), until(`location.pathname === "/access/`+s.access.ID+`"`))
	do(t, ctx, "the button, and nothing found", tabTo(`e.dataset.searchOpen !== undefined`), keys(" "), until(open), keys("no such thing"), said("Nothing is found."), active(`!e && i.getAttribute("aria-expanded") === "false"`),
		until(`document.getElementById("search-found").hidden`))
	do(t, ctx, "Enter goes to the page", keys("\r"), until(`location.pathname === "/search" && new URLSearchParams(location.search).get("q") === "no such thing"`), text("Nothing matches"))
	do(t, ctx, "a lost session is said", forget, press("ctrlKey"), said("The search does not answer. Enter opens it as a page."))
}

// TestSearchWithoutJavaScript: the top bar leads to a page that does the same.
func TestSearchWithoutJavaScript(t *testing.T) {
	p := start(t, nil)
	s := seeded(t, p)
	ctx := testbrowser.Start(t)
	do(t, ctx, "signs in", scripts(false), narrow, visit(p.Info.PublicURL+"/roles"), credentials("ada@acme.test"), title("Roles"))
	do(t, ctx, "searches", click("a.search-opener"), title("Search"), fill("q", "issuer\r"), until(fmt.Sprintf(`document.querySelector(".hits a[href='/roles/%s']") !== null`, s.role.ID)))
	do(t, ctx, "opens it", click(`.hits a[href="/roles/`+s.role.ID+`"]`), title("Issuer"))
}
