#!/bin/sh
# Holds deploy/ to the rules of Helm, Kubernetes, Compose, BuildKit and systemd, and has Portico load every configuration in it.
# UPDATE=1 renders deploy/kubernetes anew. PORTICO names a built binary; without it one is built.
set -eu
cd "$(dirname "$0")/.."

if [ -z "${PORTICO:-}" ]; then
	go build -o bin/portico ./cmd/portico
	PORTICO=$PWD/bin/portico
fi
export PORTICO
(cd deploy/check && go vet ./... && go test -count=1 ./...)

if ! command -v systemd-analyze >/dev/null 2>&1; then
	echo "systemd-analyze is missing: the unit is not looked at. Debian and Ubuntu: sudo apt-get install systemd" >&2
	[ "${PORTICO_TEST_REQUIRE:-}" != 1 ]
	exit
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# It wants to see the program that the unit names.
sed "s#/usr/local/bin/portico#$PORTICO#" deploy/systemd/portico.service >"$work/portico.service"
said=$(SYSTEMD_LOG_LEVEL=warning systemd-analyze verify --man=no "$work/portico.service" 2>&1 | grep -F portico.service || true)
[ -z "$said" ] || {
	echo "$said" >&2
	exit 1
}
# 0 is a service that may do nothing, 10 one that may do all.
SYSTEMD_COLORS=0 systemd-analyze security --offline=true --threshold=15 --no-pager "$work/portico.service" | tail -n 1
