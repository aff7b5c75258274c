package view

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/portico-iam/portico/internal/desk/assets"
	"github.com/portico-iam/portico/internal/desk/wording"
	"github.com/portico-iam/portico/internal/testbrowser"
)

const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// preview serves every sample at /preview/NAME, under the policy that the Desk is served with.
func preview() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET "+assets.Prefix, assets.Handler())
	for _, s := range samples() {
		mux.HandleFunc("GET /preview/"+s.name, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Security-Policy", policy)
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			_ = s.page.Render(wording.With(r.Context(), wording.Choose(r)), w)
		})
	}
	mux.HandleFunc("GET "+SearchPath, func(w http.ResponseWriter, r *http.Request) {
		ctx := wording.With(r.Context(), wording.Choose(r))
		_ = SearchOptions(found(ctx, r.URL.Query().Get("q"))).Render(r.Context(), w)
	})
	mux.HandleFunc("GET "+HistoryTailPath, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprint(w, "retry: 60000\nevent: rows\ndata: ")
		for i, name := range []string{"Acme Verification", hostile[0]} {
			row := HistoryRow{ID: fmt.Sprint("new-", i), At: at(0), Action: "CREATED", Type: "STS_IAM_ROLE", Name: name, User: "Ada Admin"}
			_ = HistoryTableRow(row).Render(wording.With(r.Context(), wording.Choose(r)), w)
		}
		fmt.Fprint(w, "\n\n")
	})
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		for _, s := range samples() {
			fmt.Fprintf(w, "<p><a href='/preview/%s'>%s</a>", s.name, s.name)
		}
	})
	return mux
}

// DESK_PREVIEW=127.0.0.1:8090 go test -run TestPreview -timeout 0 ./internal/desk/view
func TestPreview(t *testing.T) {
	address := os.Getenv("DESK_PREVIEW")
	if address == "" {
		t.Skip("optional: DESK_PREVIEW is not set")
	}
	t.Fatal(http.ListenAndServe(address, preview()))
}

// browser starts Chromium and serves the samples to it, at the address and their name.
func browser(t *testing.T) (ctx context.Context, address string) {
	t.Helper()
	server := httptest.NewServer(preview())
	t.Cleanup(server.Close)
	return testbrowser.Start(t), server.URL + "/preview/"
}

// stickOut names what is wider than the window, or than the box that holds it; what is meant to be cut off, or to
// scroll, is.
const stickOut = `(() => {
	const w = document.documentElement.clientWidth, style = (e) => getComputedStyle(e), scrolls = (e) => e && style(e).overflowX === "auto";
	const visible = (e) => e.checkVisibility() && !e.closest(".visually-hidden, .skip") && !scrolls(e.closest(".matrix")) && style(e.closest("thead") ?? e).clipPath === "none" && style(e.parentElement).textOverflow !== "ellipsis";
	if (document.documentElement.scrollWidth > w) return "the page: " + document.documentElement.scrollWidth + " px";
	const out = [...document.querySelectorAll("body *")].filter((e) => visible(e) && (e.getBoundingClientRect().right > w + 1 ||
		e.scrollWidth > e.clientWidth + 1 && style(e).overflowX === "visible" && style(e).display !== "inline" && e.namespaceURI.endsWith("xhtml")));
	return out.slice(0, 3).map((e) => e.tagName.toLowerCase() + "." + e.className).join(", ");
})()`

// TestNothingSticksOutOrKeepsAnybodyOut: every sample, the longest names included, fits a window of any usual width, and axe finds
// no barrier in it. One load serves both, for loading takes a good part of the time. axe looks at each sample in one of the four
// looks, turn by turn, for it takes time and the walk of e2e looks at each page wide and narrow, light and dark; DESK_EVERY_LOOK=1
// looks at all.
func TestNothingSticksOutOrKeepsAnybodyOut(t *testing.T) {
	ctx, address := browser(t)
	var axe *testbrowser.Axe
	t.Run("axe", func(t *testing.T) { axe = testbrowser.NewAxe(t) }) // without it the rest is looked at all the same
	for i, s := range samples() {
		if err := chromedp.Do(ctx, chromedp.Navigate(address+s.name)); err != nil {
			t.Fatal(err)
		}
		sticksOut(t, ctx, s.name)
		if axe == nil {
			continue
		}
		turn := i % len(testbrowser.Looks)
		looks := testbrowser.Looks[turn : turn+1]
		if os.Getenv("DESK_EVERY_LOOK") != "" {
			looks = testbrowser.Looks
		}
		if err := chromedp.Do(ctx, axe.Load()); err != nil {
			t.Fatal(err)
		}
		for _, l := range looks {
			keepsOut(t, ctx, axe, s.name, l)
		}
	}
}

