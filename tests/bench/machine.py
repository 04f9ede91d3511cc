"""What was measured on, and with which versions."""

import os
import pathlib
import platform
import re
import subprocess

from servers import unpacked


def describe(servers):
    """Rows of a table: what, and which."""
    memory = _first(r"MemTotal:\s+(\d+)", "/proc/meminfo")
    system = _first(r'PRETTY_NAME="(.+)"', "/etc/os-release")
    rows = [["processor", f"{_first(r'model name.*: (.+)', '/proc/cpuinfo')}, {os.cpu_count()} cores"
             + (", virtual" if "hypervisor" in pathlib.Path("/proc/cpuinfo").read_text() else "")],
            ["memory", f"{int(memory) / (1 << 20):.0f} GiB"],
            ["kernel", f"Linux {re.match(r'[0-9.]+', platform.release())[0].rstrip('.')}"],
            ["system", system]]
    for server in servers:
        if server.package:
            rows.append([server.name, _version(server)])
    return rows


def _version(server):
    own = unpacked(f"{server.package}.version")
    if own.exists():
        return own.read_text().strip()
    done = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", server.package],
                          capture_output=True, text=True)
    return done.stdout.strip() or "?"


def _first(pattern, path):
    found = re.search(pattern, pathlib.Path(path).read_text())
    return found[1].strip() if found else "?"
