"""Writes packages that FreeBSD's pkg installs: a tar, compressed, of two manifests and the files."""

import hashlib
import json
from dataclasses import dataclass, field

from . import archive
from .archive import Entry

PREFIX = "/usr/local"
# Machine as in ELF, to pkg's words: in `abi`, and in the older `arch`.
ARCHITECTURES = {"x86_64": ("amd64", "x86:64"), "aarch64": ("aarch64", "aarch64:64")}
RELEASES = (14, 15)


@dataclass
class Package:
    """What is to be packed."""

    name: str
    version: str
    origin: str
    comment: str
    description: str
    maintainer: str
    www: str
    abi: str
    categories: list
    licenses: list
    entries: list
    arch: str | None = None
    # Name of a package to its origin and version.
    depends: dict = field(default_factory=dict)
    # `pre-install`, `post-install`, ... to the text of a script for /bin/sh.
    scripts: dict = field(default_factory=dict)
    # Texts, each for `install`, `remove` or `upgrade`.
    messages: list = field(default_factory=list)
    annotations: dict = field(default_factory=dict)
    users: list = field(default_factory=list)
    groups: list = field(default_factory=list)

    @property
    def file_name(self):
        """As pkg names it."""
        return f"{self.name}-{self.version}.pkg"

    def compact(self):
        """What pkg has to know before it looks at files; also what a repository says of it."""
        files = [entry for entry in self.entries if entry.data is not None]
        manifest = {
            "name": self.name,
            "origin": self.origin,
            "version": self.version,
            "comment": self.comment,
            "maintainer": self.maintainer,
            "www": self.www,
            "abi": self.abi,
            "arch": self.arch,
            "prefix": PREFIX,
            "flatsize": sum(len(entry.data) for entry in files),
            "licenselogic": "single",
            "licenses": self.licenses,
            "desc": self.description,
            "deps": self.depends,
            "categories": self.categories,
            "users": self.users,
            "groups": self.groups,
            "annotations": self.annotations,
            "messages": [{"message": text, "type": sort} for sort, text in self.messages],
        }
        return {key: value for key, value in manifest.items() if value not in (None, [], {})}

    def manifest(self):
        """All that pkg has to know."""
        return {
            **self.compact(),
            "files": {entry.path: sum_of(entry) for entry in self.entries if not is_folder(entry)},
            "directories": {entry.path: "y" for entry in self.entries if is_folder(entry)},
            "scripts": self.scripts,
        }

    def bytes(self, time):
        """The package."""
        first = [Entry("+COMPACT_MANIFEST", as_json(self.compact())), Entry("+MANIFEST", as_json(self.manifest()))]
        files = sorted((e for e in self.entries if not is_folder(e)), key=lambda entry: entry.path)
        folders = sorted((e for e in self.entries if is_folder(e)), key=lambda entry: entry.path)
        return archive.zstd(archive.tar([*first, *files, *folders], time, "wheel"))


def is_folder(entry):
    """Neither a file nor a link."""
    return entry.data is None and entry.link is None


def sum_of(entry):
    """In the form that every pkg since 1.13 reads: its kind (1: sha256), and hex. A link's is that of its target."""
    data = entry.link.encode() if entry.link is not None else entry.data
    return "1$" + hashlib.sha256(data).hexdigest()


def as_json(value):
    """One line."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def abi(release, machine):
    """`FreeBSD:14:amd64`, and the older `freebsd:14:x86:64`."""
    new, old = ARCHITECTURES[machine]
    return f"FreeBSD:{release}:{new}", f"freebsd:{release}:{old}"
