"""TFTP through the real agent, with real clients and with clients that misbehave."""

import concurrent.futures
import os
import pathlib
import resource
import socket
import struct
import subprocess
import time

import pytest

from hearthtest.agent import free_port
from hearthtest.clients import TftpRead
from hearthtest.wait import wait_for


@pytest.fixture
def served(agent):
    """An agent with one file of 3 MB and one that is empty."""
    one = agent()
    (one.root / "big").write_bytes(os.urandom(3_000_000))
    (one.root / "empty").write_bytes(b"")
    return one.start()


def request(name, options=(), mode="octet"):
    words = [name, mode, *(str(word) for pair in options for word in pair)]
    return b"\0\1" + b"".join(word.encode() + b"\0" for word in words)


def client(served, seconds=5):
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind(("127.0.0.1", 0))
    made.settimeout(seconds)
    return made


def ask(served, packet):
    """Sends one datagram to the listening port and returns the socket and the answer."""
    made = client(served)
    made.sendto(packet, (served.address, served.tftp_port))
    return (made, *made.recvfrom(70_000))


def read(served, name, options=()):
    """Reads a file in lockstep; returns its bytes and the OACK's options."""
    made, packet, peer = ask(served, request(name, options))
    size, accepted = 512, {}
    if packet[:2] == b"\0\6":
        words = packet[2:].decode().split("\0")[:-1]
        accepted = dict(zip(words[::2], words[1::2]))
        size = int(accepted.get("blksize", 512))
        made.sendto(b"\0\4\0\0", peer)
        packet, _ = made.recvfrom(70_000)
    data = b""
    while True:
        assert packet[:2] == b"\0\3", packet[:40]
        data += packet[4:]
        made.sendto(b"\0\4" + packet[2:4], peer)
        if len(packet) < size + 4:
            made.close()
            return data, accepted
        packet, _ = made.recvfrom(70_000)


