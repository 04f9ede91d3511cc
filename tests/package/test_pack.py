"""`hearthpkg pack`, whole, with small programs of zig's in the places of the compiled ones."""

import hashlib
import os
import subprocess
import sys

import pytest

from hearthtest.packages import TREE
from hearthpkg import compiled, debian, source
from hearthtest.agent import binary

pytestmark = pytest.mark.skipif("HEARTH_ZIG" not in os.environ, reason="zig is not here: scripts/test cross brings it")


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("programs")
    (folder / "hello.c").write_text("int main(void) { return 0; }\n")
    for target, zig in compiled.TARGETS.items():
        (folder / target).mkdir()
        subprocess.run([TREE / "pkg/cross/cc", "-O2", "-s", "-fPIE", "-pie", "-o", f"{target}/hearth", "hello.c"],
                       cwd=folder, check=True, env={**os.environ, "HEARTH_ZIG_TARGET": zig})
    return folder


def pack(programs, out, *options):
    return subprocess.run([sys.executable, "-m", "hearthpkg", "pack", "--programs", programs, "--pages", binary(),
                           "--out", out, *options], capture_output=True, text=True,
                          env={**os.environ, "PYTHONPATH": str(TREE / "pkg"), "PYTHONDONTWRITEBYTECODE": "1"})


def digests(folder):
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in folder.rglob("*") if path.is_file()}


def test_every_package_is_made_and_twice_the_same(programs, tmp_path):
    first = pack(programs, tmp_path / "one/out", "--url", "https://example.org/hearth/")
    assert first.returncode == 0, first.stderr
    assert "good for trying only" in first.stdout
    key = tmp_path / "one/key-for-trying.pem"
    assert key.stat().st_mode & 0o777 == 0o600
    second = pack(programs, tmp_path / "two/out", "--url", "https://example.org/hearth", "--key", key)
    assert second.returncode == 0 and "trying" not in second.stdout, second.stderr
    made = digests(tmp_path / "one/out")
    assert made == digests(tmp_path / "two/out")
    number = source.version()
    sums = (tmp_path / "one/out/SHA256SUMS").read_text()
    assert all(made[name] == digest for digest, name in (line.split("  ") for line in sums.splitlines()))
    wanted = {"freebsd/setup.sh", "SHA256SUMS"} | {debian.file_name(number, machine) for machine in debian.ARCHITECTURES}
    for release in (14, 15):
        for machine in ("amd64", "aarch64"):
            place = f"freebsd/FreeBSD:{release}:{machine}"
            names = ("meta", "meta.conf", "packagesite.pkg", "data.pkg", f"All/hearth-{number}.pkg")
            wanted |= {f"{place}/{name}" for name in names}
            if (TREE / "opnsense-plugin/Makefile").exists():
                wanted.add(f"{place}/All/os-hearth-{number}.pkg")
    assert set(made) == wanted
    assert 'url: "https://example.org/hearth/${ABI}"' in (tmp_path / "one/out/freebsd/setup.sh").read_text()


def test_a_program_for_another_system_is_refused(programs, tmp_path):
    wrong = tmp_path / "programs/x86_64-unknown-freebsd"
    wrong.mkdir(parents=True)
    (wrong / "hearth").write_bytes((programs / "x86_64-unknown-linux-gnu/hearth").read_bytes())
    done = pack(tmp_path / "programs", tmp_path / "out")
    assert done.returncode == 1 and "no note of FreeBSD's ABI" in done.stderr
    assert pack(tmp_path / "nothing", tmp_path / "out").returncode == 1
