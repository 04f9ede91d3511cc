"""Hearth alone with many machines: a boot storm, decisions, lists, starts and kills."""

import contextlib
import dataclasses
import json
import os
import pathlib
import statistics
import subprocess
import time

import load
from account import highest_resident, resident
from hearthtest.agent import Control
from hearthtest.declared import DEBIAN, INITRD, KERNEL
from hearthtest.kills import run as kills
from servers import Hearth
from table import table

FILE, FILE_BYTES = "loader.bin", load.TFTP_BYTES
FROM = "10.69.64.1"
STARTS = 15
# Everybody who is not installed is to be installed, by the last of some policies.
POLICIES = "".join(f'[[policy]]\nname = "{name}"\nmatch = {{ product = "{product}" }}\nprofile = "installer"\n'
                   for name, product in [*((f"rack {n}", f"*R{n}*") for n in range(20)), ("rest", "*x3550*")])
INSTALLER = (KERNEL, INITRD)
CONFIG = DEBIAN + """
[[profile]]
name = "installer"
image = "debian"
installed = "callback"
""" + POLICIES
LISTS = (("the first 100", "limit=100"), ("100 in the middle", "limit=100&after=MIDDLE"),
         ("1000", "limit=1000"),
         ("100 by label", "sort=label&limit=100"), ("100 last seen", "sort=-last_seen&limit=100"),
         ("100 by phase", "phase=installed&limit=100"),
         ("100 by profile", "profile=installer&limit=100"), ("one by its serial number, the last", "q=LAST"),
         ("a text that nobody has", "q=nobody-has-this"))


@dataclasses.dataclass(frozen=True)
class Size:
    """How much of it."""

    storm: int = 10_000
    store: int = 100_000
    start: int = 10_000
    kills: int = 1_000
    lists: int = 50
    starts: int = STARTS
    extra: str = ""


SMOKE = Size(storm=120, store=300, start=100, kills=3, lists=2, starts=2,
             extra='[http]\nconnections = 20\nretry_after = "1s"\n')


@dataclasses.dataclass
class Scale:
    """All that was measured."""

    size: Size
    storm: dict
    storm_memory: tuple  # before, highest, after, in bytes
    storm_cpu: float
    decision: dict
    wire: dict
    lists: dict
    store_memory: int
    start: list
    kills: object


def example():
    return pathlib.Path(os.environ["HEARTH_MACHINES"])


def fill(server, machines):
    """Puts machines into the database of a server that does not run."""
    subprocess.run([example(), "fill", server.folder / "state", str(machines)], check=True,
                   stdout=subprocess.DEVNULL)


def storm(server, machines, at_once=None):
    """Boots them; what they saw."""
    more = ["--at-once", at_once] if at_once else []
    command = [load.generator(), "storm", f"{server.address}:{server.http_port}", f"/files/{FILE}",
               "--bytes", FILE_BYTES, "--machines", machines, "--from", FROM, *more]
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=900)
    if done.returncode:
        raise RuntimeError(f"{command}: {done.stderr.strip()}")
    return json.loads(done.stdout)


def decisions(server):
    """Microseconds of a decision without sockets."""
    done = subprocess.run([example(), "decide", server.folder / "state", server.config], check=True,
                          capture_output=True, text=True)
    return json.loads(done.stdout)


def ask(server, path):
    """Seconds that an answer of the control socket takes, and what it is."""
    connection = Control(server.folder / "run" / "hearth.sock")
    with contextlib.closing(connection):
        began = time.monotonic()
        connection.request("GET", path)
        answer = connection.getresponse()
        body = json.loads(answer.read())
        took = time.monotonic() - began
    if answer.status != 200:
        raise RuntimeError(f"{path}: {answer.status} {body}")
    return took, body


def lists(server, machines, count):
    """Seconds of each list: median and longest, and how many machines are in it."""
    found = {}
    for name, query in LISTS:
        query = query.replace("MIDDLE", f"{machines // 2}.{machines // 2:020}")
        query = query.replace("LAST", f"KQ{machines - 1:06}")
        times, shown = [], 0
        for _ in range(count):
            took, body = ask(server, f"/api/v1/machines?{query}")
            times.append(took)
            shown = len(body["machines"])
        found[name] = (statistics.median(times), max(times), shown)
    return found


