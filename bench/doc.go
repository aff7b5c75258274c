// Command bench measures, in one run on one machine, what a request costs Portico beside a bare Go reverse proxy and beside
// the gateways that it stands in for: same upstream, same load, each proxy alone on the first core, everything else on the
// others. It ends with the targets, each met or missed. What is not installed is left out, and said.
//
// It starts everything itself, on loopback and on free ports, and leaves nothing behind, also on Ctrl-C.
//
//	main.go      the flags
//	measure.go   the run, from the upstream to the table
//	promises.go  the targets, and what is measured for them alone
//	process.go   a group of processes: started, stopped, its CPU time and memory
//	servers.go   the proxies: how each is started, and when it is ready
//	peers.go     nginx and Apache, from the files in peers/
//	roles.go     what the command itself plays: the upstream, the bare proxy
//	profile.go   a Portico that is profiled
//	portico.go   portico serve, and an Okta of its own in this process
//	signin.go    a browser that signs in; what that costs
//	load.go      wrk, or a loop in Go
//	table.go     the table
//
// CPU per request is the steadier figure, ratios of it are what to quote.
package main
