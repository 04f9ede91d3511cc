"""Packages as a repository offers them."""

import re
import shutil

from hearthtest.packages import TIME, TREE
from hearthpkg import plugin, repository


def offer(folder, key, *packages):
    """A repository of these packages, signed."""
    repository.write(folder, [(one, one.bytes(TIME)) for one in packages], key, TIME)


def plugin_of(version, folder):
    """The plugin's package under this version, made from a copy of its tree in `folder`."""
    tree = folder / f"plugin-{version}"
    if not tree.exists():
        shutil.copytree(TREE / "opnsense-plugin", tree)
        makefile = tree / "Makefile"
        makefile.write_text(re.sub(r"(?m)^PLUGIN_VERSION=.*$", f"PLUGIN_VERSION=\t\t{version}", makefile.read_text()))
    return plugin.package(tree, version, "0123456789ab")