def run(folder, root, binary, size, tell):
    """Measures all of it."""
    text = size.extra + CONFIG
    for name in INSTALLER:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(name.encode() * 100)
    made = lambda name: Hearth(folder / name, root, binary, text)  # noqa: E731
    tell(f"a storm of {size.storm} machines")
    server = made("storm")
    with contextlib.closing(server):
        server.start()
        before, cpu = resident(server.process.pid), server.account.settled_cpu()
        seen = storm(server, size.storm)
        spent = server.account.settled_cpu(10) - cpu
        pid = server.process.pid
        memory = before, highest_resident(pid), resident(pid)
        _, status = ask(server, "/api/v1/status")
        seen["events_dropped"] = status["database"]["events_dropped"]
    tell(f"{size.store} machines in the store")
    server = made("store")
    with contextlib.closing(server):
        fill(server, size.store)
        decided = decisions(server)
        server.start()
        listed = lists(server, size.store, size.lists)
        wire = storm(server, min(size.store, 5_000), at_once=1)
        store_memory = resident(server.process.pid)
    tell(f"starts with {size.start} machines in the store")
    server = made("start")
    with contextlib.closing(server):
        fill(server, size.start)
        starts = []
        for _ in range(size.starts):
            server.stop()
            starts.append(server.start().started)
    tell(f"{size.kills} kills")
    killed = kills.run(folder / "kills", size.kills, seed=1, tell=tell)
    return Scale(size, seen, memory, spent, decided, wire, listed, store_memory, starts, killed)


def check(scale):
    """Raises where the figures rest on something that did not work."""
    for seen in (scale.storm, scale.wire):
        assert seen["failures"] == 0 and seen["served"] == seen["machines"], seen
    assert scale.storm["turned_away"] > 0, "nobody was told to come again: it was no storm"
    wanted = dict.fromkeys(scale.lists)
    wanted.update({"one by its serial number, the last": 1, "a text that nobody has": 0})
    for name, (_, _, shown) in scale.lists.items():
        assert shown == wanted[name] if wanted[name] is not None else shown > 0, (name, shown)
    assert scale.decision["machines"] == scale.size.store, scale.decision
    assert scale.kills.kills >= scale.size.kills


def text(scale):
    """The tables."""
    return "\n\n".join([bars(scale), "### The storm", storm_table(scale), "### Lists of "
                        f"{scale.size.store} machines", list_table(scale), kills_told(scale)])


def word(is_met):
    return "met" if is_met else "missed"


def bars(scale):
    seen, size = scale.storm, scale.size
    highest, after = (value / 1e6 for value in scale.storm_memory[1:])
    script, file = scale.decision["script"], scale.decision["file"]
    start = statistics.median(scale.start) * 1000
    rows = [
        [f"storm of {size.storm} machines: served", "all", seen["served"],
         word(seen["served"] == size.storm and not seen["failures"])],
        ["storm: resident memory, highest", "< 64 MB", f"{highest:.1f} MB", word(highest < 64)],
        ["storm: resident memory, afterwards", "-", f"{after:.1f} MB", "-"],
        [f"decision with {size.store} machines, median", "-", f"{script[0]:.0f} us", "-"],
        ["decision, 99 of 100", "< 1 ms", f"{script[1] / 1000:.3f} ms", word(script[1] < 1000)],
        ["what a file's name means, 99 of 100", "< 1 ms", f"{file[1] / 1000:.3f} ms",
         word(file[1] < 1000)],
        ["the answer to /script over HTTP, 99 of 100", "-", f"{scale.wire['script'][1]:.2f} ms", "-"],
        [f"resident memory with {size.store} machines", "-", f"{scale.store_memory / 1e6:.0f} MB", "-"],
        [f"start with {size.start} machines in the store, median", "< 100 ms", f"{start:.0f} ms",
         word(start < 100)],
        ["the same, longest", "-", f"{max(scale.start) * 1000:.0f} ms", "-"],
        ["kills at random moments", size.kills, scale.kills.kills, word(scale.kills.kills >= size.kills)],
    ]
    return table(["what", "bar", "measured", "bar"], rows)


def storm_table(scale):
    seen = scale.storm
    rows = [["a whole boot", *seen["whole"]]]
    for step, name in (("default", "default.ipxe"), ("script", "/script"), ("file", "the file")):
        rows.append([f"{name}, with all waiting", *seen[step]])
        rows.append([f"{name}, the try that was answered", *seen[f"{step}_answered"]])
    rows = [[name, *(f"{value:.0f}" for value in values)] for name, *values in rows]
    about = (f"{seen['machines']} machines are switched on at once; each loads `default.ipxe`, its script and a file "
             f"of {FILE_BYTES} bytes over one connection. All were served after {seen['seconds']:.1f} s. "
             f"{seen['turned_away']} times one was told to come again, {seen['broken']} connections broke, "
             f"{seen['events_dropped']} events were dropped; Hearth took {scale.storm_cpu:.1f} s of CPU time. "
             f"In milliseconds:")
    return about + "\n\n" + table(["what", "median", "99 of 100", "longest"], rows)


def list_table(scale):
    rows = [[name, shown, f"{middle * 1000:.1f}", f"{longest * 1000:.1f}"]
            for name, (middle, longest, shown) in scale.lists.items()]
    return table(["`GET /api/v1/machines`", "machines", "median ms", "longest ms"], rows)


def kills_told(scale):
    return (f"### Kills\n\n`scripts/kills`: {scale.kills.told()}. Nothing that was acknowledged was lost, no decision "
            "was wrong, no file was half.")
