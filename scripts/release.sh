#!/bin/sh
# Makes dist/: the binary for each platform, what it is made of (CycloneDX), and their checksums.
set -eu
cd "$(dirname "$0")/.."

VERSION=${VERSION:-$(git describe --tags --always --dirty --match 'v[0-9]*')}
export VERSION
rm -rf dist
mkdir dist
for platform in ${PLATFORMS:-linux/amd64 linux/arm64}; do
	name=portico-$VERSION-$(echo "$platform" | tr / -)
	GOOS=${platform%/*} GOARCH=${platform#*/} sh scripts/build.sh "dist/$name"
	go run ./scripts/sbom "dist/$name" "$VERSION" >"dist/$name.cdx.json"
done
(cd dist && sha256sum portico-* >SHA256SUMS && cat SHA256SUMS)
