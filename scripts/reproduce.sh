#!/bin/sh
# Proves that a release can be made again: the sources of HEAD are built in two folders, and the bytes are compared. What is shared
# is the cache of compiled packages; FRESH=1 gives each build an empty one, which takes minutes.
set -eu
cd "$(dirname "$0")/.."

VERSION=${VERSION:-$(git describe --tags --always --match 'v[0-9]*')}
COMMIT=$(git rev-parse HEAD)
export VERSION COMMIT
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
for folder in a a-folder/of/another/depth; do
	mkdir -p "$work/$folder"
	git archive HEAD go.mod go.sum cmd internal scripts/build.sh | tar -x -C "$work/$folder"
	if [ "${FRESH:-}" = 1 ]; then
		GOCACHE=$work/cache-$(basename "$folder")
		export GOCACHE
	fi
	(cd "$work/$folder" && sh scripts/build.sh "$work/portico-$(basename "$folder")")
done
(cd "$work" && sha256sum portico-*)
cmp "$work/portico-a" "$work/portico-depth"
echo "both builds of $VERSION have the same bytes"
