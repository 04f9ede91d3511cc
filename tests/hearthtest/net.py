"""Networks of the lab: a switch and the hosts on it, each a network namespace of its own.

Nothing of it is visible outside the namespaces: no address, no route, no interface. Names carry
the process id, so that what a killed run left behind can be told from what is in use.
"""

import contextlib
import ctypes
import itertools
import os
import re
import signal
import subprocess
import threading

from hearthtest.wait import wait_for

PREFIX = "hlab"
CLONE_NEWNET = 0x40000000
_serial = itertools.count()
_swept = threading.Lock()


def _ip(*arguments):
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout


def available():
    """Why no lab network can be made here, or None."""
    if os.geteuid() != 0:
        return "the lab makes network namespaces, which needs root"
    probe = f"{PREFIX}-{os.getpid()}-probe"
    try:
        _ip("netns", "add", probe)
        try:
            _ip("-n", probe, "tuntap", "add", "tap0", "mode", "tap")
        finally:
            _delete(probe)
    except (OSError, RuntimeError) as error:
        return f"no network namespaces or taps here: {error}"
    return None


def _delete(namespace):
    for pid in _ip("netns", "pids", namespace).split():
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)
    _ip("netns", "del", namespace)


def sweep():
    """Removes the namespaces of lab runs whose process is gone."""
    with _swept:
        for line in _ip("netns", "list").splitlines():
            found = re.match(rf"{PREFIX}-(\d+)-", line)
            if found and not os.path.exists(f"/proc/{found[1]}"):
                _delete(line.split()[0])


@contextlib.contextmanager
def inside(namespace):
    """Sockets that this thread makes meanwhile belong to the namespace, and stay in it."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open(f"/proc/self/task/{threading.get_native_id()}/ns/net", "rb") as home, \
            open(f"/var/run/netns/{namespace}", "rb") as there:
        def enter(handle):
            if libc.setns(handle.fileno(), CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), f"setns {namespace}")
        enter(there)
        try:
            yield
        finally:
            enter(home)


class Network:
    """One switch. `host` plugs a host into it, `tap` gives a virtual machine its end of a cable."""

    def __init__(self):
        sweep()
        self.name = f"{PREFIX}-{os.getpid()}-{next(_serial)}"
        self.lan = f"{self.name}-lan"
        self.namespaces = []
        self._taps = itertools.count()
        self._add(self.lan)
        # Without snooping and spanning tree a port forwards at once, as firmware expects.
        _ip("-n", self.lan, "link", "add", "br0", "type", "bridge", "stp_state", "0",
            "mcast_snooping", "0", "forward_delay", "0")
        _ip("-n", self.lan, "link", "set", "br0", "up")

    def _add(self, namespace):
        _ip("netns", "add", namespace)
        self.namespaces.append(namespace)
        _ip("-n", namespace, "link", "set", "lo", "up")

    def host(self, name, *addresses, mac=None):
        """A host with these addresses (`192.168.77.1/24`) on `eth0`, and this MAC if one is given;
        returns its namespace."""
        namespace = f"{self.name}-{name}"
        self._add(namespace)
        _ip("-n", namespace, "link", "add", "eth0", "type", "veth",
            "peer", "name", name, "netns", self.lan)
        _ip("-n", self.lan, "link", "set", "dev", name, "master", "br0", "up")
        if mac:
            _ip("-n", namespace, "link", "set", "dev", "eth0", "address", mac)
        for address in addresses:
            _ip("-n", namespace, "addr", "add", address, "dev", "eth0", "nodad")
        _ip("-n", namespace, "link", "set", "eth0", "up")
        wait_for(lambda: "state UP" in _ip("-n", namespace, "link", "show", "eth0"),
                 f"{name} has a carrier")
        return namespace

    def tap(self):
        """A tap interface on the switch; it is in the namespace `lan`."""
        tap = f"tap{next(self._taps)}"
        _ip("-n", self.lan, "tuntap", "add", tap, "mode", "tap")
        _ip("-n", self.lan, "link", "set", "dev", tap, "master", "br0", "up")
        return tap

    def close(self):
        """Ends what still runs in the namespaces and removes them."""
        while self.namespaces:
            _delete(self.namespaces.pop())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Bridge:
    """A switch of somebody else's in the namespace `lan`: gives virtual machines their ends of cables, and the
    switch itself further addresses (`192.168.1.9/24`)."""

    def __init__(self, namespace, bridge, *addresses):
        self.lan, self.bridge, self.taps, self.addresses = namespace, bridge, [], []
        for address in addresses:
            _ip("-n", self.lan, "addr", "add", address, "dev", self.bridge)
            self.addresses.append(address)

    def tap(self):
        tap = f"t{os.getpid()}.{next(_serial)}"
        _ip("-n", self.lan, "tuntap", "add", tap, "mode", "tap")
        self.taps.append(tap)
        _ip("-n", self.lan, "link", "set", "dev", tap, "master", self.bridge, "up")
        return tap

    def close(self):
        while self.taps:
            _ip("-n", self.lan, "link", "del", self.taps.pop())
        while self.addresses:
            _ip("-n", self.lan, "addr", "del", self.addresses.pop(), "dev", self.bridge)


class Process:
    """A program in a namespace whose output goes to a file."""

    def __init__(self, namespace, command, log_path, **options):
        self.command, self.log_path = command, log_path
        with open(log_path, "ab") as log:
            self.process = subprocess.Popen(
                ["ip", "netns", "exec", namespace, *map(str, command)],
                stdout=log, stderr=log, **{"stdin": subprocess.DEVNULL, **options})

    def log(self):
        return self.log_path.read_text(errors="replace")

    def alive(self):
        return self.process.poll() is None

    def expect(self, text, seconds):
        """Waits until the output has `text`; fails at once if the program ends without it."""
        def seen():
            ended = not self.alive()
            if text in self.log():
                return True
            assert not ended, f"{self.command[0]} ended before `{text}`:\n{tail(self.log())}"
            return False
        try:
            wait_for(seen, f"`{text}` from {self.command[0]}", seconds, every=0.05)
        except AssertionError as error:
            raise AssertionError(f"{error}; last of its output:\n{tail(self.log())}") from None

    def stop(self, how=signal.SIGTERM):
        if self.alive():
            self.process.send_signal(how)
        try:
            return self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


def plain(text):
    """A console's text without the control sequences that firmware writes, and with line ends."""
    return re.sub(r"\x1b(\[[0-9;?=]*[A-Za-z]|[()][0-9A-Z])", "", text).replace("\r", "\n")


def tail(text, lines=25):
    """The last lines of a log that say something."""
    kept = [line for line in plain(text).splitlines() if line.strip()]
    return "\n".join(kept[-lines:])
