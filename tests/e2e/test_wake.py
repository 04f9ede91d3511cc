"""Wake-on-LAN as a card on the network hears it."""

import socket

import pytest

from hearthtest import net
from hearthtest.clients import get
from hearthtest.wait import wait_for

pytestmark = pytest.mark.skipif(net.available() is not None, reason=str(net.available()))

MAC = "52:54:00:00:00:01"
SITE = """
[observe]
enabled = false
[[image]]
name = "debian"
recipe = "debian"
version = "bookworm"
[[profile]]
name = "installer"
image = "debian"
installed = "callback"
[[machine]]
name = "oden"
mac = "52:54:00:00:00:01"
profile = "installer"
"""
MAGIC = b"\xff" * 6 + bytes.fromhex(MAC.replace(":", "")) * 16


@pytest.fixture
def network():
    with net.Network() as made:
        yield made


def heard(listener, packets):
    """Takes what has come so far into `packets`."""
    try:
        while True:
            packets.append(listener.recv(2000))
    except BlockingIOError:
        return packets


def listen(namespace):
    """A card that hears what is sent to everybody on UDP port 9."""
    with net.inside(namespace):
        listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        listener.bind(("", 9))
    listener.setblocking(False)
    return listener


def test_a_machine_that_is_to_be_installed_anew_is_woken_too(agent, network):
    firewall = network.host("firewall", "192.168.77.1/24")
    asleep = network.host("asleep", "192.168.77.50/24", mac=MAC)
    one = agent(SITE, addresses=("192.168.77.1",), netns=firewall, tftp_port=69,
                http_port=80).start()
    with net.inside(asleep):
        get(one, f"/script?mac={MAC}&platform=efi&buildarch=x86_64")
    with listen(asleep) as listener:
        done = one.run("machine", "reinstall", "oden")
        assert done.returncode == 0 and "oden is ready" in done.stdout
        done = one.run("machine", "reinstall", "oden", "--wake")
        assert done.returncode == 0, done.stderr
        assert "oden is ready" in done.stdout and "oden: " in done.stdout.splitlines()[1]
        packets = []
        wait_for(lambda: len(heard(listener, packets)) >= 3, "the card hears it")
        # `reinstall` alone sent none.
        assert packets == [MAGIC] * 3
    audit = one.ask("GET", "audit")[2]["audit"]
    assert [(row["what"]["action"], row["what"]["label"]) for row in audit[:3]] == [
        ("wake", "oden"), ("reinstall", "oden"), ("reinstall", "oden")]
    assert {row["who"] for row in audit} == {"root"}


def test_what_cannot_be_woken_is_to_be_installed_all_the_same(agent):
    one = agent(SITE).start()
    get(one, f"/script?mac={MAC}&platform=efi&buildarch=x86_64")
    done = one.run("machine", "reinstall", "oden", "--wake")
    assert "oden is ready" in done.stdout
    assert done.returncode == 65 and "server.addresses" in done.stderr
