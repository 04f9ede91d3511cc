"""Fixtures of the end-to-end tests."""

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
