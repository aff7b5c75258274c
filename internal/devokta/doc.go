// Package devokta is the development Okta: an org that answers over HTTP in Okta's shapes, so that everything built on it
// also meets the real one. It has Okta's authorization servers, its Management API, its System Log, and its refusals.
//
// # Where things are
//
//	world/        the org as data: objects, life-cycle rules, the policy and claim engines, what a new org is made of
//	expression/   the Okta Expression Language, as far as claims use it
//	management/   the Management API: /api/v1
//	this package  everything that is OAuth: endpoints, sessions, keys, tokens; the state file; the control surface for tests
//
//	server.go config.go routes.go issuer.go    the Server; which authorization server a request is for, and its issuer
//	discovery.go keys.go keyring.go            metadata, key sets, rotation
//	authorize.go authorize_params.go signin.go session.go code.go pages.go logout.go    the browser's part
//	token.go grant.go grant_*.go jwt.go        one file per grant; claims into tokens
//	clientauth.go assertion.go dpop.go         who the client is: secret, key, proof
//	userinfo.go introspect.go revoke.go        what tokens are good for
//	admin.go                                   puts the Management API on the mux, and judges its OAuth tokens
//	errors.go render.go                        the table of refusals, and Okta's three shapes and one page for them
//	state.go bounded.go                        what is remembered, and for how long
//	provision.go                               pushes people and groups to a SCIM server, when a test says so
//	outbound.go                                what the org tells others, when a test asks: logout tokens, Universal Logout, events
//	control.go fault.go observe.go             for tests: never over HTTP
//
// # Routes
//
// Each authorization server has the same endpoints. A custom one has them below its issuer, {PublicURL}/oauth2/{id} ("default"
// is an alias); the org's own, whose issuer is {PublicURL}, has its metadata there and the rest below {PublicURL}/oauth2.
//
//	GET  /.well-known/openid-configuration, oauth-authorization-server      POST /v1/token
//	GET  /v1/keys       GET|POST /v1/authorize      GET|POST /v1/userinfo   POST /v1/introspect   POST /v1/revoke
//	GET|POST /v1/logout
//
// At the root: /api/v1, /oauth2/v1/clients/{id}/roles, /.well-known/okta-organization, the RFC 8414 path form of the metadata,
// /signin and /assets/.
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
// A pending request is a server-side record. Its id alone is worth nothing: it answers only to the browser whose cookie it was
// created for, only for a few minutes, and only once (NT52).
//
// # Profiles
//
// licensed is set up for Portico as the guide says. fresh-free is an org where nobody heard of Portico: no application, a
// default authorization server without a policy. unlicensed lacks API Access Management: every custom authorization server is
// 401 E0000015, the org's own works. custom-domain answers under a second name (127.0.0.1 beside localhost), and issuer modes
// decide which one is in iss.
//
// # State
//
// One file, replaced whole: the org, keys, sessions, refresh tokens, access-token records. A change by the Management API is on
// the disk before it is answered; what sign-ins change follows within half a second. Codes, sign-ins under way and the memory
// of used assertions and proofs end with the process.
//
// # What it refuses to do
//
//   - to be reached from elsewhere: a PublicURL, a Host header or a local address off loopback is refused
//   - implicit, hybrid and password grants, PKCE "plain", request objects, PAR, device flow, dynamic registration, token exchange,
//     CIBA: discovery names their endpoints as Okta's does, they answer as if not enabled
//   - to tell a wrong password from an unknown login
//   - to fetch anything: a jwks_uri is refused, keys are registered by value. A test alone has it push (Provisioner)
//   - to tell anybody off this machine of anything
//
// # Where it differs from Okta on purpose
//
//   - The roles of machine clients come from a token inline hook on their rule, whose service is one expression (world.Hook).
//   - Service and native applications have readable client ids ("acme-batch"), which Okta permits at creation.
//   - A native application's loopback redirect URI matches on any port (RFC 8252, section 7.3).
//   - Keys rotate only on demand, whatever rotationMode says. A kid that an application pins is shown but not used.
//   - REGEX filters are Go's: a look-around, which Java knows, is refused when the claim is saved.
//   - The Management API counts requests but refuses none, until a test sets a limit (SetRateLimit).
//   - The org authorization server's ID tokens are fat, or an org without API Access Management could never show a group.
//   - An API token does not expire by lying idle.
//   - Every ID token has a sid; Okta's do where front-channel logout is on. It tells of a sign-out by back-channel logout too (outbound.go).
//
// What okta.md marks as unverified is decided the strict way: "groups" is no name for an access token's claim, a hundred groups
// fail the claim, a name is used once among policies, rules, groups and claims. Switches turn some of it round.
package devokta
