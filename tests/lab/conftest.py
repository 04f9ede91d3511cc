"""Runs the lab's cases side by side, as many machines at a time as the host has processors.

A case is an ordinary test function that takes `site`. All cases start in a pool when the first one
is wanted; each pytest item then waits for its own. What a failed case leaves (serial consoles,
packet captures, logs of all servers) is kept, and its folder named.
"""

import os
import shutil
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hearthtest import net, proof
from hearthtest.site import Site
from hearthtest.vm import Slots

MACHINES = int(os.environ.get("LAB_MACHINES", max(2, min(4, os.cpu_count() // 2))))
HERE = Path(__file__).parent


def pytest_configure(config):
    config.addinivalue_line("markers", "machines(count): how many machines a case runs at once")


def pytest_collection_modifyitems(items):
    ours = [item for item in items if HERE in item.path.parents]
    why = net.available() if ours else None
    for item in ours:
        if why:
            item.add_marker(pytest.mark.skip(reason=why))


@pytest.fixture
def site():
    """The pool gives each case its own."""


class Cases:
    """The cases of this run and the threads that they run in."""

    def __init__(self, items):
        self.slots, self.times = Slots(MACHINES), {}
        self.sites, self.lock, self.ending = set(), threading.Lock(), False
        self.proof_files = proof.kernel(), proof.initramfs()
        self.pool = ThreadPoolExecutor(MACHINES)
        self.futures = {item.nodeid: self.pool.submit(self.run, item) for item in items}

    def run(self, item):
        marker = item.get_closest_marker("machines")
        folder = Path(tempfile.mkdtemp(prefix="hearth-lab-"))
        with self.slots.take(marker.args[0] if marker else 1):
            began = time.monotonic()
            site = None
            try:
                site = Site(folder, self.proof_files)
                with self.lock:
                    assert not self.ending, "the run was ended"
                    self.sites.add(site)
                item.obj(site)
            except BaseException:
                keep(item, site, folder)
                raise
            else:
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                self.times[item.nodeid] = time.monotonic() - began
                if site:
                    site.close()
                    with self.lock:
                        self.sites.discard(site)

    def close(self):
        self.pool.shutdown(wait=False, cancel_futures=True)
        with self.lock:
            self.ending = True
            running = list(self.sites)
        for site in running:
            site.close()
        self.pool.shutdown()


def keep(item, site, folder):
    """Tells where a failed case's logs are, and shows the one that tells most."""
    item.add_report_section("call", "lab", f"kept in {folder}")
    if site and site.agent:
        item.add_report_section("call", "agent", site.agent.log())


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    if HERE not in pyfuncitem.path.parents or "site" not in pyfuncitem.fixturenames:
        return None
    session = pyfuncitem.session
    if not hasattr(session, "cases"):
        session.cases = Cases([item for item in session.items
                               if HERE in item.path.parents and "site" in item.fixturenames])
    session.cases.futures[pyfuncitem.nodeid].result()
    return True


def pytest_sessionfinish(session):
    if hasattr(session, "cases"):
        session.cases.close()


def pytest_terminal_summary(terminalreporter):
    cases = getattr(terminalreporter._session, "cases", None)
    if cases:
        terminalreporter.section("lab: seconds per case")
        for name, seconds in cases.times.items():
            terminalreporter.line(f"{seconds:6.1f}  {name.rpartition('::')[2]}")
