"""A folder that stands in for a FreeBSD host: packages are unpacked and their scripts run in it.

Its shell is dash, its tools are busybox's (whose own shell would take its own tools before any other), and what only
FreeBSD has (rc.subr, daemon, pw, service, stat, logger, ps) are the stand-ins in `hearthtest/freebsd`. Hearth itself is
the real one, of this host.
"""

import contextlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile

from hearthtest.agent import Control, binary
from hearthtest.wait import wait_for

STUBS = pathlib.Path(__file__).parent / "freebsd"
REAPED = pathlib.Path(__file__).parent / "reaped.py"
BUSYBOX = "/bin/busybox"
LINKS = {"rc.subr": "etc/rc.subr", "daemon": "usr/sbin/daemon", "pw": "usr/sbin/pw",
         "service": "usr/sbin/service", "stat": "bin/stat", "logger": "bin/logger", "ps": "bin/ps"}


def available():
    """Why there can be none here, or None."""
    if os.geteuid() != 0:
        return "chroot takes root"
    return None if os.path.exists(BUSYBOX) else "there is no busybox"


class Firewall:
    """One host. `inside` is a command that every command of it runs in, such as a network namespace's."""

    def __init__(self, root, inside=()):
        self.root, self.inside = pathlib.Path(root), list(inside)
        for folder in ("bin", "sbin", "usr/bin", "usr/sbin", "usr/local", "etc", "dev", "var/run", "var/db",
                       "var/log", "tmp", "proc"):
            (self.root / folder).mkdir(parents=True)
        shutil.copy(BUSYBOX, self.root / "bin/busybox")
        applets = subprocess.run([BUSYBOX, "--list"], capture_output=True, text=True, check=True).stdout.split()
        for name in applets:
            place = self.root / "usr/bin" / name if name in ("awk", "sockstat") else self.root / "bin" / name
            if name != "busybox":
                place.symlink_to("/bin/busybox")
        for name, place in LINKS.items():
            (self.root / place).unlink(missing_ok=True)
            shutil.copy(STUBS / name, self.root / place)
        (self.root / "etc/passwd").write_text("root:*:0:0:root:/root:/bin/sh\n")
        (self.root / "etc/group").write_text("wheel:*:0:root\n")
        (self.root / "bin/sh").unlink()
        shutil.copy("/bin/dash", self.root / "bin/sh")
        # Busybox's ends with another code than FreeBSD's.
        (self.root / "bin/timeout").unlink()
        shutil.copy("/usr/bin/timeout", self.root / "bin/timeout")
        for program in (binary(), "/bin/dash", "/usr/bin/timeout"):
            self._libraries(program)
        # What a program of Linux cannot do without.
        os.mknod(self.root / "dev/null", 0o020666, os.makedev(1, 3))
        os.mknod(self.root / "dev/urandom", 0o020444, os.makedev(1, 9))
        (self.root / "dev/null").chmod(0o666)

    def _libraries(self, program):
        told = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
        for path in re.findall(r"(/\S+) \(0x", told):
            place = self.root / path.lstrip("/")
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, place)

    def run(self, *command, around=(), **variables):
        """Runs a command in it, with its output as text. `around` is a command that runs it on the outside."""
        script = 'mount -t proc proc "$0/proc" && exec chroot "$0" "$@"'
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", **variables}
        return subprocess.run([*self.inside, *around, "unshare", "-m", "sh", "-c", script, str(self.root), *command],
                              capture_output=True, text=True, timeout=60, env=environment,
                              stdin=subprocess.DEVNULL)

    def script(self, text, **variables):
        """Runs a package's script as pkg does, which kills all that the script started and left."""
        return self.run("/bin/sh", "-c", text, around=[sys.executable, REAPED], PKG_PREFIX="/usr/local",
                        PKG_ROOTDIR="/", **variables)

    def extract(self, package):
        """Lays the files of a package (its bytes) down; the agent's place is taken by the real one of this host."""
        plain = subprocess.run(["zstd", "-dqc"], input=package, capture_output=True, check=True).stdout
        archive = self.root / "tmp/package.tar"
        archive.write_bytes(plain)
        with tarfile.open(archive) as opened:
            for member in opened:
                if member.name.startswith("/"):
                    # As pkg, which never writes into a file that is in use.
                    self.path(member.name).unlink(missing_ok=True)
                    opened.extract(_relative(member), self.root)
        archive.unlink()
        program = self.root / "usr/local/sbin/hearth"
        if program.exists():
            shutil.copy(binary(), str(program) + ".new")
            os.rename(str(program) + ".new", program)

    def install(self, package, packed, **variables):
        """In the order of pkg: script, files, script. Returns what was said."""
        before = self.script(package.scripts.get("pre-install", ":"), **variables)
        if before.returncode:
            return before
        self.extract(packed)
        return self.script(package.scripts.get("post-install", ":"), **variables)

    def upgrade(self, old, new, packed):
        """In the order of pkg: the old package's script runs when the new files are there."""
        before = self.script(new.scripts["pre-install"], PKG_UPGRADE="true")
        assert before.returncode == 0, before.stderr
        self.extract(packed)
        assert self.script(old.scripts["pre-deinstall"], PKG_UPGRADE="true").returncode == 0
        assert self.script(old.scripts["post-deinstall"], PKG_UPGRADE="true").returncode == 0
        return self.script(new.scripts["post-install"], PKG_UPGRADE="true")

    def remove(self, package, **variables):
        """In the order of pkg: script, files, script."""
        before = self.script(package.scripts["pre-deinstall"], **variables)
        for entry in package.entries:
            (self.root / entry.path.lstrip("/")).unlink()
        after = self.script(package.scripts["post-deinstall"], **variables)
        # Then pkg removes the folders that only it had files in.
        for folder in {pathlib.PurePosixPath(entry.path).parent for entry in package.entries}:
            with contextlib.suppress(OSError):
                self.path(str(folder)).rmdir()
        return before.stdout + before.stderr + after.stdout + after.stderr

    def service(self, *words):
        return self.run("/usr/sbin/service", "hearth", *words)

    def path(self, path):
        return self.root / path.lstrip("/")

    def status(self):
        """The agent's, or None."""
        control = Control(self.root / "var/run/hearth/hearth.sock")
        try:
            control.request("GET", "/api/v1/status")
            answer = control.getresponse()
            return answer.read() if answer.status == 200 else None
        except OSError:
            return None

    def wait(self):
        """Until the agent answers."""
        wait_for(lambda: self.status() is not None, "the agent answers", 20)

    def agent_process(self):
        return int(self.path("/var/run/hearth_agent.pid").read_text())


def _relative(member):
    member.name = member.name.lstrip("/")
    return member
