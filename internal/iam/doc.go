// Package iam turns a token of the identity provider into a Principal, or refuses it.
//
//	Provider   one authorization server: its metadata (OpenID Connect Discovery), cached, last good kept
//	KeySet     its keys (RFC 7517), refreshed in the background, refetched at most once per interval for an unknown kid
//	Issuer     what a token of that server must satisfy, and where its roles are
//	Issuer.State  what an issuer tells that is no token: a logout token, a security event
//	Verifier   all issuers; Verify validates an access token, VerifyIDToken the ID token of our own sign-in
//	Client     us as a client: the code flow, refresh, userinfo, sign-out; idtoken.go where roles come from the ID token
//
// Verify reads top to bottom like RFC 7519 section 7.2 and RFC 8725: size, form, header, issuer, audience, times, and
// only then the key and the signature. There is one reason for each refusal, and no reason quotes the token.
//
// Where roles come from the ID token, nothing of that issuer is an access token, and the access token that comes with a
// sign-in is not looked into. Roles that can't be had are an error, never a person without roles.
//
// What it refuses: unsigned and symmetric tokens, encrypted ones, keys that come with the token, an algorithm that is
// not of the key's own type, issuers that are not configured, ID tokens where access tokens are due and the other way
// round. Okta sends no typ in access tokens of custom authorization servers, so typ may be absent (docs/divergences.md).
package iam
