package access

// The permissions, in the order of Core's own enumeration (spec: Core v1.74.2), then Portico's.
// Their numbers live in memory only; what is stored and sent is always the name.
const (
	AccessCertificateCreate Permission = iota
	AccessCertificateRevoke
	AccessCertificateSign
	CacheDelete
	CredentialDelete
	CredentialDetail
	CredentialEdit
	CredentialIssue
	CredentialList
	CredentialReactivate
	CredentialRevoke
	CredentialSchemaCreate
	CredentialSchemaDelete
	CredentialSchemaDetail
	CredentialSchemaList
	CredentialSchemaShare
	CredentialShare
	CredentialSuspend
	DashboardDetail
	DIDCreate
	DIDDeactivate
	DIDDetail
	DIDList
	DIDResolve
	HistoryDetail
	HistoryList
	HistoryCreate
	SystemHistoryDetail
	SystemHistoryList
	HolderCredentialList
	IdentifierCreate
	IdentifierDelete
	IdentifierDetail
	IdentifierList
	InteractionIssuance
	InteractionProof
	KeyCreate
	KeyDetail
	KeyGenerateCSR
	KeyList
	ProofClaimsDelete
	ProofDelete
	ProofDetail
	ProofIssue
	ProofList
	ProofSchemaCreate
	ProofSchemaDelete
	ProofSchemaDetail
	ProofSchemaList
	ProofSchemaShare
	ProofShare
	RegistrationCertificateCreate
	RegistrationCertificateRevoke
	RegistrationCertificateSign
	STSOrganisationCreate
	STSOrganisationDelete
	STSOrganisationDetail
	STSOrganisationEdit
	STSOrganisationList
	SystemDashboardDetail
	TaskCreate
	TrustAnchorCreate
	TrustAnchorDelete
	TrustAnchorDetail
	TrustAnchorList
	TrustCollectionCreate
	TrustCollectionEdit
	TrustCollectionDelete
	TrustCollectionDetail
	TrustCollectionList
	TrustEntityActivate
	TrustEntityCreate
	TrustEntityDetail
	TrustEntityEdit
	TrustEntityList
	TrustEntityRemove
	TrustEntityWithdraw
	TrustListPublicationCreate
	TrustListPublicationList
	TrustListPublicationDetail
	TrustListPublicationDelete
	TrustEntryPublicationCreate
	TrustEntryPublicationDetail
	TrustEntryPublicationEdit
	TrustEntryPublicationDelete
	HolderWalletUnitRegister
	HolderWalletUnitDetail
	HolderWalletUnitEdit
	WalletUnitDetail
	WalletUnitList
	WalletUnitRevoke
	WalletUnitDelete
	VerifierInstanceRegister
	VerifierInstanceDetail
	VerifierInstanceEdit
	X509CertificateCreate
	X509CertificateRevoke
	X509CertificateSign

	// Portico's own. Core ignores names that it does not know, so they may travel in its tokens.
	STSRoleCreate
	STSRoleList
	STSRoleDetail
	STSRoleEdit
	STSRoleDelete
	STSIAMRoleCreate
	STSIAMRoleList
	STSIAMRoleDetail
	STSIAMRoleEdit
	STSIAMRoleDelete
	STSAccessExplain
	STSSessionList
	STSSessionRevoke
	STSKeyList
	STSKeyRotate

	permissionCount = iota
)

