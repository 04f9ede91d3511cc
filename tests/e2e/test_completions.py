"""Completions, as real shells do them when somebody presses the key."""

import fcntl
import http.server
import json
import os
import pty
import re
import select
import shutil
import socketserver
import subprocess
import termios
import threading
import time

import pytest

from hearthtest.agent import binary
from hearthtest.clients import get

DECLARED = """
[[image]]
name = "x"
recipe = "custom"
kernel = "http://127.0.0.1:1/k"

[[profile]]
name = "talos-omni"
image = "x"

[[profile]]
name = "rescue"
image = "x"

[[machine]]
name = "oden"
mac = "52:54:00:00:00:01"
profile = "talos-omni"

[[machine]]
name = "tor"
mac = "52:54:00:00:00:02"
"""
UNKNOWN = "5c:f3:fc:01:02:03"

# How each is started without anybody's settings, and told of the completions. What stands for the
# command shows what it was called with.
SHELLS = {
    "bash": (["bash", "--norc", "--noprofile", "-i"],
             "hearth() {{ printf 'ran'; printf ' <%s>' \"$@\"; echo; }}; source {script}"),
    "zsh": (["zsh", "-f", "-i"],
            "hearth() {{ printf 'ran'; printf ' <%s>' \"$@\"; echo; }}; "
            "autoload -U compinit; compinit -u -D; source {script}"),
    "fish": (["fish", "--no-config", "-i"],
             "function hearth; printf 'ran'; printf ' <%s>' $argv; echo; end; source {script}"),
}
SECONDS = 60


def own_terminal():
    """Makes the terminal at standard input the one that the process is controlled from."""
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


class Shell:
    """A shell at a terminal of its own."""

    def __init__(self, kind, folder):
        if not shutil.which(kind):
            pytest.skip(f"{kind} is not here")
        command, setup = SHELLS[kind]
        folder.mkdir()
        (folder / "bin").mkdir()
        (folder / "bin" / "hearth").symlink_to(binary())
        script = folder / "script"
        script.write_text(subprocess.run([binary(), "completions", kind], capture_output=True,
                                         text=True, check=True).stdout)
        master, slave = pty.openpty()
        environment = {"PATH": f"{folder}/bin:/usr/bin:/bin", "HOME": str(folder), "TERM": "xterm",
                       "LC_ALL": "C.UTF-8", "COLUMNS": "200"}
        self.process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, cwd=folder,
                                        env=environment, preexec_fn=own_terminal)
        os.close(slave)
        self.folder, self.master, self.said = folder, master, ""
        self.type(setup.format(script=script) + "; echo set'tled'\n", "settled")

    def type(self, keys, until):
        """Presses keys, and returns the match of what the shell says then."""
        seen = len(self.said)
        os.write(self.master, keys.encode())
        deadline = time.monotonic() + SECONDS
        while not (found := re.search(until, self.said[seen:])):
            ready, _, _ = select.select([self.master], [], [], max(0, deadline - time.monotonic()))
            assert ready, f"{until!r} did not come: {self.said[seen:]!r}"
            self.said += os.read(self.master, 65536).decode(errors="replace")
        return found

    def runs(self, keys):
        """What the line that these keys make is run as."""
        ran = self.type(keys + "\n", r"ran((?: <[^>]*>)*)\r?\n")
        return re.findall(r"<([^>]*)>", ran[1])

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.master)


@pytest.fixture
def shell(tmp_path):
    made = []

    def make(kind):
        made.append(Shell(kind, tmp_path / f"shell-{kind}"))
        return made[-1]
    yield make
    for one in made:
        one.close()


@pytest.fixture
def one(agent):
    """An agent that has met the declared machines, and one that nobody declared."""
    made = agent(DECLARED, server={"unknown": "hold"}).start()
    for mac in (UNKNOWN, "52:54:00:00:00:01", "52:54:00:00:00:02"):
        get(made, f"/script?mac={mac}&platform=pcbios&buildarch=i386")
    return made


def offered(one, *words, at=None):
    """What is offered for the last of these words; options only where one was begun."""
    words = ["hearth", "--config", str(one.config), *words]
    at = len(words) - 1 if at is None else at
    done = subprocess.run([binary(), "complete", "--at", str(at), "--", *words],
                          capture_output=True, text=True, timeout=SECONDS)
    assert (done.returncode, done.stderr) == (0, "")
    found = [line.split("\t")[0] for line in done.stdout.splitlines()]
    return [word for word in found if words[at].startswith("-") or not word.startswith("-")]


