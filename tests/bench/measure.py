"""The rounds: every cell with every server, one after the other, again and again."""

import dataclasses
import math
import os
import statistics
import subprocess
import time

import load
from account import highest_resident, resident

CLIENTS = (1, 40, 400)
BLOCK_SIZES = (512, 1432, 1468)
WINDOWS = (1, 4, 16)
HTTP_CLIENTS = (1, 10, 100)
IDLE_SECONDS = 5


@dataclasses.dataclass(frozen=True)
class Cell:
    """What is asked of a server at a time."""

    protocol: str
    clients: int
    block_size: int = 0
    window: int = 0


@dataclasses.dataclass
class Sample:
    """What one run of a cell gave: bytes a second, CPU seconds per 10^9 bytes."""

    speed: float
    cost: float
    failures: int
    repeats: int
    starved: bool
    busy: float


class Samples:
    """All samples of one server in one cell."""

    def __init__(self):
        self.all = []

    def median(self, what):
        return statistics.median(getattr(sample, what) for sample in self.all)

    def range(self, what):
        values = [getattr(sample, what) for sample in self.all]
        return min(values), max(values)


def tftp_cells():
    return [Cell("tftp", clients, block_size, window) for clients in CLIENTS
            for block_size in BLOCK_SIZES for window in WINDOWS]


def http_cells():
    return [Cell("http", clients) for clients in HTTP_CLIENTS]


def windows(servers):
    """Which servers answer the windowsize option."""
    return {server.name: load.run(load.tftp(server, 1, 1468, 16))["window"] == 16
            for server in servers}


def run(server, cell, seconds):
    """One run of one cell."""
    # One client in lockstep keeps one core busy at most. On two cores each packet would have to wake
    # a sleeping one, and that would be all that is measured.
    cores = os.sched_getaffinity(0)
    alone = cell.protocol == "tftp" and cell.clients == 1
    where = {min(cores)} if alone else cores
    server.account.pin(where)
    before = server.account.settled_cpu()
    if cell.protocol == "tftp":
        command = load.tftp(server, cell.clients, cell.block_size, cell.window)
    else:
        command = load.http(server, cell.clients)
    # Hundreds of clients that begin at once need a while until all are under way.
    seconds *= 2 if cell.clients > 100 else 1
    got = load.run([*command, "--seconds", seconds], where)
    cpu = server.account.settled_cpu() - before
    cost = cpu / got["bytes"] * 1e9 if got["bytes"] else math.inf
    return Sample(got["bytes"] / got["seconds"], cost, got["failures"], got["repeats"],
                  got["least"] == 0, got["cpu"] / got["seconds"])


def rounds(servers, cells, count, seconds, asks, tell):
    """All cells `count` times; `asks(server, cell)` says whether a server is asked for a cell."""
    results = {}
    for number in range(count):
        began = time.monotonic()
        for cell in cells:
            for server in servers:
                if asks(server, cell):
                    sample = run(server, cell, seconds)
                    results.setdefault((cell, server.name), Samples()).all.append(sample)
        tell(f"round {number + 1} of {count}: {time.monotonic() - began:.0f} s")
    return results


def starts(servers, count):
    """Seconds from start to the first answer, of several starts in turn; the servers run then."""
    found = {server.name: [] for server in servers}
    for _ in range(count):
        for server in servers:
            server.stop()
            found[server.name].append(server.start().started)
    return {name: statistics.median(values) for name, values in found.items()}


@dataclasses.dataclass
class Footprint:
    """Bytes of memory, and CPU seconds of idling."""

    idle: int = 0
    idle_cpu: float = 0.0
    peak: int = 0
    resident_idle: int = 0
    resident_peak: int = 0


def idle(servers):
    """What freshly started servers take while nobody asks."""
    before = {server.name: server.account.settled_cpu() for server in servers}
    time.sleep(IDLE_SECONDS)
    return {server.name: Footprint(idle=server.account.memory(),
                                   idle_cpu=server.account.cpu() - before[server.name],
                                   resident_idle=resident(server.process.pid))
            for server in servers}


def peak(server, protocol, footprint):
    """The most memory seen under the most clients. Looking costs, so nothing else is measured."""
    if protocol == "tftp":
        command = load.tftp(server, max(CLIENTS), 1468, 16, "--seconds", 2)
    else:
        command = load.http(server, max(HTTP_CLIENTS), "--seconds", 2)
    process = subprocess.Popen([str(word) for word in command], stdout=subprocess.DEVNULL)
    while process.poll() is None:
        footprint.peak = max(footprint.peak, server.account.memory())
        time.sleep(0.1)
    footprint.resident_peak = highest_resident(server.process.pid)
