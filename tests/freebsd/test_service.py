"""The service under rc(8) and daemon(8), as FreeBSD runs it."""

import concurrent.futures
import contextlib
import re
import threading
import time

import pytest

from hearthtest import pxe
from hearthtest.guest import Failed, fields
from hearthtest.guest_site import ADDRESS, LATER, SHARED
from hearthtest.wait import wait_for


@contextlib.contextmanager
def serving(wire, addresses, more=""):
    """Started anew with these addresses and settings; afterwards as usual."""
    wire.settings(addresses, more=more)
    wire.service("restart")
    wire.wait()
    try:
        yield
    finally:
        wire.settings()
        wire.service("restart")
        wire.wait()


def log_since(wire, command, text, seconds=60):
    """Waits for a line that is in the log after a command, and returns what the log got."""
    before = int(wire.run("wc -l < /var/log/hearth.log"))
    wire.run(command)
    return wire.guest.wait(f"tail -n +{before + 1} /var/log/hearth.log | grep -F -- '{text}'", text, seconds)


def test_it_is_started_at_boot_after_the_network_and_the_log(installed):
    wire = installed
    # It ends with 1 where one script asks for another that this system has not.
    order = wire.run("rcorder /etc/rc.d/* /usr/local/etc/rc.d/* 2>/dev/null", check=False)[1].split()
    place = {name.rpartition("/")[2]: number for number, name in enumerate(order)}
    assert place["hearth"] > place["NETWORKING"] and place["hearth"] > place["syslogd"]
    wire.guest.reboot()
    wire.wait(300)
    assert "is running as pid" in wire.service("status")
    assert "Starting hearth." in wire.guest.log()
    assert wire.tftp("default.ipxe").startswith(b"#!ipxe")


def test_its_verbs(installed):
    wire = installed
    process = wire.process()
    wire.service("configtest")
    with pytest.raises(Failed, match="already running"):
        wire.service("start")
    # A reload keeps the process; a bad configuration is refused before the agent is asked.
    reloads = wire.status()["configuration"]["reloads"]
    wire.service("reload")
    wait_for(lambda: wire.status()["configuration"]["reloads"] == reloads + 1, "it is reloaded", 60)
    assert wire.process() == process
    wire.run("echo 'nonsense = 1' >> /usr/local/etc/hearth/hearth.toml")
    for verb in ("configtest", "reload", "restart"):
        with pytest.raises(Failed, match="nonsense"):
            wire.service(verb)
    assert wire.process() == process and wire.status()["configuration"]["refused"] is None
    wire.settings()
    wire.service("restart")
    wire.wait()
    assert wire.process() != process
    wire.service("stop")
    code, said = wire.service("status", check=False)
    assert code == 1 and "not running" in said
    wire.run("! ls /var/run/hearth.pid /var/run/hearth_agent.pid && ! pgrep -x hearth")
    wire.service("start")
    wire.wait()


def test_daemon_starts_it_again_when_it_is_killed(installed):
    wire = installed
    daemon, process = wire.run("cat /var/run/hearth.pid"), wire.process()
    wire.run(f"kill -9 {process}")
    wire.wait(60)
    assert wire.process() != process and wire.run("cat /var/run/hearth.pid") == daemon
    assert wire.tftp("default.ipxe").startswith(b"#!ipxe")


def rights(wire, process, protocol, name):
    """What may be done with a descriptor of a process, in procstat(1)'s words of two letters."""
    # Not to a terminal, which would cut its lines.
    lines = [line.split() for line in wire.run(f"procstat -fC {process} | cat").splitlines()]
    # PID COMM FD T FLAGS CAPABILITIES PRO NAME
    found = [line for line in lines if line[6] == protocol and name in line[7:]]
    assert found, lines
    return set.union(*(set(line[5].split(",")) for line in found))


def test_it_is_nobody_once_its_sockets_are_open(installed):
    wire = installed
    process = wire.process()
    user = wire.run("id -u hearth")
    who = fields(wire.run(f"procstat -s {process}"))[0]
    assert {who[key] for key in ("EUID", "RUID", "SVUID")} == {user}, who
    group = wire.run("id -g hearth")
    assert {who[key] for key in ("EGID", "RGID", "SVGID")} == {group}, who
    assert set(who["GROUPS"].split(",")) <= {group, "-", ""} or who["GROUPS"] in (group, "-"), who
    open_files = wire.run(f"procstat -f {process}")
    bpf = [line for line in open_files.splitlines() if "/dev/bpf" in line]
    # The sixth column of procstat(1) has the flags: r and w are for reading and writing.
    assert bpf and all("r" in line.split()[5] and "w" not in line.split()[5] for line in bpf), open_files
    assert re.search(r"UDP\s+192\.168\.77\.1:69\b", open_files), open_files
    # To read is also to receive.
    assert rights(wire, process, "-", "/dev/bpf") == {"rd", "re", "fs", "ev", "io"}
    assert not rights(wire, process, "UDP", "192.168.77.1:69") & {"bd", "ln", "at"}
    listening = rights(wire, process, "TCP", "192.168.77.1:8069")
    assert "at" in listening and not listening & {"bd", "ln", "co"}
    # Root's only: its memory and its calls are closed to its own user too.
    wire.run(f"ktrace -f /tmp/trace.root -p {process} && ktrace -C")
    with pytest.raises(Failed, match="ktrace: /tmp/trace.hearth: Operation not permitted"):
        wire.run(f"chroot -u hearth -g hearth / ktrace -f /tmp/trace.hearth -p {process}")
    assert wire.run(f"ps -o user= -p {process}") == "hearth"


