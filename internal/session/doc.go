// Package session is the life of a sign-in: begun once, found by its cookie, kept fresh, ended.
//
//	Begin            after a sign-in: a new id, the IAM's tokens sealed, the cookie set
//	Find             from a request's cookie: the session, its IAM token refreshed when that is due
//	SetOrganisation  work in another organisation, under a new id
//	End              delete first, then clear the cookie
//
// What a page asks for by itself (Passive) keeps no session alive.
//
// The cookie holds 256 random bits and nothing else; only their hash is stored. A session ends by idleness, at its
// absolute end, with the IAM's refusal to refresh it, or by End. Of several requests that find it due for a refresh, here
// or in other replicas, one refreshes; the others go on with the token that they have, or wait when it has ended. While
// the IAM is away the session works on until the token that its roles are from ends. A refresh that stopped half-way keeps
// its tokens, and is tried again with them.
//
// What was found is kept in memory for a moment (Config.Recheck, and Patience longer while the store does not answer), so that a
// busy session costs no query per request; what other replicas change or end of it is heard of (Changed). Beyond that a store
// that is away is fault.Unavailable, never a session. While it can
// be read but not written, sessions go on, but no refresh token is spent, and a session that can't be ended lives on until
// its owner tries again.
package session
