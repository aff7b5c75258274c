package e2e

import (
	"context"
	"encoding/json"
	"slices"
	"testing"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/chromedp"
)

// control is what a screen reader says of one thing on a page.
type control struct {
	role, name string
	level      int // of a heading
}

// tree is what a screen reader finds on the page, in its order.
func tree(ctx context.Context, t *chromedp.Target) (controls []control, err error) {
	full, err := cdp.Call(ctx, t, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
	if err != nil {
		return nil, err
	}
	known := map[accessibility.NodeID]*accessibility.Node{}
	for _, n := range full.Nodes {
		known[n.NodeID] = n
	}
	var visit func(n *accessibility.Node)
	visit = func(n *accessibility.Node) {
		if !n.Ignored {
			c := control{role: spoken(n.Role), name: spoken(n.Name)}
			for _, p := range n.Properties {
				if p.Name == "level" {
					err = json.Unmarshal(p.Value.Value, &c.level)
				}
			}
			controls = append(controls, c)
		}
		for _, id := range n.ChildIDs {
			if child := known[id]; child != nil {
				visit(child)
			}
		}
	}
	visit(full.Nodes[0])
	return controls, err
}

func spoken(v *accessibility.Value) (s string) {
	if v != nil {
		_ = json.Unmarshal(v.Value, &s) // what is no text is none
	}
	return s
}

// named are the roles of what means nothing without a name.
var named = []string{
	"button", "link", "textbox", "searchbox", "combobox", "listbox", "option", "checkbox", "radio", "radiogroup", "Date", "DisclosureTriangle",
	"heading", "navigation", "region", "table", "columnheader", "rowheader", "search", "image", "RootWebArea", "alertdialog", "dialog",
}

// mustBeHeard: each control has a name, and headings go down by one step at a time, beginning at the first.
func mustBeHeard(t *testing.T, ctx context.Context, where string) {
	t.Helper()
	controls, err := chromedp.Run(ctx, tree)
	if err != nil {
		t.Fatal(err)
	}
	level, counts := 0, map[string]int{}
	for _, c := range controls {
		counts[c.role]++
		if slices.Contains(named, c.role) && c.name == "" {
			t.Errorf("%s: a %s without a name", where, c.role)
		}
		if c.role == "heading" {
			if c.level > level+1 {
				t.Errorf("%s: %q is a heading of level %d after one of level %d", where, c.name, c.level, level)
			}
			level = c.level
		}
	}
	if (counts["main"] != 1 || level == 0) && counts["dialog"] == 0 { // a dialog leaves nothing beside it
		t.Errorf("%s: expected one main part and headings, got %v", where, counts)
	}
}
