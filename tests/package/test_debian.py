"""The package for Debian: its format, and what installing it on this Debian does, in a copy that is thrown away."""

import configparser
import hashlib
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess

import pytest

from hearthtest.packages import TIME
from hearthpkg import compiled, debian, source
from hearthtest import net
from hearthtest.agent import Control
from hearthtest.clients import TftpRead
from hearthtest.copies import Copy, why_not
from hearthtest.wait import wait_for

ADDRESS = "192.168.77.1"
UNIT = "/lib/systemd/system/hearth.service"


@pytest.fixture
def deb(debs, tmp_path):
    path = tmp_path / "hearth.deb"
    path.write_bytes(debs[source.version()])
    return path


def told(*arguments):
    return subprocess.run(arguments, capture_output=True, text=True, check=True).stdout


def test_dpkg_reads_it(deb):
    fields = dict(re.findall(r"^ (\S+): (.*)$", told("dpkg-deb", "-I", deb), re.MULTILINE))
    assert fields["Package"] == "hearth" and fields["Architecture"] == "amd64"
    assert fields["Version"] == debian.deb_version(source.version())
    assert fields["Depends"].startswith("libc6 (>= 2.31)")
    listed = told("dpkg-deb", "-c", deb)
    assert all(" root/root " in line and "2026-01-01" in line for line in listed.splitlines())
    assert re.search(r"^-rwxr-xr-x .* \./usr/sbin/hearth$", listed, re.MULTILINE)
    assert re.search(r"^-rw-r----- .* \./etc/hearth/hearth.toml$", listed, re.MULTILINE)
    assert "./usr/share/man/man8/hearth-serve.8.gz" in listed
    assert "/usr/local" not in listed


def test_the_same_gives_the_same_bytes(pages):
    here = {name: compiled.of_debian(text) for name, text in pages.items()}

    def build():
        return debian.package("x86_64", b"program", here, source.version(), b"licences\n", compiled.GLIBC, TIME)
    one = build()
    before = os.umask(0o077)
    try:
        assert build() == one
    finally:
        os.umask(before)


def test_its_pages_name_the_places_of_debian(pages):
    page = compiled.of_debian(pages["hearth.8"]).decode()
    assert "/etc/hearth/hearth.toml" in page and "/var/lib/hearth" in page
    assert "/usr/local" not in page and "/var/db" not in page


class Unit(Copy):
    """A copy in which the unit is started as systemd does, step by step."""

    def __init__(self, folder, space):
        super().__init__(folder, space)
        self.started = []
        self.manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.manager.bind(str(self.path("/run/notify")))
        self.path("/run/notify").chmod(0o666)
        self.manager.settimeout(0.05)

    def unit(self):
        """What the unit says, each key with all its values."""
        values = {}
        for line in self.path(UNIT).read_text().splitlines():
            if "=" in line and not line.startswith("#"):
                key, value = line.split("=", 1)
                values.setdefault(key, []).append(value)
        return values

    def start(self):
        """As systemd does: the folders, the user, the capabilities, the commands of the unit, and word that it is ready."""
        unit = self.unit()
        assert unit["Type"] == ["notify"]
        user, few = unit["User"][0], unit["AmbientCapabilities"][0].split()
        for base, key in (("/run", "RuntimeDirectory"), ("/var/lib", "StateDirectory")):
            self.run("install", "-d", "-o", user, "-g", user, "-m", unit[key + "Mode"][0], f"{base}/{unit[key][0]}")
        # setpriv(1) has names without the prefix.
        names = [name.removeprefix("CAP_").lower() for name in few]
        words = ",".join("+" + name for name in names)
        as_user = ["setpriv", f"--reuid={user}", f"--regid={unit['Group'][0]}", "--clear-groups", "--no-new-privs",
                   f"--bounding-set=-all,{words}", f"--inh-caps=-all,{words}", f"--ambient-caps=-all,{words}"]
        assert "ExecStartPre" not in unit, "RestartPreventExitStatus counts for the main process alone"
        log = open(self.folder / "log", "ab")
        one = subprocess.Popen(
            self.inside(*as_user, *unit["ExecStart"][0].split()), stdout=log, stderr=log, stdin=subprocess.DEVNULL,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "NOTIFY_SOCKET": "/run/notify"})
        self.started.append(one)
        told = wait_for(lambda: self.told() or one.poll() is not None, "the agent is ready, or ends", 20)
        if one.poll() is None:
            assert told == b"READY=1\n" and self.status(), "who is ready answers"
        return one

    def told(self):
        """What the service manager was told; None: nothing yet."""
        try:
            return self.manager.recv(4096)
        except TimeoutError:
            return None

    def log(self):
        return (self.folder / "log").read_text()

    def status(self):
        control = Control(self.path("/run/hearth/hearth.sock"))
        try:
            control.request("GET", "/api/v1/status")
            return control.getresponse().status == 200
        except OSError:
            return False

    def close(self):
        self.manager.close()
        for one in self.started:
            if one.poll() is None:
                one.kill()
                one.wait()
        super().close()


