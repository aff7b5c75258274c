package coreapi

import (
	"encoding/json"

	"github.com/portico-iam/portico/internal/access"
)

// HistoryEntry is an entry as a list shows it.
type HistoryEntry struct {
	ID             string                `json:"id"`
	CreatedDate    Time                  `json:"createdDate"`
	Action         string                `json:"action"`
	Name           string                `json:"name"`
	EntityID       string                `json:"entityId,omitempty"`
	EntityType     string                `json:"entityType"`
	OrganisationID access.OrganisationID `json:"organisationId,omitempty"`
	Source         string                `json:"source"`
	Target         string                `json:"target,omitempty"`
	User           string                `json:"user,omitempty"` // sub of the token; the actor of a delegated call is not kept
}

// HistoryDetail is one entry with everything that is kept of it.
type HistoryDetail struct {
	HistoryEntry
	Metadata json.RawMessage `json:"metadata,omitempty"`
}

// HistoryCreate is the body of POST. The user can't be set: it is the token's.
type HistoryCreate struct {
	Action         string          `json:"action"`
	Name           string          `json:"name"`
	EntityType     string          `json:"entityType"`
	Source         string          `json:"source"` // not CORE
	EntityID       string          `json:"entityId,omitempty"`
	OrganisationID string          `json:"organisationId,omitempty"`
	Target         string          `json:"target,omitempty"`
	Metadata       json.RawMessage `json:"metadata,omitempty"`
}

// Core's enumerations (v1.74.2), and the values of a list's sort.
var (
	HistorySources = []string{"CORE", "BRIDGE", "STS", "WRPR", "BFF"}

	HistoryActions = []string{
		"ACCEPTED", "CREATED", "CSR_GENERATED", "DEACTIVATED", "DELETED", "ERRORED", "ISSUED", "OFFERED", "REJECTED",
		"REQUESTED", "REVOKED", "PENDING", "SUSPENDED", "RESTORED", "SHARED", "IMPORTED", "CLAIMS_REMOVED", "ACTIVATED",
		"WITHDRAWN", "REMOVED", "RETRACTED", "UPDATED", "REACTIVATED", "EXPIRED", "INTERACTION_CREATED",
		"INTERACTION_ERRORED", "INTERACTION_EXPIRED", "DELIVERED",
	}

	HistoryEntityTypes = []string{
		"KEY", "DID", "IDENTIFIER", "CERTIFICATE", "CREDENTIAL", "CREDENTIAL_SCHEMA", "PROOF", "PROOF_SCHEMA",
		"ORGANISATION", "BACKUP", "TRUST_ANCHOR", "TRUST_ENTITY", "WALLET_UNIT", "USER", "PROVIDER",
		"WALLET_RELYING_PARTY", "STS_ROLE", "STS_ORGANISATION", "STS_IAM_ROLE", "STS_SESSION", "STS_TOKEN", "SIGNATURE",
		"NOTIFICATION", "SUPERVISORY_AUTHORITY", "TRUST_LIST_PUBLICATION", "TRUST_COLLECTION",
		"TRUST_LIST_SUBSCRIPTION", "VERIFIER_INSTANCE",
	}

	HistorySorts = []string{"createdDate", "action", "entityType", "source", "user", "organisationId"}
)
