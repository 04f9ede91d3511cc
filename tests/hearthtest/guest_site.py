"""A network whose firewall is a FreeBSD guest with Hearth: 192.168.77.1 on its card `vtnet0`."""

import contextlib
import functools
import http.server
import json
import os
import pathlib
import subprocess
import threading

from hearthtest import dhcp, guest, net, proof, vm
from hearthtest.agent import TREE, binary
from hearthtest.clients import TftpRead
from hearthtest.net import inside
from hearthtest.origin import Origin
from hearthtest.packages import TIME
from hearthtest.site import ADDRESS, CONFIG, FIRST, LAST, MAC, OUTSIDE, PROOF_FILE, STEP_SECONDS, Collector
from hearthtest.wait import wait_for
from hearthpkg import agent as agent_package
from hearthpkg import archive, compiled

ROUTER = "192.168.77.2"
# The second card's network, on the same wire.
LATER = "192.168.78.1"
# That of a pair of firewalls.
SHARED = "192.168.77.5"
TARGET = f"{guest.ARCH}-unknown-freebsd"
PROGRAMS = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", TREE / "target")) / "package" / "programs" / TARGET
PROGRAM = pathlib.Path(os.environ.get("HEARTH_FREEBSD_BIN", PROGRAMS / "hearth"))
UNIT_TESTS = pathlib.Path(os.environ.get("HEARTH_FREEBSD_TESTS", PROGRAMS / "hearth-tests"))
# FreeBSD's pkg for the guest, if the image has none.
PKG = os.environ.get("HEARTH_FREEBSD_PKG")

SETTINGS = """\
[server]
addresses = ["{addresses}"]
user = "hearth"
[log]
target = "syslog"
"""
OLD, NEW = "0.0.9", "0.1.0"


def why_not():
    """Why there is no guest here, or None."""
    if not guest.IMAGE:
        return "HEARTH_FREEBSD_IMAGE names no disk of a FreeBSD to boot (docs/freebsd.md)"
    if guest.ARCH not in guest.MACHINES:
        return f"HEARTH_FREEBSD_ARCH is {guest.ARCH}, not {' or '.join(guest.MACHINES)}"
    if not PROGRAM.exists():
        return f"no agent for FreeBSD at {PROGRAM}: scripts/package {TARGET}"
    return net.available()


