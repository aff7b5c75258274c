// Package policyfile writes roles and mappings as a file that people read, review and keep under version control, and reads
// it back.
//
//	Write   the whole policy of a snapshot
//	Parse   strictly: an unknown key or a value of the wrong kind is an error with its line
//	Change  what makes a snapshot equal to the file: all of it, or nothing
//	Check   the file's expectations, against the snapshot that the change would make
//
// Organisations belong to Core: they are named, never written. Whoever applies a file does so through package policy, with
// its preview, its proof that somebody can still administer, and its history.
package policyfile
