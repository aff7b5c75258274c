package seal

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func key(t *testing.T, fill byte) Key {
	t.Helper()
	k, err := NewKey(bytes.Repeat([]byte{fill}, KeySize))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestABoxOpensOnlyWithItsKeyPurposeAndPlace(t *testing.T) {
	k := key(t, 1)
	sealed := k.Box("signing key").Seal([]byte("secret"), "kid-1")
	if got, err := k.Box("signing key").Open(sealed, "kid-1"); err != nil || string(got) != "secret" {
		t.Fatalf("got %q, %v", got, err)
	}
	for rule, open := range map[string]func() ([]byte, error){
		"another key":               func() ([]byte, error) { return key(t, 2).Box("signing key").Open(sealed, "kid-1") },
		"another purpose":           func() ([]byte, error) { return k.Box("session").Open(sealed, "kid-1") },
		"a purpose that begins so":  func() ([]byte, error) { return k.Box("signing key ").Open(sealed, "kid-1") },
		"another place":             func() ([]byte, error) { return k.Box("signing key").Open(sealed, "kid-2") },
		"no place":                  func() ([]byte, error) { return k.Box("signing key").Open(sealed, "") },
		"a place that begins alike": func() ([]byte, error) { return k.Box("signing key").Open(sealed, "kid-1\x00") },
		"doubled": func() ([]byte, error) {
			return k.Box("signing key").Open(append(sealed[:len(sealed):len(sealed)], sealed...), "kid-1")
		},
		"more behind": func() ([]byte, error) {
			return k.Box("signing key").Open(append(sealed[:len(sealed):len(sealed)], 0), "kid-1")
		},
		"nothing": func() ([]byte, error) { return k.Box("signing key").Open(nil, "kid-1") },
	} {
		if got, err := open(); err != ErrOpen || got != nil {
			t.Errorf("%s: got %q, %v", rule, got, err)
		}
	}
}

func TestNT09_NoByteOfABoxMayChange(t *testing.T) {
	box := key(t, 1).Box("session")
	sealed := box.Seal([]byte("an IAM token"), "place")
	for i := range sealed {
		for bit := range 8 {
			altered := bytes.Clone(sealed)
			altered[i] ^= 1 << bit
			if _, err := box.Open(altered, "place"); err != ErrOpen {
				t.Fatalf("byte %d, bit %d: got %v", i, bit, err)
			}
		}
		if _, err := box.Open(sealed[:i], "place"); err != ErrOpen {
			t.Fatalf("cut to %d bytes: got %v", i, err)
		}
	}
}

func TestWhatWasSealedOpens(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := RandomKey()
		plain, place, purpose := rapid.SliceOf(rapid.Byte()).Draw(t, "plain"), rapid.String().Draw(t, "place"), rapid.String().Draw(t, "purpose")
		box := k.Box(purpose)
		first, second := box.Seal(plain, place), box.Seal(plain, place)
		if bytes.Equal(first, second) {
			t.Fatal("sealing twice gives the same bytes")
		}
		for _, sealed := range [][]byte{first, second} {
			if got, err := box.Open(sealed, place); err != nil || !bytes.Equal(got, plain) {
				t.Fatalf("got %q, %v", got, err)
			}
		}
	})
}

func TestDerivedKeysDiffer(t *testing.T) {
	k := key(t, 1)
	seen := map[string]string{}
	for _, purpose := range []string{"", "a", "b", "ab", "portico a"} {
		d := string(k.Derive(purpose))
		if other, taken := seen[d]; taken || len(d) != KeySize {
			t.Errorf("%q has the key of %q, of %d bytes", purpose, other, len(d))
		}
		seen[d] = purpose
		if d != string(k.Derive(purpose)) || d == string(key(t, 2).Derive(purpose)) {
			t.Errorf("%q: the derived key must rest on root key and purpose alone", purpose)
		}
	}
}

// What is at rest must still open with the next version: this box was sealed by the first one.
func TestTheFormatStaysTheSame(t *testing.T) {
	const (
		derivedOfSession = "bac93400d694085b50fc6530b57753c8cb2d3d1d18f7c3676aa0191c09619f62"
		sealedAtFirst    = "bfc1b04442bc075e6db43bd1f8973b54f59369cbdbc805b9227b6bc8f6f7e01bbc"
	)
	k := key(t, 7)
	if got := hex.EncodeToString(k.Derive("session")); got != derivedOfSession {
		t.Errorf("got %s", got)
	}
	sealed, _ := hex.DecodeString(sealedAtFirst)
	if got, err := k.Box("session").Open(sealed, "place"); err != nil || string(got) != "token" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestTheZeroKeyIsNone(t *testing.T) {
	for name, f := range map[string]func(Key){
		"derive": func(k Key) { k.Derive("x") },
		"box":    func(k Key) { k.Box("x") },
		"encode": func(k Key) { _ = k.Encode() },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: the zero key is a key that everybody knows", name)
				}
			}()
			f(Key{})
		}()
	}
	for _, n := range []int{0, 16, 31, 33, 64} {
		if _, err := NewKey(make([]byte, n)); err == nil {
			t.Errorf("a key of %d bytes was accepted", n)
		}
	}
	b := bytes.Repeat([]byte{1}, KeySize)
	k, _ := NewKey(b)
	b[0] = 2
	if !bytes.Equal(k.Derive("x"), key(t, 1).Derive("x")) {
		t.Error("the key shares the caller's bytes")
	}
}

