"""DHCP between real servers and clients, as the agent hears it."""

import pathlib
import re
import subprocess
import uuid

import pytest

from hearthtest import dhcp, net, pxe
from hearthtest.clients import TftpRead
from hearthtest.wait import wait_for

pytestmark = pytest.mark.skipif(net.available() is not None, reason=str(net.available()))

FIREWALL, OTHER = "192.168.77.1", "192.168.77.2"
MAC = "52:54:00:00:00:{:02x}".format
DNSMASQ = "no-ping\ndhcp-range=192.168.77.100,192.168.77.150,600\ndhcp-boot=snponly.efi,,192.168.77.1\n"
ISC = """
default-lease-time 600;
subnet 192.168.77.0 netmask 255.255.255.0 {
  range 192.168.77.160 192.168.77.199;
  next-server 192.168.77.2;
  filename "pxelinux.0";
}"""


@pytest.fixture
def network():
    with net.Network() as one:
        yield one


@pytest.fixture
def servers():
    """Starts DHCP servers that end with the test."""
    started = []

    def start(kind, *arguments, **options):
        started.append(kind(*arguments, **options))
        return started[-1]

    yield start
    for one in started:
        one.stop(9)


def serving(agent, host, extra="", **options):
    return agent(extra + NO_LOADERS, addresses=(FIREWALL,), netns=host, tftp_port=69, http_port=8069,
                 **options)


NO_LOADERS = '[loaders]\nsource = "none"\n'


def heard(one, mac=None, message=None):
    """The DHCP events of a card, oldest first."""
    events = [event for event in one.status()["events"] if event["kind"] == "dhcp"]
    return [event for event in events
            if mac in (None, event["mac"]) and message in (None, event["message"])]


def messages(one, mac):
    return [event["message"] for event in heard(one, mac)]


def settled(one, host):
    """A sentinel that boots: once it is heard, all before it is."""
    card = pxe.Card(host, MAC(0xEE))
    card.send(pxe.DISCOVER, pxe.firmware())
    wait_for(lambda: heard(one, MAC(0xEE)), "the sentinel is heard")


def test_a_boot_is_heard_from_its_first_question_to_its_address(agent, network, servers, tmp_path):
    firewall = network.host("firewall", f"{FIREWALL}/24")
    client = network.host("client")
    one = serving(agent, firewall).start()
    assert one.status()["observe"]["interfaces"] == ["eth0"]
    assert "DHCP is heard on eth0\n" in one.log()
    servers(dhcp.Dnsmasq, firewall, tmp_path, DNSMASQ)
    card = pxe.Card(client, MAC(1))
    address = card.boot(pxe.firmware())
    wait_for(lambda: len(messages(one, MAC(1))) >= 4, "four messages")
    assert messages(one, MAC(1)) == ["discover", "offer", "request", "ack"]
    discover, offer, request, ack = heard(one, MAC(1))
    assert discover["architectures"] == [7]
    assert discover["vendor_class"] == "PXEClient:Arch:00007:UNDI:003016"
    assert discover["uuid"] == str(uuid.UUID(bytes_le=bytes(range(16, 32))))
    assert not discover["is_ipxe"] and "server" not in discover
    assert {event["xid"] for event in (discover, offer, request, ack)} == {card.xid}
    assert request["address"] == address
    for answer in (offer, ack):
        assert answer["server"] == FIREWALL and answer["address"] == address
        assert answer["next_server"] == FIREWALL and answer["file"] == "snponly.efi"
        assert not answer["has_options_66_67"]
    card.boot(pxe.ipxe())
    wait_for(lambda: len(messages(one, MAC(1))) >= 8, "four more")
    assert [event["is_ipxe"] for event in heard(one, MAC(1))] == [False] * 4 + [True, False] * 2


def test_a_transfer_is_the_machines_before_it_asked_for_a_script(agent, network, servers, tmp_path):
    firewall = network.host("firewall", f"{FIREWALL}/24")
    client = network.host("client")
    one = serving(agent, firewall).start()
    (one.root / "snponly.efi").write_bytes(bytes(3000))
    servers(dhcp.Dnsmasq, firewall, tmp_path, DNSMASQ)
    address = pxe.Card(client, MAC(0xB)).boot(pxe.firmware())
    machine = wait_for(lambda: heard(one, MAC(0xB), "ack"), "it has an address")[0]["machine"]
    assert machine is not None
    subprocess.run(["ip", "-n", client, "addr", "add", f"{address}/24", "dev", "eth0"], check=True)
    with net.inside(client):
        assert len(TftpRead(one, "snponly.efi").rest()) == 3000
    transfers = wait_for(lambda: [event for event in one.status()["events"]
                                  if event["kind"] == "transfer"], "the transfer is told")
    assert [event["machine"] for event in transfers] == [machine]


