package e2e

import (
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/testbrowser"
)

// TestAxe looks for barriers on everything that can be seen, wide and narrow, light and dark.
func TestAxe(t *testing.T) {
	axe := testbrowser.NewAxe(t)
	w := everything(t)
	ctx := testbrowser.Start(t)
	began, seen := time.Now(), 0
	w.walk(t, ctx, func(name string) {
		do(t, ctx, name, axe.Load())
		for _, l := range testbrowser.Looks {
			do(t, ctx, name, testbrowser.Whole(l, 0))
			found, err := axe.Audit(ctx)
			if err != nil {
				t.Fatalf("%s, %s: %v", name, l.Name, err)
			}
			for _, violation := range found {
				t.Errorf("%s, %s: %s", name, l.Name, violation)
			}
			seen++
		}
	})
	t.Logf("%d looks in %s", seen, time.Since(began).Round(time.Second))
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