def memory(served):
    for line in pathlib.Path(f"/proc/{served.process.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) * 1024


def test_real_clients_get_the_same_bytes(served, tmp_path):
    port, wanted = str(served.tftp_port), (served.root / "big").read_bytes()
    subprocess.run(["tftp", "-m", "binary", "127.0.0.1", port, "-c", "get", "big", "hpa"],
                   cwd=tmp_path, check=True, timeout=60)
    subprocess.run(["atftp", "--option", "blksize 1428", "--option", "windowsize 16", "-g", "-r",
                    "/big", "-l", "atftp", "127.0.0.1", port], cwd=tmp_path, check=True, timeout=60)
    subprocess.run(["curl", "-s", "-o", "curl", f"tftp://127.0.0.1:{port}//big"], cwd=tmp_path,
                   check=True, timeout=60)
    for name in ("hpa", "atftp", "curl"):
        assert (tmp_path / name).read_bytes() == wanted, name
    wait_for(lambda: served.status()["tftp"]["transfers"] == 3, "three transfers are counted")


def test_an_empty_file_is_one_empty_block(served):
    assert read(served, "empty") == (b"", {})


@pytest.mark.parametrize("value, answer", [("0", None), ("-1", None), ("7", None), ("8", "8"),
                                           ("512", "512"), ("1432", "1432"), ("9000000", "65464")])
def test_block_sizes_are_kept_or_left_out(served, value, answer):
    name = "empty" if value == "8" else "big"
    data, accepted = read(served, name, [("blksize", value), ("windowsize", 1)])
    assert data == (served.root / name).read_bytes()
    assert accepted.get("blksize") == answer


def test_options_are_answered_only_when_asked(served):
    _, accepted = read(served, "big", [("tsize", 0), ("multicast", "")])
    assert accepted == {"tsize": "3000000"}


@pytest.mark.parametrize("name", ["/big", "\\big", "//big", "big\x01rubbish"])
def test_names_as_firmware_writes_them_are_understood(served, name):
    assert len(read(served, name)[0]) == 3_000_000


def test_a_trailing_0xff_is_cut(served):
    _, packet, _ = ask(served, b"\0\1big\xff\0octet\0")
    assert packet[:4] == b"\0\3\0\1"


def test_nothing_outside_the_catalogue_can_be_read(served, tmp_path):
    (served.root / "link").symlink_to("/etc/passwd")
    (served.root / ".hidden").write_text("x")
    for name in ("../hearth.toml", "/etc/passwd", "..\\..\\etc\\passwd", "link", ".hidden", ""):
        _, packet, _ = ask(served, request(name))
        assert packet[:4] == b"\0\5\0\1", (name, packet)
        assert str(tmp_path).encode() not in packet


@pytest.mark.parametrize("mode", ["netascii", "mail"])
def test_other_modes_are_refused_in_words(served, mode):
    _, packet, _ = ask(served, request("big", mode=mode))
    assert packet[:2] == b"\0\5" and b"only octet" in packet and mode.encode() in packet


def test_uploads_are_refused_in_words(served):
    _, packet, _ = ask(served, b"\0\2new\0octet\0")
    assert packet[:4] == b"\0\5\0\2" and b"read-only" in packet
    assert not (served.root / "new").exists()


def test_a_request_that_fills_its_datagram_is_answered(served):
    packet = request("a" * 1015)
    assert len(packet) == 1024
    assert ask(served, packet)[1][:4] == b"\0\5\0\1"
    assert ask(served, packet[:-1] + b"x")[1][:2] == b"\0\5"


def test_ueffis_size_probe_is_no_failure(served):
    made, packet, peer = ask(served, request("big", [("tsize", 0), ("blksize", 1468)]))
    assert packet[:2] == b"\0\6"
    made.sendto(b"\0\5\0\x08User aborted the transfer\0", peer)
    wait_for(lambda: served.status()["tftp"]["transfers"] == 1, "the probe is counted")
    assert served.status()["tftp"]["failed"] == 0
    assert "asked for the size only" in served.log()


def test_a_foreign_port_is_told_so_and_changes_nothing(served):
    made, packet, peer = ask(served, request("big"))
    foreign = client(served)
    foreign.sendto(b"\0\4\0\1", peer)
    assert foreign.recvfrom(600)[0][:4] == b"\0\5\0\5"
    made.sendto(b"\0\4\0\1", peer)
    assert made.recvfrom(600)[0][:4] == b"\0\3\0\2"


def test_a_lost_block_is_sent_again(served):
    made, packet, peer = ask(served, request("big"))
    again, _ = made.recvfrom(600)
    assert again == packet


def test_forty_clients_at_once_need_not_repeat_their_request(served):
    with concurrent.futures.ThreadPoolExecutor(40) as pool:
        # A busy machine's clients get a block again, which does not count twice.
        clients = pool.map(lambda _: TftpRead(served, "big", [("blksize", 1432)]).rest(), range(40))
        sizes = [len(data) for data in clients]
    assert sizes == [3_000_000] * 40


def test_vanished_clients_cost_little(agent):
    one = agent("[tftp]\ntransfers_per_address = 200\n")
    with open(one.root / "huge", "wb") as file:
        file.truncate(100 << 20)
    one.start()
    before = memory(one)
    clients = []
    for _ in range(200):
        made = client(one)
        made.sendto(request("huge", [("blksize", 1432), ("windowsize", 16)]),
                    (one.address, one.tftp_port))
        _, peer = made.recvfrom(2000)
        made.sendto(b"\0\4\0\0", peer)
        made.recvfrom(2000)
        clients.append(made)
    assert memory(one) - before < 16 << 20
    _, packet, _ = ask(one, request("huge"))
    assert packet[:4] == b"\0\5\0\0" and b"busy" in packet
    for made in clients:
        made.close()


def test_used_up_descriptors_are_survived(agent):
    one = agent("[tftp]\ntransfers_per_address = 400\ntransfers = 400\ntimeout = \"1s\"\n")
    (one.root / "big").write_bytes(os.urandom(300_000))
    one.start(prepare=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (120, 120)))
    silent, refused = [], b""
    for _ in range(100):
        made, packet, peer = ask(one, request("big"))
        if packet[:2] == b"\0\5":
            refused = packet
            made.close()
            break
        silent.append((made, peer))
    assert b"descriptor" in refused or b"busy" in refused or b"resources" in refused, refused
    assert one.process.poll() is None
    # A browser that nobody can take in waits at the door all the while.
    waiting = [socket.create_connection((one.address, one.http_port)) for _ in range(5)]
    # The transfers that it has go on, a block is sent again after its time, and it does not spin.
    assert silent[0][0].recvfrom(2000)[0][:4] == b"\0\3\0\1"
    made, peer = silent.pop()
    began, used = time.monotonic(), processor_time(one)
    made.sendto(b"\0\4\0\1", peer)
    for what in ("the next block", "and once more"):
        wait_for(lambda: made.recvfrom(2000)[0][:4] == b"\0\3\0\2", what)
    assert time.monotonic() - began > 0.9
    assert processor_time(one) - used < 0.3
    for connection in waiting:
        connection.close()
    for other, peer in [*silent, (made, peer)]:
        other.sendto(b"\0\5\0\0stop\0", peer)
        other.close()
    wait_for(lambda: ask(one, request("big"))[1][:2] == b"\0\3", "it serves again")
    assert one.stop() == 0


