// Package history is the append-only record: who signed in, who was refused and why, who changed what.
//
// The entries have the shape of Core's history (spec: Core v1.74.2, history model), so that they can be read through
// Core's contract and posted to an external Core. A change and its entry are stored in one transaction, by whoever
// stores the change; everything else goes through Recorder.Record.
package history
