"""The agent as a whole: start, reload, end, and files that come and go."""

import os
import pathlib
import re
import resource
import shutil
import signal
import socket
import subprocess

import pytest

from hearthtest import net
from hearthtest.agent import free_port
from hearthtest.clients import HttpRead, TftpRead, get, has
from hearthtest.wait import wait_for

TAKEN = "the port is in use: "


def put(one, name, size):
    return one.put(name, os.urandom(size)).read_bytes()


# Start

def test_a_start_says_where_it_listens_and_what_is_missing(agent):
    one = agent('[loaders]\norigin = "http://127.0.0.1:1"\narchitectures = ["amd64"]\n'
                '[[image]]\nname = "x"\nrecipe = "custom"\nkernel = "http://127.0.0.1:1/k"\n').start()
    assert f"serves TFTP on 127.0.0.1:{one.tftp_port} and HTTP on 127.0.0.1:{one.http_port}" in one.log()
    assert "warning: the loader undionly.kpxe is missing; run `hearth fetch loaders`\n" in one.log()
    assert "warning: image x is not fetched; run `hearth fetch x`\n" in one.log()
    states = {state["name"]: state for state in one.status()["images"] + one.status()["loaders"]}
    assert states["x"]["state"] == "missing" and states["x"]["remedy"] == "run `hearth fetch x`"
    put(one, "undionly.kpxe", 10)
    wait_for(lambda: has(one, "undionly.kpxe"), "the new file is known")
    states = {state["name"]: state["state"] for state in one.status()["loaders"]}
    assert states == {"undionly.kpxe": "ready", "snponly.efi": "missing"}


def test_folders_that_are_not_there_are_made(agent):
    one = agent()
    shutil.rmtree(one.root)
    shutil.rmtree(one.run_dir)
    one.start()
    assert (one.root / "default.ipxe").exists() and (one.run_dir / "hearth.sock").exists()


def test_a_second_agent_is_refused_and_names_the_first(agent):
    one = agent().start()
    done = one.run("serve")
    assert done.returncode == 75
    assert f"process {one.process.pid}" in done.stderr
    assert one.status(), "the first is not harmed"


def test_a_killed_agent_starts_again(agent):
    one = agent().start()
    first = one.status()["process"]
    one.stop(signal.SIGKILL)
    assert (one.run_dir / "hearth.sock").exists()
    assert one.start().status()["process"] != first


@pytest.mark.skipif(not shutil.which("in.tftpd"), reason="tftpd-hpa is not here")
def test_another_tftp_server_at_the_port_is_named_with_what_to_do(agent):
    one = agent()
    other = subprocess.Popen(["in.tftpd", "--foreground", "--address", f"127.0.0.1:{one.tftp_port}",
                              "--user", "root", "--secure", one.root])
    try:
        table = pathlib.Path("/proc/net/udp")
        wait_for(lambda: f":{one.tftp_port:04X} " in table.read_text(), "tftpd-hpa has the port")
        done = one.run("serve")
    finally:
        other.kill()
        other.wait()
    assert done.returncode == 69
    assert f"listening for TFTP on 127.0.0.1 port {one.tftp_port}: {TAKEN}" in done.stderr
    assert f"in.tftpd, process {other.pid}, has it; stop this TFTP server" in done.stderr


@pytest.mark.skipif(net.available() is not None, reason=str(net.available()))
def test_port_69_in_use_is_named_in_a_network_of_its_own(agent):
    with net.Network() as network:
        host = network.host("firewall", "192.168.77.1/24")
        one = agent(addresses=("192.168.77.1",), netns=host, tftp_port=69, http_port=8069)
        other = net.Process(host, ["dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null",
                                   "--port=0", "--enable-tftp", f"--tftp-root={one.root}",
                                   "--log-facility=-", "--user=root", "--pid-file="],
                            one.folder / "dnsmasq.log")
        other.expect("TFTP", 10)
        done = one.run("serve")
        assert done.returncode == 69
        assert re.search(r"192\.168\.77\.1 port 69: .*dnsmasq, process \d+, has it; take `enable-tftp`",
                         done.stderr), done.stderr
        other.stop()
        assert one.start(wait=False)
        wait_for(one.alive, "the port is free, and the agent starts")


