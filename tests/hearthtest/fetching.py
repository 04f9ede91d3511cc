"""What the tests of `hearth fetch` and `hearth lock` share."""

import hashlib
import json
import os
import subprocess

ENVIRONMENT = {name: value for name, value in os.environ.items()
               if not name.lower().endswith("_proxy")}
BIG = b"".join(hashlib.sha256(str(n).encode()).digest() for n in range(160_000))  # 5 MB
UNAVAILABLE, DATA, DISK, USAGE = 69, 65, 73, 64

HEAD = """
[fetch]
keep_free = "1 MiB"
timeout = "1s"
tries = {tries}
{fetch}

[menu]
items = ["local"]
"""
NO_LOADERS = '\n[loaders]\nsource = "none"\n'


def custom(url, sha256=None):
    digest = f', sha256 = "{sha256}"' if sha256 else ""
    return f"""
[[image]]
name = "mine"
recipe = "custom"
kernel = {{ url = "{url}"{digest} }}
"""


def talos(origin, version="v1.11.2", more='extensions = ["siderolabs/bnx2-bnx2x"]', factory=None):
    return f"""
[[image]]
name = "talos"
recipe = "talos"
version = "{version}"
factory = "{factory or origin.url + '/factory'}"
{more}
"""


def debian(origin):
    return f"""
[[image]]
name = "debian"
recipe = "debian"
version = "bookworm"
mirror = "{origin.url}/debian"
"""


def run(agent, *arguments, code=0, env=None, prefix=()):
    """Runs a command, holds it to its exit code, and returns what it said."""
    done = subprocess.run([*prefix, *agent.command(*arguments)], capture_output=True, text=True,
                          timeout=120, env={**ENVIRONMENT, **(env or {})})
    said = done.stdout + done.stderr
    assert done.returncode == code, f"{arguments} ended with {done.returncode}:\n{said}"
    return said


def lock(agent):
    """The lock as a dict from path to the lines of its entry."""
    path = agent.state / "hearth.lock"
    if not path.exists():
        return {}
    entries = {}
    for block in path.read_text().split("[[file]]\n")[1:]:
        pairs = dict(line.split(" = ", 1) for line in block.strip().splitlines())
        entries[json.loads(pairs["path"])] = pairs
    return entries


def leftovers(agent):
    return [str(path) for path in agent.root.rglob(".*")]


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def background(agent, *arguments):
    return subprocess.Popen(agent.command(*arguments), stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, env=ENVIRONMENT)


def noted(agent):
    """Bytes that a fetch under way has noted as true."""
    for path in agent.root.rglob(".*.partial.json"):
        try:
            return json.loads(path.read_text())["bytes"]
        except (ValueError, OSError):
            pass
    return 0
