package fault

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// TestClip: whatever somebody sends is one line of text, of about that length, and what fits stays as it is.
func TestClip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := string(rapid.SliceOf(rapid.Byte()).Draw(t, "text"))
		got := Clip(text, 20)
		if !utf8.ValidString(got) || strings.ContainsFunc(got, unicode.IsControl) || len(got) > 3*20+len("…") {
			t.Fatalf("%q became %q", text, got)
		}
		if len(text) <= 20 && utf8.ValidString(text) && !strings.ContainsFunc(text, unicode.IsControl) && got != text {
			t.Fatalf("%q became %q", text, got)
		}
		if len(text) > 20 != strings.HasSuffix(got, "…") && !strings.HasSuffix(text, "…") {
			t.Fatalf("%q became %q", text, got)
		}
	})
	for text, want := range map[string]string{"a\x1b[2Jb\u009bc": "a [2Jb c", "\xff": "\uFFFD", "ä" + strings.Repeat("ö", 20): "ä" + strings.Repeat("ö", 9) + "…"} {
		if got := Clip(text, 20); got != want {
			t.Errorf("%q: expected %q, got %q", text, want, got)
		}
	}
}
