package iam

import (
	"context"
	"crypto/sha256"
	"slices"

	"github.com/go-jose/go-jose/v4"
	"github.com/maypok86/otter/v2"
	"golang.org/x/sync/singleflight"

	"github.com/portico-iam/portico/internal/fault"
)

// Verified remembers the access tokens that were accepted, so that a signature costs once and not with every request.
//
// A token is known by the hash of all its bytes, and only after everything about it was right. What may change while it
// lives is looked at with every use: the time, revocation, and whether the key that verified it still stands in its issuer's set.
// Refusals are not remembered: whoever guesses tokens guesses another one each time, and a key that is missing now may
// be published in a moment. So no stranger puts anything in here, nor anything out.
type Verified struct {
	tokens *otter.Cache[tokenHash, *Token]
	flight singleflight.Group
}

type tokenHash [sha256.Size]byte

// maxVerified bounds what is remembered, in bytes of principals, nearly.
const maxVerified = 16 << 20

// NewVerified remembers nothing yet.
func NewVerified() *Verified {
	return &Verified{tokens: otter.Must(&otter.Options[tokenHash, *Token]{
		MaximumWeight: maxVerified, Weigher: weigh,
	})}
}

// proof is what a token was accepted by.
type proof struct {
	issuer *Issuer
	key    *jose.JSONWebKey
	life   life
}

// delegation are the claims of a token in which somebody acts for another, or may: it is for delegation alone (RFC 8693
// section 4).
var delegation = []string{"act", "may_act"}

// Verify validates an access token and reads the principal from it. Every refusal is fault.Unauthenticated; keys that
// can't be had are fault.Unavailable.
func (v *Verifier) Verify(ctx context.Context, raw string) (*Token, error) {
	t, err := v.remembered(ctx, raw)
	if err != nil {
		return nil, err
	}
	if err := v.checkRevoked(ctx, t.Principal); err != nil {
		return nil, err
	}
	return t, nil
}

// remembered verifies a token once.
func (v *Verifier) remembered(ctx context.Context, raw string) (*Token, error) {
	if v.Verified == nil || len(raw) > MaxToken {
		return v.verify(ctx, raw, delegation...)
	}
	hash := tokenHash(sha256.Sum256([]byte(raw)))
	t, err := v.known(ctx, hash)
	if v.Looked != nil {
		v.Looked(t != nil)
	}
	if t != nil || err != nil {
		return t, err
	}
	// The outcome is everybody's who waits, so it must not hang on the first one's patience, nor anybody's on its own.
	shared := v.Verified.flight.DoChan(string(hash[:]), func() (any, error) {
		t, err := v.verify(context.WithoutCancel(ctx), raw, delegation...)
		if err != nil {
			return nil, err
		}
		v.Verified.tokens.Set(hash, t.alone())
		return t, nil
	})
	select {
	case <-ctx.Done():
		return nil, fault.Unavailable.New("the identity provider's token could not be verified in time; try again in a moment").Because(context.Cause(ctx))
	case outcome := <-shared:
		if outcome.Err != nil {
			return nil, outcome.Err
		}
		return outcome.Val.(*Token).alone(), nil
	}
}

// known returns a token that was accepted before, if it still would be. Neither a token nor an error: it must be verified.
func (v *Verifier) known(ctx context.Context, hash tokenHash) (*Token, error) {
	t, ok := v.Verified.tokens.GetIfPresent(hash)
	if !ok || !slices.Contains(v.Issuers, t.issuer) {
		return nil, nil
	}
	if err := t.life.check(v.Now(), t.issuer.Leeway); err != nil {
		v.Verified.tokens.Invalidate(hash)
		return nil, err
	}
	// Another one under its id is found before what is due is fetched: verifying asks for the key again, and of two looks
	// the second could see what the first one's refresh brought.
	if !t.issuer.Keys.holds(t.key) {
		v.Verified.tokens.Invalidate(hash)
		return nil, nil
	}
	key, err := t.issuer.key(ctx, t.key.KeyID) // fetches, as ever, what is due
	if err != nil {
		return nil, err
	}
	if key != t.key { // the keys were too old to be trusted, and were fetched just now
		v.Verified.tokens.Invalidate(hash)
		return nil, nil
	}
	return t.alone(), nil
}

// alone returns the token without its claims, with a principal of its own: what one caller adds is not for the next.
func (t *Token) alone() *Token {
	p := *t.Principal
	return &Token{Principal: &p, ExpiresAt: t.ExpiresAt, proof: t.proof}
}

func weigh(_ tokenHash, t *Token) uint32 {
	p := t.Principal
	n := 1024 + len(p.Subject) + len(p.ClientID) + len(p.GivenName) + len(p.FamilyName) + len(p.Login) + len(p.SignIn.Class)
	for _, list := range [][]string{p.IAMRoles, p.Odd, p.SignIn.Methods} {
		for _, s := range list {
			n += 16 + len(s)
		}
	}
	return uint32(n)
}