def processor_time(served):
    """Seconds that the agent has used so far."""
    fields = pathlib.Path(f"/proc/{served.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.parametrize("single_port", ["false", "true"])
def test_a_wildcard_answers_from_the_address_that_was_asked(agent, single_port):
    one = agent(f"[tftp]\nsingle_port = {single_port}\n", addresses=("0.0.0.0",))
    (one.root / "big").write_bytes(os.urandom(30_000))
    one.start()
    for asked in ("127.0.0.1", "127.0.0.9"):
        made = client(one)

        def answer(packet, to, begin):
            made.sendto(packet, to)
            packet, peer = made.recvfrom(2000)
            assert packet.startswith(begin) and peer[0] == asked, (packet[:40], peer)
            return peer

        listening = (asked, one.tftp_port)
        answer(request("none"), listening, b"\0\5\0\1")
        answer(b"\0\2new\0octet\0", listening, b"\0\5\0\2")
        peer = answer(request("big", [("tsize", 0)]), listening, b"\0\6tsize\x0030000\0")
        answer(b"\0\4\0\0", peer, b"\0\3\0\1")
        answer(b"\0\4\0\1", peer, b"\0\3\0\2")
        made.sendto(b"\0\5\0\0stop\0", peer)
        made.close()


def test_one_port_is_enough_where_others_are_filtered(agent):
    one = agent("[tftp]\nsingle_port = true\n")
    (one.root / "big").write_bytes(os.urandom(300_000))
    one.start()
    made, _, peer = ask(one, request("big"))
    assert peer[1] == one.tftp_port
    made.sendto(b"\0\5\0\0stop\0", peer)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for data, _ in pool.map(lambda _: read(one, "big", [("blksize", 1400)]), range(8)):
            assert data == (one.root / "big").read_bytes()


def test_ipv6_works_as_well(agent, tmp_path):
    one = agent(addresses=("::1",))
    (one.root / "big").write_bytes(os.urandom(300_000))
    one.start()
    subprocess.run(["curl", "-s", "-g", "-o", tmp_path / "got",
                    f"tftp://[::1]:{one.tftp_port}/big"], check=True, timeout=60)
    assert (tmp_path / "got").read_bytes() == (one.root / "big").read_bytes()


def test_rubbish_is_survived(served):
    made = client(served)
    for code in range(9):
        for body in (b"", b"\0", os.urandom(60), b"\0" * 500, b"\xff" * 1500):
            made.sendto(struct.pack("!H", code) + body, (served.address, served.tftp_port))
    made.sendto(b"", (served.address, served.tftp_port))
    assert len(read(served, "big")[0]) == 3_000_000


def test_who_has_the_port_is_named(agent):
    one = agent()
    port = free_port(socket.SOCK_DGRAM)
    server = subprocess.Popen(["in.tftpd", "--foreground", "--address", f"127.0.0.1:{port}",
                               "--user", "root", "--secure", one.root])
    try:
        held = f"{0x0100007F:08X}:{port:04X}"
        wait_for(lambda: held in pathlib.Path("/proc/net/udp").read_text(), "tftpd-hpa has its port")
        other = agent(tftp_port=port)
        done = other.run("serve")
        assert done.returncode == 69
        assert f"process {server.pid}" in done.stderr and "in.tftpd" in done.stderr
        assert "server.tftp_port" in done.stderr
    finally:
        server.kill()
        server.wait()
