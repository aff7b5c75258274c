// Package core is the embedded Core: it accepts app tokens by the rules of the external one, serves the part of its
// API that Portico itself needs, and is to grow into issuing and verifying credentials.
//
// It trusts nobody in its own process. Its validator shares no code with the STS that mints the tokens: it plays the
// external Core, so that a token which it accepts is one that Core accepts.
//
//	/api/organisation/v1[/{id}]  GET POST PATCH     organisation.go  STS_ORGANISATION_*, no organisation compared
//	/api/history/v1[/{id}]       GET POST           history.go       HISTORY_*, SYSTEM_HISTORY_*
//	/api/cache/v1                DELETE             cache.go         CACHE_DELETE
//	/api/config/v1               GET                server.go        any valid token
//	/api/build-info/v1           GET                server.go        any valid token
//	/health                      GET                server.go        nobody asked
//	every other route of Core's                     routes.go        404 that says so; under /api only once the caller
//	                                                                 is authenticated and authorised as in Core
//
// A request passes: request id, headers, panic guard, authentication (anything under /api), path guard, route,
// permission, handler.
//
//	auth.go        modes, the bearer header, who is calling
//	token.go       the checks of an STS token, in Core's order
//	parse.go       the token's bytes, strictly
//	jwks.go        the key set: fetched before listening, refreshed behind a request
//	authorise.go   any-of permissions
//
// It refuses: a token that fails any check (401, empty body, reason in the log only), a caller without the permission or
// of another organisation (403, empty body), an ambiguous path, an unknown parameter or field (400). It fetches nothing
// but its key set, follows no redirect, and never asks for keys because of a token it does not know.
//
// Where it is stricter than Core: the permission is checked before path, query and body are read; a repeated member of a
// token or of the key set, the header parameter crit and an empty sub are refused; a failed refresh of the keys pauses
// before the next one; names are not blank and hold no control characters; history metadata is an object.
//
// Where it is narrower: there are no identifiers yet, so a walletProviderIssuer is never found; the history filters by
// credential, proof, schema and identifier find the entries about that entity, not those around it.
package core
