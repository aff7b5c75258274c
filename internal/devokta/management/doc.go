// Package management is the development Okta's Management API, /api/v1 (and the one address of it below /oauth2/v1).
//
//	handler.go     one request: caller, rights, body, the operation under the lock, the durable save, the answer
//	caller.go      SSWS and OAuth, scopes and administrator roles, the rate limit's headers
//	collection.go  the one way to serve a resource: list, read, create, replace, delete, life cycle
//	page.go search.go     lists in pages; q, filter and search
//	routes.go      which collections there are
//	apps.go assignments.go clients.go (secrets, scopes and roles of service applications) servers.go policies.go groups.go
//	users.go logs.go     what is particular about each
//	answer.go      objects with their _links
//
// A request that changes something is answered only after the change is on the disk. One that is refused has changed
// nothing. Everything happens under the world's lock, one request after the other, as seen from outside.
//
// What is allowed and what an object must be like is in package world; here is only HTTP.
package management
