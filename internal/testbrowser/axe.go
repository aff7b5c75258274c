package testbrowser

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
)

// Axe finds barriers.
type Axe struct{ source string }

// NewAxe reads axe-core, which is no part of Portico.
func NewAxe(t testing.TB) *Axe {
	t.Helper()
	source, err := os.ReadFile(filepath.Join(root(t), "e2e/axe/node_modules/axe-core/axe.min.js"))
	if errors.Is(err, os.ErrNotExist) {
		missing(t, "axe-core")
	}
	if err != nil {
		t.Fatal(err)
	}
	return &Axe{string(source)}
}

// Load puts axe into the page. It goes through the DevTools, which no policy of a page keeps out: the policy stays as it is.
func (a *Axe) Load() Step { return chromedp.Evaluate[chromedp.Void](a.source + ";0") }

const audit = `axe.run(document, {resultTypes: ["violations"], runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]})
	.then((r) => r.violations.flatMap((v) => v.nodes.map((n) => v.id + ": " + n.target.join(" ") + ": " + n.failureSummary.replace(/\s+/g, " "))))`

// Audit names each violation of WCAG 2.2 AA on the page, where axe is loaded: its rule, what is at fault and why.
func (a *Axe) Audit(ctx context.Context) ([]string, error) {
	return chromedp.Run(ctx, chromedp.Evaluate[[]string](audit, chromedp.EvalAwaitPromise))
}
