#!/bin/sh
# Builds Portico as it is released: scripts/build.sh FILE. The same sources, VERSION, COMMIT, GOOS and GOARCH give the same bytes on
# any machine and in any folder: no paths (-trimpath), nothing of the checkout but what is passed, no C, one version of Go.
# It is one static file, which runs in an empty root.
set -eu
output=${1:?usage: scripts/build.sh FILE}
case $output in /*) ;; *) output=$PWD/$output ;; esac
cd "$(dirname "$0")/.."

described() { git describe --tags --always --dirty --match 'v[0-9]*' 2>/dev/null || echo unknown; }
VERSION=${VERSION:-$(described)}
COMMIT=${COMMIT:-$(git rev-parse HEAD 2>/dev/null || true)}
case $VERSION$COMMIT in
*[!0-9A-Za-z.+_-]*)
	echo "VERSION and COMMIT: expected letters, digits and . + _ -, got $VERSION and $COMMIT" >&2
	exit 2
	;;
esac
GOTOOLCHAIN=go$(awk '$1 == "go" { print $2 }' go.mod) # exactly that one, for another makes other bytes
export GOTOOLCHAIN CGO_ENABLED=0 GOFLAGS=-mod=readonly GOWORK=off GOEXPERIMENT= GOAMD64=v1 GOARM64=v8.0 GOFIPS140=off
exec go build -trimpath -buildvcs=false -ldflags "-s -w -buildid= -X main.release=$VERSION -X main.commit=$COMMIT" -o "$output" ./cmd/portico
