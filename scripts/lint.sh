#!/bin/sh
# Every linter, all the way; the exit status says whether all of them were content.
# shellcheck disable=SC2317 # step calls the functions
set -u
cd "$(dirname "$0")/.." || exit

status=0
step() {
	echo "== $1"
	shift
	"$@" || status=1
}

formatted() {
	files=$(go run mvdan.cc/gofumpt@v0.12.0 -l .) || return 1
	[ -z "$files" ] && return 0
	echo "$files"
	echo "not formatted: go run mvdan.cc/gofumpt@v0.12.0 -w ."
	return 1
}

# Its database is on the network. Not to reach it is no fault of the code, and is said.
vulnerabilities() {
	if output=$(go run golang.org/x/vuln/cmd/govulncheck@v1.9.0 ./... 2>&1); then
		echo "$output" | tail -n 1
		return 0
	fi
	echo "$output"
	if echo "$output" | grep -q 'fetching vulnerabilities\|dial tcp\|no such host\|connection refused'; then
		echo "SKIPPED: the vulnerability database can't be reached from here"
		return 0
	fi
	return 1
}

scripts() {
	if ! command -v shellcheck >/dev/null 2>&1; then
		echo "SKIPPED: shellcheck is not installed"
		return 0
	fi
	shellcheck scripts/*.sh .ci/run
}

step 'go vet' go vet ./...
step gofumpt formatted
step staticcheck go run honnef.co/go/tools/cmd/staticcheck@v0.8.2 ./...
step govulncheck vulnerabilities
step shellcheck scripts
exit $status
