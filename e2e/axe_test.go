package e2e

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

const axeFile = "axe/node_modules/axe-core/axe.min.js"

// axe is axe-core's source. Where it isn't installed the test is skipped, unless PORTICO_TEST_REQUIRE says that
// everything must run.
func axe(t *testing.T) string {
	t.Helper()
	source, err := os.ReadFile(axeFile)
	switch {
	case err == nil:
		return string(source)
	case os.Getenv("PORTICO_TEST_REQUIRE") == "1":
		t.Fatalf("axe-core is missing: sh scripts/needs.sh (%v)", err)
	}
	t.Skip("axe-core is missing: sh scripts/needs.sh")
	return ""
}

// audit runs axe and names each violation: its rule, what is at fault and why.
const audit = `axe.run(document, {resultTypes: ["violations"], runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]})
	.then((r) => r.violations.flatMap((v) => v.nodes.map((n) => v.id + ": " + n.target.join(" ") + ": " + n.failureSummary.replace(/\s+/g, " "))))`

// TestAxe looks for barriers on everything that can be seen, wide and narrow, light and dark. The script is evaluated
// through the DevTools, which no policy of a page keeps out: the policy stays as it is.
func TestAxe(t *testing.T) {
	source := axe(t)
	w := everything(t)
	ctx := chromium(t)
	began, seen := time.Now(), 0
	w.walk(t, ctx, func(name string) {
		do(t, ctx, name, chromedp.Evaluate[chromedp.Void](source+";0"))
		for _, l := range looks {
			do(t, ctx, name, whole(l))
			found, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](audit, chromedp.EvalAwaitPromise))
			if err != nil {
				t.Fatalf("%s, %s: %v", name, l.name, err)
			}
			for _, violation := range found {
				t.Errorf("%s, %s: %s", name, l.name, violation)
			}
			seen++
		}
	})
	t.Logf("%d looks in %s", seen, time.Since(began).Round(time.Second))
}

// whole looks at all of a page at once: what sticks to the window's edges covers nothing that could be scrolled free.
func whole(l look) step {
	return func(ctx context.Context, t *chromedp.Target) (none chromedp.Void, err error) {
		if _, err := as(l)(ctx, t); err != nil {
			return none, err
		}
		height, err := chromedp.Evaluate[int64](`document.documentElement.scrollHeight`)(ctx, t)
		if err != nil {
			return none, err
		}
		l.height = max(l.height, height)
		return as(l)(ctx, t)
	}
}

// TestAxeFinds: a barrier is found, or the test above would prove nothing.
func TestAxeFinds(t *testing.T) {
	source := axe(t)
	ctx := chromium(t)
	do(t, ctx, "a page with barriers", visit(`data:text/html,<p style="color:%23aaa">faint</p><input>`), chromedp.Evaluate[chromedp.Void](source+";0"))
	found, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](audit, chromedp.EvalAwaitPromise))
	if err != nil || len(found) < 2 {
		t.Errorf("expected the colour and the field without a label to be found, got %q, %v", found, err)
	}
}
