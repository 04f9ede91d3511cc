"""Boots a virtual machine through Hearth and tells what happens as it happens; see scripts/demo."""

import re
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from hearthtest import net, proof  # noqa: E402
from hearthtest.site import Site  # noqa: E402
from hearthtest.vm import UEFI  # noqa: E402

SECONDS = 300
EXTRA = """
[[machine]]
name = "oden"
mac = "52:54:00:77:00:01"
profile = "talos-omni"
"""
# What is worth telling, in the order of a boot: source, what its line looks like, what it means.
STEPS = (
    ("dhcp", r"DHCPACK on (\S+) to", "the DHCP server gave it the address {0}"),
    ("agent", r"TFTP (\S+) to \S+: asked for the size", "its firmware asks how large {0} is"),
    ("agent", r"(TFTP|HTTP) (\S+) to \S+: (\d+) bytes in (\S+) s, (\S+) MB/s",
     "{1} by {0}: {2} bytes at {4} MB/s"),
    ("agent", r"(\S+) at \S+ gets (.+)", "Hearth decides: {0} gets {1}"),
    ("serial", r"HEARTH-PROOF (started: .+)", "the fetched kernel runs; {0}"),
    ("serial", r"HEARTH-PROOF (cmdline: .+)", "its {0}"),
    ("serial", r"HEARTH-PROOF (address: .+)", "its {0}"),
    ("serial", r"HEARTH-PROOF (reported to .+)", "it {0}"),
    ("serial", r"HEARTH-PROOF done", "it switches itself off"),
)


def follow(sources, began, machine):
    """Tells each new line that matters; returns the steps with their times."""
    seen = {name: 0 for name in sources}
    told = []
    while time.monotonic() - began < SECONDS:
        over = not machine.alive()
        for name, read in sources.items():
            lines = read().replace("\r", "\n").split("\n")[:-1]
            for line in lines[seen[name]:]:
                step = tell(name, line, time.monotonic() - began)
                if step:
                    told.append(step)
            seen[name] = len(lines)
        if over:
            return told
        time.sleep(0.2)
    raise SystemExit(f"the machine is still on after {SECONDS} s; its console:\n"
                     + net.tail(machine.log()))


def tell(name, line, since):
    for source, pattern, words in STEPS:
        found = source == name and re.search(pattern, line)
        if found:
            text = words.format(*found.groups())
            print(f"{since:7.1f} s  {text}", flush=True)
            return since, found.groups(), text
    return None


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    why = net.available()
    if why:
        raise SystemExit(why)
    folder = Path(tempfile.mkdtemp(prefix="hearth-demo-"))
    print("packing a small system that proves itself: Debian's kernel with an initramfs")
    site = None
    try:
        site = Site(folder, (proof.kernel(), proof.initramfs()))
        print("a network of its own: a firewall at 192.168.77.1 with a stand-in for the internet")
        print("hearth fetch: iPXE, a Talos image of the factory, Debian's installer")
        print("hearth serve, and ISC dhcpd with what `hearth dhcp snippet --for isc` prints")
        site.hearth(EXTRA)
        server = site.isc()
        print("\na UEFI machine with an empty disk is switched on")
        began = time.monotonic()
        machine = site.machine(1, UEFI, fw_cfg={"opt/org.tianocore/IPv6PXESupport": "n"})
        told = follow({"dhcp": server.log, "agent": site.agent.log, "serial": machine.log},
                      began, machine)
        report = site.report(machine, 1)
        print("\nThe way of this boot (seconds since power-on):")
        for since, groups, text in told:
            if len(groups) == 5:
                print(f"{since:7.1f}  {groups[0]}  {int(groups[2]):>10} bytes  "
                      f"{groups[4]:>7} MB/s  {groups[1]}")
            else:
                print(f"{since:7.1f}  {text[:100]}")
        print(f"\n{machine.mac} booted through Hearth and reported from {report['address']}.")
    finally:
        if site:
            site.close()
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
