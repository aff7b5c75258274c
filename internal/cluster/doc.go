// Package cluster tells this replica what the others have changed, and for how long it may believe what it remembers.
//
// Whoever changes something that others keep in memory announces it with the change, in one transaction: the topic's number
// goes up by one, and on PostgreSQL a NOTIFY says which and what. So announcements come in the order of the commits, and a
// number that is left out is one that was missed.
//
//	Feed  hears the announcements, and has whom they concern (On) look again
//
// What makes it certain is not the messages but the numbers: they are read once a second, and where one is another than was
// heard, the topic is looked at anew. A message, a connection or a whole listener that is lost costs that second. Once a minute
// everything is looked at, whatever the numbers say.
//
// A replica that can't read the numbers does not hear of revocations. For Config.MaxStaleness it goes on with what it
// remembers, so that a short outage is none; then it lets nobody in by memory any more (Current), and says so at
// /health/ready. SQLite has no others than this process and commands; the rule is the same.
//
// The package decides nothing about access and knows no SQL; internal/store announces.
package cluster
