package iam_test

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/iam"
)

// known tells which of the ids the set has a key for.
func known(t *testing.T, k *iam.KeySet, ids ...string) (all []string) {
	t.Helper()
	for _, id := range ids {
		if key, err := k.Key(t.Context(), id); err == nil {
			if key.KeyID != id {
				t.Errorf("asked for %q, got %q", id, key.KeyID)
			}
			all = append(all, id)
		}
	}
	return all
}

// rsaOf is an RSA key of that many bits, which nobody could sign with.
func rsaOf(kid string, bits int) object {
	n := make([]byte, bits/8)
	_, _ = rand.Read(n)
	n[0] |= 0x80
	n[len(n)-1] |= 1
	return object{"kty": "RSA", "kid": kid, "n": b64(n), "e": "AQAB"}
}

func private(kid string, key any) object {
	b, err := json.Marshal(jose.JSONWebKey{Key: key, KeyID: kid})
	if err != nil {
		panic(err)
	}
	var o object
	_ = json.Unmarshal(b, &o)
	return o
}

// RFC 7517 section 5: a key that is not understood, or can't verify, is ignored and costs nobody the others.
func TestKeysThatCantVerifyAreIgnored(t *testing.T) {
	k := keys()
	good := jwk("good", "RS256", k.rsa.Public())
	p256 := jwk("bad", "ES256", k.p256.Public())
	ed := jwk("bad", "EdDSA", k.ed.Public())
	for rule, bad := range map[string]any{
		"for encryption (RFC 7517 section 4.2)": with(jwk("bad", "RS256", k.other.Public()), object{"use": "enc"}),
		"without an id":                         with(good, object{"kid": absent{}}),
		"with an empty id":                      with(good, object{"kid": ""}),
		"with a number as id":                   with(good, object{"kid": 7}),
		"RSA of 1024 bits":                      jwk("bad", "RS256", k.weak.Public()),
		"RSA of 2040 bits":                      rsaOf("bad", 2040),
		"RSA of 4104 bits":                      rsaOf("bad", 4104),
		"RSA without a modulus":                 object{"kty": "RSA", "kid": "bad", "e": "AQAB"},
		"RSA without an exponent":               with(rsaOf("bad", 2048), object{"e": absent{}}),
		"RSA with the exponent 1":               with(rsaOf("bad", 2048), object{"e": b64(big.NewInt(1).Bytes())}),
		"RSA with the exponent 0":               with(rsaOf("bad", 2048), object{"e": b64([]byte{0})}),
		"a private RSA key":                     private("bad", k.other),
		"a private EC key":                      private("bad", k.p256),
		"a private Ed25519 key":                 private("bad", k.ed),
		"a secret":                              object{"kty": "oct", "kid": "bad", "k": b64([]byte(strings.Repeat("k", 64))), "alg": "HS256"},
		"of a type that we don't know":          object{"kty": "PQC", "kid": "bad", "x": "AA"},
		"of no type":                            with(good, object{"kid": "bad", "kty": absent{}}),
		"of a curve that we don't know":         with(p256, object{"crv": "secp256k1"}),
		"of a curve for agreement":              with(ed, object{"crv": "X25519"}),
		"a point off its curve":                 with(p256, object{"y": p256["x"]}),
		"a point that is too short":             with(p256, object{"x": "AA"}),
		"Ed25519, too short":                    with(ed, object{"x": "AA"}),
		"Ed25519, too long":                     with(ed, object{"x": b64(make([]byte, 33))}),
		"Ed25519, empty":                        with(ed, object{"x": ""}),
		"another key's type":                    with(good, object{"kid": "bad", "kty": "EC"}),
		"a certificate of another key":          with(good, object{"kid": "bad", "x5c": []string{"AAAA"}}),
		"a string":                              "bad",
		"null":                                  nil,
		"an array":                              []any{good},
	} {
		s := publish(t, object{"keys": []any{bad, good}})
		set := keySet(t, s, newClock())
		if got := known(t, set, "bad", "", "good"); len(got) != 1 || got[0] != "good" {
			t.Errorf("%s: expected the good key alone, got %v", rule, got)
		}
		if count := len(set.IDs()); count != 1 {
			t.Errorf("%s: expected one key, got %d", rule, count)
		}
		alone := keySet(t, publish(t, object{"keys": []any{bad}}), newClock())
		if _, err := alone.Key(t.Context(), "bad"); err == nil || !strings.Contains(err.Error(), "none of the 1 keys") {
			t.Errorf("%s, alone: expected no usable key, got %v", rule, err)
		}
	}
}

