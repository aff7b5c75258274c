package assets

import (
	"math"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// Every colour that carries text, on every ground it is used on, must reach WCAG AA in both themes:
// 4.5:1 for text, 3:1 for the outlines of controls.
func TestContrast(t *testing.T) {
	pairs := []struct {
		front   string
		atLeast float64
		grounds []string
	}{
		{"text", 4.5, []string{"canvas", "surface", "raised", "hover", "accent-tint", "success-tint", "warning-tint", "danger-tint"}},
		{"muted", 4.5, []string{"canvas", "surface", "raised", "hover", "accent-tint", "success-tint", "warning-tint", "danger-tint"}},
		{"accent", 4.5, []string{"canvas", "surface", "raised", "hover", "accent-tint", "warning-tint"}},
		{"success", 4.5, []string{"canvas", "surface", "success-tint"}},
		{"warning", 4.5, []string{"canvas", "surface", "warning-tint"}},
		{"danger", 4.5, []string{"canvas", "surface", "hover", "danger-tint"}},
		{"on-accent", 4.5, []string{"accent-solid", "accent-hover", "danger-solid", "danger-hover"}},
		{"control", 3, []string{"canvas", "surface", "raised"}},
	}
	for i, theme := range []string{"light", "dark"} {
		tokens := colours(t, i)
		for _, p := range pairs {
			for _, ground := range p.grounds {
				if got := contrast(tokens[p.front], tokens[ground]); got < p.atLeast {
					t.Errorf("%s: %s on %s is %.2f:1, want %.1f:1", theme, p.front, ground, got, p.atLeast)
				}
			}
		}
	}
}

var token = regexp.MustCompile(`--([a-z-]+): (?:light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)|(#[0-9a-f]{6}));`)

func colours(t *testing.T, theme int) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, m := range token.FindAllStringSubmatch(string(Content("desk.css")), -1) {
		value := m[2+theme]
		if m[4] != "" {
			value = m[4]
		}
		found[m[1]] = value
	}
	if len(found) < 15 {
		t.Fatalf("found %d colour tokens", len(found))
	}
	return found
}

func contrast(a, b string) float64 {
	la, lb := luminance(a), luminance(b)
	return (math.Max(la, lb) + 0.05) / (math.Min(la, lb) + 0.05)
}

func luminance(hex string) float64 {
	channel := func(i int) float64 {
		n, err := strconv.ParseUint(hex[i:i+2], 16, 8)
		if err != nil {
			return math.NaN()
		}
		c := float64(n) / 255
		if c <= 0.04045 {
			return c / 12.92
		}
		return math.Pow((c+0.055)/1.055, 2.4)
	}
	return 0.2126*channel(1) + 0.7152*channel(3) + 0.0722*channel(5)
}

func TestHandlerServesOnlyThisBuildForEver(t *testing.T) {
	for name, contentType := range map[string]string{"desk.css": "text/css", "desk.js": "text/javascript", "favicon.svg": "image/svg+xml"} {
		w := httptest.NewRecorder()
		Handler().ServeHTTP(w, httptest.NewRequest("GET", URL(name), nil))
		h := w.Header()
		if w.Code != 200 || !strings.HasPrefix(h.Get("Content-Type"), contentType) || !strings.Contains(h.Get("Cache-Control"), "immutable") || w.Body.Len() == 0 {
			t.Errorf("%s: %d, %v", name, w.Code, h)
		}

		r := httptest.NewRequest("GET", URL(name), nil)
		r.Header.Set("If-None-Match", h.Get("ETag"))
		w = httptest.NewRecorder()
		Handler().ServeHTTP(w, r)
		if w.Code != 304 {
			t.Errorf("%s with its ETag: %d, want 304", name, w.Code)
		}
	}
	for _, address := range []string{"/assets/desk.css", "/assets/desk.0000000000000000.css", "/assets/", "/assets/../assets.go"} {
		w := httptest.NewRecorder()
		Handler().ServeHTTP(w, httptest.NewRequest("GET", address, nil))
		if w.Code != 404 {
			t.Errorf("%s: %d, want 404", address, w.Code)
		}
	}
}

func TestStylesheetLoadsNothingElse(t *testing.T) {
	for _, forbidden := range []string{"url(", "@import"} {
		if strings.Contains(string(Content("desk.css")), forbidden) {
			t.Errorf("the stylesheet contains %s", forbidden)
		}
	}
}
