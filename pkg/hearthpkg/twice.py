"""Compiles the agent from two copies of the tree, which have to give the same bytes."""

import os
import pathlib
import shutil
import subprocess
import tempfile

from . import compiled, source
from .source import Refused

# Neither the folders nor their depths are the same.
PLACES = ("one/hearth", "a/longer/way/down/other")
# How many of the differing places are named.
SHOWN = 5


def agent(target, folder, tree=source.TREE, tools=os.environ, profile="release"):
    """The agent's bytes for a target. The copies are made in `folder`, and removed."""
    made = []
    folder.mkdir(parents=True, exist_ok=True)
    for place in PLACES:
        with tempfile.TemporaryDirectory(dir=folder) as here:
            copy = pathlib.Path(here) / place
            copy_tree(tree, copy)
            made.append(compiled.agent(target, copy.parent / "built", copy, tools, profile))
    if wrong := difference(*made):
        raise Refused(f"the agent for {target}: two folders give different bytes: {wrong}")
    return made[0]


def copy_tree(tree, to):
    """What git knows of the tree, or would take in, as it is now."""
    told = subprocess.run(["git", "-C", tree, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                          capture_output=True, check=True).stdout
    for name in filter(None, told.decode().split("\0")):
        path = tree / name
        if not (path.is_file() or path.is_symlink()):
            continue
        (to / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, to / name, follow_symlinks=False)


def difference(one, other):
    """A sentence on where two programs differ; None: they do not."""
    if one == other:
        return None
    if len(one) != len(other):
        return f"{len(one)} and {len(other)} of them"
    places = [at for at, (here, there) in enumerate(zip(one, other)) if here != there]
    first = ", ".join(f"at {at:#x}" for at in places[:SHOWN])
    return f"{len(places)} of {len(one)}, {first}{', ...' if len(places) > SHOWN else ''}"
