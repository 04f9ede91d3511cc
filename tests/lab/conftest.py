"""What every case of the lab has: a network with a firewall, and what its machines boot."""

import shutil
import tempfile
from pathlib import Path

import pytest

from hearthtest import net, proof
from hearthtest.site import Site


def pytest_collection_modifyitems(items):
    why = net.available()
    for item in items:
        if why:
            item.add_marker(pytest.mark.skip(reason=why))


@pytest.fixture(scope="session")
def proof_files():
    """The operating system that proves itself; packing it takes a few seconds."""
    return proof.kernel(), proof.initramfs()


@pytest.fixture
def site(request, proof_files):
    folder = Path(tempfile.mkdtemp(prefix="hearth-lab-"))
    made = Site(folder, proof_files)
    yield made
    made.close()
    failed = getattr(request.node, "failed", False)
    if failed:
        print(f"--- logs are kept in {folder}")
        if made.agent:
            print(made.agent.log())
    else:
        shutil.rmtree(folder)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    outcome = yield
    if outcome.get_result().failed:
        item.failed = True