def test_a_web_server_at_the_port_is_named(agent):
    with socket.create_server(("127.0.0.1", 0)) as other:
        one = agent(http_port=other.getsockname()[1])
        done = one.run("serve")
    assert done.returncode == 69
    assert f"process {os.getpid()}, has it; stop that program" in done.stderr


@pytest.mark.skipif(net.available() is not None, reason=str(net.available()))
def test_an_address_that_comes_later_is_served_from_then_on(agent):
    with net.Network() as network:
        host = network.host("firewall", "192.168.77.1/24")
        one = agent(addresses=("192.168.77.1", "192.168.78.1"), netns=host, tftp_port=69, http_port=8069)
        assert one.run("check").returncode == 78
        put(one, "x", 1000)
        one.start()
        assert "no interface has the address 192.168.78.1 now" in one.log()
        subprocess.run(["ip", "-n", host, "addr", "add", "192.168.78.1/24", "dev", "eth0"], check=True)
        one.address = "192.168.78.1"
        with net.inside(host):
            read = TftpRead(one, "x")
            assert len(read.rest()) == 1000
            assert len(has(one, "x")) == 1000


def test_the_descriptors_are_raised_to_the_hard_limit(agent):
    def few():
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 4096))
    one = agent().start(prepare=few)
    limits = pathlib.Path(f"/proc/{one.process.pid}/limits").read_text()
    assert re.search(r"Max open files +4096 +4096", limits)


def test_a_read_only_root_is_served(agent):
    script = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"'
    one = agent()
    put(one, "x", 100)
    one.inside = ["unshare", "--mount", "sh", "-c", script, str(one.root)]
    if one.run("status").returncode != 69:
        pytest.skip("no mount namespaces here")
    one.start()
    assert "cannot write default.ipxe" in one.log() and "Read-only file system" in one.log()
    assert get(one, "/default.ipxe").startswith(b"#!ipxe")
    assert len(has(one, "x")) == 100


