// Package policy is the living side of access: it holds the current snapshot, enforces it, and changes it.
//
//	Snapshot   the current access.Snapshot, read without a lock
//	Enforce    decide; a refusal is recorded in the history and comes back as a fault that bears the record's id
//	Delegated  what a service may do for a user
//	Change     apply an access.Change: validated in memory, stored in one transaction with its history entries,
//	           compiled, and then everybody's
//
// Roles and IAM roles are written through the methods named after them; each enforces the permission that it needs, so
// that the JSON API and the Desk can't differ. Organisations belong to Core: policy keeps a mirror of them, which
// SyncOrganisations refreshes.
//
// It never mints tokens and knows no HTTP.
package policy
