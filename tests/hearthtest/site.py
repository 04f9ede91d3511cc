"""A network with a firewall that runs Hearth: what the lab's cases and the demo boot machines in."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from hearthtest import dhcp, net, vm
from hearthtest.agent import Agent
from hearthtest.net import inside, tail
from hearthtest.origin import Origin

ADDRESS = "192.168.77.1"
MAC = "52:54:00:77:00:{:02x}"

CONFIG = """
[menu]
timeout = "1s"
default = "talos-omni"
items = ["talos-omni", "local", "shell"]

[loaders]
origin = "{origin}/ipxe"
architectures = ["amd64"]

[[image]]
name = "talos"
recipe = "talos"
version = "v1.11.2"
factory = "{origin}/factory"
extensions = ["siderolabs/bnx2"]

[[profile]]
name = "talos-omni"
image = "talos"
arguments = ["console=ttyS0", "proof.report={collector}/report",
    "proof.file=http://{address}:8069/files/proof.txt"]
omni = {{ api = "https://omni.example:8090/", token = "secret-token", events = "[fdae:41e4:649b:9303::1]:8090", logs = "tcp://[fdae:41e4:649b:9303::1]:8092" }}

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

    def __init__(self, namespace):
        self.reports, self.new = {}, threading.Condition()
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                text = self.rfile.read(int(self.headers["Content-Length"])).decode()
                report = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
                with collector.new:
                    collector.reports[report["mac"]] = report
                    collector.new.notify_all()
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        with inside(namespace):
            self.server = ThreadingHTTPServer((ADDRESS, 8099), Handler)
        self.url = f"http://{ADDRESS}:8099"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Site:
    """A network with a firewall: origin, collector, agent; DHCP as a case says."""

    def __init__(self, folder, proof_files):
        self.folder = folder
        self.network = net.Network()
        self.firewall = self.network.host("firewall", f"{ADDRESS}/24")
        with inside(self.firewall):
            self.origin = Origin(ADDRESS, 8098)
        self.origin.talos_kernel, self.origin.talos_initramfs = proof_files
        self.origin.start()
        self.collector = Collector(self.firewall)
        self.agent, self.started, self.machines = None, [], []

    def hearth(self, extra=""):
        """Fetches everything and starts the agent."""
        text = CONFIG.format(origin=self.origin.url, collector=self.collector.url, address=ADDRESS)
        self.agent = Agent(self.folder / "hearth", text + extra, addresses=(ADDRESS,),
                           netns=self.firewall, tftp_port=69, http_port=8069)
        (self.agent.root / "proof.txt").write_text("served by hearth\n")
        fetched = self.agent.run("fetch", "loaders", "talos", "debian")
        assert fetched.returncode == 0, fetched.stdout + fetched.stderr
        self.agent.start()
        return self.agent

    def snippet(self, kind):
        printed = self.agent.run("dhcp", "snippet", "--for", kind)
        assert printed.returncode == 0, printed.stderr
        return printed.stdout

    def run(self, server, *arguments, **options):
        self.started.append(server(self.firewall, self.folder, *arguments, **options))
        return self.started[-1]

    def isc(self):
        return self.run(dhcp.Isc, self.snippet("isc") + f"""
            default-lease-time 600;
            subnet 192.168.77.0 netmask 255.255.255.0 {{
              range 192.168.77.100 192.168.77.199;
              option routers {ADDRESS};
            }}""")

    def dnsmasq(self, change=lambda text: text):
        return self.run(dhcp.Dnsmasq, change(self.snippet("dnsmasq"))
                        + "\ndhcp-range=192.168.77.100,192.168.77.199,600\n")

    def machine(self, number, firmware, **options):
        made = vm.Machine(self.network, self.folder, f"machine{number}", firmware,
                          MAC.format(number), **options)
        self.machines.append(made)
        return made

    def report(self, machine, seconds=240):
        """What the machine reported once it ran the fetched system."""
        with self.collector.new:
            came = self.collector.new.wait_for(lambda: machine.mac in self.collector.reports,
                                               timeout=seconds)
        assert came, f"{machine.name} did not report; its console:\n{tail(machine.log())}"
        return self.collector.reports[machine.mac]

    def close(self):
        for process in [*self.machines, *self.started]:
            process.stop()
        if self.agent:
            self.agent.stop(9)
        self.origin.stop()
        self.collector.close()
        self.network.close()
