// Package sts is the security token service: it mints the short-lived tokens that Core accepts.
//
//	Ring      the signing keys: next, active, retired; encrypted at rest; published as a JWK set (ring.go). It turns by
//	          plan (turn.go) or by hand (rotate.go), knows how long each key was published (alive.go), remembers who fetched
//	          the keys (verifiers.go, report.go), and has its key-encryption key replaced (kek.go)
//	Issue     the only way to a token: what may this principal do there? signed, and kept while it is fresh
//	Exchange  POST /api/sts/token/v1: an IAM token, or an app token, for an app token (RFC 8693). delegate.go says which
//	          two tokens belong together when a service acts for a user, apptoken.go reads tokens of ours
//	Introspect, Revoke  what a token of ours is worth (RFC 7662), and its end (RFC 7009)
//	Metadata  /.well-known/oauth-authorization-server (RFC 8414) and /.well-known/jwks.json
//
// An app token (RFC 9068) carries one organisation or none, the permissions there and nothing else of the person; it
// lives minutes and never longer than the IAM token behind it. Every key is Ed25519: Core fails on a set with any other.
//
// A delegated token has the user as sub and the service as act.sub, and what the service's delegated roles give it for that
// user. Exchanges of app tokens only ever shrink: permissions, audiences, organisation, time.
//
// It decides nothing: policy does. It never sees a password, a cookie or a session.
package sts
