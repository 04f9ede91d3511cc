"""The package `hearth` on a host that stands in for FreeBSD: its scripts and its rc.d script, with the real agent."""

import contextlib
import os
import signal
import socket
import sqlite3
import subprocess
import time

import pytest

from hearthtest.packages import TIME
from hearthtest import firewall, net
from hearthtest.clients import TftpRead
from hearthtest.wait import wait_for

pytestmark = pytest.mark.skipif(firewall.available() or net.available() is not None,
                                reason=str(firewall.available() or net.available()))

ADDRESS = "192.168.77.1"
SETTINGS = f"""\
[server]
addresses = ["{ADDRESS}"]
user = "hearth"
[loaders]
source = "none"
[menu]
items = ["local"]
"""


@pytest.fixture
def host(tmp_path):
    with net.Network() as network:
        space = network.host("fw", f"{ADDRESS}/24")
        one = firewall.Firewall(tmp_path / "h", inside=["ip", "netns", "exec", space])
        one.space = space
        yield one
        print(one.path("/var/log/messages").read_text() if one.path("/var/log/messages").exists() else "no log")


def installed(host, package, **variables):
    done = host.install(package, package.bytes(TIME), **variables)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def serving(host, package):
    """Installed, set up as a person does, and started."""
    installed(host, package)
    host.path("/usr/local/etc/hearth/hearth.toml").write_text(SETTINGS)
    host.path("/etc/rc.conf").write_text('hearth_enable="YES"\nhearth_delay=1\n')
    done = host.service("start")
    assert done.returncode == 0, done.stdout + done.stderr
    assert host.status() is not None, "who started it can ask it at once"


class At:
    """What the clients of the tests want to know of an agent."""

    address, tftp_port, http_port = ADDRESS, 69, 8069


def read(host, name):
    with net.inside(host.space):
        return TftpRead(At, name).rest()


def runs(process):
    """Whether it runs: one that has ended and that nobody has asked for yet has no command."""
    try:
        with open(f"/proc/{process}/cmdline", "rb") as command:
            return command.read() != b""
    except (FileNotFoundError, ProcessLookupError):
        return False


def owner(path):
    found = path.lstat()
    return found.st_uid, found.st_gid, oct(found.st_mode & 0o7777)


def test_an_installation_makes_user_folders_and_settings(host, make):
    said = installed(host, make())
    assert said == ""
    assert "hearth:*:969:969:Hearth boot server:/nonexistent:/usr/sbin/nologin" in host.path("/etc/passwd").read_text()
    assert owner(host.path("/var/db/hearth")) == (969, 969, "0o750")
    assert owner(host.path("/usr/local/tftp")) == (969, 969, "0o755")
    settings = host.path("/usr/local/etc/hearth/hearth.toml")
    assert owner(settings) == (0, 969, "0o640")
    assert settings.read_text() == host.path("/usr/local/etc/hearth/hearth.toml.sample").read_text()
    # Not started, and it says why it would not start.
    done = host.service("start")
    assert done.returncode == 0 and "Set hearth_enable to YES" in done.stdout
    done = host.service("onestart")
    assert done.returncode == 1 and "at least one address is needed" in done.stderr
    assert host.service("status").returncode == 1


def test_the_service_starts_reloads_recovers_and_stops(host, make):
    serving(host, make())
    host.path("/usr/local/tftp/x").write_bytes(b"x" * 1000)
    assert read(host, "x") == b"x" * 1000
    assert host.service("status").returncode == 0
    assert host.service("start").returncode == 1, "it runs already"
    process = host.agent_process()
    assert os.stat(f"/proc/{process}/mem").st_uid == 0, "its memory is closed"
    told = open(f"/proc/{process}/status").read()
    assert "Uid:\t969\t969\t969\t969" in told and "CapEff:\t0000000000000000" in told
    # A reload: a good one is in force, a bad one is refused before the agent is asked.
    settings = host.path("/usr/local/etc/hearth/hearth.toml")
    settings.write_text(SETTINGS.replace("[menu]", '[menu]\ntitle = "Another"'))
    assert host.service("reload").returncode == 0
    wait_for(lambda: b"Another" in read(host, "default.ipxe"), "the reload is in force")
    settings.write_text(SETTINGS + "nonsense = 1\n")
    done = host.service("reload")
    assert done.returncode == 1 and "nonsense" in done.stderr
    done = host.service("restart")
    assert done.returncode == 1 and host.agent_process() == process, "the one that runs goes on"
    settings.write_text(SETTINGS)
    # Killed, it is started again by itself.
    os.kill(process, signal.SIGKILL)
    wait_for(lambda: host.path("/var/run/hearth_agent.pid").exists() and host.agent_process() != process,
             "another process", 20)
    host.wait()
    assert read(host, "x") == b"x" * 1000
    assert host.service("restart").returncode == 0
    host.wait()
    assert host.service("stop").returncode == 0
    assert host.service("status").returncode == 1
    assert not host.path("/var/run/hearth.pid").exists() and not host.path("/var/run/hearth_agent.pid").exists()
    done = host.service("reload")
    assert done.returncode == 1 and "not running" in done.stderr


