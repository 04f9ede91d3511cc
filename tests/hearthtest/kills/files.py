"""Files are fetched while the agent serves them."""

import hashlib
import shutil
import subprocess
import threading

from hearthtest.fetching import ENVIRONMENT
from hearthtest.kills.wire import Fault, get

FILES = 12


def made(name, size):
    """Bytes that follow from a name."""
    block = hashlib.sha256(name.encode()).digest()
    return (block * (size // len(block) + 1))[:size]


class Fetches:
    """`hearth fetch`, again and again, and what it must have left behind."""

    def __init__(self, origin):
        self.origin, self.agent = origin, None
        self.content = {f"custom/f{number}/kernel": made(f"f{number}", 200_000 + 37_777 * number)
                        for number in range(FILES)}
        for number, content in enumerate(self.content.values()):
            origin.put(f"/files/f{number}/kernel", content)
        self.there, self.process, self.rounds = set(), None, 0
        self.thread = None

    def config(self):
        """The images that are fetched."""
        return "".join(f'[[image]]\nname = "f{number}"\nrecipe = "custom"\n'
                       f'kernel = {{ url = "{self.origin.url}/files/f{number}/kernel" }}\n'
                       for number in range(FILES))

    def start(self):
        """Fetches in the background."""
        self.process = subprocess.Popen(self.agent.command("fetch"), stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                        env=ENVIRONMENT)
        self.thread = threading.Thread(target=self.process.wait, daemon=True)
        self.thread.start()

    def kill(self):
        """Ends it where it is."""
        self.process.kill()

    def join(self):
        """After the kill: what it said to be done is."""
        self.thread.join()
        code = self.process.returncode
        if code == 0:
            self.there = set(self.content)
        elif code > 0:
            raise Fault(f"hearth fetch ended with {code}")

    def on_disk(self):
        """While nothing runs: no name stands for anything but the whole file."""
        for name, content in self.content.items():
            path = self.agent.root / name
            if path.exists() and path.read_bytes() != content:
                raise Fault(f"{name} on the disk has {path.stat().st_size} of {len(content)} bytes, or others")
            if name in self.there and not path.exists():
                raise Fault(f"{name} was fetched, and is not there")
        if self.there == set(self.content):
            # All over again.
            shutil.rmtree(self.agent.root / "custom")
            (self.agent.state / "hearth.lock").unlink()
            self.there = set()
            self.rounds += 1

    def served(self):
        """Everything that is served is whole."""
        for name, content in self.content.items():
            status, body = get(self.agent, f"/files/{name}", "127.0.0.1")
            if status == 404 and name not in self.there:
                continue
            if status != 200 or body != content:
                raise Fault(f"{name} is answered {status} with {len(body)} of {len(content)} bytes")
            self.there.add(name)
