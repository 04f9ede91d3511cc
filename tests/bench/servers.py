"""Hearth and its peers, each as its package starts it, all over one folder, each at an address of
its own."""

import json
import os
import pathlib
import signal
import socket
import subprocess
import time

from account import Account
from hearthtest.wait import wait_for

# Not 127.0.0.0/8: tftpd-hpa does not take an IPv4 address on a host that has only that one.
NETWORK = "10.69.0.1/16"
PROBE = "probe.bin"
PROBE_READ = b"\0\x01" + PROBE.encode() + b"\0octet\0"


class Server:
    """One running server. `package` names where its version stands."""

    name = package = address = None
    tftp_port = 69

    def __init__(self, folder, root):
        self.folder = pathlib.Path(folder) / self.name
        self.folder.mkdir(parents=True, exist_ok=True)
        self.root = root
        self.account = Account(self.name)
        self.process = None
        self.started = None

    def command(self):
        raise NotImplementedError

    def is_listening(self):
        """Whether it answers a request now."""
        return answers_tftp(self.address)

    def start(self):
        """Starts it, and notes the seconds until it answers."""
        command = [str(word) for word in self.command()]
        with open(self.folder / "log", "ab") as log:
            began = time.monotonic()
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, preexec_fn=self.account.enter)
        self.account.first = self.process.pid
        wait_for(self._answers, f"{self.name} answers; see {self.folder}/log", 15, every=0)
        self.started = time.monotonic() - began
        return self

    def _answers(self):
        if self.process.poll() is not None:
            log = (self.folder / "log").read_text(errors="replace")[-2000:]
            raise RuntimeError(f"{self.name} ended with {self.process.returncode}:\n{log}")
        return self.is_listening()

    def stop(self):
        """Ends it and its children."""
        if self.process:
            for how, seconds in ((signal.SIGTERM, 15), (signal.SIGKILL, 5)):
                self.process.send_signal(how)
                try:
                    self.process.wait(seconds)
                    break
                except subprocess.TimeoutExpired:
                    continue
            self.process = None
        for pid in self.account.pids() if self.account.exact else []:
            os.kill(pid, signal.SIGKILL)

    def close(self):
        self.stop()
        wait_for(lambda: not self.account.exact or not self.account.pids(), "its end", 5)
        self.account.close()


class Hearth(Server):
    name, package, address = "Hearth", None, "10.69.0.1"
    http_port, http_folder = 8069, "/files/"

    def __init__(self, folder, root, binary, extra=""):
        super().__init__(folder, root)
        self.binary = binary
        for sub in ("state", "run"):
            (self.folder / sub).mkdir(exist_ok=True)
        keys = {"addresses": [self.address], "root": str(root),
                "state": str(self.folder / "state"), "run": str(self.folder / "run")}
        lines = [f"{key} = {json.dumps(value)}" for key, value in keys.items()]
        text = "[server]\n" + "\n".join(lines) + '\n[loaders]\nsource = "none"\n'
        self.config = self.folder / "hearth.toml"
        self.config.write_text(text + '[menu]\nitems = ["local"]\n' + extra)

    def command(self):
        return [self.binary, "--config", self.config, "serve"]

    def is_listening(self):
        return answers_tftp(self.address) and answers_http(self)


def unpacked(path):
    """A file of a peer that scripts/bench unpacked."""
    return pathlib.Path(os.environ["PEERS"]) / path


class Dnsmasq(Server):
    name, package, address = "dnsmasq", "dnsmasq-base", "10.69.0.2"

    def command(self):
        return ["dnsmasq", "--port=0", "--enable-tftp", f"--tftp-root={self.root}",
                "--tftp-max=1000", "--no-daemon", "--conf-file=/dev/null", "--user=root",
                f"--listen-address={self.address}", "--bind-interfaces"]


class TftpdHpa(Server):
    name, package, address = "tftpd-hpa", "tftpd-hpa", "10.69.0.3"

    def command(self):
        return [unpacked("tftpd-hpa/usr/sbin/in.tftpd"), "--listen", "--foreground",
                "--address", f"{self.address}:69", "--user", "root", "--secure", self.root]


class Atftpd(Server):
    name, package, address = "atftpd", "atftpd", "10.69.0.4"

    def command(self):
        return [unpacked("atftpd/usr/sbin/atftpd"), "--daemon", "--no-fork", "--user", "root.root",
                "--bind-address", self.address, "--maxthread", "1000",
                "--logfile", self.folder / "atftpd.log", self.root]


class Nginx(Server):
    """With what Debian's nginx.conf says of speed; see `TEXT`."""

    name, package, address = "nginx", "nginx", "10.69.0.5"
    http_port, http_folder = 80, "/"
    TEXT = """
daemon off;
user root;
worker_processes auto;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 768; }}
http {{
    sendfile on;
    tcp_nopush on;
    types_hash_max_size 2048;
    default_type application/octet-stream;
    access_log {folder}/access.log;
    client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
    uwsgi_temp_path {folder}; scgi_temp_path {folder};
    server {{ listen {address}:80; root {root}; }}
}}
"""

    def command(self):
        config = self.folder / "nginx.conf"
        config.write_text(self.TEXT.format(folder=self.folder, address=self.address,
                                           root=self.root))
        return ["nginx", "-c", config, "-e", self.folder / "error.log"]

    def is_listening(self):
        return answers_http(self)


def answers_tftp(address):
    """Whether a read request is answered within a moment."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.settimeout(0.002)
        probe.sendto(PROBE_READ, (address, 69))
        try:
            packet, peer = probe.recvfrom(1024)
        except OSError:
            return False
        if packet[:4] != b"\0\x03\0\x01":
            raise RuntimeError(f"{address} answers {packet!r}")
        probe.sendto(b"\0\x04\0\x01", peer)
        return True


def answers_http(server):
    try:
        with socket.create_connection((server.address, server.http_port), timeout=1) as probe:
            probe.sendall(f"GET {server.http_folder}{PROBE} HTTP/1.0\r\n\r\n".encode())
            head = probe.recv(1024)
    except OSError:
        return False
    if b" 200 " not in head.split(b"\r\n")[0]:
        raise RuntimeError(f"{server.name} answers {head!r}")
    return True
