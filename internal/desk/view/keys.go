package view

import (
	"context"
	"net/url"
	"strings"
	"time"

	"github.com/portico-iam/portico/internal/desk/wording"
)

// Keys are the keys that sign app tokens, and who knows them.
type Keys struct {
	Page
	CanRotate, CanHistory bool
	List                  List          // sort: state, published, used; of Verifiers verifier, knowledge, fetched
	Overlap               time.Duration // how long a key is published before it signs
	Fault                 string        // what keeps this process from turning the ring
	Rows                  []KeyRow
	Verifiers             []VerifierRow
}

// KeyRow is one key.
type KeyRow struct {
	KID                                            string
	State                                          string // next, active or retired
	Created, Ready, Activates, Retires, Gone, Used When
}

// VerifierRow is one place that fetches the keys, or a declared verifier that never did.
type VerifierRow struct {
	Name, Address, Agent string
	Knowledge            string   // knows, lacks, silent or never
	Missing              []string // states of the keys that it does not know
	Fetched              When
	Cache                time.Duration
}

// The addresses of the keys.
const (
	KeysPath      = "/keys"
	KeyRotatePath = "/keys/rotation"
)

func KeyCutPath(kid string) string { return KeysPath + "/" + url.PathEscape(kid) + "/cut" }

var keyTones = map[string]string{key("active"): "success", key("next"): "", key("retired"): "warning"}

func (k KeyRow) tone() string { return keyTones[k.State] }

// fate says what happens to the key next, and when.
func (k KeyRow) fate() (what string, at When) {
	switch k.State {
	case "active":
		return key("Signs until %s"), k.Retires
	case "next":
		return key("Signs from %s"), k.Activates
	}
	return key("Published until %s"), k.Gone
}

// Label names a verifier as well as it is known.
func (v VerifierRow) Label(ctx context.Context) string {
	switch {
	case v.Name != "" && v.Address != "":
		return say(ctx, "%s at %s", v.Name, v.Address)
	case v.Name != "":
		return v.Name
	case v.Address != "":
		return v.Address
	}
	return say(ctx, "within this process")
}

func (v VerifierRow) badge() (tone, text string) {
	switch v.Knowledge {
	case "knows":
		return "success", key("knows them")
	case "lacks":
		return "warning", key("not yet")
	case "never":
		return "warning", key("never came")
	}
	return "", key("silent")
}

func (v VerifierRow) note(ctx context.Context) string {
	switch v.Knowledge {
	case "lacks":
		switch {
		case len(v.Missing) > 1:
			return say(ctx, "Does not know the active and the next key.")
		case v.Missing[0] == "next":
			return say(ctx, "Does not know the next key.")
		}
		return say(ctx, "Does not know the active key.")
	case "silent":
		return say(ctx, "It fetches before it checks a token.")
	case "never":
		return say(ctx, "Give it the address %s.", "/.well-known/jwks.json?verifier="+v.Name)
	}
	return ""
}

// Span is a duration in words: "24 hours", "2 days 12 hours", "10 minutes".
func Span(d time.Duration) wording.Phrase {
	d = d.Round(time.Second)
	var parts []any
	if days := d / (24 * time.Hour); days > 1 {
		parts = append(parts, later("%d days", int(days)))
		d %= 24 * time.Hour
	}
	if hours := d / time.Hour; hours > 0 {
		parts = append(parts, later("%d hours", int(hours)))
	}
	if minutes := d % time.Hour / time.Minute; minutes > 0 {
		parts = append(parts, later("%d minutes", int(minutes)))
	}
	if seconds := d % time.Minute / time.Second; seconds > 0 {
		parts = append(parts, later("%d seconds", int(seconds)))
	}
	if len(parts) == 0 {
		return later("no time")
	}
	return wording.Phrase{Format: strings.TrimSpace(strings.Repeat("%s ", len(parts))), Args: parts}
}

// ConfirmKeyRotate asks to let the next key sign. One that some verifier may not know has its beginning typed.
func ConfirmKeyRotate(ctx context.Context, p Page, next KeyRow, behind []string) Confirm {
	c := Confirm{
		Page: p, Section: SectionKeys, Title: say(ctx, "Rotate now"), Object: next.KID, Path: KeyRotatePath, Action: say(ctx, "Rotate now"),
		Version: next.KID, Back: Link{say(ctx, "Keys"), KeysPath},
		Effects: []string{
			say(ctx, "This key signs every app token from now on. The one that signs today stays published until its last token has died."),
			say(ctx, "A new next key is made and published at once."),
		},
	}
	if next.Ready.At.After(next.Ready.Now) {
		c.Danger, c.TypeToConfirm = true, next.KID[:min(8, len(next.KID))]
		c.Effects = append(c.Effects, say(ctx, "It is too early: not every verifier has had the time to learn this key. That is so from %s on.", next.Ready.exact()))
		c.Effects = append(c.Effects, say(ctx, "A verifier that has not fetched it refuses every token until it does: nobody can work there."))
	}
	return c.naming(ctx, behind)
}

// ConfirmKeyCut asks to drop a key.
func ConfirmKeyCut(ctx context.Context, p Page, key KeyRow, behind []string, overlap time.Duration) Confirm {
	c := Confirm{
		Page: p, Section: SectionKeys, Title: say(ctx, "Cut key off"), Object: key.KID, Path: KeyCutPath(key.KID), Action: say(ctx, "Cut off"), Danger: true,
		TypeToConfirm: key.KID[:min(8, len(key.KID))], Version: key.State, Back: Link{say(ctx, "Keys"), KeysPath},
		Effects: []string{say(ctx, "The key is deleted and no longer published, at once and for good. Do this when somebody else may have it.")},
	}
	switch key.State {
	case "active":
		c.Effects = append(c.Effects,
			say(ctx, "The next key signs from now on, and a new next key is made."),
			say(ctx, "Tokens that the key signed, forged ones too, are refused by each verifier as soon as it fetches the keys anew: after its own cache time, %s at the most. Restarting a verifier has it fetch at once: do so after this is done, and 5 minutes later where an HTTP cache is on the way.", Span(overlap)),
			say(ctx, "People notice nothing where the next key is known: they get new tokens by themselves."))
		c = c.naming(ctx, behind)
	case "next":
		c.Effects = append(c.Effects, say(ctx, "It has signed nothing yet. Another next key is made, which has to be published for %s before it signs.", Span(overlap)))
	default:
		c.Effects = append(c.Effects, say(ctx, "It signs no more already. Its last tokens die as soon as each verifier fetches the keys anew."))
	}
	return c
}

func (c Confirm) naming(ctx context.Context, behind []string) Confirm {
	if len(behind) > 0 {
		c.Effects = append(c.Effects, say(ctx, "Not known to have fetched the next key: %s.", isolated(behind)))
	}
	return c
}
