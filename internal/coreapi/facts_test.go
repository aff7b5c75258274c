package coreapi

// permissionFacts is what is known of Core v1.74.2 (table 7.2 of the platform's contract): each permission, its scope,
// and the routes under /api that accept it. It is written down apart from routes.txt so that each checks the other.
const permissionFacts = `
ACCESS_CERTIFICATE_CREATE org
ACCESS_CERTIFICATE_REVOKE org POST signature/v1/{id}/revoke
ACCESS_CERTIFICATE_SIGN org POST signature/v1
CACHE_DELETE system DELETE cache/v1
CREDENTIAL_DELETE org DELETE credential/v1/{id}
CREDENTIAL_DETAIL org GET credential/v1/{id}
CREDENTIAL_EDIT org POST credential/v1/revocation-check
CREDENTIAL_ISSUE org POST credential/v1
CREDENTIAL_LIST org GET credential/v1
CREDENTIAL_REACTIVATE org POST credential/v1/{id}/reactivate
CREDENTIAL_REVOKE org POST credential/v1/{id}/revoke
CREDENTIAL_SCHEMA_CREATE org POST credential-schema/v1, POST credential-schema/v1/import
CREDENTIAL_SCHEMA_DELETE org DELETE credential-schema/v1/{id}
CREDENTIAL_SCHEMA_DETAIL org GET credential-schema/v1/{id}
CREDENTIAL_SCHEMA_LIST org GET credential-schema/v1
CREDENTIAL_SCHEMA_SHARE org POST credential-schema/v1/{id}/share
CREDENTIAL_SHARE org POST credential/v1/{id}/share
CREDENTIAL_SUSPEND org POST credential/v1/{id}/suspend
DASHBOARD_DETAIL org GET statistics/v1/dashboard, GET statistics/v1/dashboard/issuer, GET statistics/v1/dashboard/verifier
DID_CREATE org POST did/v1
DID_DEACTIVATE org PATCH did/v1/{id}
DID_DETAIL org GET did/v1/{id}
DID_LIST org GET did/v1
DID_RESOLVE org GET did-resolver/v1/{didvalue}
HISTORY_DETAIL org GET history/v1/{id}
HISTORY_LIST org GET history/v1
HISTORY_CREATE org POST history/v1
SYSTEM_HISTORY_DETAIL system GET history/v1/{id}
SYSTEM_HISTORY_LIST system GET history/v1
HOLDER_CREDENTIAL_LIST org
IDENTIFIER_CREATE org POST identifier/v1
IDENTIFIER_DELETE org DELETE identifier/v1/{id}
IDENTIFIER_DETAIL org GET certificate/v1/{id}, GET identifier/v1/{id}
IDENTIFIER_LIST org GET identifier/v1
INTERACTION_ISSUANCE org POST interaction/v1/handle-invitation, POST interaction/v1/issuance-accept, POST interaction/v1/issuance-reject, POST interaction/v1/initiate-issuance, POST interaction/v1/continue-issuance
INTERACTION_PROOF org POST interaction/v1/handle-invitation, POST interaction/v1/presentation-submit, POST interaction/v2/presentation-submit, POST interaction/v1/propose-proof, POST interaction/v1/presentation-reject
KEY_CREATE org POST key/v1
KEY_DETAIL org GET key/v1/{id}
KEY_GENERATE_CSR org POST key/v1/{id}/generate-csr
KEY_LIST org GET key/v1
PROOF_CLAIMS_DELETE org DELETE proof-request/v1/{id}/claims
PROOF_DELETE org DELETE proof-request/v1/{id}
PROOF_DETAIL org GET proof-request/v1/{id}, GET proof-request/v1/{id}/presentation-definition, GET proof-request/v2/{id}/presentation-definition
PROOF_ISSUE org POST proof-request/v1
PROOF_LIST org GET proof-request/v1
PROOF_SCHEMA_CREATE org POST proof-schema/v1/import, POST proof-schema/v1
PROOF_SCHEMA_DELETE org DELETE proof-schema/v1/{id}
PROOF_SCHEMA_DETAIL org GET proof-schema/v1/{id}
PROOF_SCHEMA_LIST org GET proof-schema/v1
PROOF_SCHEMA_SHARE org POST proof-schema/v1/{id}/share
PROOF_SHARE org POST proof-request/v1/{id}/share
REGISTRATION_CERTIFICATE_CREATE org
REGISTRATION_CERTIFICATE_REVOKE org POST signature/v1/{id}/revoke
REGISTRATION_CERTIFICATE_SIGN org POST signature/v1
STS_ORGANISATION_CREATE system POST organisation/v1
STS_ORGANISATION_DELETE system
STS_ORGANISATION_DETAIL system GET organisation/v1/{id}
STS_ORGANISATION_EDIT system PATCH organisation/v1/{id}
STS_ORGANISATION_LIST system GET organisation/v1
SYSTEM_DASHBOARD_DETAIL system GET statistics/v1/dashboard/system, GET statistics/v1/dashboard/system/interaction, GET statistics/v1/dashboard/system/management
TASK_CREATE system POST task/v1/run, POST signature/v1/revocation-check
TRUST_ANCHOR_CREATE org POST trust-anchor/v1
TRUST_ANCHOR_DELETE org DELETE trust-anchor/v1/{id}
TRUST_ANCHOR_DETAIL org GET trust-anchor/v1/{id}
TRUST_ANCHOR_LIST org GET trust-anchor/v1
TRUST_COLLECTION_CREATE org POST trust-collection/v1
TRUST_COLLECTION_EDIT org POST trust-collection/v1/{trust_collection_id}/trust-list, DELETE trust-collection/v1/{trust_collection_id}/trust-list/{trust_list_id}
TRUST_COLLECTION_DELETE org DELETE trust-collection/v1/{id}
TRUST_COLLECTION_DETAIL org GET trust-collection/v1/{id}, GET trust-collection/v1/{trust_collection_id}/trust-list
TRUST_COLLECTION_LIST org GET trust-collection/v1
TRUST_ENTITY_ACTIVATE org
TRUST_ENTITY_CREATE org POST trust-entity/v1, POST trust-entity/remote/v1
TRUST_ENTITY_DETAIL org GET did/v1/{id}/trust-entity, POST identifier/v1/resolve-trust-entity, GET trust-entity/v1/{id}, GET trust-entity/remote/v1/{did_id}
TRUST_ENTITY_EDIT org PATCH trust-entity/v1/{id}, PATCH trust-entity/remote/v1/{did_id}
TRUST_ENTITY_LIST org GET trust-entity/v1
TRUST_ENTITY_REMOVE org
TRUST_ENTITY_WITHDRAW org
TRUST_LIST_PUBLICATION_CREATE org POST trust-list/v1
TRUST_LIST_PUBLICATION_LIST org GET trust-list/v1
TRUST_LIST_PUBLICATION_DETAIL org GET trust-list/v1/{id}
TRUST_LIST_PUBLICATION_DELETE org DELETE trust-list/v1/{id}
TRUST_ENTRY_PUBLICATION_CREATE org POST trust-list/v1/{id}/entry
TRUST_ENTRY_PUBLICATION_DETAIL org GET trust-list/v1/{id}/entry
TRUST_ENTRY_PUBLICATION_EDIT org PATCH trust-list/v1/{list_id}/entry/{entry_id}
TRUST_ENTRY_PUBLICATION_DELETE org DELETE trust-list/v1/{list_id}/entry/{entry_id}
HOLDER_WALLET_UNIT_REGISTER org POST holder-wallet-unit/v1
HOLDER_WALLET_UNIT_DETAIL org GET holder-wallet-unit/v1/{id}, GET holder-wallet-unit/v1/{id}/trust-collections, POST holder-wallet-unit/v1/{id}/status
HOLDER_WALLET_UNIT_EDIT org PATCH holder-wallet-unit/v1/{id}
WALLET_UNIT_DETAIL org GET wallet-unit/v1/{id}
WALLET_UNIT_LIST org GET wallet-unit/v1
WALLET_UNIT_REVOKE org POST wallet-unit/v1/{id}/revoke
WALLET_UNIT_DELETE org DELETE wallet-unit/v1/{id}
VERIFIER_INSTANCE_REGISTER org POST verifier-instance/v1
VERIFIER_INSTANCE_DETAIL org GET verifier-instance/v1/{id}/trust-collections
VERIFIER_INSTANCE_EDIT org PATCH verifier-instance/v1/{id}
X509_CERTIFICATE_CREATE org
X509_CERTIFICATE_REVOKE org POST signature/v1/{id}/revoke
X509_CERTIFICATE_SIGN org POST signature/v1
`
