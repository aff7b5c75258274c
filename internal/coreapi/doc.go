// Package coreapi is Core's HTTP contract, shared by the embedded Core (which serves it), the BFF (which proxies it)
// and the Desk (which calls it).
//
//	routes.txt, routes.go   every route under /api, /ssi and /.well-known, and what it asks of a token
//	organisation.go         the organisation resource on the wire
//	history.go              the history resource on the wire
//	client.go, …            typed calls; every error is a *fault.Fault
//
// It decides nothing: whether a caller holds a permission is access's business, whether a token is genuine is Core's.
// The client follows no redirect, reads no unbounded answer and never puts a token into an error.
package coreapi
