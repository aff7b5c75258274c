// Package login is the built-in gateway's edge: signing in and out at the identity provider.
//
//	GET  /login?return=/path     begin a sign-in (authorization code flow, PKCE S256, state, nonce);
//	                             &as=somebody-else has the identity provider ask again
//	GET  gateway.callbackPath    complete it, begin the session, go to the page that was asked for
//	GET, POST /logout            end our session, then the identity provider's, and come back
//	/break-glass                 a code in place of a sign-in, and /break-glass/use for the command that gets one:
//	                             see package breakglass
//
// Nothing is stored for a sign-in that is under way, so nobody can fill a table by asking for pages. The state is a
// sealed box that holds the flow's random id, its age and the page; the PKCE verifier and the nonce are derived from
// that id and from a secret cookie, which binds every flow to the browser that began it. Any number of tabs may sign in at
// once with that one cookie. A state is used once: the callback marks it, and a second use elsewhere ends the session
// that the first began.
//
// Somebody who is signed in, and whose sign-in is not what a role requires, goes the same way once more (StepUp, RFC 9470): the state
// holds who they are and what is required, and both are checked of what comes back before it becomes their session. If it is not
// met, a page says what was asked and what came, and the session goes on as it was.
//
// Only a navigation of the top-level page begins a sign-in; anything else is answered 401. A browser that comes back
// again and again without the session it was just given is shown why, instead of being sent round.
//
// Behind another gateway only /logout is left (Elsewhere): it leads to where that gateway signs out.
//
// It refuses: return addresses that are not plain paths of our own, answers that name another issuer, repeated
// parameters. Pages are rendered by whoever is its httpx.MessageRenderer.
package login
