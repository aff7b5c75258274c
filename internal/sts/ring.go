package sts

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/portico-iam/portico/internal/seal"
)

// RingConfig is what a Ring needs.
type RingConfig struct {
	Store    KeyStore
	Box      *seal.Box
	Rotation time.Duration // how long a key signs
	Overlap  time.Duration // how long a key is published before it signs: the longest cache of any verifier
	Keep     time.Duration // how long a retired key stays published: the longest life of a token, and leeway
	Now      func() time.Time
	Logger   *slog.Logger
}

// Ring is the signing keys.
type Ring struct {
	RingConfig
	changing sync.Mutex
	current  atomic.Pointer[keys]
}

// keys is one state of the ring.
type keys struct {
	records  []KeyRecord
	revision int64
	active   *signer
	jwks     []byte
}

// signer is the active key, ready to sign.
type signer struct {
	kid     string
	private ed25519.PrivateKey
	header  string // the encoded JOSE header, with the dot behind it
}

// OpenRing loads the keys, and makes the first ones where there are none.
func OpenRing(ctx context.Context, cfg RingConfig) (*Ring, error) {
	r := &Ring{RingConfig: cfg}
	if err := r.load(ctx); err != nil {
		return nil, err
	}
	if len(r.current.Load().records) > 0 {
		return r, nil
	}
	active, next := r.newKey(KeyActive), r.newKey(KeyNext)
	active.ActivatedAt = active.CreatedAt
	err := r.Store.SaveKeys(ctx, 0, []KeyRecord{active, next})
	if err != nil && !errors.Is(err, ErrKeysChanged) { // another replica was first: its keys are ours too
		return nil, fmt.Errorf("store the first signing keys: %w", err)
	}
	return r, r.load(ctx)
}

// Keys returns the keys, the newest last, and nothing secret of them.
func (r *Ring) Keys() []KeyRecord {
	records := slices.Clone(r.current.Load().records)
	for i := range records {
		records[i].Sealed = nil
	}
	return records
}

// JWKS returns the published keys as a JWK set (RFC 7517, RFC 8037).
func (r *Ring) JWKS() []byte { return r.current.Load().jwks }

// Maintain rotates when that is due and drops retired keys whose last token has died. It is to be called now and then;
// several replicas may call it at once.
func (r *Ring) Maintain(ctx context.Context) error {
	r.changing.Lock()
	defer r.changing.Unlock()
	if err := r.load(ctx); err != nil { // another replica may have rotated
		return err
	}
	state, now := r.current.Load(), r.Now()
	kept := slices.DeleteFunc(slices.Clone(state.records), func(k KeyRecord) bool {
		return k.State == KeyRetired && now.Sub(k.RetiredAt) > r.Keep
	})
	rotated := r.rotate(kept, now)
	if !rotated && len(kept) == len(state.records) {
		return nil
	}
	if rotated {
		kept = append(kept, r.newKey(KeyNext))
	}
	if err := r.Store.SaveKeys(ctx, state.revision, kept); err != nil && !errors.Is(err, ErrKeysChanged) {
		return fmt.Errorf("store the signing keys: %w", err)
	}
	if err := r.load(ctx); err != nil {
		return err
	}
	if rotated {
		r.Logger.InfoContext(ctx, "signing key rotated", "kid", r.current.Load().active.kid)
	}
	return nil
}

// rotate retires the active key and lets the next one sign, in place, if the one has signed long enough and the other
// was published long enough.
func (r *Ring) rotate(records []KeyRecord, now time.Time) bool {
	at := func(state KeyState) int {
		return slices.IndexFunc(records, func(k KeyRecord) bool { return k.State == state })
	}
	active, next := at(KeyActive), at(KeyNext)
	if active < 0 || next < 0 || now.Sub(records[active].ActivatedAt) < r.Rotation || now.Sub(records[next].CreatedAt) < r.Overlap {
		return false
	}
	records[active].State, records[active].RetiredAt = KeyRetired, now
	records[next].State, records[next].ActivatedAt = KeyActive, now
	return true
}

