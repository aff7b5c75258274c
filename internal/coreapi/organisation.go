package coreapi

import "github.com/portico-iam/portico/internal/access"

// Organisation is the resource as read; a list's items have the same fields.
type Organisation struct {
	ID                   access.OrganisationID `json:"id"`
	Name                 string                `json:"name"`
	CreatedDate          Time                  `json:"createdDate"`
	LastModified         Time                  `json:"lastModified"`
	DeactivatedAt        Time                  `json:"deactivatedAt,omitzero"` // zero: active
	WalletProvider       string                `json:"walletProvider,omitempty"`
	WalletProviderIssuer string                `json:"walletProviderIssuer,omitempty"` // id of an identifier
}

// OrganisationCreate is the body of POST. Core chooses what is absent; the name then is the id.
type OrganisationCreate struct {
	ID   *string `json:"id,omitempty"`
	Name *string `json:"name,omitempty"`
}

// OrganisationPatch is the body of PATCH, which creates the organisation when the id is unknown. What is absent stays;
// null clears the wallet provider's fields and means nothing for the others.
type OrganisationPatch struct {
	Name                 *string          `json:"name,omitempty"`
	Deactivate           *bool            `json:"deactivate,omitempty"` // false reactivates
	WalletProvider       Optional[string] `json:"walletProvider,omitzero"`
	WalletProviderIssuer Optional[string] `json:"walletProviderIssuer,omitzero"`
}

// The values of a list's sort.
var OrganisationSorts = []string{"name", "createdDate"}
