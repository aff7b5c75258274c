package store_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/testdb"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(writerEnv); path != "" {
		writeUntilKilled(path)
	}
	testdb.Main(m)
}

// at is a moment with whole milliseconds, as the store keeps them.
func at(ms int64) time.Time { return time.UnixMilli(1_750_000_000_000 + ms).UTC() }

// names are hard to keep: whatever is sorted, folded or cut on the way loses one of them.
var names = []string{
	"Acme Issuance", "acme issuance", "Acme  Issuance", " Acme Issuance", "Acme Issuance ", "ACME ISSUANCE",
	"Ädmin", "A\u0308dmin", "Admin", "ß", "ss", "ẞ", "İ", "i̇", "ﬁ", "fi", "ÅÄÖ", "日本語", "👩‍👩‍👧‍👦", "👩", "🇨🇭", "\u202eabc", "\ufeffabc",
	"%", "_", "a%b", `\`, `'; DROP TABLE role; --`, `"`, "\t", "\n", "\u0001", "~", "\U0010ffff", "NULL", "0", "00", "1e3",
	strings.Repeat("x", 255), strings.Repeat("👩", 255), strings.Repeat("x", 256),
}
