// Package directory is what the identity provider provisions ahead of any sign-in: people, groups, and who is in which.
//
//	Service  changes them, each change with its entry in the history; ends what people hold who are deactivated or deleted
//	Barred   who is deactivated, in memory, asked with every session, token and sign-in
//
// A provisioned person is never an identity by themselves. They are the (issuer, subject) of the issuer that people sign in
// with, and of the one attribute that is configured (scim.subjectFrom), compared byte for byte; nothing else ties them
// together: no e-mail address, no case, no id. Who is not provisioned may sign in as ever: it is the mappings that give access.
//
// Groups give nobody anything. What somebody may do comes from the groups in their token; a provisioned group says that a name
// exists, under which id, and how many are in it. internal/policy ties mappings to it.
//
// Ids are made here. What a client calls somebody (externalId) is kept as it came, and never taken for an id.
//
// The package knows no SCIM, which is internal/scim's, and no SQL.
package directory