def test_a_start_is_quick_and_an_idle_agent_does_nothing(agent):
    one = agent().start()
    took = int(re.search(r"(\d+) ms after its start", one.log())[1])
    assert took < 1000, "the bar is 100 ms; this is a debug build on a busy machine"

    def spent():
        """Processor time in ticks, and how often its threads were woken."""
        tasks = list(pathlib.Path(f"/proc/{one.process.pid}/task").iterdir())
        waits = sum(int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)", (task / "status").read_text(),
                                  re.MULTILINE)[1]) for task in tasks)
        fields = pathlib.Path(f"/proc/{one.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return int(fields[11]) + int(fields[12]), waits
    before = spent()
    with pytest.raises(subprocess.TimeoutExpired):
        one.process.wait(timeout=2)
    after = spent()
    assert (after[0] - before[0], after[1] - before[1]) <= (1, 4), "nobody wakes up"


# Reload

def test_a_reload_takes_effect_and_a_bad_one_changes_nothing(agent):
    one = agent('[menu]\ntitle = "first"\n').start()
    one.change("first", "second")
    assert "menu second" in get(one, "/default.ipxe").decode()
    one.change('title = "second"', "titel = 3")
    refused = one.status()["configuration"]["refused"]
    assert "titel" in refused["error"]
    line = one.config.read_text().splitlines().index("titel = 3") + 1
    assert f"error: {one.config}:{line}:1: error: unknown key `titel`" in one.log()
    assert "the old configuration stays in force" in one.log()
    assert "menu second" in get(one, "/default.ipxe").decode()
    assert "titel" in one.run("status").stdout
    one.change("titel = 3", 'title = "third"')
    assert one.status()["configuration"]["refused"] is None
    assert one.stop() == 0


def test_a_reload_cuts_neither_tftp_nor_http(agent):
    one = agent()
    big = put(one, "big", 20_000_000)
    one.start()
    web, tftp = HttpRead(one, "/files/big"), TftpRead(one, "big", [("blksize", 65464)])
    got = web.some(1000)
    tftp.block()
    one.change("[server]\n", "[menu]\ntitle = \"other\"\n[server]\n")
    one.change("[menu]\n", "[menu]\ntimeout = \"1h\"\n")
    assert got + web.rest() == big
    assert tftp.rest() == big


def test_a_reload_moves_to_other_ports_and_lets_transfers_of_the_old_ones_end(agent):
    one = agent()
    big = put(one, "big", 20_000_000)
    one.start()
    web, tftp = HttpRead(one, "/files/big"), TftpRead(one, "big", [("blksize", 65464)])
    got = web.some(1000)
    tftp.block()
    old = one.http_port, one.tftp_port
    one.http_port, one.tftp_port = free_port(), free_port(socket.SOCK_DGRAM)
    text = one.config.read_text().replace(f"tftp_port = {old[1]}", f"tftp_port = {one.tftp_port}")
    one.config.write_text(text)
    one.change(f"http_port = {old[0]}", f"http_port = {one.http_port}")
    assert f"TFTP is on 127.0.0.1:{one.tftp_port} and HTTP on 127.0.0.1:{one.http_port}" in one.log()
    assert has(one, "big") == big
    assert TftpRead(one, "big", [("blksize", 65464)]).rest() == big
    assert f"http://127.0.0.1:{one.http_port}/script" in get(one, "/default.ipxe").decode()
    assert got + web.rest() == big
    assert tftp.rest() == big
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", old[0]), timeout=2)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as again:
        again.bind(("127.0.0.1", old[1]))


def test_a_single_port_transfer_goes_on_when_the_port_changes(agent):
    one = agent("[tftp]\nsingle_port = true\n")
    big = put(one, "big", 5_000_000)
    one.start()
    tftp, old = TftpRead(one, "big", [("blksize", 65464)]), one.tftp_port
    tftp.block()
    one.tftp_port = free_port(socket.SOCK_DGRAM)
    one.change(f"tftp_port = {old}", f"tftp_port = {one.tftp_port}")
    assert tftp.rest() == big
    assert TftpRead(one, "big", [("blksize", 65464)]).rest() == big
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as again:
        def bound():
            try:
                again.bind(("127.0.0.1", old))
                return True
            except OSError:
                return False
        wait_for(bound, "the old port is given back")


def test_a_reload_to_a_port_that_is_taken_is_refused_whole(agent):
    one = agent('[menu]\ntitle = "first"\n').start()
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        text = one.config.read_text()
        new = text.replace(f"http_port = {one.http_port}", f"http_port = {taken}")
        new = new.replace(f"tftp_port = {one.tftp_port}", f"tftp_port = {free_port(socket.SOCK_DGRAM)}")
        one.config.write_text(new)
        one.change("first", "second")
    # Who has it is not seen by a process that confined itself.
    error = one.status()["configuration"]["refused"]["error"]
    assert f"port {taken}: Address already in use" in error and "has the port" in error
    assert "menu first" in get(one, "/default.ipxe").decode()
    put(one, "x", 10)
    wait_for(lambda: has(one, "x"), "the new file is known")
    assert len(TftpRead(one, "x").rest()) == 10, "TFTP listens where it did"


def test_what_only_a_start_can_change_is_said(agent):
    one = agent("[tftp]\nsingle_port = false\n").start()
    one.change("single_port = false", "single_port = true")
    assert "restart hearth" in one.log()
    assert one.status()


def test_a_reload_takes_the_log_level(agent):
    one = agent('[log]\nlevel = "info"\n').start()
    one.change('"info"', '"error"')
    said = one.log()
    get(one, "/default.ipxe")
    wait_for(lambda: one.status()["http"]["transfers"] == 1, "the transfer is counted")
    one.change('"error"', '"info"')
    assert "default.ipxe" not in one.log()[len(said):]


# End

@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_lets_transfers_end(agent, how):
    one = agent()
    big = put(one, "big", 20_000_000)
    one.start()
    web, tftp = HttpRead(one, "/files/big"), TftpRead(one, "big", [("blksize", 65464)])
    got = web.some(1000)
    tftp.block()
    one.process.send_signal(how)
    wait_for(lambda: "stopping" in one.log(), "it stops")
    assert tftp.rest() == big
    assert got + web.rest() == big
    assert one.stop(0) == 0
    assert not (one.run_dir / "hearth.sock").exists()


def test_a_second_signal_does_not_wait(agent):
    one = agent()
    put(one, "big", 20_000_000)
    one.start()
    web = HttpRead(one, "/files/big")
    one.process.send_signal(signal.SIGTERM)
    wait_for(lambda: "stopping" in one.log(), "it stops")
    assert one.process.poll() is None
    one.process.send_signal(signal.SIGTERM)
    assert one.process.wait(timeout=3) == 0
    web.connection.close()


def test_a_stop_without_work_is_quick(agent):
    one = agent().start()
    one.process.send_signal(signal.SIGTERM)
    assert one.process.wait(timeout=3) == 0


# Files

def test_files_that_come_and_go_need_no_restart(agent):
    one = agent().start()
    (one.root / "sub").mkdir()
    (one.root / "sub" / "new").write_text("new")
    assert wait_for(lambda: has(one, "sub/new"), "the new file is served") == b"new"
    (one.root / "sub" / "new").write_text("changed")
    assert wait_for(lambda: has(one, "sub/new"), "the changed file is served") == b"changed"
    (one.root / "sub" / "new").unlink()
    assert has(one, "sub/new") is None


def test_links_are_not_followed(agent, tmp_path):
    one = agent()
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_text("secret")
    (one.root / "link").symlink_to(tmp_path / "outside" / "secret")
    (one.root / "folder").symlink_to(tmp_path / "outside")
    one.start()
    for name in ("link", "folder/secret", "folder"):
        assert has(one, name) is None
        with pytest.raises(OSError, match="not found"):
            TftpRead(one, name).rest()
    put(one, "real", 10)
    assert wait_for(lambda: has(one, "real"), "the file is served")
    (one.root / "real").unlink()
    (one.root / "real").symlink_to(tmp_path / "outside" / "secret")
    assert has(one, "real") is None, "also where a file became a link"


def test_own_files_can_be_left_out(agent):
    one = agent(server={"own_files": False})
    (one.root / "mine").write_text("x")
    one.start()
    assert has(one, "mine") is None
    assert get(one, "/default.ipxe").startswith(b"#!ipxe")


def test_default_ipxe_is_there_for_other_servers_and_a_persons_own_is_left_alone(agent):
    one = agent().start()
    written = (one.root / "default.ipxe").read_text()
    assert written.splitlines()[1].startswith("# Made by Hearth")
    one.stop()
    (one.root / "default.ipxe").write_text("#!ipxe\nshell\n")
    one.start()
    assert (one.root / "default.ipxe").read_text() == "#!ipxe\nshell\n"
    assert get(one, "/default.ipxe") == b"#!ipxe\nshell\n"
    assert "is a file of yours" in one.log()


# Log and status

def test_every_event_is_a_line_and_is_counted(agent):
    one = agent('[[machine]]\nname = "oden"\nmac = "52:54:00:00:00:01"\n')
    put(one, "x", 100_000)
    one.start()
    has(one, "x")
    TftpRead(one, "x").rest()
    get(one, "/script?mac=52-54-00-00-00-01&platform=efi&buildarch=x86_64")
    has(one, "nothing")
    wait_for(lambda: one.status()["tftp"]["transfers"] == 1, "the transfer is counted")
    status = wait_for(lambda: one.status()["http"]["transfers"] == 2 and one.status(), "both are counted")
    for line in (r"HTTP x to 127.0.0.1: 100000 bytes in \S+ s, \S+ MB/s",
                 r"TFTP x to 127.0.0.1: 100000 bytes in \S+ s, \S+ MB/s",
                 r"oden at 127.0.0.1 gets menu: ", "oden: HTTP nothing to 127.0.0.1: not found"):
        assert re.search(f"^{line}", one.log(), re.MULTILINE), line
    assert (status["scripts"], status["http"]["failed"], status["tftp"]["bytes"]) == (1, 1, 100_000)
    assert {event["kind"] for event in status["events"]} == {"script", "transfer"}


def test_what_a_machine_says_is_one_harmless_line(agent):
    one = agent().start()
    for query in ("mac=52-54-00-00-00-01%0aerror:%20forged&product=%1b[31m%0d%0aerror:%20forged",
                  "serial=%00%ff%0aerror:%20forged&manufacturer=%c2%9b31m"):
        get(one, f"/script?{query}")
    has(one, "x%0aerror:%20forged%1b[31m")
    with pytest.raises(OSError):
        TftpRead(one, "y\nerror: forged\x1b").rest()
    wait_for(lambda: one.status()["tftp"]["transfers"] == 1, "all is logged")
    log = one.log_path.read_bytes()
    assert b"\x1b" not in log and b"\x9b" not in log and b"\nerror: forged" not in log


def test_no_secret_is_said_anywhere(agent):
    one = agent('[log]\nlevel = "debug"\n'
                '[[image]]\nname = "talos"\nrecipe = "talos"\nversion = "v1.11.2"\n'
                '[[profile]]\nname = "p"\nimage = "talos"\n'
                'omni = { api = "https://omni.example", token = "very-secret" }\n'
                '[[machine]]\nname = "oden"\nmac = "52:54:00:00:00:01"\nprofile = "p"\n').start()
    get(one, "/script?mac=52-54-00-00-00-01")
    one.change('level = "debug"', 'levle = "debug"')
    assert "very-secret" not in one.log() + str(one.status()) + one.run("status").stdout
    command = pathlib.Path(f"/proc/{one.process.pid}/cmdline").read_text()
    assert "very-secret" not in command


def test_a_log_that_nobody_reads_stops_nothing(agent):
    one = agent()
    put(one, "x", 10)
    reader, writer = os.pipe()
    one.process = subprocess.Popen(one.command("serve"), stderr=writer, stdin=subprocess.DEVNULL)
    os.close(writer)
    wait_for(one.alive, "the agent answers")
    for _ in range(3000):
        assert len(TftpRead(one, "x").rest()) == 10
        if one.status()["tftp"]["transfers"] > 1500:
            break
    assert len(has(one, "x")) == 10
    os.close(reader)
    assert one.stop() == 0


def test_a_log_without_a_reader_of_its_time_has_it(agent):
    one = agent().start()
    lines = one.log_path.read_text().splitlines()
    assert all(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ ", line) for line in lines)
    done = one.run("serve")
    assert done.stderr.startswith("error: hearth runs already"), "a pipe's reader adds its own"


def test_syslog_gets_lines_with_their_priorities(agent):
    device = pathlib.Path("/dev/log")
    if device.exists():
        pytest.skip("a syslogd runs here")
    one = agent('[log]\ntarget = "syslog"\n')
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as syslogd:
        syslogd.bind(str(device))
        try:
            syslogd.settimeout(10)
            one.start()
            lines = []
            while not any(b" serves TFTP on " in line for line in lines):
                lines.append(syslogd.recv(4096))
            assert any(line.startswith(b"<28>") and b"is missing" in line for line in lines)
            assert lines[-1].startswith(b"<30>") and b"hearth: hearth 0" in lines[-1]
            # What a restart of syslogd does to its socket.
            syslogd.close()
            device.unlink()
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as again:
                again.bind(str(device))
                again.settimeout(10)
                get(one, "/default.ipxe")
                assert b"default.ipxe" in again.recv(4096)
        finally:
            device.unlink(missing_ok=True)
    assert one.log() == ""
