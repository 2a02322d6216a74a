#!/usr/bin/env bash
# Provides prometheus and promtool: from PATH, else the pinned release, else Debian's package, else
# Homebrew's. Debian's has no web pages, so the Metrics page does not link to it. Installs no service
# and starts none.
#
#   monitoring/install-prometheus.sh FOLDER    install into FOLDER (which is on PATH) if needed
set -euo pipefail

VERSION=2.53.3
RELEASE="https://github.com/prometheus/prometheus/releases/download/v$VERSION"

folder=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

is_there() {
    command -v prometheus >/dev/null && command -v promtool >/dev/null
}

# Unpacks the package instead of installing it: installing needs root and starts a server on port
# 9090.
from_apt() {
    command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || return 1
    if ! apt-get download prometheus >apt.log 2>&1; then
        [ "$(id -u)" = 0 ] && apt-get update >>apt.log 2>&1 || return 1
        apt-get download prometheus >>apt.log 2>&1 || return 1
    fi
    dpkg-deb -x prometheus_*.deb . && install -m 755 usr/bin/prometheus usr/bin/promtool "$folder"
}

from_brew() {
    command -v brew >/dev/null && brew install prometheus >&2
}

# The checksum comes from the same release: it detects a damaged download, not a forged release.
from_release() {
    local system machine name
    system=$(uname -s | tr '[:upper:]' '[:lower:]')
    case $(uname -m) in
        x86_64 | amd64) machine=amd64 ;;
        aarch64 | arm64) machine=arm64 ;;
        *) return 1 ;;
    esac
    name="prometheus-$VERSION.$system-$machine"
    curl -fsSL --connect-timeout 5 --speed-limit 10000 --speed-time 15 \
        -O "$RELEASE/$name.tar.gz" -O "$RELEASE/sha256sums.txt" || return 1
    grep " $name.tar.gz\$" sha256sums.txt >wanted.txt || return 1
    if command -v sha256sum >/dev/null; then sha256sum -c wanted.txt; else shasum -a 256 -c wanted.txt; fi >&2 ||
        return 1
    tar -xzf "$name.tar.gz"
    install -m 755 "$name/prometheus" "$name/promtool" "$folder"
}

is_there && exit 0
echo "Installing Prometheus ..." >&2
{ from_release || from_apt || from_brew; } && is_there && exit 0
echo "Could not install Prometheus. Check the network, or put prometheus and promtool on PATH yourself." >&2
exit 1
