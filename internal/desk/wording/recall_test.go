package wording

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// What was recorded in English is said in the reader's language, names and sentences within sentences included.
func TestRecall(t *testing.T) {
	german, _ := Named("de")
	ctx := With(t.Context(), german)
	for recorded, want := range map[string]string{
		"Your roles in Acme do not include: “List roles”.":               "Ihre Rollen in Acme umfassen nicht: „Rollen auflisten“.",
		"Your roles in the system do not include: “List roles”.":         "Ihre Rollen in dem System umfassen nicht: „Rollen auflisten“.",
		`Put the person into the group "Acme \"x\"".`:                    `Nehmen Sie die Person in die Gruppe "Acme \"x\"" auf.`,
		`Reactivate Acme. Then: Put the person into the group "Acme A".`: `Reaktivieren Sie Acme. Dann: Nehmen Sie die Person in die Gruppe "Acme A" auf.`,
		`the token has no claim at "roles"`:                              `das Token hat keinen Claim bei "roles"`,
		`"roles" holds a number, which is no role`:                       `"roles" enthält eine Zahl, was keine Rolle ist`,
		"Sign in.": "Melden Sie sich an.",
	} {
		if got, ok := Recall(ctx, recorded); !ok || got != want {
			t.Errorf("%q: got %q, %v, want %q", recorded, got, ok, want)
		}
	}
	for _, foreign := range []string{"", "Core says no.", "%s", "%!d(string=x)", strings.Repeat("Reactivate x. Then: ", 1000)} {
		if got, ok := Recall(ctx, foreign); ok || got != foreign {
			t.Errorf("%q is taken for one of ours: %q", foreign, got)
		}
	}
	if got, ok := Recall(t.Context(), "anything"); !ok || got != "anything" {
		t.Errorf("in English nothing is to be recalled: %q, %v", got, ok)
	}
}

// Whatever it takes a record for, the record says just that in English; and what we say ourselves is always recalled.
func TestRecallIsFaithful(t *testing.T) {
	formats := patterns()
	rapid.Check(t, func(t *rapid.T) {
		p := rapid.SampledFrom(formats).Draw(t, "sentence")
		args := make([]any, len(p.verbs))
		for i, v := range p.verbs {
			args[i] = rapid.StringN(1, 12, -1).Draw(t, "argument")
			if v == "%d" {
				args[i] = rapid.IntRange(0, 999).Draw(t, "number")
			}
		}
		recorded := Phrase{p.format, args}.String()
		got, ok := recall(recorded, nested)
		if ok && got.String() != recorded {
			t.Fatalf("%q is taken for %q", recorded, got)
		}
		if !ok {
			t.Fatalf("%q is not recalled", recorded)
		}
	})
}
