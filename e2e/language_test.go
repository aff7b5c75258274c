package e2e

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/portico-iam/portico/internal/testbrowser"
)

// speaks has the browser ask for a language.
func speaks(language string) step {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{Headers: network.Headers{"Accept-Language": language}})
		return err
	})
}

// unsaid names the texts of a page that are outside of the marks of the pseudo-locale: nobody looked them up, so they
// are English in every language. Data is not looked up: what stands in code, what is of another language by itself, and
// what is in the list.
const unsaid = `((data) => {
	const letters = /\p{L}{2,}/u, exact = new RegExp([
		"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "[A-Za-z0-9_-]{43}", // identifiers
		"https?://\\S+", "(GET|POST) /\\S+", "[A-Z]+_[A-Z_]+", "\\bUTC\\b", "W{10,}", "(Role|Organisation) [0-9]{2}",
		"Go-http-client/1.1", "^core$", "^sign-in$", // a verifier, as it calls itself, and what a refused sign-in is recorded as
	].join("|"), "g");
	const rest = (text) => data.reduce((t, d) => t.split(d).join(""), text.replace(exact, ""));
	const plain = (text) => { // what is left without all that stands in marks
		let depth = 0, out = "";
		for (const c of text) {
			if (c === "⟦") depth++;
			else if (c === "⟧") depth--;
			else if (depth === 0) out += c;
		}
		return out;
	};
	const found = [], foreign = (e) => e.closest("code, kbd, textarea, script, style, [lang]:not(html)");
	let depth = 0;
	const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	for (let n = walker.nextNode(); n; n = walker.nextNode()) {
		let outside = "";
		for (const c of n.data) {
			if (c === "⟦") depth++;
			else if (c === "⟧") depth--;
			else if (depth === 0) outside += c;
		}
		if (!foreign(n.parentElement) && letters.test(rest(outside))) found.push("<" + n.parentElement.localName + "> " + rest(outside).trim().slice(0, 120));
	}
	for (const e of document.querySelectorAll("[aria-label], [title], [placeholder], [alt], [data-copied], [data-silent]")) {
		for (const a of ["aria-label", "title", "placeholder", "alt", "data-copied", "data-silent"]) {
			const outside = plain(e.getAttribute(a) ?? "");
			if (!foreign(e) && letters.test(rest(outside)) && !e.textContent.includes(outside.trim())) found.push(a + "=" + rest(outside).trim().slice(0, 120));
		}
	}
	const title = plain(document.title).replace("Portico", "");
	if (letters.test(rest(title))) found.push("<title> " + rest(title));
	if (depth !== 0) found.push("marks that do not match: " + depth);
	return [...new Set(found)];
})`

// names are what people and things are called in this world, the longest first.
func (w *world) names() []string {
	names := []string{w.long.name, "acme issuance", "Acme Issuance", "Acme Verification", "Acme Audit", "ONE_STS_ADMIN", "Acme", "Other", "Issuer", "Chooser"}
	for _, u := range w.Info.Users {
		names = append(names, u.Login)
	}
	names = append(names, "Ada Admin", "Ivan Issuer", "Vera Verifier", "Otto Auditor", "Nora Nobody", "Ada", "Otto", "Nora")
	slices.SortFunc(names, func(a, b string) int { return len(b) - len(a) })
	return names
}

// TestEveryTextIsSaid walks through everything that can be seen, in English in marks, and finds what is outside of them.
func TestEveryTextIsSaid(t *testing.T) {
	w := everything(t)
	ctx := testbrowser.Start(t)
	data, err := json.Marshal(append(w.names(), "Portico"))
	if err != nil {
		t.Fatal(err)
	}
	do(t, ctx, "asks for the pseudo-locale", speaks("en-XA"))
	w.walk(t, ctx, func(name string) {
		if strings.HasPrefix(name, "Okta") {
			return
		}
		found, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](unsaid+"("+string(data)+")"))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, text := range found {
			t.Errorf("%s: %s", name, text)
		}
	})
}

// asking opens an address with a wish for a language.
func (b *browser) asking(address, language string) answer {
	req := b.request(http.MethodGet, address, nil)
	req.Header.Set("Accept", "text/html")
	req.Header.Set("Sec-Fetch-Mode", "navigate")
	req.Header.Set("Accept-Language", language)
	return b.do(req)
}

