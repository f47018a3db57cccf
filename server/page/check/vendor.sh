#!/bin/sh
# Rebuilds ../assets/vendor from the pinned packages; with --check says whether
# what is there is what they give.
set -eu
cd "$(dirname "$0")"
dest=../assets/vendor
[ "${1:-}" != --check ] || dest=$(mktemp -d)
mkdir -p "$dest"
npx --no-install esbuild vendor-entry.js --bundle --minify --format=esm --target=es2022 \
	--legal-comments=none --log-level=warning --outfile="$dest/core.js"
{
	echo "Licences of what core.js is made from."
	for p in preact @preact/signals @preact/signals-core htm @tanstack/virtual-core; do
		printf '\n==== %s %s ====\n\n' "$p" "$(node -p "require('./node_modules/$p/package.json').version")"
		cat "node_modules/$p/LICENSE"
	done
} >"$dest/LICENSES.txt"
[ "${1:-}" = --check ] || exit 0
trap 'rm -rf "$dest"' EXIT
for f in core.js LICENSES.txt; do
	cmp "$dest/$f" "../assets/vendor/$f" || {
		echo "../assets/vendor/$f is not what the pinned packages give: run server/page/check/vendor.sh" >&2
		exit 1
	}
done
