"""Fixtures of the end-to-end tests."""

import os

import pytest

from hearthtest.agent import Agent
from hearthtest.fetching import HEAD, NO_LOADERS
from hearthtest.origin import Origin


@pytest.fixture
def origin():
    """A stand-in for every place that Hearth fetches from."""
    with Origin() as one:
        yield one


@pytest.fixture
def hearth(tmp_path):
    """Makes agents that never serve, from what is behind `[fetch]`."""
    made = []

    def make(extra, tries=2, fetch="", loaders=NO_LOADERS):
        folder = tmp_path / f"agent{len(made)}"
        made.append(Agent(folder, HEAD.format(tries=tries, fetch=fetch) + loaders + extra))
        return made[-1]

    return make


@pytest.fixture
def open_folder():
    """Lets another user at an agent's folder: `open_folder(agent, uid)`."""
    opened = []

    def let(one, uid):
        # pytest's folders above are closed to all but who runs it.
        for above in [one.folder, *one.folder.parents][:-2]:
            mode = above.stat().st_mode & 0o7777
            if mode & 0o011 != 0o011:
                opened.append((above, mode))
                above.chmod(mode | 0o011)
        for path in (one.root, one.state, one.run_dir):
            os.chown(path, uid, uid)
    yield let
    for path, mode in reversed(opened):
        path.chmod(mode)
