// Package attack tries the weaknesses that have bitten gateways on one that runs, from outside, as somebody on the network could.
//
//	Run     the probes, one after the other, at a bounded pace
//	Probe   one class of weakness; its number is that of the negative tests
//	Report  what held and what did not, with the evidence and what to do
//
// A probe asks for a protected path in ways that must not let anybody in, or looks at what an answer gives away. It needs no
// account. With a token or a cookie that the gateway accepts (Target.Token, Target.Cookie) it tries forgeries of that too, which
// are far closer to being accepted.
//
// It changes nothing at the target: it sends no change that a right answer would carry out, no flood, and at most some hundred
// requests. It never follows a redirect, and prints no token. Whether one may try it on a target is the caller's to say
// (cmd/portico asks for consent off loopback). It imports nothing of the gateway: it knows what anybody knows.
package attack
