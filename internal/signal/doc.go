// Package signal hears what other parties tell about people, so that what those hold here ends: that they signed out elsewhere,
// left, were suspended, changed groups.
//
//	backchannel.go    OpenID Connect Back-Channel Logout 1.0: a logout token
//	frontchannel.go   OpenID Connect Front-Channel Logout 1.0: a frame in the browser
//	global.go         Global Token Revocation (draft-parecki-oauth-global-token-revocation), Okta's Universal Logout
//	set.go push.go poll.go   Shared Signals: security event tokens (RFC 8417), pushed (RFC 8935) or polled (RFC 8936)
//	hook.go           Okta's event hooks
//
// Each reads like its specification: verify, find out who is meant, act. What they share:
//
//	subject.go        who is meant (RFC 9493), among those whom the sign-in's own issuer named
//	act.go            ends it, by revocation; records what was done, or why not
//
// Nothing is believed of an issuer but what is configured, nobody is found but at the issuer of the sign-in, and an e-mail address is
// no identity: it stands for somebody only where the sign-ins of that issuer leave no doubt whom. Whatever is told twice does
// nothing twice. What it never does: let anybody in.
package signal
