package history

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/portico-iam/portico/internal/seal"
)

// OpenSigner opens the key that signs checkpoints, and makes it where there is none. box is of its own purpose.
func OpenSigner(ctx context.Context, store KeyStore, box *seal.Box, now time.Time, logger *slog.Logger) (*Signer, error) {
	keys, err := store.HistoryKeys(ctx)
	if err != nil {
		return nil, err
	}
	if len(keys) == 0 {
		if keys, err = makeKey(ctx, store, box, now, logger); err != nil {
			return nil, err
		}
	}
	private, err := box.OpenSigningKey(keys[0])
	if err != nil {
		return nil, fmt.Errorf("history key %s: %w", keys[0].KID, explained(err, keys[0], box))
	}
	return &Signer{kid: keys[0].KID, private: private}, nil
}

func makeKey(ctx context.Context, store KeyStore, box *seal.Box, now time.Time, logger *slog.Logger) ([]seal.SigningKey, error) {
	state, err := store.ChainState(ctx)
	if err != nil {
		return nil, err
	}
	if state.Checkpointed > 0 {
		logger.ErrorContext(ctx, "the key that signed the history's checkpoints is gone from the store, and a new one is made: run portico history verify",
			"checkpointed", state.Checkpointed)
	}
	if err := store.AddHistoryKey(ctx, box.NewSigningKey(), now); err != nil {
		return nil, err
	}
	keys, err := store.HistoryKeys(ctx) // which may be another replica's
	if err == nil && len(keys) == 0 {
		err = errors.New("expected the history's key in the store, found none")
	}
	return keys, err
}

// explained says what to do about a key that does not open.
func explained(err error, k seal.SigningKey, box *seal.Box) error {
	if !errors.Is(err, seal.ErrOpen) {
		return err
	}
	return fmt.Errorf("%w: it was sealed by key-encryption key %s, and at hand are %s: give the right sts.token.keyEncryptionKeyFile, unless somebody changed the key in the store",
		err, k.SealedBy, strings.Join(box.Keys().IDs(), ", "))
}

// Reseal seals the keys by the key-encryption key that seals. It tells how many were under another one.
func Reseal(ctx context.Context, store KeyStore, box *seal.Box) (resealed int, err error) {
	keys, err := store.HistoryKeys(ctx)
	if err != nil {
		return 0, err
	}
	for _, k := range keys {
		sealed, changed, err := box.Reseal(k.Sealed, k.KID)
		if err != nil {
			return resealed, fmt.Errorf("history key %s: %w", k.KID, explained(err, k, box))
		}
		if !changed {
			continue
		}
		if err := store.ResealHistoryKey(ctx, k, sealed, box.Keys().Sealing().ID()); err != nil {
			return resealed, err
		}
		resealed++
	}
	return resealed, nil
}

// publicKeys returns the keys that the key-encryption key vouches for, by their names: of what lies in the store, that
// alone can't be made by who has the store.
func publicKeys(keys []seal.SigningKey, box *seal.Box) (public map[string]ed25519.PublicKey, refused map[string]error) {
	public, refused = map[string]ed25519.PublicKey{}, map[string]error{}
	for _, k := range keys {
		private, err := box.OpenSigningKey(k)
		if err != nil {
			refused[k.KID] = explained(err, k, box)
			continue
		}
		public[k.KID] = private.Public().(ed25519.PublicKey)
	}
	return public, refused
}
