package seal

import (
	"bytes"
	"encoding/base64"
	"errors"
	"testing"
)

// The vector of RFC 8037 appendix A.3.
func TestThumbprint(t *testing.T) {
	public, err := base64.RawURLEncoding.DecodeString("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")
	if err != nil {
		t.Fatal(err)
	}
	if got := Thumbprint(public); got != "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k" {
		t.Errorf("got %s", got)
	}
}

func TestASigningKeyOpensOnlyAsItWasSealed(t *testing.T) {
	box := key(t, 1).Box("signing key")
	k, other := box.NewSigningKey(), box.NewSigningKey()
	private, err := box.OpenSigningKey(k)
	if err != nil || k.KID != Thumbprint(k.Public) || k.SealedBy != key(t, 1).ID() || !bytes.Equal(private[32:], k.Public) {
		t.Fatalf("%v, %+v", err, k)
	}
	if _, err := key(t, 2).Box("signing key").OpenSigningKey(k); !errors.Is(err, ErrOpen) {
		t.Errorf("another root key: %v", err)
	}
	if _, err := key(t, 1).Box("session").OpenSigningKey(k); !errors.Is(err, ErrOpen) {
		t.Errorf("another purpose: %v", err)
	}
	for rule, bad := range map[string]SigningKey{
		"another public key": {KID: k.KID, Public: other.Public, Sealed: k.Sealed},
		"another name":       {KID: other.KID, Public: k.Public, Sealed: k.Sealed},
		"a seed too short":   {KID: k.KID, Public: k.Public, Sealed: box.Seal([]byte("short"), k.KID)},
		"nothing":            {},
	} {
		if _, err := box.OpenSigningKey(bad); err == nil {
			t.Errorf("%s: it opens", rule)
		}
	}
}