func TestKeysThatVerify(t *testing.T) {
	k := keys()
	for rule, good := range map[string]object{
		"RSA of 2048 bits":      rsaOf("good", 2048),
		"RSA of 4096 bits":      rsaOf("good", 4096),
		"EC":                    jwk("good", "ES256", k.p256.Public()),
		"Ed25519":               jwk("good", "EdDSA", k.ed.Public()),
		"without use":           with(jwk("good", "RS256", k.rsa.Public()), object{"use": absent{}}),
		"without alg":           with(jwk("good", "", k.rsa.Public()), object{"alg": absent{}}),
		"members we don't know": with(jwk("good", "RS256", k.rsa.Public()), object{"nbf": 3, "issuer": "x"}),
		"with operations":       with(jwk("good", "RS256", k.rsa.Public()), object{"key_ops": []string{"verify"}}),
	} {
		if got := known(t, keySet(t, publish(t, object{"keys": []any{good}}), newClock()), "good"); len(got) != 1 {
			t.Errorf("%s: expected the key", rule)
		}
	}
}

// TestNT39_KeySetsOutOfBounds are refused as a whole, however good the key that they also hold; then a good one counts.
func TestNT39_KeySetsOutOfBounds(t *testing.T) {
	k := keys()
	own := jwk("rsa", "RS256", k.rsa.Public())
	set := func(n int, more ...any) object {
		all := more
		for i := range n {
			all = append(all, jwk(fmt.Sprint(i), "EdDSA", k.ed.Public()))
		}
		return object{"keys": all}
	}
	away := elsewhere(t, writes(set(0, own)))
	padded, _ := json.Marshal(with(set(0, own), object{"padding": strings.Repeat("x", 512<<10)}))
	for rule, c := range map[string]struct {
		answer  http.HandlerFunc
		because string
	}{
		"101 keys":             {writes(set(100, own)), "at most 100 keys, got 101"},
		"101 unusable keys":    {writes(object{"keys": append(make([]any, 100), own)}), "at most 100 keys, got 101"},
		"two of one id":        {writes(set(0, own, jwk("rsa", "RS256", k.other.Public()))), `two keys have the id "rsa"`},
		"two types of one id":  {writes(set(0, own, jwk("rsa", "EdDSA", k.ed.Public()))), `two keys have the id "rsa"`},
		"one key twice":        {writes(set(0, own, own)), `two keys have the id "rsa"`},
		"more than 512 KiB":    {says(200, "application/json", string(padded)), "at most 524288 bytes"},
		"a page for people":    {html(200), "expected a JWK set"},
		"keys that is no list": {writes(object{"keys": own}), "expected a JWK set"},
		"another document":     {writes(metadata(issuer, nil)), "none of the 0 keys"},
		"a list":               {writes([]any{own}), "expected a JWK set"},
		"two sets":             {says(200, "application/json", `{"keys":[]}{"keys":[]}`), "expected a JWK set"},
		"not found":            {html(404), "got 404"},
		"accepted":             {says(202, "application/json", `{}`), "got 202"},
		"a redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, away.URL, http.StatusTemporaryRedirect)
		}, "redirects are not followed"},
	} {
		b := newBench(t)
		b.keys.answer(c.answer)
		ks := b.Issuers[0].Keys
		if _, err := ks.Key(t.Context(), "rsa"); err == nil || !strings.Contains(err.Error(), c.because) {
			t.Errorf("%s: expected a refusal that says %q, got %v", rule, c.because, err)
		}
		// It is the server's fault, not the token's.
		if _, err := b.Verify(t.Context(), good(nil)); !fault.Unavailable.Is(err) {
			t.Errorf("%s: expected Unavailable, got %v", rule, err)
		}
		b.keys.serve(set(99, own))
		b.advance(10 * time.Second)
		if _, err := b.Verify(t.Context(), good(nil)); err != nil {
			t.Errorf("%s: afterwards: %v", rule, err)
		}
		// The last good set stays while the server says such things.
		b.keys.answer(c.answer)
		b.advance(10 * time.Minute)
		for range 3 {
			if _, err := b.Verify(t.Context(), good(nil)); err != nil {
				t.Errorf("%s: a good set is known, got %v", rule, err)
			}
			ks.Close() // the refresh has failed by now
			b.advance(10 * time.Second)
		}
	}
}
