// Package devokta is the development Okta: one org with one custom authorization server, answering over
// HTTP in Okta's shapes so that everything built on it also meets the real one.
//
// # Routes
//
// Under {PublicURL}/oauth2/default (the literal "default" or the server's aus… id):
//
//	GET  /.well-known/openid-configuration          discovery, OIDC         discovery.go
//	GET  /.well-known/oauth-authorization-server    discovery, RFC 8414     discovery.go
//	GET  /v1/keys                                   ACTIVE, NEXT, EXPIRED   keys.go
//	GET  /v1/authorize  (or POST)                   code + PKCE S256        authorize.go, authorize_params.go
//	POST /v1/token                                  one file per grant      token.go, grant_*.go
//	GET  /v1/userinfo   (or POST)                                           userinfo.go
//	POST /v1/introspect                                                     introspect.go
//	POST /v1/revoke                                                         revoke.go
//	GET  /v1/logout     (or POST)                   id_token_hint           logout.go
//
// At the root: /.well-known/okta-organization, the RFC 8414 path form of the metadata, /signin and /assets/.
//
// # The flow
//
//	authorize ── parameters checked ── live session? ──yes──┐
//	    │ no                                                ▼
//	    └─▶ pending request + browser cookie        assignment, policy ──▶ code (60 s, once)
//	              │                                         ▲                  │
//	        /signin?tx=… (username, password) ── session ───┘                  ▼
//	                                                        token: client, code, verifier ──▶ tokens
//
// A pending request is a server-side record. Its id alone is worth nothing: it answers only to the browser
// whose cookie it was created for, only for a few minutes, and only once (NT52).
//
// # The world is data
//
// Users, groups, applications, assignments, policies, rules, claims and scopes are plain values (model.go)
// filled by seed.go. Two engines read them: policy.go decides in Okta's order whether a client may have a
// grant, claims.go fills tokens. errors.go is the one table of refusals; render.go puts a refusal into one
// of Okta's three shapes (OAuth JSON, redirect, management JSON) or the HTML page for untrusted clients.
//
// # What it refuses to do
//
//   - to be reached from elsewhere: a PublicURL, a Host header or a local address off loopback is refused
//   - implicit, hybrid and password grants, PKCE "plain", request objects, DPoP, PAR, dynamic registration,
//     token exchange: discovery names their endpoints as Okta's does, they answer as if not enabled
//   - to tell a wrong password from an unknown login
//
// # Where it differs from Okta on purpose
//
//   - Claims of type STATIC (model.go) give the two service applications their roles. Okta has no such type;
//     there, an EXPRESSION on app.clientId does it.
//   - Service and native applications have readable client ids ("acme-batch"), which Okta permits at creation.
//   - A native application's loopback redirect URI matches on any port (RFC 8252, section 7.3).
//   - Keys rotate only on demand (rotationMode MANUAL).
//   - Users, groups and assignments changed through control.go live until the process ends; keys, secrets,
//     refresh tokens, access-token records and browser sessions are kept in the state file.
package devokta
