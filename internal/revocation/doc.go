// Package revocation ends what people hold, before its time: a session, a person's, an organisation's, or everybody's.
//
//	Book     the cuts: what was issued or begun until a cut counts no more. Asked in memory by whoever lets somebody in:
//	         session, iam (with every token, also a remembered one), sts
//	Service  who is signed in, and the making of a cut, for those who may (STS_SESSION_LIST, STS_SESSION_REVOKE)
//	EndPerson, EndSessions   the same for what other parties tell (internal/signal), who have no permission to be checked
//
// A cut is stored together with the removal of the sessions that it ends, so that it outlasts the process; every replica
// learns of it within a second. Their refresh tokens are handed back to the identity provider (RFC 7009). What is already
// at Core, which asks nobody, lives on until it expires: minutes.
//
// A cut keeps nobody from signing in anew. That is for the identity provider to refuse, or for the mappings.
package revocation
