// Package breakglass lets somebody administer without the identity provider, once.
//
//	create   a file and an unlock code, to be kept apart; the store keeps a hash of what the file seals
//	use      the file, unlocked, is spent for a ticket: a code of minutes to live
//	redeem   the ticket, typed into the page /break-glass, begins a session of an hour
//	revoke   a file that is not used yet counts no more
//
// Whoever comes in so has what the bootstrap role grants, and nothing inside an organisation. access.Decide knows them by
// an issuer of their own.
//
// A file is spent at its use, whatever becomes of the ticket. Every step, and every refusal, is recorded; a use is logged as an
// error and shown above every page of the Desk for a day. Secrets are compared as hashes, by the store: it never holds one.
// No secret stands in an address.
package breakglass
