"""Fixtures of the packages' tests."""

import io
import pathlib
import subprocess
import tarfile

import pytest

import hearthtest.packages  # noqa: F401
from hearthpkg import agent, compiled, source
from hearthtest.agent import binary


@pytest.fixture(scope="session")
def pages():
    """What the agent of this tree writes of itself."""
    return compiled.pages(binary())


@pytest.fixture(scope="session")
def program():
    """The agent of this tree, for this host."""
    return pathlib.Path(binary()).read_bytes()


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
