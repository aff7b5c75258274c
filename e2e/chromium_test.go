package e2e

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

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
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	t.Cleanup(func() {
		cancel()
		stop()
		stopAllocator()
	})
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
	{"wide-light", 1440, 900, "light"}, {"wide-dark", 1440, 900, "dark"},
	{"phone-light", 390, 844, "light"}, {"phone-dark", 390, 844, "dark"},
}

// as sets size and colours.
func as(l look) chromedp.Action {
	return chromedp.Tasks{
		emulation.SetDeviceMetricsOverride(l.width, l.height, 1, l.width < 600),
		emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: l.scheme}}),
	}
}

// shoot keeps a picture of the whole page in PORTICO_SCREENSHOTS, if that names a folder.
func shoot(t *testing.T, name string) chromedp.Action {
	return chromedp.ActionFunc(func(ctx context.Context) error {
		dir := os.Getenv("PORTICO_SCREENSHOTS")
		if dir == "" {
			return nil
		}
		for _, l := range looks {
			if err := as(l).Do(ctx); err != nil {
				return err
			}
			picture, err := page.CaptureScreenshot().WithCaptureBeyondViewport(true).Do(ctx)
			if err != nil {
				return err
			}
			if err := os.WriteFile(filepath.Join(dir, name+"-"+l.name+".png"), picture, 0o600); err != nil {
				return err
			}
		}
		return as(looks[0]).Do(ctx)
	})
}

// do runs steps in the browser, each named for the error.
func do(t *testing.T, ctx context.Context, what string, actions ...chromedp.Action) {
	t.Helper()
	if err := chromedp.Run(ctx, actions...); err != nil {
		var address, text string
		_ = chromedp.Run(ctx, chromedp.Location(&address), chromedp.Text("body", &text, chromedp.ByQuery))
		t.Fatalf("%s: %v\nat %s\n%.1000s", what, err, address, text)
	}
}
