"""Writes the Debian package: an `ar` of the format's version, control files and files."""

import hashlib
import lzma
import pathlib

from . import agent, archive, source
from .archive import Entry

HERE = pathlib.Path(__file__).resolve().parents[1] / "debian"
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
CONFIG = "/etc/hearth/hearth.toml"
SCRIPTS = ("postinst", "prerm", "postrm")
COMPLETIONS = {
    "bash": "usr/share/bash-completion/completions/hearth",
    "zsh": "usr/share/zsh/vendor-completions/_hearth",
    "fish": "usr/share/fish/vendor_completions.d/hearth.fish",
}


def file_name(version, machine):
    """As Debian names it."""
    return f"hearth_{deb_version(version)}_{ARCHITECTURES[machine]}.deb"


def deb_version(version):
    """`1.2.3.rc1` comes before `1.2.3` only if a `~` says so."""
    for word in (".a", ".b", ".rc"):
        version = version.replace(word, "~" + word[1:])
    return f"{version}-1"


def package(machine, binary, pages, version, licences, glibc, time, tree=source.TREE):
    """The package's bytes. `glibc` is the oldest C library that the binary takes, as (2, 31)."""
    def at(path, data, mode=0o644):
        return Entry(f"./{path}", data, mode)
    files = [
        at("usr/sbin/hearth", binary, 0o755),
        at("lib/systemd/system/hearth.service", (HERE / "hearth.service").read_bytes()),
        at(CONFIG.lstrip("/"), (HERE / "hearth.toml").read_bytes(), 0o640),
        at("usr/share/doc/hearth/examples/hearth.toml", (tree / "agent/hearth.example.toml").read_bytes()),
        at("usr/share/doc/hearth/copyright", (tree / "LICENSE").read_bytes() + b"\n" + licences),
        at("usr/share/doc/hearth/changelog.gz", archive.gz((tree / "CHANGELOG.md").read_bytes())),
    ]
    files += [at(path, data) for path, data in agent.documented(pages, COMPLETIONS, "usr/share/man/man8")]
    files.sort(key=lambda entry: entry.path)
    data = archive.tar([*_folders(files), *files], time)
    control = archive.tar([Entry("./", None, 0o755), *_control(machine, version, files, glibc)], time)
    return _ar([("debian-binary", b"2.0\n"), ("control.tar.xz", _xz(control)), ("data.tar.xz", _xz(data))], time)


def _folders(files):
    folders = {parent for entry in files for parent in pathlib.PurePosixPath(entry.path).parents}
    return [Entry("./" if str(folder) == "." else f"./{folder}/", None, 0o755) for folder in sorted(folders)]


def _control(machine, version, files, glibc):
    size = -(-sum(len(entry.data) for entry in files) // 1024)
    description = "".join(f" {line}\n" for line in source.DESCRIPTION.splitlines())
    control = (
        f"Package: hearth\nVersion: {deb_version(version)}\nArchitecture: {ARCHITECTURES[machine]}\n"
        f"Maintainer: Hearth <{source.MAINTAINER}>\nInstalled-Size: {size}\nSection: net\nPriority: optional\n"
        f"Depends: libc6 (>= {'.'.join(map(str, glibc))}), passwd\nRecommends: ca-certificates\n"
        f"Suggests: isc-dhcp-server | kea-dhcp4-server | dnsmasq\nHomepage: {source.WEB}\n"
        f"Description: {source.COMMENT.lower()}\n{description}"
    )
    sums = "".join(f"{hashlib.md5(entry.data).hexdigest()}  {entry.path.removeprefix('./')}\n" for entry in files
                   if entry.path != f".{CONFIG}")
    texts = [("conffiles", f"{CONFIG}\n", 0o644), ("control", control, 0o644), ("md5sums", sums, 0o644)]
    texts += [(name, (HERE / name).read_text(), 0o755) for name in SCRIPTS]
    return [Entry(f"./{name}", text.encode(), mode) for name, text, mode in sorted(texts)]


def _xz(data):
    return lzma.compress(data, check=lzma.CHECK_CRC64, preset=6)


def _ar(members, time):
    out = b"!<arch>\n"
    for name, data in members:
        out += f"{name:<16}{time:<12}{0:<6}{0:<6}{'100644':<8}{len(data):<10}`\n".encode()
        out += data + b"\n" * (len(data) % 2)
    return out
