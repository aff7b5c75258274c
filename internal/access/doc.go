// Package access is the model of who may do what, and the one function that decides it.
//
//	Principal  who is asking: issuer, subject, and the IAM roles found in their token
//	Snapshot   organisations, roles and IAM-role mappings, compiled and immutable
//	Decide     may this principal use one of these permissions, here? and why (not)?
//	Effective  everything the principal may do, here: what an app token will carry
//	Reachable  the same, were their sign-in what their roles require: for previews, enforces nothing
//	Delegated  everything a service may do for a user, here: what a delegated token will carry
//	Explain    the same answer with its whole path, for people
//
// Everything that enforces, mints, explains or previews calls these; nothing else decides.
// Decide, Effective and Delegated lock nothing and allocate nothing, and are pure but for the clock by which a live snapshot tells
// how old a sign-in is.
//
// The rules (docs/access.md has them with their reasons):
//   - The permissions in an organisation are the union, over the principal's IAM roles, of the roles mapped there.
//   - IAM roles are matched byte for byte. A near miss is pointed out by Explain, never matched.
//   - Permissions of organisation scope count only where they are mapped; permissions of system scope count only
//     through system roles. So nobody gains power over all organisations by a mapping in one.
//   - A role that is restricted to delegation counts in Delegated alone, and no other role does there.
//   - A role may require a certain sign-in (Requirement): what it gives counts only for a principal whose sign-in meets that. What
//     the token does not tell of the sign-in is not met.
//   - A deactivated or unknown organisation grants nothing.
//   - A mapping that was made for a provisioned group counts as long as the group of that id has the mapping's name.
//   - The bootstrap role counts only from the configured issuer, only for administration, and never in an organisation.
//
// The package imports the standard library only and knows no token, no database and no HTTP.
package access
