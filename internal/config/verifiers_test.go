package config

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// A key must be published for longer than anybody keeps the set of before.
func TestTheOverlapIsThatOfTheLongestCache(t *testing.T) {
	for _, c := range []struct {
		rule, token, core string
		overlap           time.Duration
		names             string
	}{
		{"the floor", "", "", 24 * time.Hour, "[core]"},
		{"the embedded Core alone", "keyOverlap: 1m, ", "", 11 * time.Minute, "[core]"},
		{"a verifier that keeps keys for longer", "verifiers: [{ name: bridge, jwksCache: 36h }], ", "", 36*time.Hour + 10*time.Minute, "[core bridge]"},
		{"a verifier that keeps keys for less", "verifiers: [{ name: bridge, jwksCache: 10m }], ", "", 24 * time.Hour, "[core bridge]"},
		{"an external Core that declares nothing", "keyOverlap: 1m, ", "core: { api: { url: 'https://core.test' } }", 24*time.Hour + 10*time.Minute, "[]"},
		{"an external Core beside one that keeps keys for longer", "verifiers: [{ name: bridge, jwksCache: 36h }], ", "core: { api: { url: 'https://core.test' } }", 36*time.Hour + 10*time.Minute, "[bridge]"},
		{"an external Core that declares less", "keyOverlap: 1m, verifiers: [{ name: core, jwksCache: 20m }], ", "core: { api: { url: 'https://core.test' } }", 30 * time.Minute, "[core]"},
		{"an embedded Core that is declared", "keyOverlap: 1m, verifiers: [{ name: core, jwksCache: 20m }], ", "", 30 * time.Minute, "[core]"},
	} {
		text := strings.Replace(least, "token: { ", "token: { "+c.token, 1)
		cfg, err := Load([]byte(text+"\n"+c.core+"\n"), nil)
		if err != nil {
			t.Fatalf("%s: %v", c.rule, err)
		}
		var names []string
		for _, v := range cfg.KnownVerifiers() {
			names = append(names, v.Name)
		}
		if got := cfg.KeyOverlap(); got != c.overlap || fmt.Sprint(names) != c.names {
			t.Errorf("%s: %s, %v; expected %s, %s", c.rule, got, names, c.overlap, c.names)
		}
	}
}

func TestVerifiersThatAreRefused(t *testing.T) {
	for rule, c := range map[string]struct{ token, want string }{
		"without a name":   {"verifiers: [{ jwksCache: 1h }], ", `sts.token.verifiers[0].name: expected up to 40 of a-z`},
		"with a path":      {"verifiers: [{ name: 'a/b', jwksCache: 1h }], ", `sts.token.verifiers[0].name: expected up to 40 of a-z`},
		"twice":            {"verifiers: [{ name: a, jwksCache: 1h }, { name: a, jwksCache: 2h }], ", `sts.token.verifiers[1].name: a stands twice`},
		"without a cache":  {"verifiers: [{ name: a }], ", `sts.token.verifiers[0].jwksCache: expected a duration from 1s`},
		"beyond a month":   {"verifiers: [{ name: a, jwksCache: 721h }], ", `sts.token.verifiers[0].jwksCache: expected a duration from 1s to 720h`},
		"beyond a key":     {"keyRotation: 30h, verifiers: [{ name: a, jwksCache: 30h }], ", `sts.token.keyRotation: expected at least 30h10m0s: the verifier a keeps keys for 30h0m0s`},
		"an unknown key":   {"verifiers: [{ name: a, jwksCache: 1h, uri: x }], ", `uri`},
		"one key for both": {"previousKeyEncryptionKeyFile: /run/secrets/kek, ", `sts.token.previousKeyEncryptionKeyFile: expected another file`},
	} {
		_, err := Load([]byte(strings.Replace(least, "token: { ", "token: { "+c.token, 1)), nil)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v", rule, err)
		}
	}
}