def test_an_address_that_comes_later_is_served_from_that_moment(installed):
    wire = installed
    with serving(wire, [ADDRESS, LATER]):
        assert LATER in wire.run("grep -F 'not there' /var/log/hearth.log || tail -5 /var/log/hearth.log")
        with pytest.raises(TimeoutError):
            wire.tftp("default.ipxe", LATER)
        wire.run(f"ifconfig vtnet1 inet {LATER}/24 up")
        try:
            assert wire.tftp("default.ipxe", LATER).startswith(b"#!ipxe")
            assert wire.get("/files/proof.txt", LATER)[0] == 200
        finally:
            wire.run(f"ifconfig vtnet1 inet {LATER} -alias; ifconfig vtnet1 down")


def test_an_interface_that_comes_and_goes_and_comes_back_is_served(installed):
    wire = installed
    made = f"ifconfig epair7 create && ifconfig epair7a inet {LATER}/24 up && ifconfig bridge7 create && " \
        "ifconfig bridge7 addm epair7b addm vtnet1 up && ifconfig epair7b up && ifconfig vtnet1 up"
    gone = "ifconfig bridge7 destroy; ifconfig epair7a destroy"
    with serving(wire, [ADDRESS, LATER]):
        process = wire.process()
        try:
            for _ in range(2):
                wire.run(made)
                assert wire.tftp("default.ipxe", LATER).startswith(b"#!ipxe")
                wire.run(gone)
                assert wire.tftp("default.ipxe").startswith(b"#!ipxe")
        finally:
            wire.run(gone, check=False)
        assert wire.process() == process


def test_a_shared_address_that_moves_is_served_while_it_is_here(installed):
    """CARP: the backup has the address too, and the network comes to the master alone."""
    wire = installed
    if wire.run("sysctl -n net.inet.carp.allow || kldload carp", check=False)[0]:
        pytest.skip("this kernel has no carp(4)")
    state = "ifconfig vtnet0 | grep 'carp: {} vhid 7'"
    with serving(wire, (ADDRESS, SHARED)):
        process = wire.process()
        try:
            wire.run(f"ifconfig vtnet0 vhid 7 pass secret alias {SHARED}/32")
            for _ in range(2):
                wire.guest.wait(state.format("MASTER"), "it is the master", 30)
                assert wire.tftp("default.ipxe", SHARED).startswith(b"#!ipxe")
                # Nobody else is there, and after three times this interval it would be the master again.
                wire.run("ifconfig vtnet0 vhid 7 advbase 200 state backup")
                wire.guest.wait(state.format("BACKUP"), "it is the backup", 30)
                with pytest.raises(OSError):
                    wire.reading("default.ipxe", SHARED, seconds=3).block()
                assert wire.tftp("default.ipxe").startswith(b"#!ipxe")
                wire.run("ifconfig vtnet0 vhid 7 advbase 1 state master")
            assert wire.process() == process
        finally:
            wire.run(f"ifconfig vtnet0 {SHARED} delete", check=False)


def test_dhcp_on_an_interface_that_is_made_anew_is_heard_again_without_root(installed):
    """Root was given up when it went, so nothing can be opened: the descriptor is bound to it again."""
    wire = installed
    made = "ifconfig epair7 create && ifconfig epair7a up && ifconfig bridge7 create && " \
        "ifconfig bridge7 addm epair7b addm vtnet1 up && ifconfig epair7b up && ifconfig vtnet1 up"
    gone = "ifconfig bridge7 destroy; ifconfig epair7a destroy"

    def asks(mac):
        """A machine that asks for its boot until it is heard."""
        card = pxe.Card(wire.client, mac)

        def heard():
            card.send(pxe.DISCOVER, pxe.firmware())
            return [event for event in wire.status()["events"] if event["kind"] == "dhcp" and event["mac"] == mac]
        return wait_for(heard, f"{mac} is heard", 60, every=1)
    wire.run(made)
    try:
        with serving(wire, [ADDRESS], '[observe]\ninterfaces = ["epair7a"]\n'):
            process = wire.process()
            assert wire.status()["observe"]["interfaces"] == ["epair7a"]
            asks("52:54:00:00:00:21")
            log_since(wire, gone, "DHCP is not heard on epair7a until it is back")
            log_since(wire, made, "epair7a is back, DHCP is heard on it")
            asks("52:54:00:00:00:22")
            assert wire.process() == process
    finally:
        wire.run(gone, check=False)


