"""What a server costs: CPU time and memory of all its processes, also of those that have ended.

A control group counts a forking server's children fairly. Where none can be made, /proc is summed
instead, and children that ended unseen are missing: `Account.exact` tells.
"""

import contextlib
import os
import pathlib
import time

GROUPS = pathlib.Path("/sys/fs/cgroup")


class Account:
    """The processes of one server. Give `enter` as `preexec_fn` to the first of them."""

    def __init__(self, name):
        self.first = None
        self.folder, self.kind = _make(f"hearth-bench-{os.getpid()}-{name}")

    @property
    def exact(self):
        return self.folder is not None

    def enter(self):
        if self.folder:
            (self.folder / "cgroup.procs").write_text("0")

    def cpu(self):
        """CPU seconds so far."""
        if self.kind == "v2":
            for line in (self.folder / "cpu.stat").read_text().splitlines():
                if line.startswith("usage_usec"):
                    return int(line.split()[1]) / 1e6
        if self.kind == "v1":
            return int((self.folder / "cpuacct.usage").read_text()) / 1e9
        return sum(_cpu_of(pid) for pid in self.pids())

    def settled_cpu(self, limit=3.0):
        """CPU seconds when nothing is under way any more."""
        deadline = time.monotonic() + limit
        last, still = self.cpu(), 0
        while still < 2 and time.monotonic() < deadline:
            time.sleep(0.02)
            now = self.cpu()
            still = still + 1 if now - last < 0.0002 else 0
            last = now
        return last

    def pids(self):
        if self.folder:
            return [int(pid) for pid in (self.folder / "cgroup.procs").read_text().split()]
        return _descendants(self.first)

    def pin(self, cores):
        """Lets all threads run on these cores only; those that they start inherit it."""
        for pid in self.pids():
            with contextlib.suppress(OSError):
                for thread in os.listdir(f"/proc/{pid}/task"):
                    os.sched_setaffinity(int(thread), cores)

    def memory(self):
        """Bytes resident; pages that processes share count once among them."""
        return sum(_field(pid, "smaps_rollup", "Pss:") for pid in self.pids())

    def close(self):
        if self.folder:
            with contextlib.suppress(OSError):
                self.folder.rmdir()


def resident(pid):
    """Bytes resident of one process, as ps shows them."""
    return _field(pid, "status", "VmRSS:")


def highest_resident(pid):
    return _field(pid, "status", "VmHWM:")


def _make(name):
    for folder, kind in ((GROUPS, "v2"), (GROUPS / "unified", "v2"), (GROUPS / "cpuacct", "v1")):
        probe = "cgroup.controllers" if kind == "v2" else "cpuacct.usage"
        if (folder / probe).exists():
            with contextlib.suppress(OSError):
                (folder / name).mkdir(exist_ok=True)
                return folder / name, kind
    return None, None


def _field(pid, file, name):
    with contextlib.suppress(OSError):
        for line in pathlib.Path(f"/proc/{pid}/{file}").read_text().splitlines():
            if line.startswith(name):
                return int(line.split()[1]) * 1024
    return 0


def _stat(pid):
    with contextlib.suppress(OSError):
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return None


def _cpu_of(pid):
    stat = _stat(pid)
    return sum(int(ticks) for ticks in stat[11:15]) / os.sysconf("SC_CLK_TCK") if stat else 0.0


def _descendants(first):
    parents = {}
    for name in os.listdir("/proc"):
        stat = _stat(name) if name.isdigit() else None
        if stat:
            parents.setdefault(int(stat[1]), []).append(int(name))
    found, waiting = [], [first]
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        waiting += parents.get(pid, [])
    return found
