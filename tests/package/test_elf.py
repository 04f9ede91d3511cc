"""What is looked at in a compiled program: with programs that zig makes for the systems in question."""

import os
import struct
import subprocess

import pytest

from hearthtest.packages import TREE
from hearthpkg import compiled, elf, source

SOURCE = "#include <stdio.h>\nint main(void) { puts(__FILE__); return 0; }\n"
FLAGS = ("-O2", "-s", "-fPIE", "-pie")

needs_zig = pytest.mark.skipif("HEARTH_ZIG" not in os.environ, reason="zig is not here: scripts/test cross brings it")


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """Makes a program with zig: `made(target, *flags)`."""
    folder = tmp_path_factory.mktemp("zig")

    def one(target, *flags, text=SOURCE):
        (folder / "hello.c").write_text(text)
        subprocess.run([TREE / "pkg/cross/cc", *(flags or FLAGS), "-o", "hello", "hello.c"], cwd=folder, check=True,
                       env={**os.environ, "HEARTH_ZIG_TARGET": target})
        return (folder / "hello").read_bytes()
    return one


@needs_zig
@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_a_program_for_14_is_taken_and_one_for_15_is_not(made, machine):
    good = made(f"{machine}-freebsd.14.0-none")
    assert elf.mistakes(good, machine) == []
    other = {"x86_64": "aarch64", "aarch64": "x86_64"}[machine]
    assert elf.mistakes(good, other) == [f"it is for {machine}, not {other}"]
    assert any("not for 14" in wrong for wrong in elf.mistakes(made(f"{machine}-freebsd.15.0-none"), machine))


@needs_zig
def test_what_is_not_as_promised_is_named(made):
    target = "x86_64-freebsd.14.0-none"

    def wrong(*flags, data=None):
        return "; ".join(elf.mistakes(data or made(target, *flags), "x86_64"))
    uses_libutil = "int flopen(const char *, int, ...); int main(void) { return flopen(\"x\", 0); }\n"
    assert "it needs libutil.so.9, which is not in base" in wrong(
        data=made(target, *FLAGS, "-lutil", text=uses_libutil))
    assert "looks for libraries in /opt/lib" in wrong(*FLAGS, "-Wl,-rpath,/opt/lib")
    assert "not stripped" in wrong("-O2", "-fPIE", "-pie")
    assert "/some/place of the host" in "; ".join(elf.mistakes(
        made(target, *FLAGS, text=SOURCE.replace("__FILE__", '"/some/place/x"')), "x86_64", ["/some/place"]))
    good = made(target)
    stack = good.index(struct.pack("<II", elf.PT_GNU_STACK, 6))
    assert "stack can be executed" in wrong(
        data=good[:stack] + struct.pack("<II", elf.PT_GNU_STACK, 7) + good[stack + 8:])
    # The newest symbols of 14.0, asked for as those of a later one.
    assert b"FBSD_1.7\0" in good
    assert "FBSD_1.8 of libc.so.7, which FreeBSD 14.0 does not promise" in wrong(
        data=good.replace(b"FBSD_1.7\0", b"FBSD_1.8\0"))
    assert "no note of FreeBSD's ABI" in wrong(data=good.replace(b"FreeBSD\0", b"FreeBeS\0"))


@needs_zig
def test_a_program_for_linux_is_no_program_for_freebsd_and_the_other_way_round(made):
    linux = made("x86_64-linux-gnu.2.31")
    assert elf.linux_mistakes(linux, "x86_64", (2, 31)) == []
    assert "no note of FreeBSD's ABI" in "; ".join(elf.mistakes(linux, "x86_64"))
    newer = made("x86_64-linux-gnu.2.36")
    assert "GLIBC_2.34, and 2.31 is promised" in "; ".join(elf.linux_mistakes(newer, "x86_64", (2, 31)))


@pytest.mark.parametrize("data", [b"", b"\x7fELF", b"#!/bin/sh\n", b"\x7fELF\x01\x01" + b"\0" * 60,
                                  b"\x7fELF\x02\x01" + b"\xff" * 200,
                                  b"\x7fELF\x02\x01" + b"\0" * 26 + struct.pack("<QQ", 64, 64) + b"\1" * 40])
def test_what_is_no_program_or_is_cut_off_is_refused_with_a_sentence(data):
    assert len(elf.mistakes(data, "x86_64")) == 1
    assert len(elf.linux_mistakes(data, "x86_64", (2, 31))) == 1


def test_this_hosts_own_programs_can_be_read():
    found = elf.read(open("/bin/dash", "rb").read())
    assert found.needed == ["libc.so.6"] and found.freebsd is None
    assert all(name.startswith("GLIBC_") for name in found.versions["libc.so.6"])
    with pytest.raises(source.Refused, match="the agent for x86_64-unknown-freebsd: .*no note"):
        compiled.hold("x86_64-unknown-freebsd", open("/bin/dash", "rb").read())


RUST = """\
fn main() {
    let text = include_str!(concat!(env!("OUT_DIR"), "/text"));
    assert_eq!(std::env::args().count(), 1, "{text} {} {}", file!(), unsafe { place() } as usize);
    println!("{:?}", std::panic::Location::caller());
}
unsafe extern "C" { fn place() -> *const u8; }
"""
BUILD = """\
fn main() {
    let out = std::env::var("OUT_DIR").unwrap();
    std::fs::write(format!("{out}/text"), "made").unwrap();
    cc::Build::new().file("place.c").compile("place");
}
"""
MANIFEST = """\
[package]
name = "small"
version = "0.0.1"
edition = "2024"
[build-dependencies]
cc = "{cc}"
[profile.release]
panic = "abort"
strip = true
[workspace]
"""


@needs_zig
def test_rust_and_c_compiled_in_two_folders_are_the_same_bytes(tmp_path):
    """What differs between two builds of the agent would differ here: paths of source, of the target folder, of what a
    build script made, of C. The agent itself is compiled twice by `scripts/package --check`."""
    lock = (TREE / "Cargo.lock").read_text()
    cc = lock.split('name = "cc"\nversion = "')[1].split('"')[0]
    made = []
    for place in ("one", "a/longer/way/down"):
        tree = tmp_path / place
        (tree / "src").mkdir(parents=True)
        (tree / "src/main.rs").write_text(RUST)
        (tree / "build.rs").write_text(BUILD)
        (tree / "place.c").write_text("const char *place(void) { return __FILE__; }\n")
        (tree / "Cargo.toml").write_text(MANIFEST.format(cc="=" + cc))
        target = "x86_64-unknown-linux-gnu"
        setting = compiled.environment(target, tree, tree / "built")
        subprocess.run([os.environ["HEARTH_RUST"] + "/bin/cargo", "generate-lockfile"], cwd=tree, env=setting, check=True)
        folder = compiled.cargo(target, tree, tree / "built", standard=None)
        made.append((folder / "small").read_bytes())
        paths = compiled.hosts_paths(tree, tree / "built", os.environ)
        assert elf.linux_mistakes(made[-1], "x86_64", compiled.GLIBC, paths) == []
    assert made[0] == made[1]
