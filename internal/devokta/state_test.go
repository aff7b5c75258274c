package devokta

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestRestartKeepsWhatMatters(t *testing.T) {
	file := filepath.Join(t.TempDir(), "okta", "state.json")
	keep := func(c *Config) { c.StateFile, c.PublicURL = file, "http://localhost:8081" }
	w := start(t, keep)
	b := w.browser()
	got := b.tokens("ada@acme.test")
	was := w.s.World()
	w.stop()

	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("state file: %v %v", info, err)
	}
	data, _ := os.ReadFile(file)
	for name, secret := range map[string]string{"refresh token": got["refresh_token"].(string), "session": b.cookie(sessionCookie)} {
		if secret == "" || bytes.Contains(data, []byte(secret)) {
			t.Errorf("the %s is in the state file", name)
		}
	}

	again := start(t, keep)
	if next := again.s.World(); next.WebClient != was.WebClient || !slices.Equal(next.ServiceClients, was.ServiceClients) || next.WebClient.Secret == "" {
		t.Error("client credentials changed")
	}
	c := again.browser()
	c.client.Jar = b.client.Jar
	if c.userinfo(got["access_token"]).status != 200 { // also proves the key
		t.Error("access token was forgotten")
	}
	if c.refresh(got["refresh_token"].(string)).status != 200 {
		t.Error("refresh token was forgotten")
	}
	if c.authorize(again.request()).location(t).Query().Get("code") == "" {
		t.Error("session was forgotten")
	}
}

func TestRevocationSurvivesARestart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state.json")
	w := start(t, func(c *Config) { c.StateFile = file })
	b := w.browser()
	got := b.tokens("ada@acme.test")
	w.s.RevokeAll()
	w.stop()
	again := start(t, func(c *Config) { c.StateFile = file })
	again.browser().refresh(got["refresh_token"].(string)).expect(t, errRefreshToken)
}

func TestCorruptStateFile(t *testing.T) {
	dir := t.TempDir()
	good := filepath.Join(dir, "good.json")
	w := start(t, func(c *Config) { c.StateFile = good })
	w.stop()
	data, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	edit := func(change func(map[string]any)) []byte {
		var m map[string]any
		if err := json.Unmarshal(data, &m); err != nil {
			t.Fatal(err)
		}
		change(m)
		out, _ := json.Marshal(m)
		return out
	}
	for name, content := range map[string][]byte{
		"empty":         {},
		"cut off":       data[:len(data)/2],
		"not JSON":      []byte("hello"),
		"more after it": append(slices.Clone(data), data...),
		"version":       edit(func(m map[string]any) { m["version"] = 99 }),
		"unknown field": edit(func(m map[string]any) { m["extra"] = 1 }),
		"refresh key":   edit(func(m map[string]any) { m["refreshKey"] = "AAAA" }),
		"signing key":   edit(func(m map[string]any) { firstKey(m)["pkcs8"] = "AAAA" }),
		"key status":    edit(func(m map[string]any) { firstKey(m)["status"] = "OLD" }),
	} {
		t.Run(name, func(t *testing.T) {
			bad := filepath.Join(dir, "bad.json")
			if err := os.WriteFile(bad, content, 0o600); err != nil {
				t.Fatal(err)
			}
			s, err := New(Config{PublicURL: "http://localhost:8081", StateFile: bad})
			if err == nil {
				s.Close()
				t.Fatal("accepted")
			}
			for _, want := range []string{bad, "expected", "delete it"} {
				if !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
					t.Errorf("%q does not say %q in one line", err, want)
				}
			}
			if after, _ := os.ReadFile(bad); !bytes.Equal(after, content) {
				t.Error("the damaged file was overwritten")
			}
		})
	}
}

func firstKey(m map[string]any) map[string]any {
	for _, keys := range m["keys"].(map[string]any) {
		return keys.([]any)[0].(map[string]any)
	}
	return nil
}