// sign returns the compact serialisation of a token with that payload (RFC 7515 section 5.1, RFC 8037 section 3.1).
func (r *Ring) sign(payload []byte) (token, kid string) {
	s := r.current.Load().active
	input := make([]byte, 0, len(s.header)+base64.RawURLEncoding.EncodedLen(len(payload))+1+86)
	input = append(input, s.header...)
	input = base64.RawURLEncoding.AppendEncode(input, payload)
	signature := ed25519.Sign(s.private, input)
	input = append(input, '.')
	return string(base64.RawURLEncoding.AppendEncode(input, signature)), s.kid
}

func (r *Ring) newKey(state KeyState) KeyRecord {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		panic(err) // crypto/rand does not fail
	}
	kid := thumbprint(public)
	return KeyRecord{KID: kid, State: state, Public: public, Sealed: r.Box.Seal(private.Seed(), kid), CreatedAt: r.Now().UTC()}
}

func (r *Ring) load(ctx context.Context) error {
	records, revision, err := r.Store.LoadKeys(ctx)
	if err != nil {
		return fmt.Errorf("load the signing keys: %w", err)
	}
	slices.SortStableFunc(records, func(a, b KeyRecord) int { return a.CreatedAt.Compare(b.CreatedAt) })
	state := &keys{records: records, revision: revision}
	set := jwkSet{Keys: []jwk{}}
	for _, k := range records {
		if len(k.Public) != ed25519.PublicKeySize {
			return fmt.Errorf("signing key %s: expected a public key of %d bytes, got %d", k.KID, ed25519.PublicKeySize, len(k.Public))
		}
		set.Keys = append(set.Keys, jwk{Kty: "OKP", Crv: "Ed25519", Use: "sig", Alg: "EdDSA", Kid: k.KID, X: base64.RawURLEncoding.EncodeToString(k.Public)})
		if k.State == KeyRetired {
			continue
		}
		// The next one too must open: found out at its rotation, it would leave no key that signs.
		seed, err := r.Box.Open(k.Sealed, k.KID)
		if err != nil {
			return fmt.Errorf("signing key %s does not open: the key-encryption key is not the one it was stored with; give the right sts.token.keyEncryptionKeyFile", k.KID)
		}
		if len(seed) != ed25519.SeedSize {
			return fmt.Errorf("signing key %s: expected a seed of %d bytes, got %d", k.KID, ed25519.SeedSize, len(seed))
		}
		private := ed25519.NewKeyFromSeed(seed)
		if !slices.Equal(private.Public().(ed25519.PublicKey), k.Public) {
			return fmt.Errorf("signing key %s: the stored public key is not that of the private one", k.KID)
		}
		if k.State != KeyActive {
			continue
		}
		header, _ := json.Marshal(joseHeader{Alg: "EdDSA", Kid: k.KID, Typ: "at+jwt"})
		state.active = &signer{kid: k.KID, private: private, header: base64.RawURLEncoding.EncodeToString(header) + "."}
	}
	if len(records) > 0 && state.active == nil {
		return errors.New("none of the stored signing keys is active")
	}
	state.jwks, _ = json.Marshal(set)
	r.current.Store(state)
	return nil
}

type joseHeader struct {
	Alg string `json:"alg"`
	Kid string `json:"kid"`
	Typ string `json:"typ"`
}

type jwkSet struct {
	Keys []jwk `json:"keys"`
}

type jwk struct {
	Kty string `json:"kty"`
	Crv string `json:"crv"`
	Use string `json:"use"`
	Alg string `json:"alg"`
	Kid string `json:"kid"`
	X   string `json:"x"`
}

// thumbprint names a key by its content (RFC 7638, RFC 8037 appendix A.3).
func thumbprint(public ed25519.PublicKey) string {
	sum := sha256.Sum256([]byte(`{"crv":"Ed25519","kty":"OKP","x":"` + base64.RawURLEncoding.EncodeToString(public) + `"}`))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
