"""What the source tree says of itself: its version, and the time that packages carry."""

import pathlib
import re
import subprocess
import tomllib

TREE = pathlib.Path(__file__).resolve().parents[2]
# Where nothing says when the source was made (no git, no SOURCE_DATE_EPOCH).
SOME_TIME = 1_767_225_600

COMMENT = "Boot server and provisioner of its network"
DESCRIPTION = """\
Hearth turns a firewall, or any FreeBSD or Linux host, into the boot server of
its network. One small program fetches iPXE and operating systems, serves them
by TFTP and HTTP, decides what each machine gets that boots from the network,
and says what happened at every step.
"""
MAINTAINER = "hearth@users.noreply.example"
WEB = "https://hearth.example/"


class Refused(Exception):
    """What a person has to correct, as a sentence."""


def version(tree=TREE):
    """The version of crate, packages, port and plugin. The workspace's Cargo.toml is the one place."""
    text = (tree / "Cargo.toml").read_text()
    found = tomllib.loads(text)["workspace"]["package"]["version"]
    # `-` stands between name and version of a package, and pkg reads `_` and `,` in its own way.
    if not re.fullmatch(r"\d+\.\d+\.\d+(\.(a|b|rc)\d+)?", found):
        raise Refused(f"Cargo.toml: version {found} is not as 1.2.3 or 1.2.3.rc1, which every packager takes")
    return found


def others(tree=TREE):
    """Every other place that names the version, and what it says; None where it names none."""
    def of(path, pattern):
        file = tree / path
        if not file.exists():
            return None
        found = re.search(pattern, file.read_text(), re.MULTILINE)
        return found[1] if found else None
    return {
        "pkg/port/Makefile": of("pkg/port/Makefile", r"^DISTVERSION=\s*(\S+)$"),
        "opnsense-plugin/Makefile": of("opnsense-plugin/Makefile", r"^PLUGIN_VERSION=\s*(\S+)$"),
        "opnsense-plugin/pkg-descr": of("opnsense-plugin/pkg-descr", r"^(\d+\.\d+[\d.]*)$"),
        "CHANGELOG.md": of("CHANGELOG.md", r"^## \[?(\d+\.[\w.]+)"),
    }


def unpublishable(tree=TREE):
    """Sentences, each about what has to be corrected before anything is published."""
    # A word that stands for a host, and not the name of a file.
    stands_for = re.compile(r"\w\.example(?![\w.])")
    wrong = [f"{path} names a maintainer or a site that is not there (.example): put the project's own in"
             for path in ("pkg/hearthpkg/source.py", "opnsense-plugin/Makefile", "pkg/port/Makefile")
             if stands_for.search((tree / path).read_text())]
    if others(tree)["CHANGELOG.md"] != version(tree):
        wrong.append(f"CHANGELOG.md has no heading ## {version(tree)}: its first one is that of what is published")
    return wrong


def disagreements(tree=TREE):
    """Sentences, each about a place whose version is not that of Cargo.toml.

    The changelog has a heading of its version only once it is released.
    """
    own = version(tree)
    return [f"{path} has version {said}, and Cargo.toml {own}: Cargo.toml is what counts"
            for path, said in others(tree).items() if said not in (None, own)]


def time(tree=TREE, environment=None):
    """Seconds since 1970 that every file of a package carries: SOURCE_DATE_EPOCH, else the commit's."""
    given = (environment or {}).get("SOURCE_DATE_EPOCH")
    if given:
        return int(given)
    done = subprocess.run(["git", "-C", tree, "log", "-1", "--format=%ct"], capture_output=True, text=True)
    return int(done.stdout) if done.returncode == 0 and done.stdout.strip() else SOME_TIME


def commit(tree=TREE):
    """The commit's short id, or `unknown`."""
    done = subprocess.run(["git", "-C", tree, "rev-parse", "--short=9", "HEAD"], capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else "unknown"