def test_a_restart_waits_for_what_the_agent_lets_end(host, make):
    serving(host, make())
    host.path("/usr/local/tftp/x").write_bytes(b"x" * 1_000_000)
    process = host.agent_process()
    with net.inside(host.space):
        under_way = TftpRead(At, "x")
    wait_for(lambda: host.status() is not None, "it is under way")
    assert host.service("restart").returncode == 0
    assert not runs(process), "two never run at a time"
    host.wait()
    assert "runs already" not in host.path("/var/log/messages").read_text()
    del under_way


def test_an_agent_that_lost_its_daemon_is_in_nobodys_way(host, make):
    serving(host, make())
    process = host.agent_process()
    os.kill(int(host.path("/var/run/hearth.pid").read_text()), signal.SIGKILL)
    wait_for(lambda: "without daemon(8)" in host.service("status").stdout, "the daemon is gone")
    assert host.service("status").returncode == 0 and runs(process), "it serves"
    done = host.service("start")
    assert done.returncode == 0 and f"process {process} was left without its daemon" in done.stderr
    host.wait()
    assert host.agent_process() != process and not runs(process)


@pytest.mark.parametrize("how", ["stop", "removal"])
def test_an_agent_that_lost_its_daemon_is_stopped_with_the_service(host, make, how):
    package = make()
    serving(host, package)
    process = host.agent_process()
    os.kill(int(host.path("/var/run/hearth.pid").read_text()), signal.SIGKILL)
    wait_for(lambda: "without daemon(8)" in host.service("status").stdout, "the daemon is gone")
    if how == "stop":
        assert host.service("stop").returncode == 0
        assert host.service("stop").returncode == 1, "there is nothing more to stop"
        assert not host.path("/var/run/hearth.pid").exists() and not host.path("/var/run/hearth_agent.pid").exists()
    else:
        host.remove(package)
    assert not runs(process)


def test_a_number_that_is_somebody_elses_by_now_is_not_killed(host, make):
    """daemon(8) is gone at once, and the agent hangs: meanwhile any process may get daemon's number."""
    serving(host, make())
    with host.path("/etc/rc.conf").open("a") as settings:
        settings.write("hearth_patience=1\n")
    process, daemon = host.agent_process(), int(host.path("/var/run/hearth.pid").read_text())
    ps = host.path("/bin/ps")
    ps.rename(ps.with_name("ps.real"))
    ps.write_text(f"#!/bin/sh\n[ \"$4\" != {daemon} ] || exec echo /bin/sleep 60\nexec /bin/ps.real \"$@\"\n")
    ps.chmod(0o755)
    os.kill(process, signal.SIGSTOP)
    done = host.service("stop")
    assert done.returncode == 0 and f"process {process} did not end within 1 s" in done.stderr, done.stderr
    assert not runs(process)


def test_a_start_waits_for_its_answer_and_not_for_ever(host, make):
    installed(host, make())
    host.path("/usr/local/etc/hearth/hearth.toml").write_text(SETTINGS)
    program = host.path("/usr/local/sbin/hearth")
    program.rename(host.path("/usr/local/sbin/real"))
    # An agent that takes a question and has no answer to it: who asks gives up after a minute.
    program.write_text("#!/bin/sh\ncase \"$*\" in *' status') exec sleep 60 ;; esac\nexec /usr/local/sbin/real \"$@\"\n")
    program.chmod(0o755)
    began = time.monotonic()
    done = host.service("onestart")
    assert done.returncode == 0 and "it does not answer after 10 s" in done.stderr, done.stderr
    assert time.monotonic() - began < 30


