package core

import (
	"context"
	"errors"
	"time"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/history"
)

// Organisation is a tenant, as stored.
type Organisation struct {
	ID                   access.OrganisationID // UUID in its lower-case form
	Name                 string                // unique, compared byte for byte
	CreatedAt            time.Time             // UTC, whole milliseconds, like all its times
	ModifiedAt           time.Time
	DeactivatedAt        time.Time // zero: active
	WalletProvider       string    // unique where not empty
	WalletProviderIssuer string
}

// OrganisationFilter chooses a page of organisations. Zero values do not filter.
type OrganisationFilter struct {
	Name                          string // a prefix, without regard to case; or all of it, byte for byte, when NameExact
	NameExact                     bool
	CreatedAfter, CreatedBefore   time.Time // inclusive
	ModifiedAfter, ModifiedBefore time.Time // inclusive

	Sort       string // "createdDate" or "name"; what is equal is sorted by id, in the same direction
	Descending bool
	Page, Size int // 0-based; Size at most 1000
}

// OrganisationChange makes the next state of an organisation from the current one, nil if there is none, with the
// entries that record the change. Without entries nothing has changed and nothing is to be written. It may be called
// again with another current state; its error ends the change and is returned as it is.
type OrganisationChange func(current *Organisation) (next Organisation, entries []history.Entry, err error)

// What a store says of a change that collides. It wraps them, or returns them as they are.
var (
	ErrOrganisationExists = errors.New("core: an organisation with this id or name exists")
	ErrWalletProviderUsed = errors.New("core: the wallet provider is used by another organisation")
)

// OrganisationStore keeps the organisations. A change and its history entries are written together or not at all.
type OrganisationStore interface {
	// CreateOrganisation adds one. ErrOrganisationExists when its id or its name is taken.
	CreateOrganisation(ctx context.Context, o Organisation, e history.Entry) error
	// GetOrganisation reads one.
	GetOrganisation(ctx context.Context, id access.OrganisationID) (o Organisation, found bool, err error)
	// ListOrganisations reads a page, and counts all that the filter chooses.
	ListOrganisations(ctx context.Context, f OrganisationFilter) (page []Organisation, total int, err error)
	// UpsertOrganisation applies a change in one transaction. Changes to one id follow each other: none is lost, and of
	// several that find no organisation one creates it and the rest change it. ErrOrganisationExists when the new name
	// is another's, ErrWalletProviderUsed when the new wallet provider is.
	UpsertOrganisation(ctx context.Context, id access.OrganisationID, change OrganisationChange) error
}
