"""The package `hearth` for FreeBSD: the agent and what goes with it."""

import pathlib

from . import archive, freebsd, source
from .archive import Entry

HERE = pathlib.Path(__file__).resolve().parents[1] / "freebsd"
SCRIPTS = ("pre-install", "post-install", "pre-deinstall", "post-deinstall")
MESSAGES = ("install", "remove")
# Where each shell looks for completions.
COMPLETIONS = {
    "bash": "share/bash-completion/completions/hearth",
    "zsh": "share/zsh/site-functions/_hearth",
    "fish": "share/fish/vendor_completions.d/hearth.fish",
}


def package(release, machine, binary, pages, version, licences, tree=source.TREE):
    """The package for one FreeBSD release and machine.

    `pages` has what the agent writes of itself: file names of manual pages, names of shells, to their text.
    """
    abi, arch = freebsd.abi(release, machine)
    return freebsd.Package(
        name="hearth", version=version, origin="net/hearth", comment=source.COMMENT,
        description=source.DESCRIPTION, maintainer=source.MAINTAINER, www=source.WEB, abi=abi, arch=arch,
        categories=["net", "sysutils"], licenses=["BSD2CLAUSE"], users=["hearth"], groups=["hearth"],
        entries=entries(binary, pages, licences, tree),
        scripts={name: (HERE / f"{name}.sh").read_text() for name in SCRIPTS},
        messages=[(sort, (HERE / f"message-{sort}.txt").read_text()) for sort in MESSAGES],
    )


def entries(binary, pages, licences, tree=source.TREE):
    """Everything in the package."""
    def at(path, data, mode=0o644):
        return Entry(f"{freebsd.PREFIX}/{path}", data, mode)
    made = [
        at("sbin/hearth", binary, 0o755),
        at("etc/rc.d/hearth", (HERE / "hearth").read_bytes(), 0o755),
        at("etc/hearth/hearth.toml.sample", (HERE / "hearth.toml.sample").read_bytes()),
        at("etc/syslog.d/hearth.conf", (HERE / "syslog.conf").read_bytes()),
        at("etc/newsyslog.conf.d/hearth.conf", (HERE / "newsyslog.conf").read_bytes()),
        at("share/examples/hearth/hearth.toml", (tree / "agent/hearth.example.toml").read_bytes()),
        at("share/licenses/hearth/LICENSE", (tree / "LICENSE").read_bytes()),
        at("share/licenses/hearth/THIRD-PARTY", licences),
    ]
    return made + [at(path, data) for path, data in documented(pages, COMPLETIONS, "share/man/man8")]


def documented(pages, completions, manual):
    """Paths and contents of manual pages, and of the completions, whose places are given by shell."""
    for name, text in sorted(pages.items()):
        if name in completions:
            yield completions[name], text
        else:
            yield f"{manual}/{name}.gz", archive.gz(text)
