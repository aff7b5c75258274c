// Package testdb gives tests real databases: an SQLite file, and a PostgreSQL server of their own.
//
//	func TestMain(m *testing.M) { testdb.Main(m) }
//
//	func TestSomething(t *testing.T) {
//		testdb.Each(t, func(t *testing.T, db *store.DB) { … })
//	}
//
// The server is started by the first test of a binary that asks for PostgreSQL, in a temporary folder, and every test
// gets a database in it that is as good as fresh. It sorts text by a language (ICU, en-US) where it can, so that a query
// which silently relies on byte order is found out. It ends with the binary, also when a test panics or is killed.
//
// A test that stops the server takes one of its own, by NewServer.
//
// Where PostgreSQL isn't installed its half is skipped, or fails if PORTICO_TEST_REQUIRE is 1, as in CI.
//
// For tests only: nothing else imports it.
package testdb
