// Package store keeps everything that outlives the process, in SQLite or in PostgreSQL.
//
// One type, DB, satisfies the small interfaces that the services declare (policy.Store, session.Store, sts.KeyStore, sts.RevokedStore,
// cluster.Source, history.Store, history.SealStore, history.ChainStore, history.ExportStore, core.OrganisationStore, directory.Store). The SQL is written by
// hand and the same for both engines; what differs is in sqlite.go and postgres.go. One test suite runs on both.
//
//	model              one row: the version of the model, counted up by every change
//	organisation       mirror of Core's organisations, in Core's order
//	role               permissions and delegation as JSON lists of names
//	role_requirement   what a role requires of the sign-in of whoever uses it
//	iam_role, mapping  a mapping is one row: IAM role, organisation ('' for the system), role
//	session            by hash of the cookie, and by the previous hash for a moment; principal as JSON, tokens sealed
//	flow               sign-ins that were used, until they would have expired anyway
//	directory_user     people as provisioned; the keys are names without case
//	directory_group    groups as provisioned, with how many members
//	directory_member   who is in which
//	mapping_group      the provisioned group that a mapping was made for, and how it is called now
//	person             what the latest token said of everybody who was seen
//	key_ring           one row: the revision of the signing keys
//	signing_key        the keys, private halves sealed; when each signed last
//	verifier           who fetched the published keys last, and which those were
//	revision           how often each topic was changed that replicas keep in memory
//	schema_since       one row: the oldest Portico that may run on these tables
//	revoked_token      ids of app tokens that count no more, until they would have expired anyway
//	signal_seen        what other parties told and was acted upon, until it could not be sent again anyway
//	history            append-only; place orders the entries of one millisecond
//	history_change     which entries tell of a change of roles and IAM roles, and of which version of the model
//	history_chain      the place of each sealed entry, with its hash
//	history_head       one row: the chain's end; who seals holds it
//	history_checkpoint signed
//	history_key        what signs those, the private half sealed
//	core_organisation  the embedded Core's own table
//	schema_version     which migrations were applied
//
// Times are milliseconds since 1970 in UTC, and 0 is the zero time: whoever wants back what was stored truncates to
// milliseconds. Absent text is empty. Names are compared byte for byte and sorted by bytes, whatever the locale of the
// PostgreSQL server.
//
// A change and its history entries are one transaction. A method that returned nil has lasted: through a kill of the
// process, and on SQLite through a loss of power (on PostgreSQL that is up to its synchronous_commit). Optimistic
// writers, CommitChange and SaveKeys, get the error of the interface when somebody was faster.
//
// A database that can't do its work at the moment (stopped, cut off, locked, full, read-only, or silent for ten seconds)
// is a fault.Unavailable, which callers pass on as it is; it heals by itself, since every call may connect anew. When the
// answer to a COMMIT is lost, the fault says that nobody knows. Any other error is a mistake in the code or in the data.
//
// Permissions in role that this version does not know were written by a newer one. They stay there, count for nothing,
// and are logged; a role that is saved again holds exactly what its editor saw, so they go from that role.
//
// What the package refuses: text with NUL or invalid UTF-8, which only SQLite could store; databases of a newer version,
// of another program, of another encoding than UTF-8, and standbys. It makes files for their owner only. It decides
// nothing about access, encrypts nothing, and knows nothing of HTTP.
package store
