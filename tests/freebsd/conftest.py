"""A FreeBSD guest, one for all cases of a run, in the order of the files; what a case changes it takes back."""

import pathlib

import pytest

from hearthtest import guest
from hearthtest.guest_site import NEW, PKG, PROOF_FILE, GuestSite, install, why_not

HERE = pathlib.Path(__file__).parent


def pytest_collection_modifyitems(items):
    ours = [item for item in items if HERE in item.path.parents]
    why = why_not() if ours else None
    for item in ours:
        if why:
            item.add_marker(pytest.mark.skip(reason=why))


@pytest.fixture(scope="session")
def wire(tmp_path_factory):
    one = GuestSite(tmp_path_factory.mktemp("guest"))
    yield one
    one.close()


@pytest.fixture(scope="session")
def pkg(wire):
    """FreeBSD's own pkg in the guest."""
    if PKG:
        wire.run(f"mkdir -p /usr/local/sbin && cp {guest.BROUGHT}/pkg /usr/local/sbin/pkg")
    code, _ = wire.run("test -x /usr/local/sbin/pkg", check=False)
    if code:
        pytest.skip("the guest has no pkg; HEARTH_FREEBSD_PKG brings one")
    return wire


@pytest.fixture
def installed(wire):
    """Hearth installed in the guest and running, with what machines boot."""
    code, _ = wire.run("test -x /usr/local/sbin/hearth", check=False)
    if code:
        install(wire, NEW)
    wire.settings()
    wire.run(f"test -e /usr/local/tftp/snponly.efi || hearth fetch", 600)
    wire.run(f"printf %s {PROOF_FILE.decode().strip()!r} > /usr/local/tftp/proof.txt; echo >> /usr/local/tftp/proof.txt")
    wire.run("sysrc hearth_enable=YES hearth_delay=1")
    if wire.service("status", check=False)[0]:
        wire.service("start")
    wire.wait()
    return wire
