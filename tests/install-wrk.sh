#!/bin/sh
# Prints the path of wrk, the load generator of the benchmark; installs Debian's if there is none.
set -eu

if [ -z "$(command -v wrk)" ]; then
  install=apt-get
  [ "$(id -u)" = 0 ] || install="sudo apt-get"
  if ! { $install update && $install install --yes --no-install-recommends wrk; } >&2; then
    echo "wrk could not be installed: install it (Debian and Ubuntu: apt-get install wrk)." >&2
    exit 1
  fi
fi
command -v wrk
