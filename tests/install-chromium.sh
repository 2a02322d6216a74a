#!/usr/bin/env bash
# Prints the Chromium that the browser tests are to drive: one on PATH, else Debian's package, else
# Playwright's own build.
set -euo pipefail

on_path() {
    local name
    for name in chromium chromium-browser google-chrome google-chrome-stable; do
        command -v "$name" && return
    done
    return 1
}

# Ubuntu's package of this name only installs a snap, which a container cannot run.
from_apt() {
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null && ! grep -qs '^ID=ubuntu' /etc/os-release || return 1
    { apt-get install -y chromium || { apt-get update && apt-get install -y chromium; }; } >&2 && on_path
}

playwrights_own() {
    python -c '
from playwright.sync_api import sync_playwright
with sync_playwright() as playwright:
    print(playwright.chromium.executable_path)'
}

from_playwright() {
    if [ "$(uname -s)" = Linux ] && [ "$(id -u)" = 0 ]; then
        playwright install --with-deps chromium
    else
        playwright install chromium
    fi >&2 && playwrights_own
}

on_path && exit
own=$(playwrights_own) && [ -x "$own" ] && echo "$own" && exit
echo "Installing Chromium ..." >&2
from_apt || from_playwright || {
    echo "Chromium could not be installed: check the network, or put chromium on PATH yourself." >&2
    exit 1
}
