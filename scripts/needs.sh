#!/bin/sh
# Finds what the tests need besides Go; with the argument "bench", what the comparison of make bench needs besides that. As
# root, on a machine with apt-get, it installs what is missing; else it says what to install, and what needs it is skipped.
# With PORTICO_TEST_REQUIRE=1 what the tests still miss is an error.
set -eu
cd "$(dirname "$0")/.."

have() { command -v "$1" >/dev/null 2>&1; }

have_postgres() {
	have initdb && return 0
	for initdb in /usr/lib/postgresql/*/bin/initdb; do
		[ -x "$initdb" ] && return 0
	done
	return 1
}

have_browser() { have chromium || have chromium-browser || have google-chrome; }

# The real gateway that Portico is tried behind.
have_apache() { have apache2 && [ -e /usr/lib/apache2/modules/mod_auth_openidc.so ]; }

# libc's headers may be missing where the compiler isn't.
have_compiler() { echo '#include <stdlib.h>' | "${CC:-gcc}" -fsyntax-only -xc - >/dev/null 2>&1; }

# The test for accessibility: a script that is not part of Portico, at the version that the lock file names.
have_axe() { [ -n "$(find e2e/axe/node_modules/.package-lock.json -newer e2e/axe/package-lock.json 2>/dev/null)" ]; }

fetch_axe() {
	log=$(mktemp)
	if ! (cd e2e/axe && npm ci --ignore-scripts --no-audit --no-fund) >"$log" 2>&1 </dev/null; then
		tail -n 20 "$log" >&2
		echo "npm could not install axe-core" >&2
	fi
	rm -f "$log"
}

# These measure and are measured against; bench itself says what it does without them.
missing_bench() {
	have nginx || echo nginx
	have_apache || echo apache2 libapache2-mod-auth-openidc
	have wrk || echo wrk
	have taskset || echo util-linux
}

missing() {
	have_postgres || echo postgresql
	have_browser || echo chromium
	have_apache || echo apache2 libapache2-mod-auth-openidc
	have_compiler || echo gcc libc6-dev
	have_axe || have npm || echo npm
	have systemd-analyze || echo systemd
}

install() {
	echo "installing: $*"
	export DEBIAN_FRONTEND=noninteractive
	log=$(mktemp)
	if ! { apt-get update -q && apt-get install -q -y --no-install-recommends "$@"; } >"$log" 2>&1 </dev/null; then
		tail -n 20 "$log" >&2
		echo "apt-get could not install: $*" >&2
	fi
	rm -f "$log"
}

may_install() { [ "$(id -u)" = 0 ] && have apt-get; }

have go || {
	echo "Go is missing: install the version that go.mod names" >&2
	exit 1
}
if [ "${1:-}" = bench ]; then
	packages=$(missing_bench | tr '\n' ' ')
	# shellcheck disable=SC2086 # a list of names
	[ -z "$packages" ] || ! may_install || install $packages
	exit 0
fi
packages=$(missing | tr '\n' ' ')
if [ -n "$packages" ] && may_install; then
	# shellcheck disable=SC2086 # a list of names
	install $packages
	packages=$(missing | tr '\n' ' ')
fi
have_axe || ! have npm || fetch_axe
[ -z "$packages" ] && have_axe && exit 0
{
	have_postgres || echo "PostgreSQL is missing: the tests of that database are skipped."
	have_browser || echo "Chromium is missing: the tests in a browser are skipped."
	have_apache || echo "Apache with mod_auth_openidc is missing: the tests behind a real gateway are skipped."
	have_compiler || echo "A C compiler is missing: the race detector is off."
	have systemd-analyze || echo "systemd-analyze is missing: the unit in deploy/ is not looked at."
	have_axe || echo "axe-core is missing, which npm installs: the test for accessibility is skipped."
	[ -z "$packages" ] || echo "Debian and Ubuntu: sudo apt-get install $packages"
	[ -z "$packages" ] || echo "macOS: brew install postgresql@17 node && brew install --cask chromium"
} >&2
[ "${PORTICO_TEST_REQUIRE:-}" != 1 ]
