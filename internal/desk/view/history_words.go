package view

import (
	"context"
	"strings"
)

// entityWords are the kinds of things that Core's history knows, in words.
var entityWords = map[string]string{
	"KEY":                     key("Key"),
	"DID":                     key("DID"),
	"IDENTIFIER":              key("Identifier"),
	"CERTIFICATE":             key("Certificate"),
	"CREDENTIAL":              key("Credential"),
	"CREDENTIAL_SCHEMA":       key("Credential schema"),
	"PROOF":                   key("Proof"),
	"PROOF_SCHEMA":            key("Proof schema"),
	"ORGANISATION":            key("Organisation"),
	"BACKUP":                  key("Backup"),
	"TRUST_ANCHOR":            key("Trust anchor"),
	"TRUST_ENTITY":            key("Trust entity"),
	"WALLET_UNIT":             key("Wallet unit"),
	"USER":                    key("User"),
	"PROVIDER":                key("Provider"),
	"WALLET_RELYING_PARTY":    key("Wallet relying party"),
	"STS_ROLE":                key("Role"),
	"STS_ORGANISATION":        key("Organisation"),
	"STS_IAM_ROLE":            key("Access"),
	"STS_SESSION":             key("Session"),
	"STS_TOKEN":               key("Token"),
	"SIGNATURE":               key("Signature"),
	"NOTIFICATION":            key("Notification"),
	"SUPERVISORY_AUTHORITY":   key("Supervisory authority"),
	"TRUST_LIST_PUBLICATION":  key("Trust list publication"),
	"TRUST_COLLECTION":        key("Trust collection"),
	"TRUST_LIST_SUBSCRIPTION": key("Trust list subscription"),
	"VERIFIER_INSTANCE":       key("Verifier instance"),
}

// actionWords are what is done to them.
var actionWords = map[string]string{
	"ACCEPTED":            key("accepted"),
	"CREATED":             key("created"),
	"CSR_GENERATED":       key("CSR generated"),
	"DEACTIVATED":         key("deactivated"),
	"DELETED":             key("deleted"),
	"ERRORED":             key("errored"),
	"ISSUED":              key("issued"),
	"OFFERED":             key("offered"),
	"REJECTED":            key("rejected"),
	"REQUESTED":           key("requested"),
	"REVOKED":             key("revoked"),
	"PENDING":             key("pending"),
	"SUSPENDED":           key("suspended"),
	"RESTORED":            key("restored"),
	"SHARED":              key("shared"),
	"IMPORTED":            key("imported"),
	"CLAIMS_REMOVED":      key("claims removed"),
	"ACTIVATED":           key("activated"),
	"WITHDRAWN":           key("withdrawn"),
	"REMOVED":             key("removed"),
	"RETRACTED":           key("retracted"),
	"UPDATED":             key("updated"),
	"REACTIVATED":         key("reactivated"),
	"EXPIRED":             key("expired"),
	"INTERACTION_CREATED": key("interaction created"),
	"INTERACTION_ERRORED": key("interaction errored"),
	"INTERACTION_EXPIRED": key("interaction expired"),
	"DELIVERED":           key("delivered"),
}

// actionTitles are the same where they stand alone.
var actionTitles = map[string]string{
	"ACCEPTED":            key("Accepted"),
	"CREATED":             key("Created"),
	"CSR_GENERATED":       key("CSR generated"),
	"DEACTIVATED":         key("Deactivated"),
	"DELETED":             key("Deleted"),
	"ERRORED":             key("Errored"),
	"ISSUED":              key("Issued"),
	"OFFERED":             key("Offered"),
	"REJECTED":            key("Rejected"),
	"REQUESTED":           key("Requested"),
	"REVOKED":             key("Revoked"),
	"PENDING":             key("Pending"),
	"SUSPENDED":           key("Suspended"),
	"RESTORED":            key("Restored"),
	"SHARED":              key("Shared"),
	"IMPORTED":            key("Imported"),
	"CLAIMS_REMOVED":      key("Claims removed"),
	"ACTIVATED":           key("Activated"),
	"WITHDRAWN":           key("Withdrawn"),
	"REMOVED":             key("Removed"),
	"RETRACTED":           key("Retracted"),
	"UPDATED":             key("Updated"),
	"REACTIVATED":         key("Reactivated"),
	"EXPIRED":             key("Expired"),
	"INTERACTION_CREATED": key("Interaction created"),
	"INTERACTION_ERRORED": key("Interaction errored"),
	"INTERACTION_EXPIRED": key("Interaction expired"),
	"DELIVERED":           key("Delivered"),
}

// word finds a word. What Core may add one day is shown as it calls it, made readable.
func word(ctx context.Context, words map[string]string, value string) string {
	if w, ok := words[value]; ok {
		return sayKey(ctx, w)
	}
	return strings.ToLower(strings.ReplaceAll(value, "_", " "))
}
