"""Boots a virtual machine through Hearth and tells what happens as it happens; see scripts/demo."""

import contextlib
import re
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from hearthtest import net, proof  # noqa: E402
from hearthtest.site import ADDRESS, MAC, OUTSIDE, Site  # noqa: E402
from hearthtest.vm import BIOS  # noqa: E402

SECONDS = 300
WIDTH = 100
EXTRA = f"""
[[machine]]
name = "oden"
mac = "{MAC.format(1)}"
profile = "install"
"""
# What is worth telling: whose log, what its line looks like, who does something, and what. A line
# with the groups `bytes` and `rate` is a transfer.
STEPS = (
    ("dhcp", r"DHCPACK on (?P<address>\S+) to", "ISC dhcpd", "leases {address}, names the boot file"),
    ("agent", r"TFTP (?P<name>\S+) to \S+: asked for the size", "firmware", "asks how large {name} is"),
    ("agent", r"(?P<via>TFTP|HTTP) (?P<name>\S+) to \S+: (?P<bytes>\d+) bytes in \S+ s, (?P<rate>\S+) MB/s",
     "Hearth", "sends {name} by {via}"),
    ("agent", r"(?P<via>TFTP|HTTP) (?P<name>\S+) to \S+: (?P<what>ended after .+)", "Hearth",
     "{name} by {via} {what}"),
    ("agent", r"(?P<machine>\S+) at \S+ gets (?P<what>.+)", "Hearth", "decides: {machine} gets {what}"),
    ("serial", r"iPXE (?P<version>[1-9]\.\S+)", "machine", "runs iPXE {version}"),
    ("serial", r"HEARTH-PROOF started: (?P<what>.+)", "machine", "runs the fetched kernel: {what}"),
    ("serial", r"HEARTH-PROOF cmdline: (?P<what>.+)", "machine", "was started with: {what}"),
    ("serial", r"HEARTH-PROOF address: (?P<what>.+)", "machine", "has the address {what}"),
    ("serial", r"HEARTH-PROOF reported to (?P<what>.+)", "machine", "reports to {what}"),
    ("agent", r"installing -> (?P<what>installed.+)", "Hearth", "oden is {what}"),
    ("serial", r"HEARTH-PROOF installed on (?P<what>.+)", "machine", "wrote its disk {what}, starts anew"),
    ("serial", r"HEARTH-DISK bios (?P<what>.+)", "machine", "{what}"),
)


class Step:
    """One line of the way: when, who, what, and how much of it."""

    def __init__(self, since, who, what, count=None, rate=None):
        self.since, self.who, self.what, self.count, self.rate = since, who, what, count, rate

    def told(self):
        much = f" ({int(self.count):,} bytes, {self.rate} MB/s)" if self.count else ""
        return f"{self.since:7.1f} s  {self.who}: {self.what}{much}"

    def row(self):
        count = f"{int(self.count):,}" if self.count else ""
        row = f"{self.since:7.1f}  {count:>10}  {self.rate or '':>6}  {self.who:<9}  {self.what}"
        return row if len(row) <= WIDTH else row[:WIDTH - 3] + "..."


def read(source, line, since):
    """The step that a line of a log is, if it is one worth telling."""
    for wanted, pattern, who, what in STEPS:
        found = wanted == source and re.search(pattern, line)
        if found:
            groups = found.groupdict()
            return Step(since, who, what.format(**groups), groups.get("bytes"), groups.get("rate"))
    return None


def follow(logs, began, machine, seen=None):
    """Tells each step as it happens until the machine is off; returns all of them. `seen`: how many
    lines of each log were told before."""
    sources = {**logs, "serial": machine.log}
    seen = {**dict.fromkeys(sources, 0), **(seen or {})}
    steps = []
    while time.monotonic() - began < SECONDS:
        over = not machine.alive()
        for name, log in sources.items():
            # Only whole lines: the last one may still grow.
            lines = net.plain(log()).split("\n")[:-1]
            for line in lines[seen[name]:]:
                step = read(name, line, time.monotonic() - began)
                if step:
                    steps.append(step)
                    say(step.told())
            seen[name] = len(lines)
        if over:
            return steps
        time.sleep(0.1)
    raise SystemExit(f"the machine is still on after {SECONDS} s; its console:\n"
                     + net.tail(machine.log()))


def say(text=""):
    print(text, flush=True)


def boot(folder, ending):
    say("packing a system that proves itself: Debian's kernel with a small initramfs")
    files = proof.kernel(), proof.initramfs()
    site = Site(folder, files)
    ending.callback(site.close)
    say(f"a network of its own: the firewall is {ADDRESS}, a stand-in for the Internet {OUTSIDE}")
    say("hearth fetch: iPXE, and a Talos image that the factory makes")
    site.hearth(EXTRA, told=lambda line: say(f"           {line}"))
    say("hearth serve is up; ISC dhcpd starts with what `hearth dhcp snippet --for isc` prints")
    server = site.isc()
    say("\nan old machine (BIOS) with an empty disk is switched on; the network is first in its boot order")
    began = time.monotonic()
    logs = {"dhcp": server.log, "agent": site.agent.log}
    machine = site.machine(1, BIOS, disk="usb")
    steps = follow(logs, began, machine)
    report = site.report(machine, 1)
    say("\nand once more, with the same boot order")
    seen = {name: len(net.plain(log()).split("\n")) - 1 for name, log in logs.items()}
    again = site.again(machine)
    steps += follow(logs, began, again, seen)
    if "HEARTH-DISK" not in again.log():
        raise SystemExit(f"it did not start its disk; its console:\n{net.tail(again.log())}")
    say("\nThe way of these boots:\n")
    say("seconds       bytes    MB/s  who        what")
    for step in steps:
        say(step.row())
    total = sum(int(step.count or 0) for step in steps)
    say(f"\n{machine.mac} was installed through Hearth with {total:,} bytes, reported from "
        f"{report['address']}, and runs from its own disk {steps[-1].since:.0f} s after it was "
        "switched on first.")
    say("\nWhat Hearth itself says of it, with `hearth timeline oden --all`:\n")
    say(site.agent.run("timeline", "oden", "--all").stdout)


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    why = net.available()
    if why:
        raise SystemExit(why)
    folder = Path(tempfile.mkdtemp(prefix="hearth-demo-"))
    with contextlib.ExitStack() as ending:
        ending.callback(shutil.rmtree, folder, ignore_errors=True)
        try:
            boot(folder, ending)
        except KeyboardInterrupt:
            say("\nstopped; taking everything down")
            sys.exit(130)


if __name__ == "__main__":
    main()