def test_whoever_answers_too_is_heard(agent, network, servers, tmp_path):
    firewall = network.host("firewall", f"{FIREWALL}/24")
    other = network.host("other", f"{OTHER}/24")
    client = network.host("client")
    one = serving(agent, firewall).start()
    servers(dhcp.Dnsmasq, firewall, tmp_path, DNSMASQ)
    servers(dhcp.Isc, other, tmp_path, ISC)
    card = pxe.Card(client, MAC(2))
    card.send(pxe.DISCOVER, pxe.firmware(0))
    assert {server for server, _ in card.answers(pxe.OFFER, 2)} == {FIREWALL, OTHER}
    wait_for(lambda: len(heard(one, MAC(2), "offer")) == 2, "two offers")
    offers = {event["server"]: event["file"] for event in heard(one, MAC(2), "offer")}
    assert offers == {FIREWALL: "snponly.efi", OTHER: "pxelinux.0"}
    assert re.search(r"debug: .*DHCP offer by 192\.168\.77\.2, address \S+, next server "
                     r"192\.168\.77\.2, file pxelinux\.0", one.log()) is None, "only at level debug"


def udhcpc(host, mac):
    subprocess.run(["ip", "-n", host, "link", "set", "eth0", "address", mac], check=True)
    subprocess.run(["ip", "netns", "exec", host, "busybox", "udhcpc", "-f", "-q", "-n", "-i", "eth0",
                    "-s", "/bin/true"], check=True, capture_output=True, timeout=30)


def test_an_installed_system_is_heard_if_its_machine_is_known_and_a_stranger_is_not(
        agent, network, servers, tmp_path):
    firewall = network.host("firewall", f"{FIREWALL}/24")
    client = network.host("client")
    one = serving(agent, firewall, f'[[machine]]\nname = "oden"\nmac = "{MAC(3)}"\n').start()
    servers(dhcp.Dnsmasq, firewall, tmp_path, DNSMASQ)
    udhcpc(client, MAC(4))
    udhcpc(client, MAC(3))
    settled(one, client)
    assert messages(one, MAC(4)) == []
    assert messages(one, MAC(3)) == ["discover", "offer", "request", "ack"]
    assert heard(one, MAC(3))[0]["vendor_class"].startswith("udhcp")


def test_a_machine_that_booted_is_heard_when_its_system_asks(agent, network, servers, tmp_path):
    firewall = network.host("firewall", f"{FIREWALL}/24")
    client = network.host("client")
    one = serving(agent, firewall).start()
    servers(dhcp.Dnsmasq, firewall, tmp_path, DNSMASQ)
    pxe.Card(client, MAC(5)).boot(pxe.firmware())
    udhcpc(client, MAC(5))
    settled(one, client)
    assert messages(one, MAC(5)) == ["discover", "offer", "request", "ack"] * 2


def test_off_is_off_and_a_reload_turns_it_on_and_off(agent, network):
    firewall = network.host("firewall", f"{FIREWALL}/24")
    client = network.host("client")
    one = serving(agent, firewall, "[observe]\nenabled = false\n").start()
    assert one.status()["observe"]["interfaces"] == []
    assert packet_sockets(firewall) == 0
    card = pxe.Card(client, MAC(6))
    card.send(pxe.DISCOVER, pxe.firmware())
    one.change("enabled = false", "enabled = true")
    assert one.status()["observe"]["interfaces"] == ["eth0"]
    assert packet_sockets(firewall) == 1
    settled(one, client)
    assert messages(one, MAC(6)) == []
    card.send(pxe.DISCOVER, pxe.firmware())
    wait_for(lambda: messages(one, MAC(6)) == ["discover"], "it is heard now")
    one.change("enabled = true", "enabled = false")
    wait_for(lambda: packet_sockets(firewall) == 0, "the socket is closed")
    assert one.status()["observe"]["interfaces"] == []
    assert one.stop() == 0


def packet_sockets(host):
    table = subprocess.run(["ip", "netns", "exec", host, "cat", "/proc/net/packet"], check=True,
                           capture_output=True, text=True).stdout
    return len(table.splitlines()) - 1


def test_a_bridge_and_its_member_hear_one_message_once(agent, network):
    firewall = network.host("firewall")
    client = network.host("client")
    for command in ("link add br1 type bridge stp_state 0 forward_delay 0", "link set br1 up",
                    "link set dev eth0 master br1", f"addr add {FIREWALL}/24 dev br1"):
        subprocess.run(["ip", "-n", firewall, *command.split()], check=True)
    one = serving(agent, firewall, '[observe]\ninterfaces = ["br1", "eth0"]\n').start()
    card = pxe.Card(client, MAC(7))
    card.send(pxe.DISCOVER, pxe.firmware())
    settled(one, client)
    assert messages(one, MAC(7)) == ["discover"]
    card.send(pxe.DISCOVER, pxe.firmware())
    wait_for(lambda: messages(one, MAC(7)) == ["discover"] * 2, "a repetition counts")


