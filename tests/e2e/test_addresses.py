"""Addresses and interfaces of the host come, go, change and move to another host and back."""

import platform
import subprocess
import threading

import pytest

from hearthtest.addresses import add, delete, ip, without_freebind
from hearthtest.agent import Agent
from hearthtest.clients import TftpRead
from hearthtest.fetching import NO_LOADERS
from hearthtest.net import Network, available, inside
from hearthtest.wait import wait_for

pytestmark = pytest.mark.skipif(available() is not None, reason=available() or "")
HERE, THERE, SIX = "192.168.77.1", "192.168.77.2", "fd77::1"
SOON = 10


@pytest.fixture
def network():
    with Network() as one:
        yield one


@pytest.fixture(params=[None, without_freebind], ids=["bound before", "bound when there"])
def prepare(request):
    if request.param and platform.machine() != "x86_64":
        pytest.skip("the filter is for x86_64")
    return request.param


@pytest.fixture
def serving(tmp_path):
    made = []

    def start(host, addresses=(HERE, THERE), prepare=None, **more):
        one = Agent(tmp_path / host, NO_LOADERS, addresses=addresses, netns=host, tftp_port=69,
                    http_port=8069, **more)
        one.put("a.bin", b"a" * 5_000)
        made.append(one)
        return one.start(prepare)
    yield start
    for one in made:
        one.stop()


def gets(client, address, by="http"):
    """Whether a client in a namespace gets the file there."""
    host = f"[{address}]" if ":" in address else address
    url = f"tftp://{host}/a.bin" if by == "tftp" else f"http://{host}:8069/files/a.bin"
    done = subprocess.run(["ip", "netns", "exec", client, "curl", "-sg", "--max-time", "3", "--tftp-blksize",
                           "512", url], capture_output=True, check=False)
    return done.returncode == 0 and done.stdout == b"a" * 5_000


def gets_soon(client, address):
    for by in ("tftp", "http"):
        wait_for(lambda by=by: gets(client, address, by), f"{by} answers on {address}", SOON)


def waits_for(one):
    return one.status()["waits_for"]


def test_what_is_there_is_served_and_what_comes_is_taken_up(network, serving, prepare):
    firewall = network.host("firewall", f"{HERE}/24")
    client = network.host("client", "192.168.77.9/24", "fd77::9/64")
    one = serving(firewall, (HERE, THERE, SIX), prepare)
    assert waits_for(one) == [THERE, SIX]
    for address in (THERE, SIX):
        sentence = f"no interface has the address {address} now; machines reach Hearth there as soon"
        assert one.log().count(sentence) == 1
        assert sentence in one.run("status").stdout
    gets_soon(client, HERE)
    assert not gets(client, THERE)
    add(firewall, f"{THERE}/24")
    gets_soon(client, THERE)
    wait_for(lambda: waits_for(one) == [SIX], "it is seen", SOON)
    add(firewall, f"{SIX}/64")
    gets_soon(client, SIX)
    wait_for(lambda: waits_for(one) == [], "it is seen", SOON)
    assert f"{THERE} is there now, on eth0" in one.log()
    assert "no interface has" not in one.run("status").stdout
    assert one.status()["configuration"]["reloads"] == 0


def test_an_interface_that_is_made_later_is_served(network, serving, prepare):
    firewall = network.host("firewall", f"{HERE}/24")
    client = network.host("client", "192.168.77.9/24")
    one = serving(firewall, (HERE, "192.168.78.1"), prepare)
    ip(firewall, "link", "add", "eth1", "type", "veth", "peer", "name", "eth1", "netns", client)
    for host, number in ((firewall, 1), (client, 9)):
        add(host, f"192.168.78.{number}/24", "eth1")
        ip(host, "link", "set", "eth1", "up")
    gets_soon(client, "192.168.78.1")
    wait_for(lambda: one.status()["observe"]["interfaces"] == ["eth0", "eth1"], "DHCP is heard too", SOON)
    ip(firewall, "link", "del", "eth1")
    wait_for(lambda: waits_for(one) == ["192.168.78.1"], "that it went is said", SOON)
    assert one.status()["observe"]["interfaces"] == ["eth0", "eth1"], "it may come back"
    gets_soon(client, HERE)


