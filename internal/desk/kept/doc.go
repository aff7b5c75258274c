// Package kept keeps a form that was sent after its sender's session had ended, until they have signed in again. Nothing is
// stored by us: the form, sealed, waits in the browser that sent it.
//
//	page with a form ── Mark: whose form this is, sealed, in a hidden field
//	POST without a session ── Keep: sealed form in a cookie for that one path; too large for one: in the answer's own page
//	sign-in, back to the page ── Take: the form is shown as it was filled in, and waits to be sent by its sender
//
// Why this is safe:
//
//   - A form is only ever shown again. The Desk takes it on a GET, and no GET changes anything, so whoever plants one gains
//     nothing by it.
//   - Only what one of our own pages sent is kept (httpx.FromOrigin), and only under a mark that we made for that person
//     and that path: another site has neither, and what somebody else was given to fill in opens for them alone.
//   - A box opens for the same person (issuer and subject) at the same path for half an hour, and for nobody else: who signs
//     in as another person in that browser sees an empty form, and is not told whose was kept.
//   - It is dropped when the form is sent. Before that it may be shown more than once, in that browser: a page that is
//     reloaded must not lose it.
//   - What must never be stored is not kept (never).
//
// It refuses: forms above 1 MiB, and more than one cookie's worth in all, so that no header grows beyond what proxies take.
package kept