var catalogue = [permissionCount]PermissionInfo{
	AccessCertificateCreate:       {"ACCESS_CERTIFICATE_CREATE", ScopeOrganisation, "Certificates", "Create access certificates", "Request an access certificate through the wallet-relying-party registry."},
	AccessCertificateRevoke:       {"ACCESS_CERTIFICATE_REVOKE", ScopeOrganisation, "Certificates", "Revoke access certificates", "Revoke an access certificate that was signed here."},
	AccessCertificateSign:         {"ACCESS_CERTIFICATE_SIGN", ScopeOrganisation, "Certificates", "Sign access certificates", "Sign an access certificate with a key of the organisation."},
	CacheDelete:                   {"CACHE_DELETE", ScopeSystem, "Maintenance", "Empty caches", "Empty the caches of remote documents, for the whole installation."},
	CredentialDelete:              {"CREDENTIAL_DELETE", ScopeOrganisation, "Credentials", "Delete credentials", "Delete a credential that was not issued yet."},
	CredentialDetail:              {"CREDENTIAL_DETAIL", ScopeOrganisation, "Credentials", "View credentials", "Open one credential with the values it holds."},
	CredentialEdit:                {"CREDENTIAL_EDIT", ScopeOrganisation, "Credentials", "Check revocation", "Refresh the revocation state of credentials that are held."},
	CredentialIssue:               {"CREDENTIAL_ISSUE", ScopeOrganisation, "Credentials", "Issue credentials", "Create a credential for somebody, ready to be offered."},
	CredentialList:                {"CREDENTIAL_LIST", ScopeOrganisation, "Credentials", "List credentials", "See the list of credentials."},
	CredentialReactivate:          {"CREDENTIAL_REACTIVATE", ScopeOrganisation, "Credentials", "Reactivate credentials", "Lift the suspension of a credential."},
	CredentialRevoke:              {"CREDENTIAL_REVOKE", ScopeOrganisation, "Credentials", "Revoke credentials", "Revoke a credential for good."},
	CredentialSchemaCreate:        {"CREDENTIAL_SCHEMA_CREATE", ScopeOrganisation, "Credential schemas", "Create credential schemas", "Create or import a credential schema."},
	CredentialSchemaDelete:        {"CREDENTIAL_SCHEMA_DELETE", ScopeOrganisation, "Credential schemas", "Delete credential schemas", "Delete a credential schema."},
	CredentialSchemaDetail:        {"CREDENTIAL_SCHEMA_DETAIL", ScopeOrganisation, "Credential schemas", "View credential schemas", "Open one credential schema."},
	CredentialSchemaList:          {"CREDENTIAL_SCHEMA_LIST", ScopeOrganisation, "Credential schemas", "List credential schemas", "See the list of credential schemas."},
	CredentialSchemaShare:         {"CREDENTIAL_SCHEMA_SHARE", ScopeOrganisation, "Credential schemas", "Share credential schemas", "Share a credential schema by a link."},
	CredentialShare:               {"CREDENTIAL_SHARE", ScopeOrganisation, "Credentials", "Share credentials", "Make the link or QR code by which a wallet receives the credential."},
	CredentialSuspend:             {"CREDENTIAL_SUSPEND", ScopeOrganisation, "Credentials", "Suspend credentials", "Suspend a credential, for a time or until it is reactivated."},
	DashboardDetail:               {"DASHBOARD_DETAIL", ScopeOrganisation, "Dashboard", "View the dashboard", "See the figures of the organisation."},
	DIDCreate:                     {"DID_CREATE", ScopeOrganisation, "Identifiers", "Create DIDs", "Create a DID (deprecated: use identifiers)."},
	DIDDeactivate:                 {"DID_DEACTIVATE", ScopeOrganisation, "Identifiers", "Deactivate DIDs", "Deactivate a DID."},
	DIDDetail:                     {"DID_DETAIL", ScopeOrganisation, "Identifiers", "View DIDs", "Open one DID (deprecated: use identifiers)."},
	DIDList:                       {"DID_LIST", ScopeOrganisation, "Identifiers", "List DIDs", "See the list of DIDs (deprecated: use identifiers)."},
	DIDResolve:                    {"DID_RESOLVE", ScopeOrganisation, "Identifiers", "Resolve DIDs", "Resolve any DID to its document."},
	HistoryDetail:                 {"HISTORY_DETAIL", ScopeOrganisation, "History", "View history entries", "Open one history entry of the organisation."},
	HistoryList:                   {"HISTORY_LIST", ScopeOrganisation, "History", "List the history", "See the history of the organisation."},
	HistoryCreate:                 {"HISTORY_CREATE", ScopeOrganisation, "History", "Add to the history", "Add entries to the history; meant for services."},
	SystemHistoryDetail:           {"SYSTEM_HISTORY_DETAIL", ScopeSystem, "History", "View system history entries", "Open any history entry, of every organisation and of the system."},
	SystemHistoryList:             {"SYSTEM_HISTORY_LIST", ScopeSystem, "History", "List the system history", "See the history of every organisation and of the system."},
	HolderCredentialList:          {"HOLDER_CREDENTIAL_LIST", ScopeOrganisation, "Holder wallet", "List held credentials", "See the credentials that the wallet holds."},
	IdentifierCreate:              {"IDENTIFIER_CREATE", ScopeOrganisation, "Identifiers", "Create identifiers", "Create an identifier from a key, a DID or a certificate."},
	IdentifierDelete:              {"IDENTIFIER_DELETE", ScopeOrganisation, "Identifiers", "Delete identifiers", "Delete an identifier."},
	IdentifierDetail:              {"IDENTIFIER_DETAIL", ScopeOrganisation, "Identifiers", "View identifiers", "Open one identifier or certificate."},
	IdentifierList:                {"IDENTIFIER_LIST", ScopeOrganisation, "Identifiers", "List identifiers", "See the list of identifiers."},
	InteractionIssuance:           {"INTERACTION_ISSUANCE", ScopeOrganisation, "Holder wallet", "Receive credentials", "As a holder, accept or refuse credentials that are offered."},
	InteractionProof:              {"INTERACTION_PROOF", ScopeOrganisation, "Holder wallet", "Answer proof requests", "As a holder, answer or refuse proof requests."},
	KeyCreate:                     {"KEY_CREATE", ScopeOrganisation, "Keys", "Create keys", "Create a key."},
	KeyDetail:                     {"KEY_DETAIL", ScopeOrganisation, "Keys", "View keys", "Open one key; never its private part."},
	KeyGenerateCSR:                {"KEY_GENERATE_CSR", ScopeOrganisation, "Keys", "Generate a signing request", "Create a certificate signing request for a key."},
	KeyList:                       {"KEY_LIST", ScopeOrganisation, "Keys", "List keys", "See the list of keys."},
	ProofClaimsDelete:             {"PROOF_CLAIMS_DELETE", ScopeOrganisation, "Proofs", "Delete claims of proofs", "Erase the personal data that came with a proof."},
	ProofDelete:                   {"PROOF_DELETE", ScopeOrganisation, "Proofs", "Delete proofs", "Delete or withdraw a proof request."},
	ProofDetail:                   {"PROOF_DETAIL", ScopeOrganisation, "Proofs", "View proofs", "Open one proof with the claims that were received."},
	ProofIssue:                    {"PROOF_ISSUE", ScopeOrganisation, "Proofs", "Request proofs", "Create a proof request."},
	ProofList:                     {"PROOF_LIST", ScopeOrganisation, "Proofs", "List proofs", "See the list of proof requests."},
	ProofSchemaCreate:             {"PROOF_SCHEMA_CREATE", ScopeOrganisation, "Proof schemas", "Create proof schemas", "Create or import a proof schema."},
	ProofSchemaDelete:             {"PROOF_SCHEMA_DELETE", ScopeOrganisation, "Proof schemas", "Delete proof schemas", "Delete a proof schema."},
	ProofSchemaDetail:             {"PROOF_SCHEMA_DETAIL", ScopeOrganisation, "Proof schemas", "View proof schemas", "Open one proof schema."},
	ProofSchemaList:               {"PROOF_SCHEMA_LIST", ScopeOrganisation, "Proof schemas", "List proof schemas", "See the list of proof schemas."},
	ProofSchemaShare:              {"PROOF_SCHEMA_SHARE", ScopeOrganisation, "Proof schemas", "Share proof schemas", "Share a proof schema by a link."},
	ProofShare:                    {"PROOF_SHARE", ScopeOrganisation, "Proofs", "Share proofs", "Make the link or QR code by which a wallet answers the proof request."},
	RegistrationCertificateCreate: {"REGISTRATION_CERTIFICATE_CREATE", ScopeOrganisation, "Certificates", "Create registration certificates", "Request a registration certificate through the wallet-relying-party registry."},
	RegistrationCertificateRevoke: {"REGISTRATION_CERTIFICATE_REVOKE", ScopeOrganisation, "Certificates", "Revoke registration certificates", "Revoke a registration certificate that was signed here."},
	RegistrationCertificateSign:   {"REGISTRATION_CERTIFICATE_SIGN", ScopeOrganisation, "Certificates", "Sign registration certificates", "Sign a registration certificate with a key of the organisation."},
	STSOrganisationCreate:         {"STS_ORGANISATION_CREATE", ScopeSystem, "Organisations", "Create organisations", "Create an organisation."},
	STSOrganisationDelete:         {"STS_ORGANISATION_DELETE", ScopeSystem, "Organisations", "Delete organisations", "Delete an organisation; Core itself only deactivates."},
	STSOrganisationDetail:         {"STS_ORGANISATION_DETAIL", ScopeSystem, "Organisations", "View organisations", "Open any organisation."},
	STSOrganisationEdit:           {"STS_ORGANISATION_EDIT", ScopeSystem, "Organisations", "Edit organisations", "Rename, deactivate and reactivate any organisation."},
	STSOrganisationList:           {"STS_ORGANISATION_LIST", ScopeSystem, "Organisations", "List organisations", "See the list of all organisations."},
	SystemDashboardDetail:         {"SYSTEM_DASHBOARD_DETAIL", ScopeSystem, "Dashboard", "View the system dashboard", "See the figures across all organisations."},
	TaskCreate:                    {"TASK_CREATE", ScopeSystem, "Maintenance", "Run tasks", "Run a maintenance task, such as checking revocations."},
	TrustAnchorCreate:             {"TRUST_ANCHOR_CREATE", ScopeOrganisation, "Trust anchors and entities", "Create trust anchors", "Create a trust anchor (deprecated)."},
	TrustAnchorDelete:             {"TRUST_ANCHOR_DELETE", ScopeOrganisation, "Trust anchors and entities", "Delete trust anchors", "Delete a trust anchor (deprecated)."},
	TrustAnchorDetail:             {"TRUST_ANCHOR_DETAIL", ScopeOrganisation, "Trust anchors and entities", "View trust anchors", "Open one trust anchor (deprecated)."},
	TrustAnchorList:               {"TRUST_ANCHOR_LIST", ScopeOrganisation, "Trust anchors and entities", "List trust anchors", "See the list of trust anchors (deprecated)."},
	TrustCollectionCreate:         {"TRUST_COLLECTION_CREATE", ScopeOrganisation, "Trust collections", "Create trust collections", "Create a trust collection."},
	TrustCollectionEdit:           {"TRUST_COLLECTION_EDIT", ScopeOrganisation, "Trust collections", "Edit trust collections", "Add trust lists to a trust collection and take them out."},
	TrustCollectionDelete:         {"TRUST_COLLECTION_DELETE", ScopeOrganisation, "Trust collections", "Delete trust collections", "Delete a trust collection."},
	TrustCollectionDetail:         {"TRUST_COLLECTION_DETAIL", ScopeOrganisation, "Trust collections", "View trust collections", "Open one trust collection and its trust lists."},
	TrustCollectionList:           {"TRUST_COLLECTION_LIST", ScopeOrganisation, "Trust collections", "List trust collections", "See the list of trust collections."},
	TrustEntityActivate:           {"TRUST_ENTITY_ACTIVATE", ScopeOrganisation, "Trust anchors and entities", "Activate trust entities", "Activate a trust entity (deprecated)."},
	TrustEntityCreate:             {"TRUST_ENTITY_CREATE", ScopeOrganisation, "Trust anchors and entities", "Create trust entities", "Register a trust entity (deprecated)."},
	TrustEntityDetail:             {"TRUST_ENTITY_DETAIL", ScopeOrganisation, "Trust anchors and entities", "View trust entities", "Open the trust entity of a DID or identifier (deprecated)."},
	TrustEntityEdit:               {"TRUST_ENTITY_EDIT", ScopeOrganisation, "Trust anchors and entities", "Edit trust entities", "Change a trust entity (deprecated)."},
	TrustEntityList:               {"TRUST_ENTITY_LIST", ScopeOrganisation, "Trust anchors and entities", "List trust entities", "See the list of trust entities (deprecated)."},
	TrustEntityRemove:             {"TRUST_ENTITY_REMOVE", ScopeOrganisation, "Trust anchors and entities", "Remove trust entities", "Remove a trust entity (deprecated)."},
	TrustEntityWithdraw:           {"TRUST_ENTITY_WITHDRAW", ScopeOrganisation, "Trust anchors and entities", "Withdraw trust entities", "Withdraw a trust entity (deprecated)."},
	TrustListPublicationCreate:    {"TRUST_LIST_PUBLICATION_CREATE", ScopeOrganisation, "Trust lists", "Create trust lists", "Publish a trust list."},
	TrustListPublicationList:      {"TRUST_LIST_PUBLICATION_LIST", ScopeOrganisation, "Trust lists", "List trust lists", "See the trust lists that are published."},
	TrustListPublicationDetail:    {"TRUST_LIST_PUBLICATION_DETAIL", ScopeOrganisation, "Trust lists", "View trust lists", "Open one published trust list."},
	TrustListPublicationDelete:    {"TRUST_LIST_PUBLICATION_DELETE", ScopeOrganisation, "Trust lists", "Delete trust lists", "Withdraw a published trust list."},
	TrustEntryPublicationCreate:   {"TRUST_ENTRY_PUBLICATION_CREATE", ScopeOrganisation, "Trust lists", "Create trust list entries", "Add an entry to a published trust list."},
	TrustEntryPublicationDetail:   {"TRUST_ENTRY_PUBLICATION_DETAIL", ScopeOrganisation, "Trust lists", "View trust list entries", "See the entries of a published trust list."},
	TrustEntryPublicationEdit:     {"TRUST_ENTRY_PUBLICATION_EDIT", ScopeOrganisation, "Trust lists", "Edit trust list entries", "Change an entry of a published trust list."},
	TrustEntryPublicationDelete:   {"TRUST_ENTRY_PUBLICATION_DELETE", ScopeOrganisation, "Trust lists", "Delete trust list entries", "Remove an entry from a published trust list."},
	HolderWalletUnitRegister:      {"HOLDER_WALLET_UNIT_REGISTER", ScopeOrganisation, "Holder wallet", "Register own wallet", "As a holder, register the wallet with a wallet provider."},
	HolderWalletUnitDetail:        {"HOLDER_WALLET_UNIT_DETAIL", ScopeOrganisation, "Holder wallet", "View own wallet", "Open the registration of the own wallet."},
	HolderWalletUnitEdit:          {"HOLDER_WALLET_UNIT_EDIT", ScopeOrganisation, "Holder wallet", "Edit own wallet", "Change the settings of the own wallet."},
	WalletUnitDetail:              {"WALLET_UNIT_DETAIL", ScopeOrganisation, "Wallet units", "View wallet units", "Open one wallet unit."},
	WalletUnitList:                {"WALLET_UNIT_LIST", ScopeOrganisation, "Wallet units", "List wallet units", "See the list of wallet units."},
	WalletUnitRevoke:              {"WALLET_UNIT_REVOKE", ScopeOrganisation, "Wallet units", "Revoke wallet units", "Revoke a wallet unit."},
	WalletUnitDelete:              {"WALLET_UNIT_DELETE", ScopeOrganisation, "Wallet units", "Delete wallet units", "Delete a wallet unit."},
	VerifierInstanceRegister:      {"VERIFIER_INSTANCE_REGISTER", ScopeOrganisation, "Verifier instances", "Register verifier instances", "Register a verifier instance with a verifier provider."},
	VerifierInstanceDetail:        {"VERIFIER_INSTANCE_DETAIL", ScopeOrganisation, "Verifier instances", "View verifier instances", "See the trust collections of a verifier instance."},
	VerifierInstanceEdit:          {"VERIFIER_INSTANCE_EDIT", ScopeOrganisation, "Verifier instances", "Edit verifier instances", "Change a verifier instance."},
	X509CertificateCreate:         {"X509_CERTIFICATE_CREATE", ScopeOrganisation, "Certificates", "Create X.509 certificates", "Request an X.509 certificate."},
	X509CertificateRevoke:         {"X509_CERTIFICATE_REVOKE", ScopeOrganisation, "Certificates", "Revoke X.509 certificates", "Revoke an X.509 certificate that was signed here."},
	X509CertificateSign:           {"X509_CERTIFICATE_SIGN", ScopeOrganisation, "Certificates", "Sign X.509 certificates", "Sign an X.509 certificate with a key of the organisation."},
	STSRoleCreate:                 {"STS_ROLE_CREATE", ScopeSystem, "Roles", "Create roles", "Create a role."},
	STSRoleList:                   {"STS_ROLE_LIST", ScopeSystem, "Roles", "List roles", "See the list of roles."},
	STSRoleDetail:                 {"STS_ROLE_DETAIL", ScopeSystem, "Roles", "View roles", "Open one role and its permissions."},
	STSRoleEdit:                   {"STS_ROLE_EDIT", ScopeSystem, "Roles", "Edit roles", "Change the name and the permissions of a role."},
	STSRoleDelete:                 {"STS_ROLE_DELETE", ScopeSystem, "Roles", "Delete roles", "Delete a role that is mapped nowhere."},
	STSIAMRoleCreate:              {"STS_IAM_ROLE_CREATE", ScopeSystem, "Access control", "Create IAM roles", "Map an IAM role to roles."},
	STSIAMRoleList:                {"STS_IAM_ROLE_LIST", ScopeSystem, "Access control", "List IAM roles", "See which IAM roles are mapped."},
	STSIAMRoleDetail:              {"STS_IAM_ROLE_DETAIL", ScopeSystem, "Access control", "View IAM roles", "Open one IAM role and its mappings."},
	STSIAMRoleEdit:                {"STS_IAM_ROLE_EDIT", ScopeSystem, "Access control", "Edit IAM roles", "Change the mappings of an IAM role."},
	STSIAMRoleDelete:              {"STS_IAM_ROLE_DELETE", ScopeSystem, "Access control", "Delete IAM roles", "Delete an IAM role with its mappings."},
	STSAccessExplain:              {"STS_ACCESS_EXPLAIN", ScopeSystem, "Access control", "Explain access", "See why somebody has access or does not, and what a change would do. Shows people, roles and organisations by name."},
	STSSessionList:                {"STS_SESSION_LIST", ScopeSystem, "Sessions", "List sessions", "See who is signed in."},
	STSSessionRevoke:              {"STS_SESSION_REVOKE", ScopeSystem, "Sessions", "End sessions", "End the sessions of others."},
	STSKeyList:                    {"STS_KEY_LIST", ScopeSystem, "Signing keys", "List signing keys", "See the keys that sign app tokens, and which services know them."},
	STSKeyRotate:                  {"STS_KEY_ROTATE", ScopeSystem, "Signing keys", "Rotate signing keys", "Let the next key sign, or cut a key off at once."},
}
