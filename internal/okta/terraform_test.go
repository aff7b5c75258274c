package okta

import (
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// blocksOf lists the top-level blocks with their labels.
func blocksOf(t *testing.T, file *hcl.File) (names []string) {
	t.Helper()
	body, ok := file.Body.(*hclsyntax.Body)
	if !ok {
		t.Fatal("not Terraform's native syntax")
	}
	for _, block := range body.Blocks {
		names = append(names, strings.Join(append([]string{block.Type}, block.Labels...), " "))
	}
	return names
}

func TestIdentifiersDiffer(t *testing.T) {
	tf := terraform{named: map[string]bool{}}
	for _, c := range [][2]string{{"Acme Issuance", "acme_issuance"}, {"acme_issuance", "acme_issuance_2"}, {"7 up", "_7_up"}, {"ä", "_"}, {"ö", "__2"}} {
		if got := tf.identifier(c[0]); got != c[1] {
			t.Errorf("%q: expected %q, got %q", c[0], c[1], got)
		}
	}
}
