package e2e

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// chromium starts a headless browser with an empty profile until the test ends. Without one the test is skipped, unless
// PORTICO_TEST_REQUIRE says that everything must run.
func chromium(t *testing.T) context.Context {
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
			t.Fatal("chromium is missing: apt-get install chromium")
		}
		t.Skip("chromium is missing: apt-get install chromium")
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

// look is a way to look at a page.
type look struct {
	name   string
	width  int64
	height int64
	scheme string
}

var looks = []look{
	{"wide-light", 1440, 900, "light"},
	{"wide-dark", 1440, 900, "dark"},
	{"phone-light", 390, 844, "light"},
	{"phone-dark", 390, 844, "dark"},
}

// step is something that is done in the browser.
type step = chromedp.Action[chromedp.Void]

// as sets size and colours.
func as(l look) step {
	media := chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{
				{Name: "prefers-color-scheme", Value: l.scheme},
				{Name: "prefers-reduced-motion", Value: "reduce"}, // or a picture shows colours on their way
			},
		})
		return err
	})
	return chromedp.Steps(chromedp.EmulateViewport(l.width, l.height), media)
}

// shoot keeps pictures of the whole page, in every look, in the folder that PORTICO_SCREENSHOTS names, if it does.
func shoot(name string) step {
	return func(ctx context.Context, t *chromedp.Target) (none chromedp.Void, err error) {
		dir := os.Getenv("PORTICO_SCREENSHOTS")
		if dir == "" {
			return none, nil
		}
		for _, l := range looks {
			if _, err := as(l)(ctx, t); err != nil {
				return none, err
			}
			height, err := chromedp.Evaluate[int64](`window.scrollTo(0, 0), document.documentElement.scrollHeight`)(ctx, t)
			if err != nil {
				return none, err
			}
			l.height = max(l.height, min(height, 3000)) // a window as tall as the page: what sticks stays in its place
			if _, err := as(l)(ctx, t); err != nil {
				return none, err
			}
			picture, err := cdp.Call(ctx, t, page.CaptureScreenshot, page.CaptureScreenshotParams{})
			if err != nil {
				return none, err
			}
			if err := os.WriteFile(filepath.Join(dir, name+"-"+l.name+".png"), picture.Data, 0o600); err != nil {
				return none, err
			}
		}
		return as(looks[0])(ctx, t)
	}
}

// do runs steps in the browser; what they are for is in the error.
func do(t *testing.T, ctx context.Context, what string, steps ...step) {
	t.Helper()
	limited, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	if err := chromedp.Do(limited, steps...); err != nil {
		rest, cancelRest := context.WithTimeout(ctx, 5*time.Second)
		defer cancelRest()
		address, _ := chromedp.Run(rest, chromedp.Location())
		text, _ := chromedp.Run(rest, chromedp.Text(chromedp.CSS("body")))
		t.Fatalf("%s: %v\nat %s\n%.1500s", what, err, address, text)
	}
}
