"""Fixtures that every test folder has."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from hearthtest.agent import Agent  # noqa: E402


@pytest.fixture
def agent(tmp_path):
    """Makes agents; each is ended when the test ends, and its log printed if the test failed."""
    made = []

    def make(*arguments, **options):
        folder = tmp_path / f"agent{len(made)}"
        made.append(Agent(folder, *arguments, **options))
        return made[-1]

    yield make
    for one in made:
        one.stop(9)
        print(f"--- log of {one.folder}\n{one.log()}")
