package breakglass

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func made(t testing.TB) (f File, code string) {
	t.Helper()
	at := time.Date(2026, 1, 31, 9, 30, 0, 123e6, time.UTC)
	f = File{Format: format, ID: "6f1c0a5e-0000-4000-8000-000000000001", Label: "Safe ⚿ in \"Bern\"", URL: "https://one.acme.test", CreatedAt: at, ValidUntil: at.Add(time.Hour)}
	code = newCode()
	key, err := unlock(code)
	if err != nil {
		t.Fatal(err)
	}
	f.Sealed = key.Box(sealedSecret).Seal([]byte("the secret"), f.place())
	return f, code
}

// TestAFileOpensOnlyWhole: with its code, and as it was made, so that nobody leads the secret elsewhere.
func TestAFileOpensOnlyWhole(t *testing.T) {
	f, code := made(t)
	text, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	read, err := ParseFile(text)
	if err != nil {
		t.Fatal(err)
	}
	for rule, typed := range map[string]string{
		"as printed": code, "in small letters": strings.ToLower(code), "without lines": strings.ReplaceAll(code, "-", ""),
		"with blanks": " " + strings.ReplaceAll(code, "-", " ") + "\r\n", "with look-alikes": strings.NewReplacer("0", "O", "1", "l").Replace(code),
	} {
		if secret, err := read.Open(typed); err != nil || secret != "the secret" {
			t.Errorf("%s: got %q, %v", rule, secret, err)
		}
	}
	for rule, alter := range map[string]func(*File){
		"another id": func(f *File) { f.ID = "6f1c0a5e-0000-4000-8000-000000000002" }, "another address": func(f *File) { f.URL = "https://evil.test" },
		"another label": func(f *File) { f.Label += " " }, "a longer life": func(f *File) { f.ValidUntil = f.ValidUntil.Add(time.Hour) },
		"a byte of the box": func(f *File) { f.Sealed[len(f.Sealed)-1] ^= 1 }, "no box": func(f *File) { f.Sealed = nil },
	} {
		altered, _ := ParseFile(text)
		alter(&altered)
		if secret, err := altered.Open(code); err == nil {
			t.Errorf("%s: it opened: %q", rule, secret)
		}
	}
	for rule, typed := range map[string]string{
		"another code": newCode(), "nothing": "", "a part": code[:20], "more": code + "0", "a letter that no code has": "U" + code[1:],
	} {
		if secret, err := read.Open(typed); err == nil {
			t.Errorf("%s: it opened: %q", rule, secret)
		}
	}
}

func TestParseFileRefusesWhatIsNone(t *testing.T) {
	for _, text := range []string{"", "{}", "[]", `{"format":"portico break-glass 2"}`, "-----BEGIN CERTIFICATE-----", `{"format":1}`} {
		if _, err := ParseFile([]byte(text)); err == nil || !strings.Contains(err.Error(), format) {
			t.Errorf("%q: got %v", text, err)
		}
	}
}

func TestCodesAreAlikeHoweverTyped(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		code := newCode()
		if got, ok := normal(code); !ok || got != code || len(strings.ReplaceAll(code, "-", "")) != codeLength {
			t.Fatalf("%q became %q, %v", code, got, ok)
		}
		if strings.ContainsAny(code, "ILOU") {
			t.Fatalf("%q has letters that are mistaken for others", code)
		}
		_, _ = normal(rapid.String().Draw(t, "typed")) // whatever it is, it is no reason to stop
	})
}

func FuzzParseFile(f *testing.F) {
	whole, code := made(f)
	text, err := json.Marshal(whole)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text, code)
	f.Add([]byte("{}"), "")
	f.Fuzz(func(t *testing.T, text []byte, typed string) {
		read, err := ParseFile(text)
		if err != nil {
			return
		}
		if secret, err := read.Open(typed); err == nil && secret != "the secret" {
			t.Errorf("it opened to %q", secret)
		}
	})
}
