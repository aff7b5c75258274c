// Package session is the life of a sign-in: begun once, found by its cookie, kept fresh, ended.
//
//	Begin            after a sign-in: a new id, the IAM's tokens sealed, the cookie set
//	Find             from a request's cookie: the session, its IAM token refreshed when that is due
//	SetOrganisation  work in another organisation, under a new id
//	End              delete first, then clear the cookie
//
// The cookie holds 256 random bits and nothing else; only their hash is stored. A session ends by idleness, at its
// absolute end, with the IAM's refusal to refresh it, or by End. Of several requests that find it due for a refresh one
// refreshes and the others wait; while the IAM is away the session works on until its last access token ends.
//
// What was found is kept in memory for a moment (Config.Recheck), so that a busy session costs no query per request.
package session
