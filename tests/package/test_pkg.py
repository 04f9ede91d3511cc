"""FreeBSD's own pkg on the packages, in root folders of this host.

`HEARTH_PKG` is the program: pkg 2.8 or newer, which can be built on Linux from its public sources.
"""

import contextlib
import functools
import http.server
import io
import os
import shutil
import subprocess
import tarfile
import threading

import pytest

from hearthtest.offers import plugin_of
from hearthtest.packages import TIME, TREE
from hearthpkg import agent, archive, compiled, repository
from hearthpkg.archive import Entry

PKG = os.environ.get("HEARTH_PKG")
pytestmark = pytest.mark.skipif(not PKG, reason="HEARTH_PKG names no pkg of FreeBSD")

OLD, NEW = "0.0.9", "0.1.0"
ABI = "FreeBSD:15:amd64"
# What the scripts of packages call that Linux has not, or otherwise.
STANDINS = TREE / "tests/hearthtest/freebsd"


@pytest.fixture(scope="module")
def shelf(make, tmp_path_factory):
    """Both packages in two versions, as files and as signed repositories."""
    shelf = Shelf(tmp_path_factory.mktemp("shelf"))
    for version in (OLD, NEW):
        packed = shelf.packed(make, version)
        shelf.keep(packed)
        shelf.repository(f"good-{version}", packed, shelf.key)
    shelf.repository("foreign", packed, repository.Key.make(shelf.folder / "foreign.pem"))
    return shelf


class Shelf:
    """A folder of packages, repositories and what a host is told of them."""

    def __init__(self, folder):
        self.folder = folder
        self.key = repository.Key.make(folder / "key.pem")
        trusted = folder / "keys/trusted"
        trusted.mkdir(parents=True)
        (folder / "keys/revoked").mkdir()
        (trusted / "hearth").write_text(f'function: "sha256"\nfingerprint: "{self.key.fingerprint}"\n')

    def packed(self, make, version, binary=b"#!/bin/sh\nexit 0\n"):
        both = make(version, binary), plugin_of(version, self.folder)
        return [(one, one.bytes(TIME)) for one in both]

    def keep(self, packed):
        for package, data in packed:
            (self.folder / package.file_name).write_bytes(data)

    def repository(self, name, packed, key):
        repository.write(self.folder / name / ABI, packed, key, TIME)
        self.settings(name, f"file://{self.folder}")
        return self.folder / name / ABI

    def settings(self, name, base):
        """What a host is told of a repository below the URL `base`."""
        settings = self.folder / f"settings-{name}"
        settings.mkdir(exist_ok=True)
        (settings / "hearth.conf").write_text(
            f'hearth: {{ url: "{base}/{name}/${{ABI}}", signature_type: "fingerprints", '
            f'fingerprints: "{self.folder}/keys", enabled: yes }}\n')

    def file(self, name, version):
        return self.folder / f"{name}-{version}.pkg"


class Root:
    """A root folder in which pkg works."""

    def __init__(self, folder, shelf):
        self.folder, self.shelf = folder, shelf
        for path in ("etc", "var/db/pkg", "usr/local"):
            (folder / path).mkdir(parents=True)
        (folder / "etc/passwd").write_text("root:*:0:0::/root:/bin/sh\n")
        (folder / "etc/group").write_text("wheel:*:0:\n")
        (folder / "etc/shells").write_text("")

    def pkg(self, *arguments, repository="good-" + NEW, fails=False):
        done = subprocess.run(
            [PKG, "-r", self.folder, "-R", self.shelf.folder / f"settings-{repository}", *arguments],
            capture_output=True, text=True, stdin=subprocess.DEVNULL,
            env={"PATH": f"{STANDINS}:{os.environ['PATH']}", "ABI": ABI, "OSVERSION": "1501000",
                 "ASSUME_ALWAYS_YES": "yes", "LANG": "C.UTF-8"})
        told = done.stdout + done.stderr
        assert bool(done.returncode) == fails, told
        return told

    def installed(self):
        told = self.pkg("query", "-a", "%n %v") if list((self.folder / "var/db/pkg").glob("local.sqlite")) else ""
        return dict(line.split() for line in told.splitlines())

    def __truediv__(self, path):
        return self.folder / path


@pytest.fixture
def root(tmp_path, shelf):
    return Root(tmp_path / "root", shelf)


