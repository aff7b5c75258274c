// Package chaos runs three replicas, PostgreSQL and the development Okta under load, and breaks what can break: make chaos.
//
//	cluster   the processes, the wires between them, and a balancer that sends requests to replicas that are ready
//	actors    the load: each knows what must be true of what it did, and looks
//	ledger    what was answered, and what must never be
//	soak      half an hour of nothing but load: make soak
//	faults    what is broken, one after the other, and mended
//
// Wrong is an access that should not be, and a change that was answered and is lost; there must be none, whatever breaks. What is
// refused or fails while something is broken is counted, with how long that lasted.
//
// make chaos takes 20 minutes. As part of make test it runs for some seconds; CHAOS_FOR=20m and CHAOS_SEED
// say otherwise, and CHAOS_ONLY=hangs picks the faults whose names have that.
package chaos
