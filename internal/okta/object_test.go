package okta

import (
	"reflect"
	"testing"

	"pgregory.net/rapid"
)

func TestUnionKeepsOrderAndAddsOnce(t *testing.T) {
	if got := union([]string{"b", "a"}, "a", "c", "c"); !reflect.DeepEqual(got, list("b", "a", "c")) {
		t.Errorf("got %v", got)
	}
}

func TestRevert(t *testing.T) {
	live := func(v any) object { return object{"a": map[string]any{"b": v}} }
	for _, c := range []struct {
		rule               string
		before, after, now any
		back               any
		touched, kept      bool
	}{
		{"what is as we left it goes back", "x", "y", "y", "x", true, false},
		{"what somebody changed is theirs", "x", "y", "z", nil, false, true},
		{"what went back already stays", "x", "y", "x", nil, false, false},
		{"what was not there is nothing again", nil, "y", "y", nil, true, false},
		{"of a list only ours goes", list("a"), list("a", "b"), list("a", "b", "c"), list("a", "c"), true, false},
		{"what was in the list before stays", list("a"), list("a", "b"), list("b", "a"), list("a"), true, false},
		{"what we replaced in a list comes back", list("a"), list("b"), list("b"), list("a"), true, false},
	} {
		back, kept := revert(live(c.now), fields{"a.b": c.before}, fields{"a.b": c.after})
		value, touched := back["a.b"]
		if touched != c.touched || (len(kept) > 0) != c.kept || touched && !reflect.DeepEqual(value, c.back) {
			t.Errorf("%s: expected %v, touched %v, kept %v; got %v, %v, %v", c.rule, c.back, c.touched, c.kept, value, touched, kept)
		}
	}
}

// TestRevertUndoes: whatever an object was, writing wanted values and taking them back leaves what others put there.
func TestRevertUndoes(t *testing.T) {
	word := rapid.StringMatching(`[a-d]`)
	rapid.Check(t, func(t *rapid.T) {
		have := rapid.SliceOfDistinct(word, rapid.ID).Draw(t, "have")
		want := rapid.SliceOfDistinct(word, rapid.ID).Draw(t, "want")
		foreign := rapid.SliceOfDistinct(rapid.StringMatching(`[x-z]`), rapid.ID).Draw(t, "foreign")
		before := object{"l": list(have...)}
		wanted := fields{"l": union(have, want...)}
		after := before.with(wanted)
		after["l"] = union(after.texts("l"), foreign...)
		back, _ := revert(after, wanted.of(before), wanted)
		if got := after.with(back); !reflect.DeepEqual(got["l"], union(have, foreign...)) {
			t.Fatalf("expected %v with %v, got %v", have, foreign, got["l"])
		}
	})
}

// TestWithLeavesTheRest: a replacement sends back what it does not know.
func TestWithLeavesTheRest(t *testing.T) {
	live := object{"id": "1", "settings": map[string]any{"x": []any{"a"}, "y": true}}
	next := live.with(fields{"settings.x": list("b"), "new.deep": "v"})
	if next.at("settings.y") != true || next.text("new.deep") != "v" || !reflect.DeepEqual(live.at("settings.x"), list("a")) {
		t.Errorf("got %v from %v", next, live)
	}
}
