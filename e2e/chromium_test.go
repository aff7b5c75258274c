package e2e

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/portico-iam/portico/internal/testbrowser"
)

// step is something that is done in the browser.
type step = testbrowser.Step

// wide and narrow are how most tests look at a page.
var wide, narrow = testbrowser.As(testbrowser.Looks[0]), testbrowser.As(testbrowser.Looks[2])

// shoot keeps pictures of the whole page, in every look, in the folder that PORTICO_SCREENSHOTS names, if it does.
func shoot(name string) step {
	return func(ctx context.Context, t *chromedp.Target) (none chromedp.Void, err error) {
		dir := os.Getenv("PORTICO_SCREENSHOTS")
		if dir == "" {
			return none, nil
		}
		for _, l := range testbrowser.Looks {
			if _, err := testbrowser.Whole(l, 3000)(ctx, t); err != nil {
				return none, err
			}
			picture, err := cdp.Call(ctx, t, page.CaptureScreenshot, page.CaptureScreenshotParams{})
			if err != nil {
				return none, err
			}
			if err := os.WriteFile(filepath.Join(dir, name+"-"+l.Name+".png"), picture.Data, 0o600); err != nil {
				return none, err
			}
		}
		return wide(ctx, t)
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
