"""A network with a firewall that runs Hearth: what the lab's cases and the demo boot machines in."""

import contextlib
import re
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from hearthtest import dhcp, disk, net, proof, vm
from hearthtest.agent import Agent
from hearthtest.net import inside, tail
from hearthtest.origin import Origin
from hearthtest.wait import wait_for

ADDRESS = "192.168.77.1"
OUTSIDE = "192.168.77.9"
MAC = "52:54:00:77:00:{:02x}"
FIRST, LAST = "192.168.77.100", "192.168.77.199"
# What the booted system reads back from Hearth.
PROOF_FILE = b"served by hearth\n"
# Longest wait for one step of a machine: a busy host without KVM takes its time.
STEP_SECONDS = 300

CONFIG = """
[menu]
timeout = "1s"
default = "talos-omni"
items = ["talos-omni", "local", "shell"]

[loaders]
origin = "{origin}/ipxe"
architectures = ["amd64", "arm64"]

[[image]]
name = "talos"
recipe = "talos"
version = "v1.11.2"
factory = "{origin}/factory"
extensions = ["siderolabs/bnx2-bnx2x"]

[[profile]]
name = "talos-omni"
image = "talos"
arguments = ["console=ttyS0", "proof.report={collector}/report",
    "proof.file=http://{address}:8069/files/proof.txt"]
omni = {{ api = "https://omni.example:8090/", token = "secret-token", fallback = true, events = "[fdae:41e4:649b:9303::1]:8090", logs = "tcp://[fdae:41e4:649b:9303::1]:8092" }}

[[profile]]
name = "install"
image = "talos"
installed = "callback"
arguments = ["console=ttyS0", "proof.report={collector}/report",
    "proof.disk=http://{address}:8069/files/disk.img"]

[[image]]
name = "debian"
recipe = "debian"
version = "bookworm"
mirror = "{origin}/debian"

[[profile]]
name = "debian-installer"
image = "debian"
arguments = ["console=ttyS0", "priority=critical", "---"]
"""


