package devokta

import (
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
)

// verify checks a token against the published keys, as a client would, and returns header and claims.
func (b *browser) verify(token any) (map[string]any, map[string]any) {
	b.Helper()
	raw, _ := token.(string)
	parts := strings.Split(raw, ".")
	if len(parts) != 3 {
		b.Fatalf("not a JWT: %q", raw)
	}
	var header map[string]any
	decoded, _ := base64.RawURLEncoding.DecodeString(parts[0])
	if err := json.Unmarshal(decoded, &header); err != nil {
		b.Fatal(err)
	}
	signed, err := jose.ParseSignedCompact(raw, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		b.Fatal(err)
	}
	payload, err := signed.Verify(b.publicKey(header["kid"]))
	if err != nil {
		b.Fatal(err)
	}
	var claims map[string]any
	if err := json.Unmarshal(payload, &claims); err != nil {
		b.Fatal(err)
	}
	return header, claims
}

// publicKey reads the key set by hand, so that it is checked too.
func (b *browser) publicKey(kid any) *rsa.PublicKey {
	b.Helper()
	for _, entry := range b.get(b.url("/v1/keys")).json(b.T)["keys"].([]any) {
		key := entry.(map[string]any)
		if key["kid"] != kid {
			continue
		}
		n, _ := base64.RawURLEncoding.DecodeString(key["n"].(string))
		e, _ := base64.RawURLEncoding.DecodeString(key["e"].(string))
		return &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(new(big.Int).SetBytes(e).Int64())}
	}
	b.Fatalf("kid %v is not published", kid)
	return nil
}

// expect checks an OAuth error against its row.
func (a answer) expect(t *testing.T, row errorRow, args ...any) {
	t.Helper()
	want := refuse(row, args...)
	got := a.json(t)
	if a.status != row.Status || got["error"] != row.Error || got["error_description"] != want.Text || len(got) != 2 {
		t.Fatalf("got %d %s, expected %d %s %q", a.status, a.body, row.Status, row.Error, want.Text)
	}
}
