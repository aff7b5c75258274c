// Package bff is the edge for /api: it finds out who calls, decides, mints and forwards.
//
//	/api/sts/token/v1            sts.Exchange, which needs no caller
//	/api/sts/token/v1/…          tokens.go        sts.Service: what a token is worth, and its end
//	/api/sts/role/v1 …           roles.go         policy.Service
//	/api/sts/iam-role/v1 …       iamroles.go      policy.Service
//	/api/sts/permission/v1       permissions.go   the catalogue
//	/api/user/v1 …               user.go          who am I, and where do I work
//	every route of Core's        forward.go       decided by coreapi's catalogue, then Core, with an app token
//	any other /api/…             forward.go       Core, with the caller's own app token: Core decides
//	/ssi/…, Core's /.well-known  forward.go       Core, without a token: wallets
//
// proxy.go is the one reverse proxy. What leaves for Core has the same path and query bytes that were decided upon, the
// minted token, and none of the headers by which somebody could claim to be somebody. Core's answers pass unchanged.
//
// It holds no rule about who may do what, and no state.
package bff