@pytest.mark.parametrize("how", ["stop", "removal", "start"])
def test_an_agent_that_hangs_holds_up_nobody_for_ever(host, make, how):
    package = make()
    serving(host, package)
    with host.path("/etc/rc.conf").open("a") as settings:
        settings.write("hearth_patience=1\n")
    process, daemon = host.agent_process(), int(host.path("/var/run/hearth.pid").read_text())
    os.kill(process, signal.SIGSTOP)
    told = f"process {process} did not end within 1 s, and is killed"
    if how == "stop":
        done = host.service("onestop")
        assert done.returncode == 0 and told in done.stderr, done.stderr
        assert not host.path("/var/run/hearth.pid").exists() and not host.path("/var/run/hearth_agent.pid").exists()
    elif how == "removal":
        host.remove(package)
    else:
        os.kill(daemon, signal.SIGKILL)
        wait_for(lambda: "without daemon(8)" in host.service("status").stdout, "the daemon is gone")
        done = host.service("start")
        assert done.returncode == 0 and told in done.stderr, done.stderr
        host.wait()
        assert host.agent_process() != process
    assert not runs(process) and not runs(daemon)


def test_a_new_program_takes_the_place_of_the_one_that_runs_under_the_same_daemon(host, make):
    serving(host, make())
    daemon, process = host.path("/var/run/hearth.pid").read_text(), host.agent_process()
    done = host.service("renew")
    assert done.returncode == 0, done.stderr
    assert host.path("/var/run/hearth.pid").read_text() == daemon and host.agent_process() != process
    host.wait()
    # One without its daemon would end and not come again.
    os.kill(int(daemon), signal.SIGKILL)
    wait_for(lambda: "without daemon(8)" in host.service("status").stdout, "the daemon is gone")
    process = host.agent_process()
    done = host.service("renew")
    assert done.returncode == 1 and "service hearth restart" in done.stderr
    assert runs(process)


def test_an_upgrade_keeps_all_and_restarts_what_ran(host, make):
    old, new = make("0.0.9"), make()
    serving(host, old)
    host.path("/usr/local/tftp/mine").write_bytes(b"mine")
    before, process = host.path("/etc/passwd").read_text(), host.agent_process()
    settings = host.path("/usr/local/etc/hearth/hearth.toml").read_text()
    done = host.upgrade(old, new, new.bytes(TIME))
    assert done.returncode == 0, done.stderr
    host.wait()
    assert host.agent_process() != process and host.service("status").returncode == 0
    assert host.path("/etc/passwd").read_text() == before
    assert host.path("/usr/local/etc/hearth/hearth.toml").read_text() == settings
    assert host.path("/var/db/hearth/hearth.db").exists()
    assert read(host, "mine") == b"mine"
    # A forced installation over it (pkg add) knows of no upgrade.
    process = host.agent_process()
    installed(host, new)
    host.wait()
    assert host.agent_process() != process and read(host, "mine") == b"mine"
    # With settings that the new one refuses, what runs goes on.
    host.path("/usr/local/etc/hearth/hearth.toml").write_text("nonsense = 1\n")
    process = host.agent_process()
    said = installed(host, new)
    assert "nonsense" in said and "goes on with the old program until you run: service hearth restart" in said
    assert host.agent_process() == process


def test_an_upgrade_of_what_does_not_run_starts_nothing(host, make):
    old, new = make("0.0.9"), make()
    installed(host, old)
    assert host.upgrade(old, new, new.bytes(TIME)).returncode == 0
    assert host.service("status").returncode == 1


