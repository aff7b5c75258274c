package view

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/portico-iam/portico/internal/desk/assets"
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
			_ = s.page.Render(r.Context(), w)
		})
	}
	mux.HandleFunc("GET "+SearchPath, func(w http.ResponseWriter, r *http.Request) {
		_ = SearchOptions(found(r.URL.Query().Get("q"))).Render(r.Context(), w)
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
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		if os.Getenv("PORTICO_TEST_REQUIRE") == "1" {
			t.Fatal("chromium is missing: sh scripts/needs.sh")
		}
		t.Skip("chromium is missing: sh scripts/needs.sh")
	}
	server := httptest.NewServer(preview())
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU)
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(func() {
		cancel()
		stop()
		server.Close()
	})
	return ctx, server.URL + "/preview/"
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

// TestNothingSticksOut: every sample, the longest names included, fits a window of any usual width.
func TestNothingSticksOut(t *testing.T) {
	ctx, address := browser(t)
	for _, s := range samples() {
		if err := chromedp.Do(ctx, chromedp.Navigate(address+s.name)); err != nil {
			t.Fatal(err)
		}
		for _, width := range []int64{1440, 1201, 1025, 1024, 801, 390, 320} {
			if err := chromedp.Do(ctx, chromedp.EmulateViewport(width, 900)); err != nil {
				t.Fatal(err)
			}
			out, err := chromedp.Run(ctx, chromedp.Evaluate[string](stickOut))
			if err != nil {
				t.Fatal(err)
			}
			if out != "" {
				t.Errorf("%s at %d px: %s", s.name, width, out)
			}
		}
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
	for _, width := range []int64{1440, 390} {
		for _, scheme := range []string{"light", "dark"} {
			media := func(ctx context.Context, target *chromedp.Target) error {
				_, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
					Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
				})
				return err
			}
			if err := chromedp.Do(ctx, chromedp.Func(media)); err != nil {
				t.Fatal(err)
			}
			for _, s := range samples() {
				if len(only) > 0 && !slices.Contains(only, s.name) {
					continue
				}
				file := filepath.Join(dir, fmt.Sprintf("%s-%d-%s.png", s.name, width, scheme))
				shoot(t, ctx, address+s.name, file, width)
				if s.name == "search" {
					shootSearch(t, ctx, strings.TrimSuffix(file, ".png"))
				}
				if s.name == "organisations-large" {
					shootMenus(t, ctx, strings.TrimSuffix(file, ".png"), width < 500)
				}
			}
		}
	}
}

// shoot takes the first screens of a page, and fails when the page is wider than the window.
func shoot(t *testing.T, ctx context.Context, address, file string, width int64) {
	t.Helper()
	first := int64(1000)
	if width < 500 {
		first = 844
	}
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(width, first), chromedp.Navigate(address)); err != nil {
		t.Fatal(err)
	}
	size, err := chromedp.Run(ctx, chromedp.Evaluate[[]int64](`[document.documentElement.scrollWidth, document.documentElement.scrollHeight]`))
	if err != nil {
		t.Fatal(err)
	}
	if size[0] > width {
		t.Errorf("%s is %d wide in a window of %d", address, size[0], width)
	}
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(width, max(first, min(size[1], 2400)))); err != nil {
		t.Fatal(err)
	}
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
		shown := `document.querySelector("[data-search] [role=status]").textContent === ` + strconv.Quote(found(query).said())
		fill := `(() => { const i = document.getElementById("search-everything"); i.value = ` + strconv.Quote(query) + `; i.dispatchEvent(new Event("input")); })()`
		if err := chromedp.Do(ctx, chromedp.Evaluate[chromedp.Void](`document.querySelector("[data-search-open]").click()`), chromedp.Evaluate[chromedp.Void](fill)); err != nil {
			t.Fatal(err)
		}
		if _, err := chromedp.Run(ctx, chromedp.Poll[bool](shown)); err != nil {
			t.Fatal(err)
		}
		image, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file+"-dialog-"+query+".png", image, 0o644); err != nil {
			t.Fatal(err)
		}
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
		image, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file+"-"+id+".png", image, 0o644); err != nil {
			t.Fatal(err)
		}
		if err := chromedp.Do(ctx, chromedp.KeyEvent("\u001b")); err != nil {
			t.Fatal(err)
		}
		if is, err := chromedp.Run(ctx, chromedp.Evaluate[bool](open)); err != nil || is {
			t.Errorf("Escape does not close %s: %v", id, err)
		}
	}
}
