package sts

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/seal"
)

// RingConfig is what a Ring needs.
type RingConfig struct {
	Store     KeyStore
	Box       *seal.Box
	Rotation  time.Duration     // how long a key signs
	Overlap   time.Duration     // how long a key is published before it signs: longer than any verifier keeps a set
	Keep      time.Duration     // how long a retired key stays published: the longest life of a token, and leeway
	Verifiers []Verifier        // those declared
	History   *history.Recorder // nil: none is kept
	Now       func() time.Time
	Wait      func(context.Context, time.Duration) // nil: there are no other replicas to wait for
	Logger    *slog.Logger

	// Withdrawn is called when a key is published no more. It must not wait for anything.
	Withdrawn func()

	TrustedProxies []netip.Prefix // whose X-Forwarded-For tells who fetched the keys
}

// Ring is the signing keys.
type Ring struct {
	RingConfig
	changing sync.Mutex
	current  atomic.Pointer[keys]
	foreign  foreign
	fetches  fetches
	alive    alive
	opened   map[string]*signer // by kid; under changing
}

// keys is one state of the ring. It does not change, but for the time of use.
type keys struct {
	records  []KeyRecord
	revision int64
	active   *signer
	next     *signer   // nil: none
	nextAt   time.Time // when next becomes the one that signs, without anybody's help; zero: it is not planned
	jwks     []byte
}

// signer is a key that is ready to sign.
type signer struct {
	kid      string
	sealedBy string
	private  ed25519.PrivateKey
	header   string       // the encoded JOSE header, with the dot behind it
	used     atomic.Int64 // milliseconds; 0: never
	noted    time.Time    // as used is stored
}

// OpenRing loads the keys, makes the first ones where there are none, and plans the next activation by cfg.
func OpenRing(ctx context.Context, cfg RingConfig) (*Ring, error) {
	r, err := ReadRing(ctx, cfg)
	switch {
	case errors.Is(err, ErrNoKeys):
		err = r.begin(ctx)
	case err == nil:
		err = r.change(ctx, func(t *turn) error {
			t.nameSealers()
			t.plan(t.returned())
			return nil
		})
	}
	return r, err
}

// ErrNoKeys tells that the store holds no ring yet.
var ErrNoKeys = errors.New("there are no signing keys yet: portico serve makes the first ones when it starts")

// ReadRing loads the keys and changes nothing.
func ReadRing(ctx context.Context, cfg RingConfig) (*Ring, error) {
	r := &Ring{RingConfig: cfg, opened: map[string]*signer{}}
	if _, err := r.look(ctx); err != nil {
		return nil, err
	}
	return r, r.load(ctx)
}

