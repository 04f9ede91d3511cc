"""This Debian with everything that is written thrown away, and a network of its own."""

import contextlib
import os
import pathlib
import shutil
import subprocess
import uuid

from hearthtest import net
from hearthtest.wait import wait_for

PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
# The host's kernel is everybody's: nothing of it is set or loaded by a system that is only a copy.
MASKED = ("systemd-sysctl", "systemd-modules-load", "systemd-remount-fs", "systemd-binfmt", "systemd-journal-flush",
          "systemd-update-utmp", "systemd-udevd", "systemd-hwdb-update", "systemd-random-seed", "systemd-pstore")


def why_not(*programs):
    """Why there is no copy here, or None; `programs` are needed too."""
    if os.geteuid() != 0 or net.available():
        return "a copy of this host takes root and network namespaces"
    missing = [name for name in ("dpkg", "nsenter", *programs) if not shutil.which(name)]
    return f"not here: {missing}" if missing else None


class Copy:
    """Held open by a process of its own, for as long as it lives; `space` is the network namespace.

    RuntimeError: no overlay of this host can be made here.
    """

    namespaces = ["--mount"]

    def __init__(self, folder, space):
        self.folder, self.space = pathlib.Path(folder), space
        for name in ("up", "root"):
            (self.folder / name).mkdir()
        self.root = self.folder / "root"
        self.holder = subprocess.Popen(
            ["ip", "netns", "exec", space, "unshare", *self.namespaces, "sh", "-c", f"set -e\n{self.script()}"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if self.holder.stdout.readline() != "ready\n":
            self.holder.kill()
            raise RuntimeError(self.holder.communicate()[1])
        self.at = pathlib.Path(f"/proc/{self.holder.pid}/root{self.root}")

    def layers(self):
        """Commands that make the root folder."""
        up, root = self.folder / "up", self.root
        return f"""
mount --make-rprivate /
mount -t tmpfs none {up}
mkdir {up}/u {up}/w
mount -t overlay -o lowerdir=/,upperdir={up}/u,workdir={up}/w none {root}
mount -t proc proc {root}/proc
for one in run srv; do mount -t tmpfs none {root}/$one; done
"""

    def script(self):
        return f"{self.layers()}\nmount --rbind /dev {self.root}/dev\necho ready\nexec sleep infinity"

    def inside(self, *command):
        return ["nsenter", f"--target={self.holder.pid}", "--mount", "--net", "chroot", str(self.root), *command]

    def run(self, *command, **options):
        return subprocess.run(
            self.inside(*command), capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL,
            env={"PATH": PATH, "LANG": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}, **options)

    def path(self, path):
        return self.at / path.lstrip("/")

    def close(self):
        self.holder.kill()
        self.holder.wait()


class Systemd(Copy):
    """A copy in which systemd is the first process, as far as `basic.target`."""

    namespaces = ["--mount"]

    def __init__(self, folder, space):
        self.group = f"hearth-{uuid.uuid4()}"
        super().__init__(folder, space)
        try:
            self.first = wait_for(self._first, "systemd is there", 20)
            self.at = pathlib.Path(f"/proc/{self.first}/root")
            wait_for(lambda: self.run("systemctl", "is-active", "basic.target").returncode == 0, "systemd is up", 60)
        except AssertionError as error:
            self.close()
            raise RuntimeError(f"systemd does not start in namespaces here: {error}; {self.said()}") from None

    def script(self):
        root, groups = self.root, self.folder / "groups"
        groups.mkdir()
        masks = "; ".join(f"ln -s /dev/null {root}/etc/systemd/system/{one}.service" for one in MASKED)
        first = f"""set -e
{self.layers()}
mount -t sysfs -o ro sysfs {root}/sys
mount -t cgroup2 none {root}/sys/fs/cgroup
for one in dev tmp; do mount -t tmpfs none {root}/$one; done
for one in null zero full random urandom tty; do
    touch {root}/dev/$one
    mount --bind /dev/$one {root}/dev/$one
done
mkdir {root}/dev/pts {root}/dev/shm {root}/dev/mqueue {root}/dev/hugepages {root}/oldroot
ln -s pts/ptmx {root}/dev/ptmx; ln -s /proc/self/fd {root}/dev/fd
: > {root}/etc/machine-id
# What this host mounts at its start would be waited for.
: > {root}/etc/fstab
{masks}
cd {root}
pivot_root . oldroot
mount --make-rshared /
umount -l /oldroot
exec env -i container=other PATH={PATH} /lib/systemd/systemd --system --log-target=console --unit=basic.target"""
        (self.folder / "first.sh").write_text(first)
        return f"""
mount --make-rprivate /
mount -t cgroup2 none {groups}
mkdir {groups}/{self.group}
echo $$ > {groups}/{self.group}/cgroup.procs
echo ready
exec unshare --mount --pid --fork --kill-child --uts --ipc --cgroup sh {self.folder}/first.sh \\
    > {self.folder}/systemd.log 2>&1"""

    def _first(self):
        """systemd's process, by the number that this host has for it."""
        children = pathlib.Path(f"/proc/{self.holder.pid}/task/{self.holder.pid}/children").read_text().split()
        assert self.holder.poll() is None, self.said()
        names = [pathlib.Path(f"/proc/{one}/comm").read_text().strip() for one in children]
        return int(children[0]) if names == ["systemd"] else None

    def said(self):
        log = self.folder / "systemd.log"
        return net.tail(log.read_text(errors="replace")) if log.exists() else ""

    def inside(self, *command):
        return ["nsenter", f"--target={self.first}", "--all", *command]

    def close(self):
        # With the process that made its namespace systemd ends, and with systemd all in it.
        super().close()
        with contextlib.ExitStack() as last:
            made = self.folder / "cgroups"
            made.mkdir()
            subprocess.run(["mount", "-t", "cgroup2", "none", made], check=True)
            last.callback(subprocess.run, ["umount", made], check=True)
            wait_for(lambda: _is_removed(made / self.group), "its control groups are gone", 30)


def _is_removed(group):
    """Whether a tree of control groups is gone, which it is once no process is in it."""
    if not group.exists():
        return True
    for folder in sorted(group.rglob("*/"), key=lambda one: len(one.parts), reverse=True):
        _rmdir(folder)
    return _rmdir(group)


def _rmdir(folder):
    try:
        folder.rmdir()
    except OSError:
        return False
    return True
