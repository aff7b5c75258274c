// Package doctor says what is wrong with a sign-in through Okta: the cause, how it was seen, and the setting that mends it.
//
//	gather ─▶ Evidence ─▶ checks ─▶ findings ─▶ ranked, consequences dropped ─▶ who can mend them ─▶ Report
//
// Evidence is gathered once, each source in a file of its own; a source that was not given is nil:
//
//	client.go        the client as our configuration, the gateway's or the setup file describes it
//	probe*.go        the issuer asked without credentials: discovery, keys, authorize, the token endpoint; the clock
//	token.go         a token, taken apart without trust, and what our own verifier says to it
//	text.go          an error that somebody saw: page, log line, address or words
//	gateway*.go      the file of APISIX, OAuth2-Proxy, Apache, Grafana or Argo CD
//	okta.Organisation   what the Management API tells, read only
//
// Checks are small functions over the evidence, a file for each topic (check_*.go); they ask nobody anything. catalogue.go
// holds the rows of the catalogue that docs/doctor.md explains: rank, console place, and what each is the cause of.
//
// remedy.go says of a finding that --fix mends it only where that was tried: a step of okta apply's plan, or a line of our
// configuration, set in a copy that is still taken. fix.go gathers both for one question.
//
// What it refuses to do: to show a secret or the signature of a token, to contact another host than the issuer's and the
// organisation's, to contact any when told to stay offline, to go on for more than twenty seconds, and to change anything
// that `portico okta apply` or our own configuration does not own.
package doctor
