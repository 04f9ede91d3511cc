# shellcheck shell=bash
# What the scripts share: where the tree is, and installing what they need.

TREE=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$TREE/target}
# Debian's own Python: the one that its pytest package belongs to.
export PYTHON=/usr/bin/python3
# Services that a package would start are not wanted: the tests start their own.
export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1

say() { printf '%s\n' "$*"; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

# Installs the packages of scripts/lib/packages that are not there yet.
install_packages() {
    local wanted=() missing=() name
    mapfile -t wanted < <(grep -v '^#' "$TREE/scripts/lib/packages")
    for name in "${wanted[@]}"; do
        dpkg-query -W -f '${db:Status-Abbrev}' "$name" 2>/dev/null | grep -q '^ii' || missing+=("$name")
    done
    [ ${#missing[@]} -eq 0 ] && return
    [ "$(id -u)" -eq 0 ] || die "these packages are missing: ${missing[*]}; install them, or run this as root"
    say "installing ${#missing[@]} Debian packages: ${missing[*]}"
    apt-get -qq update </dev/null
    apt-get -qq -y -o Dpkg::Use-Pty=0 install --no-install-recommends "${missing[@]}" </dev/null >/dev/null
}

# Says what to do where there is no Rust.
need_cargo() {
    command -v cargo >/dev/null || die "cargo is missing: install Rust $(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$TREE/Cargo.toml") or newer (https://www.rust-lang.org/tools/install)"
}