def test_an_interface_that_goes_and_comes_back_is_heard_again(agent, network):
    firewall = network.host("firewall", f"{FIREWALL}/24")
    client = network.host("client")

    def plug():
        subprocess.run(["ip", "-n", firewall, "link", "add", "boot10", "type", "veth", "peer", "name",
                        "boot10", "netns", client], check=True)
        for host in (firewall, client):
            subprocess.run(["ip", "-n", host, "link", "set", "boot10", "up"], check=True)
    plug()
    one = serving(agent, firewall, '[observe]\ninterfaces = ["boot10", "gone0", "lo"]\n').start()
    assert one.status()["observe"]["interfaces"] == ["boot10"]
    assert "warning: cannot listen to DHCP on gone0: there is no such interface; correct " in one.log()
    assert "warning: cannot listen to DHCP on lo: it has no Ethernet frames; correct " in one.log()
    subprocess.run(["ip", "-n", firewall, "link", "del", "boot10"], check=True)
    wait_for(lambda: "DHCP is not heard on boot10 until it is back" in one.log(), "the loss is told")
    plug()
    wait_for(lambda: "boot10 is back, DHCP is heard on it" in one.log(), "it is back", 15)
    card = pxe.Card(client, MAC(8), "boot10")
    card.send(pxe.DISCOVER, pxe.firmware())
    wait_for(lambda: messages(one, MAC(8)) == ["discover"], "it is heard")


def test_an_interface_that_goes_down_and_up_is_heard_again(agent, network):
    firewall = network.host("firewall", f"{FIREWALL}/24")
    client = network.host("client")
    one = serving(agent, firewall).start()
    for state in ("down", "up"):
        subprocess.run(["ip", "-n", firewall, "link", "set", "eth0", state], check=True)
    wait_for(lambda: "state UP" in subprocess.run(
        ["ip", "-n", firewall, "link", "show", "eth0"], capture_output=True, text=True).stdout, "up")
    settled(one, client)


def test_nothing_is_ever_sent(agent, network):
    firewall = network.host("firewall", f"{FIREWALL}/24")
    client = network.host("client")
    one = serving(agent, firewall).start()
    card = pxe.Card(client, MAC(0xC))
    card.send(pxe.DISCOVER, pxe.firmware())
    settled(one, client)
    senders = set()
    with pytest.raises(TimeoutError):
        while True:
            frame = card.socket.recv(2048)
            if frame[12:14] == b"\x08\x00":
                senders.add(frame[6:12].hex(":"))
    assert senders == {MAC(0xEE)}, "the other card's question, and no answer"


def test_a_flood_is_bounded_and_told(agent, network):
    firewall = network.host("firewall", f"{FIREWALL}/24")
    client = network.host("client")
    one = serving(agent, firewall, f'[[machine]]\nname = "oden"\nmac = "{MAC(9)}"\n').start()
    card = pxe.Card(client, MAC(0xA0))
    before = memory(one)
    for number in range(20_000):
        card.mac = "02:00:00:00:{:02x}:{:02x}".format(number >> 8, number & 255)
        card.send(pxe.DISCOVER, pxe.firmware())
    wait_for(lambda: "DHCP messages are left out of the timelines" in one.log(), "it is told")
    known = pxe.Card(client, MAC(9))

    def is_heard():
        known.send(pxe.DISCOVER, pxe.firmware())
        return messages(one, MAC(9))
    wait_for(is_heard, "a known machine is heard all the same", every=0.2)
    assert memory(one) - before < 16 << 20


def memory(one):
    status = pathlib.Path(f"/proc/{one.process.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) << 10


def test_an_address_that_is_not_there_yet_is_told(agent, network):
    firewall = network.host("firewall", "192.168.78.1/24")
    one = serving(agent, firewall).start()
    assert "DHCP is not listened to: no interface has one of server.addresses yet; name " in one.log()
    subprocess.run(["ip", "-n", firewall, "addr", "add", f"{FIREWALL}/24", "dev", "eth0"], check=True)
    one.change("source", "source")
    assert one.status()["observe"]["interfaces"] == ["eth0"]


def test_who_may_not_listen_serves_all_the_same_and_says_so_once(agent, network, open_folder):
    firewall = network.host("firewall", f"{FIREWALL}/24")
    one = agent(NO_LOADERS, addresses=(FIREWALL,), netns=firewall, tftp_port=6969, http_port=8069,
                inside=("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"))
    open_folder(one, 65534)
    one.start()
    assert one.log().count("cannot listen to DHCP on eth0: ") == 1
    assert "start as root, or set observe.enabled = false" in one.log()
    assert one.status()["observe"]["interfaces"] == []