class Collector:
    """Hears what booted machines report."""

    def __init__(self, namespace, address):
        self.reports, self.new = {}, threading.Condition()
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                text = self.rfile.read(int(self.headers["Content-Length"])).decode()
                report = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
                report["peer"] = self.client_address[0]
                with collector.new:
                    collector.reports[report["mac"]] = report
                    collector.new.notify_all()
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        with inside(namespace):
            self.server = ThreadingHTTPServer((address, 8099), Handler)
        self.url = f"http://{address}:8099"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Site:
    """A network with a firewall (agent, DHCP) and an outside (origin, collector)."""

    def __init__(self, folder, proof_files):
        self.folder = folder
        self.agent, self.started, self.machines = None, [], []
        self.closing = contextlib.ExitStack()
        self.network = net.Network()
        self.closing.callback(self.network.close)
        self.firewall = self.network.host("firewall", f"{ADDRESS}/24")
        outside = self.network.host("outside", f"{OUTSIDE}/24")
        with inside(outside):
            self.origin = Origin(OUTSIDE, 8098)
        self.origin.talos_kernel, self.origin.talos_initramfs = proof_files
        for name in ("snponly.efi", "ipxe.efi"):
            self.origin.put(f"/ipxe/arm64-efi/{name}", proof.arm64_loader())
        self.origin.start()
        self.closing.callback(self.origin.stop)
        self.collector = Collector(outside, OUTSIDE)
        self.closing.callback(self.collector.close)

    def hearth(self, extra="", images=("talos",), told=lambda line: None, server=None):
        """Fetches the loaders and these images, and starts the agent."""
        text = CONFIG.format(origin=self.origin.url, collector=self.collector.url, address=ADDRESS)
        self.agent = Agent(self.folder / "hearth", text + extra, addresses=(ADDRESS,),
                           netns=self.firewall, tftp_port=69, http_port=8069, server=server)
        (self.agent.root / "proof.txt").write_bytes(PROOF_FILE)
        (self.agent.root / "disk.img").write_bytes(disk.image())
        fetched = self.agent.run("fetch", "loaders", *images)
        assert fetched.returncode == 0, fetched.stdout + fetched.stderr
        for line in fetched.stdout.splitlines():
            told(line)
        self.agent.start()
        return self.agent

    def snippet(self, kind):
        """What `hearth dhcp snippet` prints for a kind of server."""
        printed = self.agent.run("dhcp", "snippet", "--for", kind)
        assert printed.returncode == 0, printed.stderr
        return printed.stdout

    def run(self, server, *arguments, **options):
        self.started.append(server(self.firewall, self.folder, *arguments, **options))
        return self.started[-1]

    # Each server has a subnet, as a person's has, and the printed fields as they are.

    def isc(self):
        return self.run(dhcp.Isc, self.snippet("isc") + f"""
            default-lease-time 600;
            subnet 192.168.77.0 netmask 255.255.255.0 {{
              range {FIRST} {LAST};
              option routers {ADDRESS};
            }}""")

    def kea(self):
        return self.run(dhcp.Kea, f"""
            "subnet4": [ {{
              "subnet": "192.168.77.0/24", "pools": [ {{ "pool": "{FIRST} - {LAST}" }} ],
              "option-data": [ {{ "name": "routers", "data": "{ADDRESS}" }} ]
            }} ],
            """ + self.snippet("kea"))

    def dnsmasq(self):
        return self.run(dhcp.Dnsmasq, self.snippet("dnsmasq") + f"\ndhcp-range={FIRST},{LAST},600\n")

    def tftpd(self):
        """Another TFTP server over Hearth's folder, once the agent has left its port."""
        return self.run(dhcp.Tftpd, self.agent.root, ADDRESS)

    def block_http(self):
        """No answer of Hearth's HTTP leaves the firewall, as with a packet filter that drops."""
        subprocess.run(["ip", "-n", self.firewall, "rule", "add", "ipproto", "tcp", "sport", "8069",
                        "blackhole"], check=True)

    def machine(self, number, firmware, **options):
        made = vm.Machine(self.network, self.folder, f"machine{number}", firmware,
                          MAC.format(number), **options)
        made.made = (number, firmware, options, 1)
        self.machines.append(made)
        return made

    def again(self, machine, **changed):
        """Switches a machine on that went off, as it was but for what is changed."""
        machine.wait_off(STEP_SECONDS)
        number, firmware, options, boot = machine.made
        options = {**options, **changed}
        made = vm.Machine(self.network, self.folder, machine.name, firmware,
                          options.pop("mac", machine.mac), boot=boot + 1, **options)
        made.made = (number, firmware, options, boot + 1)
        self.machines.append(made)
        return made

    def report(self, machine, seconds=STEP_SECONDS):
        """What the machine reported once it ran the fetched system."""
        def came():
            assert machine.mac in self.collector.reports or machine.alive(), \
                f"{machine.name} ended; its console:\n{tail(machine.log())}"
            return self.collector.reports.get(machine.mac)
        try:
            return wait_for(came, f"a report of {machine.name}", seconds, every=0.2)
        except AssertionError as error:
            raise AssertionError(f"{error}; its console:\n{tail(machine.log())}") from None

    def ask(self, method, path, body=None):
        """Asks the API, as the plugin does: status and answer."""
        status, _, value = self.agent.ask(method, path, body)
        return status, value

    def known(self, machine):
        """What Hearth knows of a machine; `None` before it met it."""
        status, value = self.ask("GET", f"machines/{machine.mac}")
        return value if status == 200 else None

    def comes_to(self, machine, phase):
        """Waits until the machine is in a phase."""
        def is_there():
            value = self.known(machine)
            return value and value["phase"] == phase and value
        try:
            return wait_for(is_there, f"{machine.name} is {phase}", STEP_SECONDS, every=0.2)
        except AssertionError as error:
            raise AssertionError(f"{error}; the agent's log:\n{tail(self.agent.log())}\nits console:"
                                 f"\n{tail(machine.log())}") from None

    def act(self, machine, action, **more):
        """Does something with a machine."""
        status, value = self.ask("POST", f"machines/{machine.mac}/actions",
                                 {"action": action, **more})
        assert status == 200, value
        return value

    def transfers(self, via=None, to=None):
        """Files that the agent says it sent whole: (protocol, name, bytes), in order of their end."""
        lines = re.findall(r"(TFTP|HTTP) (\S+) to (\S+): (\d+) bytes in ", self.agent.log())
        return [(one, name, int(size)) for one, name, peer, size in lines
                if via in (None, one) and to in (None, peer)]

    def names(self, via, to=None):
        """The same, only the names."""
        return [name for _, name, _ in self.transfers(via, to)]

    def sent(self, via, name, seconds=STEP_SECONDS):
        """Waits until the agent has sent this file whole."""
        wait_for(lambda: name in self.names(via), f"{name} sent by {via}; the agent's log:\n"
                 f"{tail(self.agent.log())}", seconds)

    def close(self):
        """Ends everything, whatever state it is in."""
        if self.agent:
            self.closing.callback(self.agent.stop, 9)
        for process in [*self.started, *self.machines]:
            self.closing.callback(process.stop, 9)
        self.closing.close()
