# shellcheck shell=bash
# What the scripts share: where the tree is, and installing what they need.

TREE=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$TREE/target}
# Debian's own Python: the one that its pytest package belongs to.
export PYTHON=/usr/bin/python3
export DEBIAN_FRONTEND=noninteractive
# Where rustup puts cargo; a shell that nobody logged in to does not know it.
cargo_bin=${CARGO_HOME:-${HOME:-/root}/.cargo}/bin
[ ! -d "$cargo_bin" ] || PATH=$PATH:$cargo_bin

say() { printf '%s\n' "$*"; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

# Installs Debian packages that are not there yet; says nothing if all are.
install_these() {
    local missing=() name
    for name in "$@"; do
        dpkg-query -W -f '${db:Status-Abbrev}' "$name" 2>/dev/null | grep -q '^ii' || missing+=("$name")
    done
    [ ${#missing[@]} -eq 0 ] && return
    command -v apt-get >/dev/null || die "these Debian packages are missing: ${missing[*]}"
    [ "$(id -u)" -eq 0 ] || die "these packages are missing: ${missing[*]}; install them, or run this as root"
    say "installing ${#missing[@]} Debian packages: ${missing[*]}"
    # The services of the packages are not wanted: the tests start their own.
    local policy=/usr/sbin/policy-rc.d ours='' status=0
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy" && ours=yes
    fi
    apt-get -qq update </dev/null || status=1
    apt-get -qq -y -o Dpkg::Use-Pty=0 install --no-install-recommends "${missing[@]}" \
        </dev/null >/dev/null || status=1
    [ -z "$ours" ] || rm -f "$policy"
    [ $status -eq 0 ] || die "apt-get could not install them, see above"
}

# Installs the packages of scripts/lib/packages.
install_packages() {
    local wanted
    mapfile -t wanted < <(grep -v '^#' "$TREE/scripts/lib/packages")
    install_these "${wanted[@]}"
}

# Sees to a Rust that is new enough, with formatter and linter; without any it takes Debian's, which
# follows Firefox's needs.
need_cargo() {
    command -v cargo >/dev/null || install_these rustc-web cargo-web rustfmt-web rust-web-clippy
    local wanted have
    wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$TREE/Cargo.toml")
    have=$(rustc --version | cut -d ' ' -f 2)
    printf '%s\n%s\n' "$wanted" "$have" | sort -C -V \
        || die "Rust $have is too old, Hearth needs $wanted: rustup update"
    if ! { cargo fmt --version && cargo clippy --version; } >/dev/null 2>&1; then
        rustup component add rustfmt clippy || die "cargo fmt or cargo clippy is missing"
    fi
}

# Says where a program of a package of PyPI is, pinned by scripts/lib/PACKAGE.txt, in an environment of
# its own; the program is called as the package unless a second word says how.
python_tool() {
    local package=$1 program=${2:-$1} venv=$CARGO_TARGET_DIR/tools/$1
    if [ ! -x "$venv/bin/$program" ]; then
        "$PYTHON" -m venv "$venv" >&2 &&
            "$venv/bin/pip" install -q --disable-pip-version-check --require-hashes \
                -r "$TREE/scripts/lib/$package.txt" >&2 || return 1
    fi
    say "$venv/bin/$program"
}
