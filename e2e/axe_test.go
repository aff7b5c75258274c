package e2e

import (
	"context"
	"testing"

	"github.com/portico-iam/portico/internal/testbrowser"
)

// free looks for barriers, on each page wide and narrow, light and dark; which of the widths is dark changes by turns.
func free(t *testing.T, ctx context.Context) func(name string) {
	t.Helper()
	axe := testbrowser.NewAxe(t)
	turn := 0
	return func(name string) {
		do(t, ctx, name, axe.Load())
		wideOne, narrowOne := testbrowser.Looks[turn%2], testbrowser.Looks[3-turn%2]
		turn++
		for _, l := range []testbrowser.Look{wideOne, narrowOne} {
			do(t, ctx, name, testbrowser.Whole(l, 0))
			found, err := axe.Audit(ctx)
			if err != nil {
				t.Fatalf("%s, %s: %v", name, l.Name, err)
			}
			for _, violation := range found {
				t.Errorf("%s, %s: %s", name, l.Name, violation)
			}
		}
	}
}

// TestAxeFinds: a barrier is found, or the test above would prove nothing.
func TestAxeFinds(t *testing.T) {
	axe := testbrowser.NewAxe(t)
	ctx := testbrowser.Start(t)
	do(t, ctx, "a page with barriers", visit(`data:text/html,<p style="color:%23aaa">faint</p><input>`), axe.Load())
	found, err := axe.Audit(ctx)
	if err != nil || len(found) < 2 {
		t.Errorf("expected the colour and the field without a label to be found, got %q, %v", found, err)
	}
}