func TestKeyFiles(t *testing.T) {
	good := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{1}, KeySize))
	for _, c := range []struct {
		rule, content string
		mode          os.FileMode
		want          string // in the error; empty: accepted
	}{
		{"as openssl writes it", good + "\n", 0o600, ""},
		{"without a line end", good, 0o400, ""},
		{"with blanks", "  " + good + " \r\n", 0o600, ""},
		{"readable by the group", good, 0o640, ""},
		{"writable by the group", good, 0o660, "its group may write to it (mode 0660): chmod 640 or 600"},
		{"readable by everybody", good, 0o644, "everybody on this machine has access to it (mode 0644): chmod 600"},
		{"writable by everybody", good, 0o602, "everybody"},
		{"empty", "", 0o600, "expected 32 random bytes in base64"},
		{"too short", good[:40], 0o600, "expected 32 random bytes in base64"},
		{"too long", good + good, 0o600, "expected 32 random bytes in base64"},
		{"33 bytes", base64.StdEncoding.EncodeToString(make([]byte, 33)), 0o600, "expected 32 random bytes in base64"},
		{"raw bytes", strings.Repeat("\x01", 32), 0o600, "expected 32 random bytes in base64"},
		{"hexadecimal", strings.Repeat("0f", 32), 0o600, "expected 32 random bytes in base64"},
		{"without padding", strings.TrimRight(good, "="), 0o600, "expected 32 random bytes in base64"},
		{"a large file", strings.Repeat("A", 1<<20), 0o600, "expected 32 random bytes in base64"},
	} {
		path := filepath.Join(t.TempDir(), "key")
		if err := os.WriteFile(path, []byte(c.content), c.mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, c.mode); err != nil { // whatever the umask
			t.Fatal(err)
		}
		k, err := ReadKeyFile(path)
		if c.want == "" {
			if err != nil || !bytes.Equal(k.Derive("x"), key(t, 1).Derive("x")) {
				t.Errorf("%s: %v", c.rule, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: got %v, want %q", c.rule, err, c.want)
		}
		if err != nil && c.content != "" && strings.Contains(err.Error(), strings.TrimSpace(c.content)) {
			t.Errorf("%s: the error shows the key", c.rule)
		}
	}
	if _, err := ReadKeyFile(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing: got %v", err)
	}
	if _, err := ReadKeyFile(t.TempDir()); err == nil {
		t.Error("a folder is no key")
	}
}

func TestAKeySurvivesItsFile(t *testing.T) {
	k := RandomKey()
	path := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(path, []byte(k.Encode()), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := ReadKeyFile(path)
	if err != nil || !bytes.Equal(got.Derive("x"), k.Derive("x")) {
		t.Errorf("got another key: %v", err)
	}
}

func TestNT51_KeysNeverPrint(t *testing.T) {
	raw := []byte("canary-canary-canary-canary-0123")
	k, err := NewKey(raw)
	if err != nil {
		t.Fatal(err)
	}
	type holder struct {
		Public Key
		hidden Key
		list   []Key
	}
	var out strings.Builder
	for _, v := range []any{k, &k, []Key{k}, map[string]Key{"k": k}, holder{k, k, []Key{k}}, &holder{k, k, []Key{k}}, struct{ k *Key }{&k}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%b", "%o", "%c", "%U", "%t", "%e", "%p"} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
		b, _ := json.Marshal(v)
		out.Write(b)
		slog.New(slog.NewTextHandler(&out, nil)).Info("x", "key", v)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "key", v)
	}
	fmt.Fprint(&out, k, k.String(), k.LogValue())
	for name, form := range map[string]string{
		"text": "canary", "base64": base64.StdEncoding.EncodeToString(raw)[:20], "hexadecimal": hex.EncodeToString(raw[:6]),
		"upper hexadecimal": strings.ToUpper(hex.EncodeToString(raw[:6])), "numbers": "99 97 110", "Go": "0x63, 0x61",
		"binary": "1100011 1100001", "octal": "143 141",
	} {
		if strings.Contains(out.String(), form) {
			t.Errorf("a key was printed as %s", name)
		}
	}
	if !strings.Contains(fmt.Sprintf("%v", k), "[redacted]") {
		t.Error("a key does not say that it is redacted")
	}
}

func TestMACPartsDoNotRunIntoEachOther(t *testing.T) {
	k := key(t, 1).Derive("mac")
	seen := map[string][]string{}
	for _, parts := range [][]string{nil, {""}, {"", ""}, {"ab"}, {"a", "b"}, {"b", "a"}, {"1:a"}, {"a1:b"}, {"a", "1:b"}, {"a", "b", ""}} {
		mac := string(MAC(k, parts...))
		if other, taken := seen[mac]; taken {
			t.Errorf("%q and %q have the same MAC", parts, other)
		}
		seen[mac] = parts
		if mac != string(MAC(k, parts...)) || mac == string(MAC(key(t, 2).Derive("mac"), parts...)) {
			t.Errorf("%q: the MAC must rest on key and parts alone", parts)
		}
	}
}