def test_running_transfers_do_not_see_what_happens_elsewhere(network, serving, prepare):
    firewall = network.host("firewall", f"{HERE}/24")
    client = network.host("client", "192.168.77.9/24")
    one = serving(firewall, prepare=prepare)
    with inside(client):
        running = TftpRead(one, "a.bin")
        for _ in range(3):
            add(firewall, f"{THERE}/24")
            wait_for(lambda: waits_for(one) == [], "it is there", SOON)
            running.block()
            delete(firewall, f"{THERE}/24")
            wait_for(lambda: waits_for(one) == [THERE], "it is gone", SOON)
            running.block()
        assert running.rest() == b"a" * 5_000
    assert one.status()["tftp"]["failed"] == 0


def test_an_address_that_moves_to_another_host_and_back(network, serving):
    """As CARP does it: two firewalls with one address, of which one has it at a time."""
    shared = "192.168.77.254"
    first, second = (network.host(name, f"192.168.77.{last}/24") for name, last in (("one", 1), ("two", 2)))
    client = network.host("client", "192.168.77.9/24")
    agents = {host: serving(host, (shared,)) for host in (first, second)}
    for holder, other in ((first, second), (second, first), (first, second)):
        with_it = agents[holder].status()["http"]["transfers"]
        without = agents[other].status()["http"]["transfers"]
        add(holder, f"{shared}/32")
        ip(client, "neigh", "flush", "dev", "eth0")
        gets_soon(client, shared)
        wait_for(lambda holder=holder: waits_for(agents[holder]) == [], "it has it", SOON)
        assert agents[holder].status()["http"]["transfers"] > with_it
        assert agents[other].status()["http"]["transfers"] == without
        assert waits_for(agents[other]) == [shared]
        delete(holder, f"{shared}/32")
        wait_for(lambda holder=holder: waits_for(agents[holder]) == [shared], "it has it no more", SOON)
    assert agents[first].log().count(f"{shared} is there now") == 2


def test_a_new_configuration_may_name_what_is_not_there_yet(network, serving, prepare):
    firewall = network.host("firewall", f"{HERE}/24")
    client = network.host("client", "192.168.77.9/24")
    one = serving(firewall, (HERE,), prepare)
    more = f'\n[api]\naddresses = ["{THERE}"]\nport = 8443\n'
    one.config.write_text(one.config.read_text().replace(f'["{HERE}"]', f'["{HERE}", "{THERE}"]') + more)
    assert one.reloaded() is None
    assert waits_for(one) == [THERE]
    done = one.run("check", "--serve")
    assert done.returncode == 0 and "it is waited for" in done.stderr
    assert one.run("check").returncode == 78
    add(firewall, f"{THERE}/24")
    gets_soon(client, THERE)
    api = ["ip", "netns", "exec", client, "curl", "-sk", "-o", "/dev/null", "-w", "%{http_code}",
           f"https://{THERE}:8443/healthz"]
    wait_for(lambda: subprocess.run(api, capture_output=True, text=True, check=False).stdout == "200",
             "the API answers there too", SOON)


def test_nothing_is_there_at_first(network, serving, prepare):
    firewall = network.host("firewall")
    client = network.host("client", "192.168.77.9/24")
    one = serving(firewall, (HERE,), prepare)
    assert waits_for(one) == [HERE]
    add(firewall, f"{HERE}/24")
    gets_soon(client, HERE)
    wait_for(lambda: one.status()["observe"]["interfaces"] == ["eth0"], "DHCP is heard", SOON)


def test_addresses_that_come_and_go_all_the_time_stop_nobody(network, serving):
    firewall = network.host("firewall", f"{HERE}/24")
    client = network.host("client", "192.168.77.9/24")
    one = serving(firewall)
    over = threading.Event()

    def flap():
        while not over.is_set():
            add(firewall, f"{THERE}/24")
            delete(firewall, f"{THERE}/24")
    flapping = threading.Thread(target=flap)
    flapping.start()
    try:
        assert all(gets(client, HERE, by) for by in ("tftp", "http") * 20)
    finally:
        over.set()
        flapping.join()