@pytest.fixture
def copy(tmp_path):
    with net.Network() as network:
        try:
            one = Unit(tmp_path, network.host("deb", f"{ADDRESS}/24"))
        except RuntimeError as error:
            pytest.skip(f"no overlay of this host can be made here: {error}")
        yield one
        one.close()


needs_copy = pytest.mark.skipif(why_not("setpriv") is not None, reason=str(why_not("setpriv")))


class At:
    address, tftp_port, http_port = ADDRESS, 69, 8069


def installed(copy, deb):
    target = copy.path("/tmp/hearth.deb")
    shutil.copy(deb, target)
    done = copy.run("dpkg", "--force-depends", "-i", "/tmp/hearth.deb")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def set_up(copy):
    settings = copy.path("/etc/hearth/hearth.toml")
    text = settings.read_text().replace("addresses = []", f'addresses = ["{ADDRESS}"]')
    settings.write_text(text + '[loaders]\nsource = "none"\n[menu]\nitems = ["local"]\n')


@needs_copy
def test_it_is_installed_started_upgraded_removed_and_purged(copy, deb, debs, tmp_path):
    installed(copy, deb)
    assert copy.run("stat", "-c", "%U %G %a", "/etc/hearth/hearth.toml").stdout == "root hearth 640\n"
    assert copy.run("stat", "-c", "%U %a", "/srv/tftp", "/var/lib/hearth").stdout == "hearth 755\nhearth 750\n"
    # Before it is told its addresses, the unit does not start it again and again.
    refused = copy.start()
    assert refused.poll() == 78 and "addresses" in copy.log()
    assert "78" in copy.unit()["RestartPreventExitStatus"][0].split(), "it is not started again and again"
    set_up(copy)
    one = copy.start()
    facts = dict(re.findall(r"^(\w+):\t(.*)$", pathlib.Path(f"/proc/{one.pid}/status").read_text(), re.MULTILINE))
    assert int(facts["Uid"].split()[0]) != 0 and facts["NoNewPrivs"] == "1"
    assert {facts[key] for key in ("CapEff", "CapPrm", "CapInh", "CapAmb")} == {"0" * 16}, "given up"
    copy.path("/srv/tftp/mine").write_bytes(b"mine")
    with net.inside(copy.space):
        assert TftpRead(At, "mine").rest() == b"mine"
        assert TftpRead(At, "default.ipxe").rest().startswith(b"#!ipxe")
    assert copy.run("hearth", "--config", "/etc/hearth/hearth.toml", "status").returncode == 0
    one.send_signal(signal.SIGTERM)
    assert wait_for(copy.told, "the service manager is told that it stops") == b"STOPPING=1\n"
    assert one.wait(timeout=20) == 0
    # A newer one over it: what was written in the settings stays.
    newer = tmp_path / "newer.deb"
    newer.write_bytes(debs["99.0.0"])
    installed(copy, newer)
    assert ADDRESS in copy.path("/etc/hearth/hearth.toml").read_text()
    one = copy.start()
    with net.inside(copy.space):
        assert TftpRead(At, "mine").rest() == b"mine"
    one.send_signal(signal.SIGTERM)
    assert one.wait(timeout=20) == 0
    assert copy.run("dpkg", "--remove", "hearth").returncode == 0
    assert copy.path("/srv/tftp/mine").exists() and copy.path("/var/lib/hearth/hearth.db").exists()
    assert copy.path("/etc/hearth/hearth.toml").exists() and not copy.path("/usr/sbin/hearth").exists()
    assert copy.run("dpkg", "--purge", "hearth").returncode == 0
    left = [path.name for path in copy.path("/srv/tftp").iterdir()]
    assert left == ["mine"]
    assert not copy.path("/var/lib/hearth").exists() and not copy.path("/etc/hearth").exists()


