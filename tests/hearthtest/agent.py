"""Starts the real `hearth` binary, as a person would."""

import http.client
import json
import os
import pathlib
import re
import signal
import socket
import subprocess

from hearthtest.api import ask_over
from hearthtest.wait import wait_for

TREE = pathlib.Path(__file__).resolve().parents[2]


def binary():
    """The binary under test: $HEARTH_BIN, else the debug build of this tree."""
    given = os.environ.get("HEARTH_BIN")
    if given:
        return given
    target = os.environ.get("CARGO_TARGET_DIR", TREE / "target")
    return str(pathlib.Path(target) / "debug" / "hearth")


def free_port(kind=socket.SOCK_STREAM, address="127.0.0.1"):
    """A port that was free a moment ago."""
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, kind) as probe:
        probe.bind((address, 0))
        return probe.getsockname()[1]


class Control(http.client.HTTPConnection):
    """HTTP over the agent's control socket."""

    def __init__(self, path):
        super().__init__("localhost", timeout=10)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(10)
        self.sock.connect(self.path)


class Agent:
    """One agent with its own folder: `root`, `state`, `run`, `hearth.toml`, `log`.

    `extra` is put behind the `[server]` table that this class writes; `server` adds keys to it.
    `inside` is a command that every command of this agent runs in.
    """

    def __init__(self, folder, extra="", server=None, addresses=("127.0.0.1",), netns=None,
                 tftp_port=None, http_port=None, inside=()):
        self.folder = pathlib.Path(folder)
        self.root, self.state, self.run_dir = (self.folder / d for d in ("root", "state", "run"))
        for path in (self.root, self.state, self.run_dir):
            path.mkdir(parents=True, exist_ok=True)
        self.inside = [*(["ip", "netns", "exec", netns] if netns else []), *inside]
        self.tftp_port = tftp_port or free_port(socket.SOCK_DGRAM, addresses[0])
        self.http_port = http_port or free_port(socket.SOCK_STREAM, addresses[0])
        self.address = addresses[0]
        self.config = self.folder / "hearth.toml"
        self.log_path = self.folder / "log"
        self.process = None
        keys = {
            "addresses": list(addresses), "http_port": self.http_port, "tftp_port": self.tftp_port,
            "root": str(self.root), "state": str(self.state), "run": str(self.run_dir),
        }
        keys.update(server or {})
        lines = [f"{key} = {json.dumps(value)}" for key, value in keys.items()]
        self.config.write_text("[server]\n" + "\n".join(lines) + "\n\n" + extra)

    @property
    def http(self):
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"http://{host}:{self.http_port}"

    def put(self, name, content):
        """Lays a file below the root, where it is served."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def command(self, *arguments):
        """The argument list of a `hearth` command with this agent's configuration."""
        return [*self.inside, binary(), "--config", str(self.config), *arguments]

    def run(self, *arguments, **options):
        """Runs a command to its end; its result has returncode, stdout and stderr as text."""
        options = {"capture_output": True, "text": True, "timeout": 120, **options}
        return subprocess.run(self.command(*arguments), **options)

    def start(self, prepare=None, wait=True):
        """Starts `serve`, and waits until it answers on its control socket."""
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(self.command("serve"), stdout=log, stderr=log,
                                            stdin=subprocess.DEVNULL, preexec_fn=prepare)
        if wait:
            wait_for(self.alive, f"the agent answers; its log:\n{self.log()}", 15)
        return self

    def alive(self):
        assert self.process.poll() is None, f"the agent ended:\n{self.log()}"
        try:
            return self.status()
        except (OSError, http.client.HTTPException):
            return None

    def control(self):
        """A connection to the control socket."""
        return Control(self.run_dir / "hearth.sock")

    def ask(self, method, path, body=None, headers=None):
        """Asks over the control socket, as `ask_over` tells."""
        return ask_over(self.control(), method, path, body, headers)

    def status(self):
        return self.ask("GET", "status")[2]

    def log(self):
        """What the agent said so far, without the times."""
        if self.process and self.process.poll() is None:
            try:
                self.status()  # waits for the lines that are on their way
            except (OSError, http.client.HTTPException):
                pass
        text = self.log_path.read_text(errors="replace") if self.log_path.exists() else ""
        return re.sub(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ ", "", text, flags=re.MULTILINE)

    def reload(self):
        self.process.send_signal(signal.SIGHUP)

    def reloaded(self):
        """Reloads, waits until that is over, and returns why it was refused, if it was."""
        seen = self.status()["configuration"]["reloads"]
        self.reload()
        wait_for(lambda: self.status()["configuration"]["reloads"] > seen, "the reload is over")
        return self.status()["configuration"]["refused"]

    def change(self, old, new):
        """Writes the configuration anew, and reloads as `reloaded` does."""
        text = self.config.read_text()
        assert old in text
        self.config.write_text(text.replace(old, new))
        return self.reloaded()

    def stop(self, how=signal.SIGTERM):
        """Ends the agent and returns its exit code."""
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(how)
        code = self.process.wait(timeout=15)
        self.process = None
        return code

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop(signal.SIGKILL)