func sticksOut(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	for _, width := range []int64{1440, 1201, 1025, 1024, 801, 390, 320} {
		if err := chromedp.Do(ctx, chromedp.EmulateViewport(width, 900)); err != nil {
			t.Fatal(err)
		}
		out, err := chromedp.Run(ctx, chromedp.Evaluate[string](stickOut))
		if err != nil {
			t.Fatal(err)
		}
		if out != "" {
			t.Errorf("%s at %d px: %s", name, width, out)
		}
	}
}

func keepsOut(t *testing.T, ctx context.Context, axe *testbrowser.Axe, name string, l testbrowser.Look) {
	t.Helper()
	if err := chromedp.Do(ctx, testbrowser.Whole(l, 0)); err != nil {
		t.Fatal(err)
	}
	found, err := axe.Audit(ctx)
	if err != nil {
		t.Fatalf("%s, %s: %v", name, l.Name, err)
	}
	for _, violation := range found {
		t.Errorf("%s, %s: %s", name, l.Name, violation)
	}
}

// DESK_SHOTS=DIR [DESK_ONLY=name,name] go test -run TestScreenshots ./internal/desk/view
func TestScreenshots(t *testing.T) {
	dir := os.Getenv("DESK_SHOTS")
	if dir == "" {
		t.Skip("optional: DESK_SHOTS is not set")
	}
	ctx, address := browser(t)
	only := strings.FieldsFunc(os.Getenv("DESK_ONLY"), func(r rune) bool { return r == ',' })
	for _, l := range testbrowser.Looks {
		for _, s := range samples() {
			if len(only) > 0 && !slices.Contains(only, s.name) {
				continue
			}
			file := filepath.Join(dir, s.name+"-"+l.Name)
			if err := chromedp.Do(ctx, chromedp.Navigate(address+s.name), testbrowser.Whole(l, 2400)); err != nil {
				t.Fatal(err)
			}
			capture(t, ctx, file+".png")
			if s.name == "search" {
				shootSearch(t, ctx, file)
			}
			if s.name == "history" {
				followed := `document.querySelectorAll("tr.fresh").length === 2`
				if err := chromedp.Do(ctx, chromedp.Evaluate[chromedp.Void](`document.querySelector("[data-tail]").click()`)); err != nil {
					t.Fatal(err)
				}
				if _, err := chromedp.Run(ctx, chromedp.Poll[bool](followed)); err != nil {
					t.Fatal(err)
				}
				capture(t, ctx, file+"-followed.png")
			}
			if s.name == "organisations-large" {
				shootMenus(t, ctx, file, l.Width < 500)
			}
		}
	}
}

// capture takes a picture of what the window shows.
func capture(t *testing.T, ctx context.Context, file string) {
	t.Helper()
	image, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, image, 0o644); err != nil {
		t.Fatal(err)
	}
}

// shootSearch opens the dialog and finds something.
func shootSearch(t *testing.T, ctx context.Context, file string) {
	t.Helper()
	for _, query := range []string{"", "issu", "hostile", "nothing"} {
		shown := `document.querySelector("[data-search] [role=status]").textContent === ` + strconv.Quote(found(t.Context(), query).said(t.Context()))
		fill := `(() => { const i = document.getElementById("search-everything"); i.value = ` + strconv.Quote(query) + `; i.dispatchEvent(new Event("input")); })()`
		if err := chromedp.Do(ctx, chromedp.Evaluate[chromedp.Void](`document.querySelector("[data-search-open]").click()`), chromedp.Evaluate[chromedp.Void](fill)); err != nil {
			t.Fatal(err)
		}
		if _, err := chromedp.Run(ctx, chromedp.Poll[bool](shown)); err != nil {
			t.Fatal(err)
		}
		capture(t, ctx, file+"-dialog-"+query+".png")
	}
}

// shootMenus opens the menus one after the other; Escape closes each.
func shootMenus(t *testing.T, ctx context.Context, file string, phone bool) {
	t.Helper()
	menus := []string{"organisation-menu", "person-menu"}
	if phone {
		menus = append(menus, "navigation")
	}
	for _, id := range menus {
		open := `document.getElementById("` + id + `").matches(":popover-open")`
		if err := chromedp.Do(ctx, chromedp.Click(chromedp.CSS(`[popovertarget="`+id+`"]`))); err != nil {
			t.Fatal(err)
		}
		if is, err := chromedp.Run(ctx, chromedp.Evaluate[bool](open)); err != nil || !is {
			t.Errorf("%s does not open: %v", id, err)
		}
		capture(t, ctx, file+"-"+id+".png")
		if err := chromedp.Do(ctx, chromedp.KeyEvent("\u001b")); err != nil {
			t.Fatal(err)
		}
		if is, err := chromedp.Run(ctx, chromedp.Evaluate[bool](open)); err != nil || is {
			t.Errorf("Escape does not close %s: %v", id, err)
		}
	}
}
