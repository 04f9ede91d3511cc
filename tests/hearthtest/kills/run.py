"""Kills, starts again, and looks whether all is as it may be."""

import random
import signal
import sqlite3
import time

from hearthtest.agent import Agent
from hearthtest.declared import DEBIAN
from hearthtest.kills.files import Fetches, made
from hearthtest.kills.walk import SIZES, Boots, Walker
from hearthtest.kills.wire import Fault, api
from hearthtest.origin import Origin

CONFIG = """
[loaders]
source = "none"
[menu]
items = ["local"]
[fetch]
keep_free = "1 MiB"
timeout = "5s"
tries = 1
""" + DEBIAN + """
[[profile]]
name = "next"
image = "debian"
installed = "next-boot"
[[profile]]
name = "call"
image = "debian"
installed = "callback"
[[profile]]
name = "always"
image = "debian"
installed = "never"
"""
THREADS, MACHINES = 5, 6  # machines of each thread
LONGEST = 0.5  # seconds of load before a kill
STARTING = 0.15  # of all kills: those that come while it starts


class Kills:
    """One agent with its machines."""

    def __init__(self, folder, seed, origin):
        self.random = random.Random(seed)
        self.fetches = Fetches(origin)
        self.agent = Agent(folder, CONFIG + self.fetches.config())
        self.fetches.agent = self.agent
        content = {name: made(name, size) for name, size in SIZES.items()}
        for name, bytes_ in content.items():
            self.agent.put(name, bytes_)
        self.killed = None
        over = lambda: self.killed is not None  # noqa: E731
        self.machines = [[Boots(self.agent, 1 + thread * MACHINES + number, content, over)
                          for number in range(MACHINES)] for thread in range(THREADS)]
        self.kills = self.steps = self.noted = self.undecided = 0

    def told(self):
        """What was done, in words."""
        return (f"{self.kills} kills, {self.steps} boots and actions, {self.noted} lines of the audit log "
                f"looked for, {self.undecided} machines found with a step under way, all files fetched "
                f"{self.fetches.rounds} times")

    def round(self):
        """Load, a kill, a new start, and the look."""
        self.killed = None
        walkers = [Walker(machines, random.Random(self.random.getrandbits(64)))
                   for machines in self.machines]
        self.fetches.start()
        for walker in walkers:
            walker.start()
        # The moment of the kill is the point, not something to wait for.
        time.sleep(self.random.uniform(0, LONGEST))
        self.killed = time.monotonic()
        self.agent.process.kill()
        self.fetches.kill()
        self.agent.stop(signal.SIGKILL)
        for walker in walkers:
            walker.join(30)
            self.judge(walker)
            self.steps += walker.steps
        self.kills += 1
        self.fetches.join()
        self.fetches.on_disk()
        while self.random.random() < STARTING:
            self.agent.start(wait=False)
            time.sleep(self.random.uniform(0, 0.1))
            self.agent.stop(signal.SIGKILL)
            self.kills += 1
        self.agent.start()
        self.check()

    def judge(self, walker):
        if walker.wrong:
            raise walker.wrong
        if walker.is_alive():
            raise Fault("a client still waits for an agent that is gone")
        at, why = walker.down
        if at < self.killed:
            raise Fault(f"the agent did not answer before it was killed: {why}")

    def check(self):
        """After a start."""
        self.killed = None
        _, lines = api(self.agent, "audit?limit=1000")
        lines = {line["what"].get("notes") for line in lines["audit"]}
        for machine in (one for some in self.machines for one in some):
            self.undecided += len(machine.after_kill) > 1
            machine.after_kill_check(self.random)
            lost = [notes for notes in machine.noted if notes not in lines]
            if lost:
                raise Fault(f"the audit log lacks {lost}")
            self.noted += len(machine.noted)
            machine.noted.clear()
        self.fetches.served()

    def database(self):
        """While nothing runs."""
        connection = sqlite3.connect(self.agent.state / "hearth.db")
        try:
            verdict = connection.execute("PRAGMA integrity_check").fetchone()[0]
        finally:
            connection.close()
        if verdict != "ok":
            raise Fault(f"the database is damaged: {verdict}")


def run(folder, kills, seed, tell=lambda _: None):
    """So many kills; returns what was done, raises `Fault` at the first wrong."""
    with Origin() as origin:
        all_ = Kills(folder, seed, origin)
        told = began = time.monotonic()
        try:
            all_.agent.start()
            while all_.kills < kills:
                all_.round()
                if time.monotonic() - told > 15:
                    told = time.monotonic()
                    tell(f"{told - began:.0f} s: {all_.told()}")
        finally:
            all_.agent.stop(signal.SIGKILL)
        all_.database()
        return all_
