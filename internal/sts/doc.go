// Package sts is the security token service: it mints the short-lived tokens that Core accepts.
//
//	Ring      the signing keys: next, active, retired; encrypted at rest; published as a JWK set
//	Issue     the only way to a token: what may this principal do there? signed, and kept while it is fresh
//	Exchange  POST /api/sts/token/v1: an IAM token for an app token (RFC 8693)
//	Metadata  /.well-known/oauth-authorization-server (RFC 8414) and /.well-known/jwks.json
//
// An app token (RFC 9068) carries one organisation or none, the permissions there and nothing else of the person; it
// lives minutes and never longer than the IAM token behind it. Every key is Ed25519: Core fails on a set with any other.
//
// It decides nothing: policy does. It never sees a password, a cookie or a session.
package sts