def test_both_packages_are_added_checked_upgraded_and_deleted(root, shelf):
    root.pkg("add", shelf.file("hearth", OLD), shelf.file("os-hearth", OLD))
    assert root.installed() == {"hearth": OLD, "os-hearth": OLD}
    assert "/usr/local/sbin/hearth" in root.pkg("info", "-l", "hearth")
    assert "hearth:*:" in (root / "etc/passwd").read_text()
    root.pkg("check", "-s", "-a")
    root.pkg("check", "-d", "-a")
    settings = root / "usr/local/etc/hearth/hearth.toml"
    settings.write_text(settings.read_text() + "# mine\n")
    (root / "usr/local/tftp/mine.img").write_text("mine")
    root.pkg("add", "-f", shelf.file("hearth", NEW), shelf.file("os-hearth", NEW))
    assert root.installed() == {"hearth": NEW, "os-hearth": NEW}
    root.pkg("check", "-s", "-a")
    assert settings.read_text().endswith("# mine\n")
    told = root.pkg("delete", "-y", "os-hearth", "hearth")
    assert "HEARTH_PURGE" in told, "what stays is said, and how it goes"
    assert root.installed() == {}
    assert settings.read_text().endswith("# mine\n")
    assert (root / "usr/local/tftp/mine.img").read_text() == "mine"
    left = {path.relative_to(root.folder).as_posix() for path in (root / "usr/local").rglob("*") if path.is_file()}
    assert left == {"usr/local/etc/hearth/hearth.toml", "usr/local/tftp/mine.img"}


def test_the_plugin_brings_the_agent_from_the_repository_and_both_are_upgraded(root):
    root.pkg("update", repository="good-" + OLD)
    root.pkg("install", "-y", "os-hearth", repository="good-" + OLD)
    assert root.installed() == {"hearth": OLD, "os-hearth": OLD}
    root.pkg("update", "-f")
    root.pkg("upgrade", "-y")
    assert root.installed() == {"hearth": NEW, "os-hearth": NEW}
    root.pkg("check", "-s", "-a")
    root.pkg("delete", "-y", "os-hearth")
    root.pkg("autoremove", "-y")
    assert root.installed() == {}, "the agent came for the plugin, and goes with it"


def test_a_file_that_was_changed_later_is_found(root, shelf):
    root.pkg("add", shelf.file("hearth", NEW))
    program = root / "usr/local/sbin/hearth"
    program.write_bytes(program.read_bytes() + b"x")
    assert "checksum mismatch for /usr/local/sbin/hearth" in root.pkg("check", "-s", "-a", fails=True)


def test_the_plugin_alone_is_refused(root, shelf):
    # Beside the agent's package pkg would take that one along.
    path = root.folder.parent / "os-hearth.pkg"
    shutil.copy(shelf.file("os-hearth", NEW), path)
    assert "hearth" in root.pkg("add", path, fails=True)
    assert root.installed() == {}


@pytest.mark.parametrize("release, machine", [(14, "x86_64"), (15, "aarch64")])
def test_a_package_for_another_host_is_refused(root, shelf, make, release, machine, pages):
    package = agent.package(release, machine, b"#!/bin/sh\n",
                            {name: compiled.of_freebsd(text) for name, text in pages.items()}, NEW, b"licences\n")
    path = root.folder.parent / "wrong.pkg"
    path.write_bytes(package.bytes(TIME))
    assert "wrong architecture" in root.pkg("add", path, fails=True)
    assert root.installed() == {}


def bend(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def test_a_damaged_package_of_the_repository_is_refused(root, shelf, make):
    place = shelf.repository("damaged", shelf.packed(make, NEW), shelf.key)
    bend(place / "All" / f"hearth-{NEW}.pkg")
    with served(shelf.folder) as url:
        shelf.settings("damaged", url)
        root.pkg("update", repository="damaged")
        assert "failed checksum from repository" in root.pkg("install", "-y", "hearth", repository="damaged", fails=True)
    assert root.installed() == {}


@contextlib.contextmanager
def served(folder):
    """An HTTP server on loopback: pkg does not look at the sums of packages that it reads as files."""
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=folder)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_repository_that_somebody_else_signed_is_refused(root):
    # pkg 2.8 ends without an error where it keeps no catalogue, and says so.
    assert "No trusted public keys found" in root.pkg("update", repository="foreign")
    root.pkg("install", "-y", "hearth", repository="foreign", fails=True)
    assert root.installed() == {}


def test_a_changed_catalogue_is_refused(root, shelf, make):
    place = shelf.repository("changed", shelf.packed(make, NEW), shelf.key)
    for name, file in (("packagesite.pkg", "packagesite.yaml"), ("data.pkg", "data")):
        (place / name).write_bytes(with_other_text(place / name, file))
    assert "No trusted certificate" in root.pkg("update", repository="changed")
    root.pkg("install", "-y", "hearth", repository="changed", fails=True)
    assert root.installed() == {}


def with_other_text(path, file):
    plain = subprocess.run(["zstd", "-dqc", path], capture_output=True, check=True).stdout
    entries = []
    with tarfile.open(fileobj=io.BytesIO(plain)) as opened:
        for member in opened:
            data = opened.extractfile(member).read()
            if member.name == file:
                assert b"Boot server" in data
                data = data.replace(b"Boot server", b"Root server")
            entries.append(Entry(member.name, data))
    return archive.zstd(archive.tar(entries, TIME, "wheel"))