@contextlib.contextmanager
def a_small_disk(place, bound):
    """A file system of its own, with a bound of tmpfs(5); what comes sets another."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", bound, "none", place], check=True)
    try:
        yield lambda bound: subprocess.run(["mount", "-o", f"remount,{bound}", place], check=True)
    finally:
        subprocess.run(["umount", place], check=True)


def test_a_full_disk_is_told_and_leaves_no_half_settings(host, make):
    settings = host.path("/usr/local/etc/hearth/hearth.toml")
    settings.parent.mkdir(parents=True)
    # Space for one file, the sample.
    with a_small_disk(settings.parent, "size=4k") as grow:
        assert "could not be written (is the disk full?" in installed(host, make())
        assert [path.name for path in settings.parent.iterdir()] == ["hearth.toml.sample"]
        grow("size=64k")
        assert installed(host, make()) == ""
        assert owner(settings) == (0, 969, "0o640")
        assert settings.read_text() == settings.with_suffix(".toml.sample").read_text()


def test_a_disk_without_room_for_the_state_is_told(host, make):
    with a_small_disk(host.path("/var/db"), "nr_inodes=1") as grow:
        said = installed(host, make())
        assert "/var/db/hearth could not be made. Make it" in said and "No space left" in said, said
        grow("nr_inodes=100")
        assert installed(host, make()) == ""
        assert owner(host.path("/var/db/hearth")) == (969, 969, "0o750")


def test_a_removal_stops_it_and_keeps_what_is_a_persons(host, make):
    package = make()
    serving(host, package)
    host.path("/usr/local/tftp/mine").write_bytes(b"mine")
    process = host.agent_process()
    host.remove(package)
    assert not runs(process)
    assert host.path("/usr/local/tftp/mine").read_bytes() == b"mine"
    assert host.path("/var/db/hearth/hearth.db").exists()
    assert host.path("/usr/local/etc/hearth/hearth.toml").read_text() == SETTINGS
    # And it works again with them.
    installed(host, package)
    assert host.path("/usr/local/etc/hearth/hearth.toml").read_text() == SETTINGS
    assert host.service("start").returncode == 0
    host.wait()
    assert read(host, "mine") == b"mine"


def test_a_removal_leaves_nothing_of_what_nobody_touched(host, make):
    package = make()
    installed(host, package)
    host.remove(package)
    for path in ("/usr/local/etc/hearth", "/usr/local/tftp", "/var/db/hearth"):
        assert not host.path(path).exists(), path
    # Again, as after a removal that was cut off.
    for name in ("pre-deinstall", "post-deinstall"):
        assert host.script(package.scripts[name]).returncode == 0


def test_a_purge_removes_what_hearth_made_and_nothing_else(host, make):
    package = make()
    serving(host, package)
    host.path("/usr/local/tftp/mine").write_bytes(b"mine")
    said = host.remove(package, HEARTH_PURGE="yes")
    assert "default.ipxe: removed" in said
    assert [path.name for path in host.path("/usr/local/tftp").iterdir()] == ["mine"]
    assert not host.path("/var/db/hearth").exists() and not host.path("/usr/local/etc/hearth").exists()


def test_a_tree_of_somebody_else_is_left_as_it_is_and_told(host, make):
    tree = host.path("/usr/local/tftp")
    tree.mkdir()
    (tree / "pxelinux.0").write_bytes(b"theirs")
    os.chown(tree, 1234, 1234)
    said = installed(host, make())
    assert "chown hearth /usr/local/tftp" in said
    assert owner(tree)[:2] == (1234, 1234) and (tree / "pxelinux.0").read_bytes() == b"theirs"
    # As said, the agent starts once it may write there, and serves what is in it.
    host.path("/usr/local/etc/hearth/hearth.toml").write_text(SETTINGS)
    os.chown(tree, 969, -1)
    assert host.service("onestart").returncode == 0
    host.wait()
    assert read(host, "pxelinux.0") == b"theirs"
    host.remove(make(), HEARTH_PURGE="yes")
    assert (tree / "pxelinux.0").read_bytes() == b"theirs"


def test_a_tree_that_is_a_link_stays_one(host, make):
    host.path("/data").mkdir()
    host.path("/usr/local/tftp").symlink_to("/data")
    package = make()
    said = installed(host, package)
    assert "not the user hearth's" in said
    assert owner(host.path("/data"))[0] == 0, "what it leads to is not changed"
    host.remove(package, HEARTH_PURGE="yes")
    assert host.path("/usr/local/tftp").is_symlink() and host.path("/data").is_dir()


def test_a_tree_that_is_a_file_is_told(host, make):
    host.path("/usr/local/tftp").write_text("mine")
    assert "no folder" in installed(host, make())
    assert host.path("/usr/local/tftp").read_text() == "mine"


def test_a_user_of_this_name_stays_as_it_is(host, make):
    with open(host.path("/etc/passwd"), "a") as users:
        users.write("hearth:*:1500:1500:A person:/home/hearth:/bin/sh\n")
    with open(host.path("/etc/group"), "a") as groups:
        groups.write("hearth:*:1500:\n")
    before = host.path("/etc/passwd").read_text()
    package = make()
    done = host.script(package.scripts["pre-install"])
    assert done.returncode == 0 and "was here before and can log in" in done.stdout
    installed(host, package)
    assert host.path("/etc/passwd").read_text() == before
    assert owner(host.path("/var/db/hearth"))[:2] == (1500, 1500)


def test_a_user_that_is_root_by_another_name_is_refused(host, make):
    with open(host.path("/etc/passwd"), "a") as users:
        users.write("hearth:*:0:0:Charlie:/root:/bin/sh\n")
    done = host.install(make(), b"")
    assert done.returncode == 1 and "rename that user" in done.stderr
    assert not host.path("/usr/local/sbin/hearth").exists()


def test_a_number_that_is_taken_is_no_hindrance(host, make):
    with open(host.path("/etc/passwd"), "a") as users:
        users.write("other:*:969:969::/:/usr/sbin/nologin\n")
    with open(host.path("/etc/group"), "a") as groups:
        groups.write("other:*:969:\n")
    installed(host, make())
    assert owner(host.path("/var/db/hearth"))[:2] == (1001, 1001)


def test_whoever_has_the_port_is_named_to_whoever_starts_it(host, make):
    installed(host, make())
    host.path("/usr/local/etc/hearth/hearth.toml").write_text(SETTINGS)
    host.path("/etc/rc.conf").write_text("hearth_delay=1\n")
    with net.inside(host.space):
        taker = socket.socket(type=socket.SOCK_DGRAM)
        taker.bind((ADDRESS, 69))
    with taker:
        done = host.service("onestart")
        assert done.returncode == 0 
        assert f"{ADDRESS} port 69: the port is in use: " in done.stdout
        assert f"process {os.getpid()}, has it; stop that program" in done.stdout
        assert host.status() is None
    host.wait()


def test_a_state_of_a_newer_version_is_refused_and_not_overwritten(host, make):
    package = make()
    serving(host, package)
    assert host.service("stop").returncode == 0
    path = host.path("/var/db/hearth/hearth.db")
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version = 9999")
    database.close()
    done = host.service("start")
    assert done.returncode == 1 and "was written by a later version of Hearth" in done.stderr
    assert "hearth: error: " in host.path("/var/log/messages").read_text(), "also where nobody sees what is said"
    assert host.service("status").returncode == 1, "nothing is left that would try it again and again"
    with sqlite3.connect(path) as database:
        assert database.execute("PRAGMA user_version").fetchone() == (9999,)


def test_a_folder_that_the_user_cannot_use_is_told_by_whoever_starts_it(host, make):
    installed(host, make())
    host.path("/usr/local/etc/hearth/hearth.toml").write_text(SETTINGS)
    os.chown(host.path("/usr/local/tftp"), 0, 0)
    done = host.service("onestart")
    assert done.returncode == 1 and "user hearth may not write /usr/local/tftp; run `chown" in done.stderr
    os.chown(host.path("/usr/local/tftp"), 969, 969)
    lock = host.path("/var/db/hearth/hearth.lock")
    lock.write_text("nonsense\n")
    done = host.service("onestart")
    assert done.returncode == 1 and "hearth.lock" in done.stderr
    lock.unlink()
    assert host.service("onestart").returncode == 0
    host.wait()


def test_another_root_folder_is_set_up_and_nothing_of_this_one_is_touched(host, make):
    package = make()
    before = host.path("/etc/passwd").read_text()
    other = host.path("/mnt/other")
    for folder in ("etc", "var/db", "usr/local/etc/hearth"):
        (other / folder).mkdir(parents=True)
    (other / "etc/passwd").write_text("root:*:0:0::/root:/bin/sh\n")
    (other / "etc/group").write_text("wheel:*:0:\n")
    sample = package.entries[2]
    assert sample.path.endswith("hearth.toml.sample")
    (other / sample.path.lstrip("/")).write_bytes(sample.data)
    for name in ("pre-install", "post-install", "pre-deinstall"):
        done = host.run("/bin/sh", "-c", package.scripts[name], PKG_ROOTDIR="/mnt/other")
        assert done.returncode == 0, done.stderr
    assert "hearth:" in (other / "etc/passwd").read_text()
    assert owner(other / "usr/local/tftp")[:2] == (969, 969)
    assert host.path("/etc/passwd").read_text() == before
    assert not host.path("/usr/local/tftp").exists()
    assert not host.path("/var/log/calls").exists(), "no service of this host is asked"
