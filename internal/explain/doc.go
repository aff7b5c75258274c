// Package explain answers the question that is asked most: why may somebody do this, or why not?
//
//	Service   takes a Question: who (a person seen before, a token, a set of IAM roles, or a refusal's reference), what (a
//	          permission, a route, or everything) and where; and gives an Answer, from which the Desk, the API and the
//	          command line all show the same
//
// It decides nothing: access.Snapshot.Explain does. A token is verified as everywhere, and kept nowhere.
package explain
