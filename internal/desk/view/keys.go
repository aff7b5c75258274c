package view

import (
	"net/url"
	"strings"
	"time"
)

// Keys are the keys that sign app tokens, and who knows them.
type Keys struct {
	Page
	CanRotate, CanHistory bool
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

var keyTones = map[string]string{"active": "success", "next": "", "retired": "warning"}

func (k KeyRow) tone() string { return keyTones[k.State] }

// fate says what happens to the key next, and when.
func (k KeyRow) fate() (what string, at When) {
	switch k.State {
	case "active":
		return "Signs until", k.Retires
	case "next":
		return "Signs from", k.Activates
	}
	return "Published until", k.Gone
}

// Label names a verifier as well as it is known.
func (v VerifierRow) Label() string {
	switch {
	case v.Name != "" && v.Address != "":
		return v.Name + " at " + v.Address
	case v.Name != "":
		return v.Name
	case v.Address != "":
		return v.Address
	}
	return "within this process"
}

func (v VerifierRow) badge() (tone, text string) {
	switch v.Knowledge {
	case "knows":
		return "success", "knows them"
	case "lacks":
		return "warning", "not yet"
	case "never":
		return "warning", "never came"
	}
	return "", "silent"
}

func (v VerifierRow) note() string {
	switch v.Knowledge {
	case "lacks":
		return "Does not know the " + strings.Join(v.Missing, " and the ") + " key."
	case "silent":
		return "It fetches before it checks a token."
	case "never":
		return "Give it the address " + "/.well-known/jwks.json?verifier=" + v.Name + "."
	}
	return ""
}

// Span is a duration in words: "24 hours", "1 day 12 hours", "10 minutes".
func Span(d time.Duration) string {
	d = d.Round(time.Second)
	var parts []string
	for _, unit := range []struct {
		size time.Duration
		noun string
	}{{48 * time.Hour, ""}, {time.Hour, "hour"}, {time.Minute, "minute"}, {time.Second, "second"}} {
		if unit.noun == "" { // days, from two on
			if d >= unit.size {
				parts = append(parts, count(int(d/(24*time.Hour)), "day"))
				d %= 24 * time.Hour
			}
			continue
		}
		if n := int(d / unit.size); n > 0 {
			parts = append(parts, count(n, unit.noun))
			d -= time.Duration(n) * unit.size
		}
	}
	if len(parts) == 0 {
		return "no time"
	}
	return strings.Join(parts, " ")
}

// ConfirmKeyRotate asks to let the next key sign. One that some verifier may not know has its beginning typed.
func ConfirmKeyRotate(p Page, next KeyRow, behind []string) Confirm {
	c := Confirm{
		Page: p, Section: SectionKeys, Title: "Rotate now", Object: next.KID, Path: KeyRotatePath, Action: "Rotate now",
		Version: next.KID, Back: Link{"Keys", KeysPath},
		Effects: []string{
			"This key signs every app token from now on. The one that signs today stays published until its last token has died.",
			"A new next key is made and published at once.",
		},
	}
	if next.Ready.At.After(next.Ready.Now) {
		c.Danger, c.TypeToConfirm = true, next.KID[:min(8, len(next.KID))]
		c.Effects = append(c.Effects, "It is too early: not every verifier has had the time to learn this key. That is so from "+next.Ready.exact()+" on.")
		c.Effects = append(c.Effects, "A verifier that has not fetched it refuses every token until it does: nobody can work there.")
	}
	return c.naming(behind)
}

// ConfirmKeyCut asks to drop a key.
func ConfirmKeyCut(p Page, key KeyRow, behind []string, overlap time.Duration) Confirm {
	c := Confirm{
		Page: p, Section: SectionKeys, Title: "Cut key off", Object: key.KID, Path: KeyCutPath(key.KID), Action: "Cut off", Danger: true,
		TypeToConfirm: key.KID[:min(8, len(key.KID))], Version: key.State, Back: Link{"Keys", KeysPath},
		Effects: []string{"The key is deleted and no longer published, at once and for good. Do this when somebody else may have it."},
	}
	switch key.State {
	case "active":
		c.Effects = append(c.Effects,
			"The next key signs from now on, and a new next key is made.",
			"Tokens that the key signed, forged ones too, are refused by each verifier as soon as it fetches the keys anew: after its own cache time, "+Span(overlap)+" at the most. Restarting a verifier has it fetch at once: do so after this is done, and 5 minutes later where an HTTP cache is on the way.",
			"People notice nothing where the next key is known: they get new tokens by themselves.")
		c = c.naming(behind)
	case "next":
		c.Effects = append(c.Effects, "It has signed nothing yet. Another next key is made, which has to be published for "+Span(overlap)+" before it signs.")
	default:
		c.Effects = append(c.Effects, "It signs no more already. Its last tokens die as soon as each verifier fetches the keys anew.")
	}
	return c
}

func (c Confirm) naming(behind []string) Confirm {
	if len(behind) > 0 {
		c.Effects = append(c.Effects, "Not known to have fetched the next key: "+isolated(behind)+".")
	}
	return c
}
