#!/bin/sh
# go vet, and the tests under the race detector. PKG names packages, FLAGS are passed to go test.
# With PORTICO_TEST_REQUIRE=1, as in CI, a test that is skipped is a failure, unless it says that it is optional.
set -eu
cd "$(dirname "$0")/.."

sh scripts/needs.sh
# SQLite is C that was translated: it has no goroutines to watch, and watched it takes most of the tests' time.
race="-race -gcflags=modernc.org/sqlite/lib=-race=false"
if [ "$(go env CGO_ENABLED)" != 1 ]; then
	race=
fi
pkg=${PKG:-./...}
go build -o bin/testreport ./scripts/testreport
# shellcheck disable=SC2086 # lists of words
go vet $pkg
# The pipe would lose go test's own status, so the report is told.
# shellcheck disable=SC2086
{ go test -json $race -timeout 15m ${FLAGS:-} $pkg || echo '{"Action":"exit-fail"}'; } | ./bin/testreport
