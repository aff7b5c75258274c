package testbrowser

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// Step is something that is done in the browser.
type Step = chromedp.Action[chromedp.Void]

// missing skips the test, or fails it where everything must run.
func missing(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("PORTICO_TEST_REQUIRE") == "1" {
		t.Fatal(what + " is missing: sh scripts/needs.sh")
	}
	t.Skip(what + " is missing: sh scripts/needs.sh")
}

// Start starts a browser with an empty profile until the test ends.
func Start(t testing.TB) context.Context {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		missing(t, "chromium")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-quic", true), chromedp.Flag("hide-scrollbars", true),
	)
	allocator, stopAllocator := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, stop := chromedp.NewContext(allocator)
	t.Cleanup(func() {
		stop()
		stopAllocator()
	})
	// The browser lives as long as the context of the first call.
	if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil {
		t.Fatal(err)
	}
	return ctx
}

// Look is a way to look at a page.
type Look struct {
	Name          string
	Width, Height int64 // CSS pixels
	Scheme        string
}

// Looks are those in which every page is judged.
var Looks = []Look{
	{"1440-light", 1440, 900, "light"},
	{"1440-dark", 1440, 900, "dark"},
	{"390-light", 390, 844, "light"},
	{"390-dark", 390, 844, "dark"},
}

// As sets size and colours.
func As(l Look) Step {
	media := chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{
				{Name: "prefers-color-scheme", Value: l.Scheme},
				{Name: "prefers-reduced-motion", Value: "reduce"}, // or a picture shows colours on their way
			},
		})
		return err
	})
	return chromedp.Steps(chromedp.EmulateViewport(l.Width, l.Height), media)
}

// Whole makes the window as tall as the page, up to most pixels (0: no limit): what sticks to its edges then covers nothing.
func Whole(l Look, most int64) Step {
	return func(ctx context.Context, t *chromedp.Target) (none chromedp.Void, err error) {
		if _, err := As(l)(ctx, t); err != nil {
			return none, err
		}
		height, err := chromedp.Evaluate[int64](`window.scrollTo(0, 0), document.documentElement.scrollHeight`)(ctx, t)
		if err != nil {
			return none, err
		}
		if most > 0 {
			height = min(height, most)
		}
		l.Height = max(l.Height, height)
		return As(l)(ctx, t)
	}
}

// root is the folder of the module.
func root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("there is no go.mod above")
		}
		dir = filepath.Dir(dir)
	}
}
