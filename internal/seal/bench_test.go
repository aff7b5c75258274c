package seal_test

import (
	"strings"
	"testing"

	"github.com/portico-iam/portico/internal/seal"
)

// BenchmarkBox is what the tokens of a session cost on their way into the store and out of it.
func BenchmarkBox(b *testing.B) {
	box := seal.RandomKey().Box("session")
	plain := []byte(strings.Repeat("t", 4<<10))
	sealed := box.Seal(plain, "place")
	b.Run("seal", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			box.Seal(plain, "place")
		}
	})
	b.Run("open", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := box.Open(sealed, "place"); err != nil {
				b.Fatal(err)
			}
		}
	})
}