// begin makes the first keys.
func (r *Ring) begin(ctx context.Context) error {
	records, revision, err := r.Store.LoadKeys(ctx)
	if err != nil {
		return fmt.Errorf("load the signing keys: %w", err)
	}
	if len(records) > 0 { // another replica was first: its keys are ours too
		return r.take(records, revision)
	}
	t := &turn{Ring: r, now: r.now()}
	active := r.newKey(KeyActive, t.now)
	active.ActivatesAt = t.now
	t.records = []KeyRecord{active}
	t.complete()
	err = r.Store.SaveKeys(ctx, revision, t.records)
	if err != nil && !errors.Is(err, ErrKeysChanged) { // and then too
		return fmt.Errorf("store the first signing keys: %w", err)
	}
	r.alive.at = t.now
	return r.load(ctx)
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

// signing returns the key that signs.
func (r *Ring) signing() (*signer, error) {
	if s := r.current.Load().active; s != nil {
		return s, nil
	}
	return nil, fault.Unavailable.New("no token can be signed at the moment: none of the signing keys can be opened here; tell your administrator")
}

// sign returns the compact serialisation of a token with that payload (RFC 7515 section 5.1, RFC 8037 section 3.1).
func (r *Ring) sign(payload []byte) (token string, err error) {
	s, err := r.signing()
	if err != nil {
		return "", err
	}
	s.used.Store(r.Now().UnixMilli())
	input := make([]byte, 0, len(s.header)+base64.RawURLEncoding.EncodedLen(len(payload))+1+86)
	input = append(input, s.header...)
	input = base64.RawURLEncoding.AppendEncode(input, payload)
	signature := ed25519.Sign(s.private, input)
	input = append(input, '.')
	return string(base64.RawURLEncoding.AppendEncode(input, signature)), nil
}

func (r *Ring) newKey(state KeyState, now time.Time) KeyRecord {
	k := r.Box.NewSigningKey()
	return KeyRecord{KID: k.KID, State: state, Sealed: k.Sealed, SealedBy: k.SealedBy, Public: k.Public, CreatedAt: now, PublishedFrom: now}
}

// now is the present as it can be stored.
func (r *Ring) now() time.Time { return r.Now().UTC().Truncate(time.Millisecond) }

// look asks for the ring's revision, and until when it was published.
func (r *Ring) look(ctx context.Context) (revision int64, err error) {
	revision, at, err := r.Store.KeyRevision(ctx)
	if err != nil {
		return 0, fmt.Errorf("load the signing keys: %w", err)
	}
	r.alive.heard(at)
	return revision, nil
}

// load makes the stored keys the current ones. On an error those of before go on, and this process is not ready.
func (r *Ring) load(ctx context.Context) error {
	records, revision, err := r.Store.LoadKeys(ctx)
	switch {
	case err != nil:
		return fmt.Errorf("load the signing keys: %w", err)
	case len(records) == 0 && r.current.Load() == nil:
		return ErrNoKeys
	case len(records) == 0:
		err = errors.New("expected signing keys in the store, found none: restore them from a backup; a restart would make others, which verifiers don't know yet")
	default:
		err = r.take(records, revision)
	}
	if err != nil {
		r.foreign.set(err)
	}
	return err
}

// sound refuses stored keys that can't be used. A retired one is left out instead: it keeps nobody from following the
// others, and goes with the next change.
func (r *Ring) sound(records []KeyRecord) (sound []KeyRecord, err error) {
	for _, k := range records {
		err := check(k)
		switch {
		case err == nil:
			sound = append(sound, k)
		case k.State != KeyRetired:
			return nil, err
		default:
			r.Logger.Error("a retired signing key is left out: it can't be published", "kid", k.KID, "error", err)
		}
	}
	return sound, nil
}

// take makes stored keys the current ones.
func (r *Ring) take(records []KeyRecord, revision int64) error {
	slices.SortStableFunc(records, func(a, b KeyRecord) int { return a.CreatedAt.Compare(b.CreatedAt) })
	records, err := r.sound(records)
	if err != nil {
		return err
	}
	state := &keys{records: records, revision: revision}
	set := jwkSet{Keys: []jwk{}}
	for _, k := range records {
		set.Keys = append(set.Keys, jwk{Kty: "OKP", Crv: "Ed25519", Use: "sig", Alg: "EdDSA", Kid: k.KID, X: base64.RawURLEncoding.EncodeToString(k.Public)})
		if k.State == KeyActive {
			r.Box.Keys().Use(r.sealer(k)) // where that key is not at hand, the box does not open
		}
	}
	state.jwks, _ = json.Marshal(set)
	for _, k := range records {
		if k.State == KeyRetired {
			continue
		}
		// The next one too must open: found out at its rotation, it would leave no key that signs.
		s, err := r.signer(k)
		if err != nil {
			return r.stay(state, k, err)
		}
		if k.State == KeyActive {
			state.active = s
		} else {
			state.next, state.nextAt = s, k.ActivatesAt
		}
	}
	if state.active == nil {
		return errors.New("none of the stored signing keys is active")
	}
	r.become(state)
	r.foreign.set(nil)
	return nil
}

// become makes a state the current one, and forgets the private keys that are not in it.
func (r *Ring) become(state *keys) {
	maps.DeleteFunc(r.opened, func(kid string, _ *signer) bool { return state.record(kid) == nil })
	r.promote(state)
	before := r.current.Swap(state)
	if before != nil && r.Withdrawn != nil && slices.ContainsFunc(before.records, func(k KeyRecord) bool { return state.record(k.KID) == nil }) {
		r.Withdrawn()
	}
}

func (s *keys) record(kid string) *KeyRecord {
	if at := slices.IndexFunc(s.records, func(k KeyRecord) bool { return k.KID == kid }); at >= 0 {
		return &s.records[at]
	}
	return nil
}

// promote lets the next key sign when its time has come. Every replica does so by its own clock, also while the store
// is away: all of them know the plan, and the key has long been published. After a pause that is not so.
func (r *Ring) promote(s *keys) (promoted bool) {
	now := r.now()
	if s.next == nil || s.nextAt.IsZero() || now.Before(s.nextAt) || r.alive.paused(now) {
		return false
	}
	s.active, s.next = s.next, nil
	return true
}

// signer opens a key. One that is open already is the same.
func (r *Ring) signer(k KeyRecord) (*signer, error) {
	if s := r.opened[k.KID]; s != nil && s.sealedBy == k.SealedBy {
		return s, nil
	}
	private, err := r.Box.OpenSigningKey(seal.SigningKey{KID: k.KID, Public: k.Public, Sealed: k.Sealed})
	switch {
	case errors.Is(err, seal.ErrOpen):
		return nil, fmt.Errorf("signing key %s does not open: the key-encryption key is not the one it was stored with; give the right sts.token.keyEncryptionKeyFile%s", k.KID, takes(k, r.Box))
	case err != nil:
		return nil, fmt.Errorf("signing key %s: %w", k.KID, err)
	}
	header, _ := json.Marshal(joseHeader{Alg: "EdDSA", Kid: k.KID, Typ: "at+jwt"})
	s := &signer{kid: k.KID, sealedBy: k.SealedBy, private: private, header: base64.RawURLEncoding.EncodeToString(header) + "."}
	r.opened[k.KID] = s
	return s, nil
}
