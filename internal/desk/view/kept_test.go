package view

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/portico-iam/portico/internal/testbrowser"
)

const keptFolder = "../../../docs/screenshots"

// notKept are the samples of which no picture is kept: steps and faults of what is kept already.
var notKept = []string{
	"errors", "choosing", "filtered", "nothing-found", "nothing-there", "early", "cut-next", "readonly", "own", "others", "elsewhere", "last", "hostile",
	"warning", "refusal", "delegation", "fault", "failed",
}

func kept() (names []string) {
	for _, s := range samples() {
		if !slices.ContainsFunc(strings.Split(s.name, "-"), func(part string) bool { return slices.Contains(notKept, part) }) &&
			!slices.ContainsFunc(notKept, func(suffix string) bool { return strings.HasSuffix(s.name, "-"+suffix) }) {
			names = append(names, s.name)
		}
	}
	return names
}

func keptFile(sample string, l testbrowser.Look) string { return sample + "-" + l.Name + ".webp" }

// index shows the pictures: the wide light one, and links to the others.
func index() string {
	var b strings.Builder
	b.WriteString("# The Desk, page by page\n\nPictures of the test's samples (`make screenshots`), each at 1440 and 390 pixels, light and dark, with little, much and no data.\n")
	for _, name := range kept() {
		fmt.Fprintf(&b, "\n## %s\n\n![%s](%s)\n\n", strings.ReplaceAll(name, "-", " "), name, keptFile(name, testbrowser.Looks[0]))
		var links []string
		for _, l := range testbrowser.Looks[1:] {
			links = append(links, fmt.Sprintf("[%s](%s)", l.Name, keptFile(name, l)))
		}
		b.WriteString(strings.Join(links, " · ") + "\n")
	}
	return b.String()
}

// TestScreenshotsAreKept: every page has its pictures, and no picture is of a page that there is no more. DESK_KEEP=1 takes them,
// with DESK_ONLY=name,name only those.
func TestScreenshotsAreKept(t *testing.T) {
	if os.Getenv("DESK_KEEP") != "" {
		takeAll(t)
	}
	want := []string{"README.md"}
	for _, name := range kept() {
		for _, l := range testbrowser.Looks {
			want = append(want, keptFile(name, l))
		}
	}
	files, err := os.ReadDir(keptFolder)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range files {
		got = append(got, f.Name())
	}
	slices.Sort(want)
	for _, name := range want {
		if _, found := slices.BinarySearch(got, name); !found {
			t.Errorf("docs/screenshots lacks %s: make screenshots", name)
		}
	}
	for _, name := range got {
		if _, found := slices.BinarySearch(want, name); !found {
			t.Errorf("docs/screenshots/%s is of no sample: make screenshots", name)
		}
	}
	if text, err := os.ReadFile(filepath.Join(keptFolder, "README.md")); err != nil || string(text) != index() {
		t.Errorf("docs/screenshots/README.md is not what the samples are (%v): make screenshots", err)
	}
}

// takeAll takes every picture anew, or those that are asked for.
func takeAll(t *testing.T) {
	t.Helper()
	ctx, address := browser(t)
	names := strings.FieldsFunc(os.Getenv("DESK_ONLY"), func(r rune) bool { return r == ',' })
	if len(names) == 0 {
		names = kept()
		if err := os.RemoveAll(keptFolder); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(keptFolder, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, l := range testbrowser.Looks {
		for _, name := range names {
			if err := chromedp.Do(ctx, chromedp.Navigate(address+name), testbrowser.Whole(l, 2000)); err != nil {
				t.Fatal(err)
			}
			take := chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
				quality := int64(55)
				picture, err := cdp.Call(ctx, target, page.CaptureScreenshot, page.CaptureScreenshotParams{Format: "webp", Quality: &quality})
				if err != nil {
					return err
				}
				return os.WriteFile(filepath.Join(keptFolder, keptFile(name, l)), picture.Data, 0o644)
			})
			if err := chromedp.Do(ctx, take); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := os.WriteFile(filepath.Join(keptFolder, "README.md"), []byte(index()), 0o644); err != nil {
		t.Fatal(err)
	}
}