class GuestSite:
    """The network around the guest, and the guest."""

    address, tftp_port, http_port = ADDRESS, 69, 8069
    http = f"http://{ADDRESS}:8069"

    def __init__(self, folder):
        self.folder = folder
        self.started = []
        self.network = net.Network()
        # Every frame at every port, as a firewall hears what its own DHCP server says.
        subprocess.run(["ip", "-n", self.network.lan, "link", "set", "br0", "type", "bridge", "ageing_time", "0"],
                       check=True)
        self.router = self.network.host("router", f"{ROUTER}/24")
        self.client = self.network.host("client", "192.168.77.20/24", "192.168.78.20/24")
        self.outside = self.network.host("outside", f"{OUTSIDE}/24")
        with inside(self.outside):
            self.origin = Origin(OUTSIDE, 8098)
        self.origin.talos_kernel, self.origin.talos_initramfs = proof.kernel(), proof.initramfs()
        self.origin.start()
        self.collector = Collector(self.outside, OUTSIDE)
        self.packages = {version: packed(version) for version in (OLD, NEW)}
        files = {f"hearth-{version}.pkg": package.bytes(TIME) for version, package in self.packages.items()}
        files[f"hearth-{NEW}.tar"] = archive.tar(self.packages[NEW].entries, TIME, "wheel")
        if UNIT_TESTS.exists():
            files["hearth-tests"] = UNIT_TESTS.read_bytes()
            files |= {f"tree/{path.relative_to(TREE)}": path.read_bytes() for path in read_by_unit_tests()}
        if PKG:
            files["pkg"] = pathlib.Path(PKG).read_bytes()
        self.guest = guest.Guest(self.network, folder, files, ["52:54:00:77:01:01", "52:54:00:77:01:02"])
        self.run, self.write = self.guest.run, self.guest.write
        # Nothing of the guest's own settings stays for these two cards.
        self.run(f'sysrc ifconfig_vtnet0="inet {ADDRESS}/24" ifconfig_vtnet1="" && ifconfig vtnet0 inet {ADDRESS}/24 up')

    def settings(self, addresses=(ADDRESS,), boot=True, more=""):
        """Hearth's settings as a person writes them; with `boot` what the lab's machines boot too."""
        text = SETTINGS.format(addresses='", "'.join(addresses)) + more
        if boot:
            text += CONFIG.format(origin=self.origin.url, collector=self.collector.url, address=ADDRESS)
        self.write("/usr/local/etc/hearth/hearth.toml", text, "640")

    def service(self, *words, check=True, seconds=120):
        return self.run(f"service hearth {' '.join(words)}", seconds, check)

    def status(self):
        """The agent's status; None while it does not answer."""
        code, said = self.run("hearth status --json", check=False)
        return json.loads(said) if code == 0 else None

    def wait(self, seconds=60):
        """Until the agent answers."""
        return wait_for(self.status, "the agent answers", seconds, every=0.5)

    def process(self):
        return int(self.run("cat /var/run/hearth_agent.pid"))

    def log(self):
        return self.run("cat /var/log/hearth.log")

    def reading(self, name, address=ADDRESS, **options):
        """A read request by TFTP from the client's side of the wire."""
        class At:
            tftp_port = 69
        At.address = address
        with inside(self.client):
            return TftpRead(At, name, **options)

    def tftp(self, name, address=ADDRESS):
        """A file, read by TFTP."""
        return self.reading(name, address, seconds=30).rest()

    def get(self, path, address=ADDRESS, rate="1G"):
        """Status and body of what HTTP says; `rate` is the most bytes in a second, as curl(1) writes it."""
        done = subprocess.run(
            ["ip", "netns", "exec", self.client, "curl", "-s", "-m", "60", "--limit-rate", rate,
             "-w", "%{stderr}%{http_code}", f"http://{address}:8069{path}"], capture_output=True)
        return int(done.stderr or 0), done.stdout

    @contextlib.contextmanager
    def shop(self, folder):
        """A folder by HTTP, from outside; its URL."""
        with inside(self.outside):
            server = http.server.ThreadingHTTPServer(
                (OUTSIDE, 8097), functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(folder)))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://{OUTSIDE}:8097"
        finally:
            server.shutdown()
            server.server_close()

    def dhcp(self, lines=""):
        """A DHCP server that says what `hearth dhcp snippet` prints in the guest."""
        snippet = self.run("hearth dhcp snippet --for dnsmasq")
        server = dhcp.Dnsmasq(self.router, self.folder, f"{snippet}\ndhcp-range={FIRST},{LAST},600\n{lines}")
        self.started.append(server)
        return server

    def machine(self, number, firmware, **options):
        made = vm.Machine(self.network, self.folder, f"machine{number}", firmware, MAC.format(number), **options)
        self.started.append(made)
        return made

    def report(self, machine):
        """What a machine reported once it ran what it was sent."""
        def came():
            assert machine.mac in self.collector.reports or machine.alive(), net.tail(machine.log())
            return self.collector.reports.get(machine.mac)
        return wait_for(came, f"a report of {machine.name}", 2 * STEP_SECONDS, every=0.2)

    def end(self, *processes):
        for process in processes:
            process.stop(9)
            self.started.remove(process)

    def close(self):
        for process in [*self.started, self.guest]:
            process.stop(9)
        self.collector.close()
        self.origin.stop()
        self.network.close()


def read_by_unit_tests():
    """Files of the tree that the unit tests read while they run."""
    folders = [TREE / "agent/src/dhcp/golden", TREE / "agent/src/cli/top/screens"]
    return [TREE / "docs/running.md", *(path for folder in folders for path in folder.iterdir())]


def packed(version):
    """The package of this tree with the program for FreeBSD, under this version."""
    pages = {name: compiled.of_freebsd(text) for name, text in compiled.pages(binary()).items()}
    return agent_package.package(15, guest.ARCH, PROGRAM.read_bytes(), pages, version, b"licences\n")


def install(site, version):
    """With pkg, or, where the guest has none, with what pkg does: script, files, script."""
    file = f"{guest.BROUGHT}/hearth-{version}"
    if site.run("test -x /usr/local/sbin/pkg", check=False)[0] == 0:
        return site.run(f"ASSUME_ALWAYS_YES=yes pkg add {file}.pkg", 300)
    scripts = site.packages[version].scripts
    site.write("/tmp/pre-install", scripts["pre-install"])
    site.write("/tmp/post-install", scripts["post-install"])
    return site.run("export PKG_PREFIX=/usr/local PKG_ROOTDIR=/; sh /tmp/pre-install && "
                    f"tar xpf {file}.tar -C / && sh /tmp/post-install", 300)
