# shellcheck shell=bash
# Tools that compile for other systems: Debian's newest Rust with its source, and zig.

# Sets HEARTH_RUST to a folder with bin/rustc and bin/cargo, and HEARTH_ZIG to a program.
#
# Rust's standard library has to be compiled along, from source that is exactly the compiler's, so this
# is always Debian's, whatever Rust builds the rest. Its packages exclude Debian's other Rust and stand
# in rustup's way, so they are not installed but unpacked beside.
cross_tools() {
    local version folder
    install_these apt binutils dpkg-dev gcc libc6-dev openssl python3-venv zstd
    version=$(rust_version)
    if [ -z "$version" ]; then
        apt-get -qq update </dev/null
        version=$(rust_version)
    fi
    [ -n "$version" ] || die "apt has no package rustc-web; it is in Debian 12 and newer (with its security updates)"
    folder=$CARGO_TARGET_DIR/tools/rust-$version
    [ -x "$folder/usr/bin/cargo" ] || unpack_rust "$version" "$folder"
    export HEARTH_RUST=$folder/usr HEARTH_ZIG
    HEARTH_ZIG=$(python_tool ziglang python-zig) || die "pip could not install zig, see above"
}

rust_version() { apt-cache policy rustc-web 2>/dev/null | sed -n 's/^  Candidate: \([^(].*\)/\1/p'; }

unpack_rust() {
    local version=$1 folder=$2 std libraries wanted half
    std=$(apt-cache depends "libstd-rust-web-dev=$version" |
        sed -n 's/^ *Depends: \(libstd-rust-web-[0-9.]*\)$/\1/p')
    mapfile -t libraries < <(apt-cache depends "cargo-web=$version" "$std=$version" |
        sed -n 's/^ *Depends: \(lib[a-z0-9.+-]*\)$/\1/p' | grep -v '^libstd-rust' | sort -u)
    install_these "${libraries[@]}"
    half=$folder.partial
    rm -rf "$half" && mkdir -p "$half/debs"
    wanted=(rustc-web cargo-web rust-web-src libstd-rust-web-dev "$std")
    say "fetching Debian's Rust $version"
    (cd "$half/debs" && apt-get -qq download "${wanted[@]/%/=$version}" 2>"$half/log") || {
        cat "$half/log" >&2
        die "apt-get could not download ${wanted[*]}"
    }
    local deb
    for deb in "$half"/debs/*.deb; do
        dpkg-deb -x "$deb" "$half" || die "$deb cannot be unpacked"
    done
    rm -rf "$half/debs" "$folder" && mv "$half" "$folder"
}
