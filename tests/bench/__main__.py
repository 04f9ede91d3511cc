"""Measures Hearth beside its peers; see scripts/bench, which prepares what this needs."""

import argparse
import contextlib
import dataclasses
import os
import pathlib
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import load  # noqa: E402
import machine  # noqa: E402
import measure  # noqa: E402
import report  # noqa: E402
import scale  # noqa: E402
import smoke  # noqa: E402
from servers import NETWORK, Atftpd, Dnsmasq, Hearth, Nginx, TftpdHpa  # noqa: E402
from table import Comparison  # noqa: E402

STARTS = 5
MANY_MACHINES = 10_000


@dataclasses.dataclass
class Found:
    """All that was measured."""

    machine: list
    tftp: Comparison
    http: Comparison
    footprints: dict
    starts: dict
    many: float
    binary: int

    def absolute(self):
        """The bars that are no comparison: name, limit, value, unit."""
        own = [footprint for name, footprint in self.footprints.items() if "Hearth" in name]
        idle = max(footprint.resident_idle for footprint in own)
        most = max(footprint.resident_peak for footprint in own)
        return [("resident memory, idle", 12, idle / 1e6, "MB"),
                ("resident memory, 400 TFTP and 100 HTTP clients", 64, most / 1e6, "MB"),
                ("binary", 10, self.binary / 1e6, "MB"),
                ("start to the first answer", 100, self.starts["Hearth"] * 1000, "ms"),
                (f"the same with {MANY_MACHINES} declared machines", 100, self.many * 1000, "ms")]


def tell(text):
    print(text, flush=True)


def network():
    """A network of our own, that ends with this process: nothing outside can be in the way."""
    for words in (["link", "set", "lo", "up"], ["address", "add", NETWORK, "dev", "lo"]):
        subprocess.run(["ip", *words], check=True)


def many_machines():
    """A configuration with many machines that have all that most machines have."""
    return "".join(f'[[machine]]\nname = "m{number}"\nmac = "52:54:00:00:{number >> 8:02x}:'
                   f'{number & 255:02x}"\naddress = "10.70.{number >> 8}.{number & 255}/12"\n'
                   f'gateway = "10.79.255.254"\n' for number in range(1, MANY_MACHINES + 1))


def full(arguments, folder, root, servers, tftp_servers, http_servers):
    hearth = servers[0]
    tell(f"starting each server {STARTS} times")
    starts = measure.starts(servers, STARTS)
    tell(f"idling for {measure.IDLE_SECONDS} s")
    footprints = measure.idle(servers)
    windowed = measure.windows(tftp_servers)
    tell("windowsize is answered by " + ", ".join(name for name, does in windowed.items() if does))

    def asks(server, cell):
        return cell.protocol == "http" or cell.window == 1 or windowed[server.name]

    results = {}
    for cells, group in ((measure.tftp_cells(), tftp_servers), (measure.http_cells(), http_servers)):
        tell(f"{len(cells)} cells of {cells[0].protocol}")
        results[cells[0].protocol] = measure.rounds(group, cells, arguments.rounds,
                                                    arguments.seconds, asks, tell)
    tell("memory under the most clients")
    for server in tftp_servers:
        measure.peak(server, "tftp", footprints[server.name])
    for server in http_servers:
        measure.peak(server, "http", footprints[server.name])
    tell(f"starting with {MANY_MACHINES} declared machines")
    hearth.stop()
    many = Hearth(folder / "many", root, hearth.binary, many_machines())
    with contextlib.closing(many):
        many_start = measure.starts([many], STARTS)["Hearth"]
    names = lambda group: [server.name for server in group[1:]]  # noqa: E731
    return Found(machine.describe(servers), Comparison(results["tftp"], names(tftp_servers), windowed),
                 Comparison(results["http"], names(http_servers)), footprints, starts, many_start,
                 os.path.getsize(hearth.binary))


def parse():
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="check that all works; measure nothing")
    parser.add_argument("--rounds", type=int, default=5, help="rounds (default 5)")
    parser.add_argument("--seconds", type=float, default=1.0,
                        help="seconds of one run of one cell (default 1)")
    parser.add_argument("--part", choices=("all", "peers", "scale"), default="all",
                        help="beside the peers, or alone with many machines (default all)")
    parser.add_argument("--kills", type=int, default=1_000,
                        help="kills of the part scale (default 1000)")
    parser.add_argument("--to", type=pathlib.Path, default=HERE.parents[1] / "docs" / "bench.md",
                        help="the page that is written (default docs/bench.md)")
    return parser.parse_args()


def peers(arguments, folder, root, servers):
    """Hearth beside the others; `servers` are to be closed in any case."""
    servers.append(Hearth(folder, root, os.environ["HEARTH_BIN"]))
    servers += [make(folder, root) for make in (Dnsmasq, TftpdHpa, Atftpd, Nginx)]
    tftp_servers, http_servers = servers[:4], [servers[0], servers[4]]
    if not all(server.account.exact for server in servers):
        tell("warning: no control group can be made here; tftpd-hpa's CPU time comes out too low")
    if arguments.smoke:
        for server in servers:
            server.start()
        tell(f"{smoke.run(tftp_servers, http_servers)} files came right from 5 servers")
    else:
        found = full(arguments, folder, root, servers, tftp_servers, http_servers)
        publish(arguments, "measured", report.text(found))
    for server in servers:
        server.close()
    servers.clear()


def many(arguments, folder, root):
    """Hearth alone with many machines."""
    size = scale.SMOKE if arguments.smoke else scale.Size(kills=arguments.kills)
    found = scale.run(folder, root, os.environ["HEARTH_BIN"], size, tell)
    scale.check(found)
    text = scale.text(found)
    if arguments.smoke:
        tell(f"all {found.storm['served']} machines were served through "
             f"{found.storm['turned_away']} refusals; {found.kills.told()}")
    else:
        publish(arguments, "scale", text)


def publish(arguments, part, text):
    report.write(arguments.to, part, text)
    tell(f"\n{text}\n\n{arguments.to} is written")


def main():
    arguments = parse()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    began = time.monotonic()
    network()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65_536), hard))
    folder = pathlib.Path(tempfile.mkdtemp(prefix="hearth-bench-"))
    folder.chmod(0o755)
    root = folder / "root"
    root.mkdir()
    servers = []
    try:
        load.write_files(root)
        if arguments.part != "scale":
            peers(arguments, folder, root, servers)
        if arguments.part != "peers":
            many(arguments, folder, root)
        tell(f"this took {time.monotonic() - began:.0f} s")
    finally:
        for server in servers:
            with contextlib.suppress(Exception):
                server.close()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
