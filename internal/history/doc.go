// Package history is the append-only record: who signed in, who was refused and why, who changed what.
//
// The entries have the shape of Core's history (spec: Core v1.74.2, history model), so that they can be read through
// Core's contract and posted to an external Core. A change and its entry are stored in one transaction, by whoever
// stores the change; everything else goes through Recorder.Record.
//
//	history.go     entries, and Recorder
//	chain.go       the hash of an entry, and of all before it
//	gather.go      Gatherer: one entry of what happens over and over
//	sealer.go      Sealer: gives entries their places afterwards, and signs checkpoints now and then
//	checkpoint.go  what is signed, and how it stands in the log
//	key.go         what signs, sealed in the store by the key-encryption key
//	verify.go      Verify: names the first record that is not as it was sealed
//	export.go      Export: CSV and JSON Lines
//
// It never changes or removes an entry, and mends no chain. What an attacker can do all the same: docs/history.md.
package history