@pytest.mark.parametrize("kind", SHELLS)
def test_a_shell_knows_machines_and_profiles_by_name(shell, one, kind):
    at = f"hearth --config {one.config} "
    told = ["--config", str(one.config)]
    here = shell(kind)
    assert here.runs(at + "mach\tsho\tod\t") == [*told, "machine", "show", "oden"]
    assert here.runs(at + "machine assign tor ta\t") == [*told, "machine", "assign", "tor", "talos-omni"]
    # One that has no name, by its MAC, begun before and after a colon.
    for begun in ("5c", "5c:", "5c:f3:f"):
        assert here.runs(at + f"timeline {begun}\t") == [*told, "timeline", UNKNOWN]
    assert here.runs(at + "events --machine=5c:f3\t") == [*told, "events", f"--machine={UNKNOWN}"]
    assert here.runs(at + "machine list --ph\the\t") == [*told, "machine", "list", "--phase", "held"]


@pytest.mark.parametrize("kind", SHELLS)
def test_a_shell_completes_files_itself(shell, one, kind):
    here = shell(kind)
    (one.folder / "lab fragment.toml").write_text("")
    ran = here.runs(f"hearth --config {one.config} apply -f {one.folder}/lab\t")
    assert ran[-1] == f"{one.folder}/lab fragment.toml"
    ran = here.runs(f"hearth --config={str(one.config)[:-3]}\t status")
    assert ran == [f"--config={one.config}", "status"]


def test_each_place_has_its_own_names(one):
    assert offered(one, "machine", "show", "") == [UNKNOWN, "oden", "tor"]
    assert offered(one, "machine", "show", "52:54:00:00:00:0") == [
        "52:54:00:00:00:01", "52:54:00:00:00:02"]
    assert offered(one, "machine", "boot", "oden", "") == ["rescue", "talos-omni"]
    assert offered(one, "fetch", "") == ["loaders", "memtest", "netboot.xyz", "rescue", "talos-omni", "x"]
    one.run("token", "create", "prometheus", "--role", "read")
    assert offered(one, "token", "revoke", "p") == ["prometheus"]
    one.run("apply", "-f", "-", "--name", "lab", input='[menu]\ntitle = "Lab"\n')
    assert offered(one, "config", "revert", "l") == ["lab"]
    one.run("machine", "set", "oden", "--tags", "rack7")
    assert offered(one, "machine", "list", "--tag", "r") == ["rack7"]
    assert offered(one, "dhcp", "snippet", "--for", "k") == ["kea"]
    assert offered(one, "script", "--item", "re") == ["reboot", "rescue"]
    assert offered(one, "backup", "") == [":files"]
    # In the middle of a line, and what is there is not hidden by what nobody is to type.
    assert offered(one, "machine", "sho", "oden", at=4) == ["show"]
    assert "complete" not in offered(one, "com")


def test_without_an_agent_the_configuration_gives_the_names(agent):
    one = agent(DECLARED)
    assert offered(one, "machine", "show", "o") == ["oden"]
    assert offered(one, "machine", "boot", "oden", "r") == ["rescue"]
    assert offered(one, "fetch", "x") == ["x"]
    assert offered(one, "token", "revoke", "p") == []
    one.config.write_text("[server]\naddresses = 5\n")
    assert offered(one, "machine", "show", "o") == []


class FalseAgent(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """Answers at a control socket in place of an agent; with nothing, if it has nothing to say."""

    daemon_threads = True

    def __init__(self, one, body):
        self.ended = threading.Event()
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                if body is None:
                    server.ended.wait()
                    return
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def address_string(self):
                return "socket"

            def log_message(self, *_):
                pass
        super().__init__(str(one.run_dir / "hearth.sock"), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def __exit__(self, *_):
        self.ended.set()
        self.shutdown()
        self.server_close()


def test_an_agent_that_is_silent_is_not_waited_for(agent):
    one = agent(DECLARED)
    with FalseAgent(one, None):
        began = time.monotonic()
        assert offered(one, "machine", "show", "o") == ["oden"]
        # A bound against waiting for ever, and no measure: the machine may be busy.
        assert time.monotonic() - began < 30


def test_a_name_that_a_shell_would_run_is_not_offered(agent, shell):
    one = agent(DECLARED)
    names = ["$(touch pwned)", "`touch pwned`", "a;touch pwned", "a\ntouch pwned", "a b", "a*", "a|b",
             "~root", "'", "ok-name"]
    machines = [{"label": name, "phase": "held"} for name in names]
    with FalseAgent(one, json.dumps({"machines": machines}).encode()):
        assert offered(one, "machine", "show", "") == ["ok-name"]
        here = shell("bash")
        assert here.runs(f"hearth --config {one.config} machine show \t")[-1] == "ok-name"
    assert not list(here.folder.rglob("pwned"))
