// Package app wires the configuration into a running Portico. It is the only place that knows every part.
//
//	New    opens the store, loads keys and policy, builds services and edges, prepares the embedded Core
//	Run    serves until its context ends, then lets requests finish and stops
//	Close  stops what New began, when Run was never called
//
// How a request flows: server.go (middleware, routes) -> login, bff or desk -> authn -> policy -> sts -> corecall -> Core.
package app
