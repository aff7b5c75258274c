// Package scim is the edge by which an identity provider provisions people and groups: SCIM 2.0 (RFC 7643, RFC 7644) at /scim/v2.
//
//	handler.go    who may, the routes, the answers and the errors
//	query.go      what of a list, and which attributes
//	filter.go     the filter language; compile.go what of it becomes a query
//	schema.go     the attributes that are kept, and how values are read
//	user.go, group.go    people and groups, to and from internal/directory
//	patch.go      changes of a part
//	discovery.go  what a client can find out: ServiceProviderConfig, ResourceTypes, Schemas
//
// What flows through it is data about people, never a right: who may do what is up to the groups in their token, and to the
// mappings. The one who calls is not somebody but the identity provider, by a token of 32 characters at least in the
// Authorization header (RFC 6750); there is no Basic, and no session counts. Without a token configured there is no edge.
//
// Bounds: 1 MiB of body, 200 results a page, 1000 operations of a PATCH, 100,000 members of a group, filters of 4 KiB and 50
// comparisons over columns that have an index or are cheap; another one is refused with invalidFilter instead of being slow.
//
// What it refuses to do: it keeps no password and no attribute that nobody here needs (phone numbers, addresses, photos and
// whatever else the schema for people has are taken and left out), nests no groups, and has no Bulk, no sorting and no /Me.
package scim