@needs_copy
def test_a_purge_takes_only_files_that_are_as_hearth_fetched_them(copy, deb):
    installed(copy, deb)
    lines = ["version = 1\n"]
    for name, text in (("a/b/true", b"true"), ("a/changed", b"before"), ("../../etc/hostname", b"")):
        if ".." in name:
            text = copy.path("/etc/hostname").read_bytes()
        lines.append(f'[[file]]\npath = "{name}"\nsize = {len(text)}\nsha256 = "{hashlib.sha256(text).hexdigest()}"\n')
    copy.path("/srv/tftp/a/b").mkdir(parents=True)
    copy.path("/srv/tftp/a/b/true").write_bytes(b"true")
    copy.path("/srv/tftp/a/changed").write_bytes(b"after")
    copy.path("/var/lib/hearth/hearth.lock").write_text("\n".join(lines))
    done = copy.run("dpkg", "--purge", "hearth")
    assert done.returncode == 0, done.stderr
    assert not copy.path("/srv/tftp/a/b").exists()
    assert copy.path("/srv/tftp/a/changed").read_bytes() == b"after"
    assert copy.path("/etc/hostname").exists()


@needs_copy
def test_a_tree_and_a_user_that_were_there_stay_as_they_are(copy, deb):
    assert copy.run("useradd", "--shell", "/bin/bash", "hearth").returncode == 0
    copy.path("/srv/tftp").mkdir()
    copy.path("/srv/tftp/pxelinux.0").write_bytes(b"theirs")
    said = installed(copy, deb)
    assert "was here before and can log in" in said and "chown hearth /srv/tftp lets Hearth" in said
    assert copy.run("stat", "-c", "%U", "/srv/tftp").stdout == "root\n"
    assert copy.run("getent", "passwd", "hearth").stdout.strip().endswith("/bin/bash")
    assert copy.run("dpkg", "--purge", "hearth").returncode == 0
    assert copy.path("/srv/tftp/pxelinux.0").read_bytes() == b"theirs"


@needs_copy
def test_a_user_that_is_root_by_another_name_is_refused(copy, deb):
    assert copy.run("useradd", "--non-unique", "--uid", "0", "hearth").returncode == 0
    shutil.copy(deb, copy.path("/tmp/hearth.deb"))
    done = copy.run("dpkg", "--force-depends", "-i", "/tmp/hearth.deb")
    assert done.returncode != 0 and "usermod -l NAME hearth" in done.stderr


def test_the_unit_closes_what_hearth_does_not_use():
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str
    unit.read(debian.HERE / "hearth.service")
    service = unit["Service"]
    for key in ("NoNewPrivileges", "ProtectHome", "PrivateTmp", "PrivateDevices", "ProtectKernelModules",
                "ProtectKernelTunables", "MemoryDenyWriteExecute", "RestrictNamespaces", "RestrictSUIDSGID"):
        assert service[key] == "yes", key
    assert service["User"] == "hearth" and service["ProtectSystem"] == "strict"
    assert service["CapabilityBoundingSet"] == service["AmbientCapabilities"] == "CAP_NET_BIND_SERVICE CAP_NET_RAW"
