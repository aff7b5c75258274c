// Package world is the development Okta's org as data: Okta's objects, their life-cycle rules, and the two engines
// that read them. It knows nothing of HTTP, sessions or keys.
//
//	world.go       the org: collections, look-ups, bounds; one value, guarded by its owner's lock
//	profile.go     what kind of org: licensed, fresh-free, unlicensed, custom-domain
//	seed.go        who and what is there when an org starts
//	user.go group.go app.go app_check.go secret.go assignment.go service.go token.go     objects
//	server.go scope.go claim.go policy.go rule.go                                        objects of an authorization server
//	access.go      the policy engine: policies, then rules, by priority; the first that fits governs
//	claims.go expression.go     what goes into a token; expressions are parsed by ../expression
//	log.go         the System Log
//	errors.go      the Management API's errors; refusal.go: the OAuth errors
//
// # Objects
//
// An XObject is what the API shows, field by field; X embeds it and adds what the API keeps in other places (secrets,
// members, rules). The state file is the X as JSON, an answer is the XObject as JSON: there is no third form.
//
// A create or a replace takes the object as the client sent it, keeps what only the server may set, checks it whole and
// stores it, or refuses with an *Error and changes nothing.
package world
