package sts

import (
	"context"

	"github.com/portico-iam/portico/internal/access"
)

// Enforcer refuses, and records that it did.
type Enforcer interface {
	Enforce(ctx context.Context, p *access.Principal, org access.OrganisationID, route string, anyOf ...access.Permission) error
}

// KeyAdministration is the ring as administrators see and turn it: each method enforces the permission that it needs.
type KeyAdministration struct {
	Ring   *Ring
	Policy Enforcer
}

// List tells how the keys are.
func (a *KeyAdministration) List(ctx context.Context, by *access.Principal) (Report, error) {
	if err := a.Policy.Enforce(ctx, by, access.System, "see the signing keys", access.STSKeyList); err != nil {
		return Report{}, err
	}
	return a.Ring.Report(ctx)
}

// Rotate lets the next key sign now; kid as in Ring.Rotate.
func (a *KeyAdministration) Rotate(ctx context.Context, by *access.Principal, kid string, forced bool) error {
	if err := a.Policy.Enforce(ctx, by, access.System, "rotate the signing keys", access.STSKeyRotate); err != nil {
		return err
	}
	return a.Ring.Rotate(ctx, by.Subject, kid, forced)
}

// Cut drops a key at once, and returns when every replica must have noticed: a verifier that fetches the keys from then on
// does not get it.
func (a *KeyAdministration) Cut(ctx context.Context, by *access.Principal, kid string) error {
	if err := a.Policy.Enforce(ctx, by, access.System, "cut a signing key off", access.STSKeyRotate); err != nil {
		return err
	}
	if err := a.Ring.Cut(ctx, by.Subject, kid); err != nil {
		return err
	}
	a.Ring.Settle(ctx)
	return nil
}
