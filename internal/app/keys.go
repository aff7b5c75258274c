package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/portico-iam/portico/internal/config"
	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/seal"
	"github.com/portico-iam/portico/internal/store"
	"github.com/portico-iam/portico/internal/sts"
)

// The purposes of what is sealed at rest.
const (
	sealedSigningKey = "signing key"
	sealedSession    = "session"
	sealedHistoryKey = "history key"
)

// readKeys reads the key-encryption keys. Which of them seals is said by the store.
func readKeys(t config.Token) (*seal.Keys, error) {
	key, err := seal.ReadKeyFile(t.KeyEncryptionKeyFile)
	if err != nil {
		return nil, err
	}
	if t.PreviousKeyEncryptionKeyFile == "" {
		return seal.NewKeys(key), nil
	}
	previous, err := seal.ReadKeyFile(t.PreviousKeyEncryptionKeyFile)
	if err != nil {
		return nil, err
	}
	return seal.NewKeys(key, previous), nil
}

// tokenSlack is for the clocks of verifiers and for a replica that hears of a rotation late.
const tokenSlack = 5 * time.Minute

func ringConfig(cfg *config.Config, db *store.DB, keys *seal.Keys, record *history.Recorder, now func() time.Time, logger *slog.Logger) sts.RingConfig {
	token := cfg.STS.Token
	ring := sts.RingConfig{
		Store: db, Box: keys.Box(sealedSigningKey), Rotation: token.KeyRotation, Overlap: cfg.KeyOverlap(), Keep: max(token.TTL, cfg.STS.Delegation.TTL) + tokenSlack,
		History: record, Now: now, Logger: logger, TrustedProxies: cfg.Server.TrustedProxies,
	}
	if cfg.Store.Driver == store.Postgres {
		ring.Wait = wait
	}
	for _, v := range cfg.KnownVerifiers() {
		ring.Verifiers = append(ring.Verifiers, sts.Verifier{Name: v.Name, Cache: v.JWKSCache})
	}
	return ring
}

// Keyring is the signing keys in the store, for commands beside a Portico that runs or does not.
type Keyring struct {
	*sts.Ring
	PublicJWKS string // where the keys are published
	db         *store.DB
	keys       *seal.Keys
}

// OpenKeyring opens the store and reads the keys. newKeyFile is one more key-encryption key; "" is none.
func OpenKeyring(ctx context.Context, cfg *config.Config, newKeyFile string, now func() time.Time, logger *slog.Logger) (_ *Keyring, err error) {
	k := &Keyring{PublicJWKS: cfg.Server.PublicURL + jwksPath}
	if k.keys, err = readKeys(cfg.STS.Token); err != nil {
		return nil, err
	}
	if newKeyFile != "" {
		key, err := seal.ReadKeyFile(newKeyFile)
		if err != nil {
			return nil, err
		}
		k.keys = k.keys.With(key)
	}
	if k.db, err = store.Open(ctx, store.Config{Driver: cfg.Store.Driver, DSN: cfg.Store.DSN.Reveal(), Logger: logger}); err != nil {
		return nil, err
	}
	record := &history.Recorder{Store: k.db, Now: now, Logger: logger}
	if k.Ring, err = sts.ReadRing(ctx, ringConfig(cfg, k.db, k.keys, record, now, logger)); err != nil {
		return nil, errors.Join(err, k.Close())
	}
	return k, nil
}

// Close closes the store.
func (k *Keyring) Close() error { return k.db.Close() }

// Resealed counts what Reencrypt did.
type Resealed struct {
	To          string `json:"to"` // names the key-encryption key in use now
	SigningKeys int    `json:"signingKeys"`
	HistoryKeys int    `json:"historyKeys"`
	Sessions    int    `json:"sessions"`
	Unreadable  int    `json:"unreadable"` // sessions that no key at hand opens
}

// Reencrypt seals everything in the store by the newest key-encryption key at hand: the signing keys in one transaction,
// which every replica follows, then the history's key and the sessions. Run again it does what is left.
func (k *Keyring) Reencrypt(ctx context.Context, by string) (done Resealed, err error) {
	done.To = k.keys.Newest().ID()
	if done.SigningKeys, err = k.Reseal(ctx, by, done.To); err != nil {
		return done, err
	}
	if done.HistoryKeys, err = history.Reseal(ctx, k.db, k.keys.Box(sealedHistoryKey)); err != nil {
		return done, fmt.Errorf("%w; the signing keys are done: run it again for the rest", err)
	}
	box := k.keys.Box(sealedSession)
	done.Sessions, err = k.db.ResealSessions(ctx, func(ref string, sealed []byte) ([]byte, bool) {
		fresh, changed, err := box.Reseal(sealed, ref)
		if err != nil {
			done.Unreadable++
		}
		return fresh, changed && err == nil
	})
	if err != nil {
		err = fmt.Errorf("%w; the signing keys are done: run it again for the rest", err)
	}
	return done, err
}
