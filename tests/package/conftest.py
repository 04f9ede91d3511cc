"""Fixtures of the packages' tests."""

import io
import pathlib
import subprocess
import tarfile

import pytest

from hearthtest.agent import binary
from hearthtest.packages import TIME
from hearthpkg import agent, compiled, debian, source

NEWER = "99.0.0"


@pytest.fixture(scope="session")
def pages():
    """What the agent of this tree writes of itself."""
    return compiled.pages(binary())


@pytest.fixture(scope="session")
def program():
    """The agent of this tree, for this host."""
    return pathlib.Path(binary()).read_bytes()


@pytest.fixture(scope="session")
def debs(pages, tmp_path_factory):
    """Debian's package of this tree's agent in this version and in a newer one, by version."""
    # Without what a debugger wants, which would be most of it.
    path = tmp_path_factory.mktemp("stripped") / "hearth"
    subprocess.run(["strip", "-o", path, binary()], check=True)
    here = {name: compiled.of_debian(text) for name, text in pages.items()}
    return {version: debian.package("x86_64", path.read_bytes(), here, version, b"licences\n", compiled.GLIBC, TIME)
            for version in (source.version(), NEWER)}


@pytest.fixture(scope="session")
def make(pages):
    """Makes the package `hearth` in a version; its program is a word, since only files count here."""
    def one(version=source.version(), binary=b"#!/bin/sh\n", release=15):
        pages_here = {name: compiled.of_freebsd(text) for name, text in pages.items()}
        return agent.package(release, "x86_64", binary, pages_here, version, b"licences\n")
    return one


@pytest.fixture(scope="session")
def unpacked():
    """Names to contents of a package for FreeBSD, in the order of the archive."""
    def one(packed):
        plain = subprocess.run(["zstd", "-dqc"], input=packed, capture_output=True, check=True).stdout
        with tarfile.open(fileobj=io.BytesIO(plain)) as opened:
            return {member.name: (member, opened.extractfile(member).read() if member.isfile() else None)
                    for member in opened}
    return one