// TestLanguageIsChosen: by what the browser asks for, and before that by what was chosen; what a language is not offered
// in is English. Pages say which one they are in and on what that depends; what programs are answered is English.
func TestLanguageIsChosen(t *testing.T) {
	onBoth(t, func(t *testing.T, start starter) {
		p := start(t, nil)
		s := seeded(t, p)
		const german, english = "Zugriffssteuerung", "Access control"
		for asked, want := range map[string]string{
			"": english, "en-GB,de;q=0.5": english, "de": german, "de-CH, fr;q=0.9, en;q=0.1": german, "fr, de;q=0.3": german, "fr": english,
			"*": english, "de;q=0": english, "nonsense;;q=x": english, strings.Repeat("de-x-long,", 500): german,
		} {
			got := s.ada.asking("/", asked)
			got.mustContain(t, want)
			lang := map[string]string{german: "de", english: "en"}[want]
			if got.header.Get("Content-Language") != lang || !strings.Contains(got.body, `<html lang="`+lang+`"`) || !strings.Contains(got.header.Get("Vary"), "Accept-Language") {
				t.Errorf("%q: Content-Language %q, Vary %q", asked, got.header.Get("Content-Language"), got.header.Get("Vary"))
			}
		}
		s.ada.submit("/session/language", url.Values{"language": {"de"}, "return": {"/roles?q=Issuer"}}).mustContain(t, "Rollen nach Namen suchen", `value="Issuer"`)
		s.ada.asking("/access", "en").mustContain(t, german)
		if api := s.ada.call("GET", "/api/sts/role/v1/"+acmeID, nil, nil); !strings.Contains(api.body, "there is no role") {
			t.Errorf("the API answers %s", api.body)
		}
		foreign := s.ada.request(http.MethodPost, "/session/language", strings.NewReader("language=en"))
		foreign.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		foreign.Header.Set("Accept", "text/html")
		foreign.Header.Set("Sec-Fetch-Site", "cross-site")
		if got := s.ada.do(foreign); got.status != http.StatusForbidden || !strings.Contains(got.body, "Dies kam von einer anderen Website") {
			t.Errorf("another site's wish is answered %d", got.status)
		}
		s.ada.asking("/access", "en").mustContain(t, german)
		s.ada.submit("/session/language", url.Values{"language": {"en"}, "return": {"/access"}}).mustContain(t, english)
		s.ada.asking("/access", "de").mustContain(t, english)
		p.browser().asking("/.apisix/redirect?state=x&code=y", "de").mustContain(t, `<html lang="de"`, "Diese Anmeldung ist hier nicht bekannt")
	})
}

// TestGerman walks in the browser: the language is chosen in the person's menu, a form is refused in it, what is refused
// is said in it, and back; every page of the administrator fits in it, and has names for what it holds.
func TestGerman(t *testing.T) {
	w := everything(t)
	ctx := testbrowser.Start(t)
	at := func(path string) step { return visit(w.Info.PublicURL + path) }
	choose := func(code string) step {
		return chromedp.Steps(click(`button[popovertarget="person-menu"]`), click(`#person-menu button[name="language"][value="`+code+`"]`), until(`document.documentElement.lang === "`+code+`"`))
	}
	do(t, ctx, "chooses German", wide, at("/"), credentials("ada@acme.test"), title("Hello, Ada"), at("/roles?q=Issuer"), choose("de"), title("Rollen"), until(`location.search === "?q=Issuer"`))
	do(t, ctx, "overview", at("/"), title("Guten Tag, Ada Admin"), text("Was Sie im gesamten System dürfen"), text("Die letzten 14 Tage"))
	do(t, ctx, "a form is refused", at("/roles/new"), fill("name", "ONE_STS_ADMIN"), press("Nächster Schritt"), text("Angaben brauchen Ihre Aufmerksamkeit"), text("ist der ersten Verwaltung vorbehalten"), text("Wählen Sie mindestens eine Berechtigung."))
	do(t, ctx, "it is filled in", fill("name", " anders"), click("#permissions-KEY_LIST"), press("Nächster Schritt"), text("Die neue Rolle"), text("Schlüssel auflisten"))
	do(t, ctx, "a confirmation is refused", at("/organisations/"+w.acme.ID+"/deactivate"), fill("confirm", "x"), press("Organisation deaktivieren"), text("Das ist nicht der Name."))
	do(t, ctx, "an explanation", at("/explain?iamRole=Acme+Audit&what=KEY_LIST&organisation="+w.acme.ID), text("Die Rollen der Person in Acme umfassen nicht: „Schlüssel auflisten“."), text("Was es erlauben würde"))
	do(t, ctx, "and back", at("/people"), choose("en"), title("People"))
	do(t, ctx, "somebody is refused", forget, speaks("de-AT,de;q=0.9,en;q=0.5"), at("/"), credentials("otto@acme.test"), title("Guten Tag, Otto"), at("/roles"), title("Das dürfen Sie nicht"), text("Ihre Gruppen sind in dem System keiner Rolle zugeordnet."), text("Was es erlauben würde"))
	do(t, ctx, "signs out", at("/"), click("button[popovertarget=person-menu]"), click("#person-menu form[action='/logout'] button"), text("Sie sind abgemeldet"))

	do(t, ctx, "signs in", click(`a[href="/login"]`), credentials("ada@acme.test"), title("Guten Tag, Ada"))
	for _, path := range w.paths() {
		do(t, ctx, path, narrow, at(path), until(`document.querySelectorAll("h1").length === 1 && document.documentElement.lang === "de"`))
		over, err := chromedp.Run(ctx, chromedp.Evaluate[string](tooWide))
		if err != nil || over != "" {
			t.Errorf("%s: it scrolls sideways by %s, %v", path, over, err)
		}
		mustBeHeard(t, ctx, path)
	}
}
