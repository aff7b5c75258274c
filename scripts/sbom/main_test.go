package main

import (
	"bytes"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
)

// TestBillNamesWhatIsInside: of this very test, twice the same, and each component once with a version.
func TestBillNamesWhatIsInside(t *testing.T) {
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var first, second bytes.Buffer
	if err := write(&first, path, "v1.2.3"); err != nil {
		t.Fatal(err)
	}
	if err := write(&second, path, "v1.2.3"); err != nil || !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Errorf("the same binary has two bills, %v", err)
	}
	var b bom
	if err := json.Unmarshal(first.Bytes(), &b); err != nil {
		t.Fatal(err)
	}
	main := b.Metadata.Component
	if b.Format != "CycloneDX" || main.Version != "v1.2.3" || len(main.Hashes) != 1 || len(main.Hashes[0].Content) != 64 {
		t.Errorf("got %+v", b.Metadata)
	}
	var refs []string
	for _, c := range b.Components {
		refs = append(refs, c.Ref)
		if c.Version == "" || !strings.HasPrefix(c.PURL, "pkg:golang/") {
			t.Errorf("got %+v", c)
		}
	}
	if !slices.Contains(refs, "std") || len(slices.Compact(slices.Clone(refs))) != len(refs) || !slices.Equal(b.Dependencies[0].On, refs) {
		t.Errorf("got %v", refs)
	}
}

func TestBillOfNoBinary(t *testing.T) {
	var out bytes.Buffer
	if err := write(&out, "main.go", "v1"); err == nil || out.Len() > 0 {
		t.Errorf("got %v %s", err, &out)
	}
}
