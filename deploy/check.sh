#!/usr/bin/env bash
# Checks what is in this folder by the tools that it is made for. A tool that is
# missing is named, and what it would have checked is not.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

ok() { echo "ok       $*"; }
skipped() { echo "skipped  $*: not installed"; }
has() { command -v "$1" >/dev/null 2>&1; }

if has systemd-analyze; then
	# The program need not be installed for the unit to be right.
	sed 's|^ExecStart=[^ ]*|ExecStart=/bin/true|' weir.service >"$work/weir.service"
	said=$(systemd-analyze verify --man=no "$work/weir.service" 2>&1) || { echo "$said"; exit 1; }
	if grep -F weir.service <<<"$said"; then exit 1; fi
	ok "systemd-analyze verify weir.service"
	if systemd-analyze security --help 2>/dev/null | grep -q -- --offline; then
		systemd-analyze security --offline=true --threshold=20 --no-pager "$work/weir.service" >"$work/security" 2>&1 ||
			{ cat "$work/security"; exit 1; }
		ok "systemd-analyze security weir.service:$(tail -n 1 "$work/security" | sed 's/.*://')"
	fi
else
	skipped systemd-analyze
fi

if has kubectl; then
	kubectl kustomize kubernetes >"$work/all.yaml"
	ok "kubectl kustomize kubernetes: $(grep -c '^kind:' "$work/all.yaml") objects"
	if has kubeconform; then
		kubeconform -strict -summary "$work/all.yaml"
		ok kubeconform
	else
		skipped kubeconform
	fi
else
	skipped kubectl
fi

if has promtool; then
	promtool check rules prometheus/weir.rules.yml
	ok "promtool check rules"
else
	skipped promtool
fi

if has hadolint; then
	hadolint Dockerfile
	ok hadolint
else
	skipped hadolint
fi

if has docker && docker info >/dev/null 2>&1; then
	docker build --quiet -f Dockerfile -t weir:check .. >/dev/null
	docker run --rm weir:check version
	ok "docker build"
elif has docker && docker buildx version >/dev/null 2>&1 && docker buildx inspect >/dev/null 2>&1; then
	docker build --check -f Dockerfile ..
	ok "docker build --check"
else
	echo "skipped  docker build: no daemon runs"
fi