def test_a_clock_that_jumps_harms_nothing(installed):
    wire = installed
    process = wire.process()
    now = time.time()
    try:
        for there in (now + 400 * 86_400, now - 400 * 86_400):
            wire.run(f"date -u -f %s {int(there)}")
            assert wire.tftp("default.ipxe").startswith(b"#!ipxe")
            assert wire.get("/files/proof.txt")[0] == 200
            assert wire.status()["uptime"] < 86_400
    finally:
        wire.run(f"date -u -f %s {int(time.time())}")
    assert wire.process() == process and wire.status()


def test_lines_reach_the_log_also_after_syslogd_was_restarted(installed):
    wire = installed
    process = wire.process()
    said = log_since(wire, "service hearth reload", "reload")
    assert f" hearth[{process}]: " in said, said
    wire.run("service syslogd restart")
    said = log_since(wire, "service hearth reload", "reload")
    assert f" hearth[{process}]: " in said, said
    wire.run("service syslogd stop")
    wire.service("reload")
    wire.run("service syslogd start")
    log_since(wire, "service hearth reload", "reload")


def test_newsyslog_turns_the_log_over(installed):
    wire = installed
    assert "/var/log/hearth.log" in wire.run("newsyslog -nvv -f /etc/newsyslog.conf 2>&1 || newsyslog -nvv")
    wire.run("newsyslog -F /var/log/hearth.log")
    assert wire.run("stat -f '%Su:%Sg %Lp' /var/log/hearth.log") == "root:wheel 640"
    wire.run("ls /var/log/hearth.log.0*")
    log_since(wire, "service hearth reload", "reload")


def test_a_restart_under_load_loses_nothing(installed):
    """Transfers that the guest manages within the time that a stop leaves them."""
    wire = installed
    sizes = {"by-tftp": 200_000, "by-http": 2_000_000}
    for name, size in sizes.items():
        wire.run(f"jot -b y {size} | tr -d '\\n' > /usr/local/tftp/{name}")
    expected = {name: b"y" * size for name, size in sizes.items()}
    over = threading.Event()

    def by_tftp():
        """As firmware asks: again until there is an answer."""
        count = 0
        while not over.is_set():
            reading = wire.reading("by-tftp", options=(("blksize", 1428),), seconds=5)
            try:
                assert reading.rest() == expected["by-tftp"]
                count += 1
            except (TimeoutError, ConnectionError):
                assert not reading.data, "a transfer that had begun was left alone"
            except OSError as error:
                # What a client is told that asks while it stops.
                assert "ask again" in str(error) and not reading.data, error
        return count

    def by_http():
        count = 0
        while not over.is_set():
            status, body = wire.get("/files/by-http", rate="1M")
            if status:
                assert (status, body) == (200, expected["by-http"])
                count += 1
            else:
                # Nobody listens for a moment; one that was connected has all of it.
                assert body == b""
        return count

    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        running = [pool.submit(by_tftp) for _ in range(3)] + [pool.submit(by_http) for _ in range(3)]
        try:
            for _ in range(3):
                process = wire.process()
                wire.service("restart")
                wire.wait()
                assert wire.process() != process
                time.sleep(2)
        finally:
            over.set()
        counts = [one.result() for one in running]
    assert all(counts), counts


@pytest.mark.parametrize("holder,start,remedy", [
    ("inetd", "echo 'tftp dgram udp wait root /usr/libexec/tftpd tftpd -l -s /tmp' > /tmp/inetd.conf && "
              "inetd -p /tmp/holder.pid /tmp/inetd.conf", "take the line `tftp` out"),
    # As the plugin os-tftp of OPNsense has one under this name.
    ("in.tftpd", "cp /usr/bin/nc /tmp/in.tftpd && daemon -p /tmp/holder.pid /tmp/in.tftpd -n -l -u 0.0.0.0 69",
     "on OPNsense: Services: TFTP, take out the tick at Enable"),
], ids=["inetd", "in.tftpd"])
def test_a_taken_port_is_named_with_who_has_it(installed, holder, start, remedy):
    wire = installed
    wire.service("stop")
    try:
        wire.run(start)
        wire.guest.wait("sockstat -l -P udp -p 69 | grep -w 69", "somebody has the port")
        said = wire.service("start")
        assert f"port 69: the port is in use: {holder}, process " in said and remedy in said, said
        wire.run("pkill -F /tmp/holder.pid")
        wire.wait(60)
    finally:
        wire.run("pkill -F /tmp/holder.pid", check=False)
        wire.service("start", check=False)
        wire.wait()
