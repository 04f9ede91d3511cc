"""The command line can do whatever the API can."""

import json
import re
import socket
import subprocess
import threading

from hearthtest.agent import TREE, binary
from hearthtest.clients import get
from hearthtest.fetching import custom

MAC = "52:54:00:00:00:01"
HEAD = """
[observe]
enabled = false
[loaders]
source = "none"
[menu]
items = ["local"]
[[profile]]
name = "p"
image = "mine"
"""

# What is done without asking the agent, because it can be: what it prints is the operation's answer.
ALONE = {("GET", "openapi.json"): ["openapi"], ("GET", "lock"): ["lock", "print", "--json"]}


class Wire:
    """Stands between the command line and an agent, and writes down what is asked."""

    def __init__(self, path, agent):
        self.asked, self.agent = [], agent
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen()
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.hand_on, args=(client,), daemon=True).start()

    def hand_on(self, client):
        with client, socket.socket(socket.AF_UNIX) as agent:
            agent.connect(str(self.agent.run_dir / "hearth.sock"))
            first = client.recv(65536)
            method, path = first.decode().split(" ")[:2]
            self.asked.append((method, path.removeprefix("/api/v1/").split("?")[0]))
            agent.sendall(first)
            back = threading.Thread(target=copy, args=(client, agent), daemon=True)
            back.start()
            copy(agent, client)
            client.shutdown(socket.SHUT_RDWR)

    def close(self):
        self.listener.close()


def copy(source, sink):
    try:
        while piece := source.recv(65536):
            sink.sendall(piece)
    except OSError:
        pass


def operations():
    """(method, path) of every operation of the document."""
    document = json.loads((TREE / "agent/api/openapi.json").read_text())
    found = {(method.upper(), path.removeprefix("/"))
             for path, methods in document["paths"].items()
             for method in methods if method in ("get", "put", "post", "delete", "patch")}
    assert ("GET", "machines/{machine}") in found
    return found


def one_of(config, *words):
    return subprocess.run([binary(), "--config", str(config), *words], capture_output=True, text=True,
                          timeout=60)


def fits(path, asked):
    return re.fullmatch(re.sub(r"\{[^}]*\}", "[^/]+", path), asked)


def test_every_operation_has_its_command(agent, origin, tmp_path):
    origin.put("/files/kernel", b"kernel")
    one = agent(HEAD + custom(f"{origin.url}/files/kernel")).start()
    get(one, f"/script?mac={MAC}&platform=pcbios&buildarch=i386")
    # The same configuration, but for where the agent is said to be.
    other = tmp_path / "other.toml"
    run = tmp_path / "run"
    run.mkdir()
    other.write_text(one.config.read_text().replace(json.dumps(str(one.run_dir)), json.dumps(str(run))))
    wire = Wire(run / "hearth.sock", one)
    fragment = tmp_path / "lab.toml"
    fragment.write_text('[menu]\ntitle = "Lab"\n')
    overrides = tmp_path / "overrides.json"
    overrides.write_text('{"tags": ["rack7"]}')

    def hearth(*words):
        done = one_of(other, *words)
        assert done.returncode == 0, f"{words}: {done.stderr}"
        if "--json" in words:
            json.loads(done.stdout)
        else:
            assert done.stdout
        return done.stdout

    views = ["status", "machine list", f"machine show {MAC}", f"advise {MAC}", f"script {MAC}", f"timeline {MAC}", "events",
             f"events --machine {MAC}", "findings", "policy list", f"policy test {MAC}", "profiles",
             "images", "loaders", "fetches list", "config list", "audit", "token list"]
    for view in views:
        hearth(*view.split())
        hearth(*view.split(), "--json")
    # On loopback there is nothing to broadcast to: it was asked for, and refused.
    assert one_of(other, "machine", "wake", MAC).returncode == 65
    for action in ("approve", "assign", "unassign", "hold", "release", "ignore", "reinstall"):
        more = ["p"] if action == "assign" else []
        hearth("machine", action, MAC, *more)
        hearth("machine", action, MAC, *more, "--json")
    hearth("machine", "overrides", MAC)
    assert json.loads(hearth("machine", "overrides", MAC, "--put", str(overrides)))["tags"] == ["rack7"]
    assert json.loads(hearth("machine", "overrides", MAC))["tags"] == ["rack7"]
    assert "machines" in json.loads(hearth("top", "--json"))
    hearth("fetch", "--agent", "mine")
    hearth("fetches", "show", "1", "--json")
    assert "had ended: done" in hearth("fetches", "cancel", "1")
    hearth("fetches", "cancel", "1", "--json")
    hearth("top", "--once")
    hearth("lock", "update", "--agent", "mine")
    hearth("lock", "prune", "--agent")
    hearth("config", "show")
    hearth("apply", "-f", str(fragment), "--check")
    hearth("apply", "-f", str(fragment))
    hearth("config", "show", "lab")
    hearth("config", "delete", "lab")
    hearth("config", "revert", "lab")
    hearth("config", "delete", "lab", "--json")
    hearth("config", "revert", "lab", "--json")
    hearth("token", "create", "deploy", "--role", "read")
    hearth("token", "revoke", "deploy")
    hearth("token", "create", "deploy", "--role", "read", "--json")
    hearth("token", "revoke", "deploy", "--json")
    assert json.loads(hearth("fetch", "--detach", "mine", "--json"))["id"]
    hearth("backup", str(tmp_path / "copy.db"))
    hearth("restore", str(tmp_path / "copy.db"))
    assert json.loads(hearth("backup", str(tmp_path / "more.db"), "--json"))["path"].endswith("/more.db")
    hearth("restore", str(tmp_path / "more.db"), "--json")
    hearth("machine", "forget", MAC)
    wire.close()

    missing = {operation for operation in operations() - set(ALONE)
               if not any(method == operation[0] and fits(operation[1], path)
                          for method, path in wire.asked)}
    assert len(operations()) > 30 and not missing
    for (method, path), command in ALONE.items():
        assert json.loads(hearth(*command)) == one.ask(method, path)[2], command

