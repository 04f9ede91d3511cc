"""A FreeBSD guest in QEMU, talked to over its serial console.

The image is a disk of a FreeBSD that boots by UEFI, has its console on the serial port and lets root log in
there without a password, as FreeBSD's own BASIC-CI images do. Nothing is written to it.
"""

import base64
import io
import itertools
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import tarfile
import time

from hearthtest.net import Process, tail
from hearthtest.vm import ARM64, FIRMWARE, UEFI
from hearthtest.wait import wait_for

IMAGE = os.environ.get("HEARTH_FREEBSD_IMAGE")
# What the disk is for, in Rust's and QEMU's word.
ARCH = os.environ.get("HEARTH_FREEBSD_ARCH", "x86_64")
# Firmware, and QEMU's machine and processor. Arm's `max` signs pointers, which takes long without KVM.
MACHINES = {"x86_64": (UEFI, "q35", "max"), "aarch64": (ARM64, "virt", "cortex-a72")}
# Without KVM, beside other work.
BOOT_SECONDS = 600
# What is typed at once, in bytes, and how fast, in bits a second.
PIECE, BAUD = 64, 57_600
# Where what the test brings is unpacked.
BROUGHT = "/root/brought"


class Failed(AssertionError):
    """A command in the guest ended with another code than 0."""


class Guest(Process):
    """A guest that is switched on when this is made.

    `files`: names to bytes, which are in `BROUGHT` once it is up. `macs`: one card for each, `vtnet0` first.
    """

    def __init__(self, network, folder, files, macs, memory=1024, image=None):
        self.folder = pathlib.Path(folder)
        image = image or IMAGE
        firmware, machine, processor = MACHINES[ARCH]
        code, variables = FIRMWARE[firmware]
        own, brought = self.folder / "guest.vars", self.folder / "brought.tar"
        shutil.copyfile(variables, own)
        brought.write_bytes(_tar(files))
        with open(image, "rb") as disk:
            form = "qcow2" if disk.read(4) == b"QFI\xfb" else "raw"
        command = [
            f"qemu-system-{ARCH}", "-name", "freebsd", "-nodefaults", "-no-user-config", "-display", "none",
            "-machine", machine, "-accel", "tcg,thread=multi,tb-size=512", "-cpu", processor, "-smp", "2",
            "-m", str(memory), "-serial", "stdio", "-monitor", "none", "-device", "virtio-rng-pci",
            "-drive", f"if=pflash,unit=0,format=raw,readonly=on,file={code}",
            "-drive", f"if=pflash,unit=1,format=raw,file={own}",
            "-drive", f"if=virtio,format={form},file={image},snapshot=on",
            "-drive", f"if=virtio,format=raw,file={brought},readonly=on",
        ]
        for number, mac in enumerate(macs):
            command += ["-netdev", f"tap,id=n{number},ifname={network.tap()},script=no,downscript=no,vnet_hdr=off",
                        "-device", f"virtio-net-pci,netdev=n{number},mac={mac},romfile="]
        self._numbers, self._place = itertools.count(1), 0
        super().__init__(network.lan, command, self.folder / "guest.serial", stdin=subprocess.PIPE)
        self.login()
        self.run(f"mkdir -p {BROUGHT} && tar xf /dev/vtbd1 -C {BROUGHT}", 300)

    def login(self):
        """Waits until somebody can log in, and does."""
        self._place = self._expect("login:", BOOT_SECONDS)
        self._type("root\n")
        # Not interactive: no prompt, no line editor, and what is typed is not shown.
        self._place = self._expect_any(("# ", "$ "), 120)
        self._type("stty -echo; exec /bin/sh 2>/dev/null\n")
        self.run("export PATH=/sbin:/bin:/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin; cd /root", 60)
        # What syslogd and the kernel tell the console would stand between what commands say.
        self.run(r"sed -i '' '/\/dev\/console/s/^/#/' /etc/syslog.conf; service syslogd reload; "
                 "sysctl kern.consmute=1; sleep 1", 60, check=False)

    def reboot(self):
        """Starts it anew, as a person does, and logs in again."""
        self.run("sysctl kern.consmute=0")
        self._type("shutdown -r now\n")
        self._place = self._expect("Uptime: ", 300)
        self.login()

    def run(self, command, seconds=120, check=True):
        """Runs a command line, which may be several, and returns what it said on both outputs.

        With `check` every code but 0 is a failure; without it the code is returned first.
        """
        number = next(self._numbers)
        mark = f"<<{number} "
        self._type(f"{{ {command}\n}} </dev/null 2>&1; printf '\\n<<%s %s>>\\n' {number} $?\n")
        begin = self._place
        self._place = self._expect(mark, seconds)
        self._place = self._expect(">>", seconds)
        text = self.log()[begin:self._place].replace("\r", "")
        said, _, code = text.rpartition(mark)
        said, code = said.strip("\n"), int(code.split(">>")[0])
        if not check:
            return code, said
        if code:
            raise Failed(f"`{command}` ended with {code}:\n{said}")
        return said

    def read(self, path):
        """The bytes of a file."""
        return base64.b64decode(self.run(f"openssl base64 -in {shlex.quote(path)} 2>/dev/null || base64 {shlex.quote(path)}"))

    def write(self, path, data, mode="644"):
        """Lays a file down; a console takes its time, so a small one."""
        data = data.encode() if isinstance(data, str) else data
        lines = base64.encodebytes(data).decode()
        self.run(f"b64decode -r > {shlex.quote(path)} <<'==='\n{lines}===\nchmod {mode} {shlex.quote(path)}", 120)

    def wait(self, command, what=None, seconds=60):
        """Waits until a command ends with 0; returns what it said."""
        def is_so():
            code, said = self.run(command, check=False)
            return said or " " if code == 0 else None
        return wait_for(is_so, what or command, seconds, every=0.5)

    def _type(self, text):
        # As fast as the line it stands for: QEMU hands over all at once, and uart(4) loses what is over its 384 bytes.
        data = text.encode()
        for begin in range(0, len(data), PIECE):
            self.process.stdin.write(data[begin:begin + PIECE])
            self.process.stdin.flush()
            time.sleep(PIECE * 10 / BAUD)

    def _expect(self, text, seconds):
        return self._expect_any((text,), seconds)

    def _expect_any(self, texts, seconds):
        """Waits for one of the texts behind what was read before, and returns the place behind it."""
        def found():
            log = self.log()
            places = [log.find(text, self._place) + len(text) for text in texts if text in log[self._place:]]
            if places:
                return min(places)
            assert self.alive(), f"the guest ended; its console:\n{tail(log)}"
            return None
        try:
            return wait_for(found, f"`{'` or `'.join(texts)}` on the guest's console", seconds, every=0.05)
        except AssertionError as error:
            raise AssertionError(f"{error}; last of it:\n{tail(self.log())}") from None


def fields(text):
    """Lines of a table with a heading, each a dict: what ps(1) and procstat(1) print."""
    lines = [line for line in text.splitlines() if line.strip()]
    names = lines[0].split()
    return [dict(zip(names, line.split(None, len(names) - 1))) for line in lines[1:]]


def number_of(text):
    """The only number in a text."""
    return int(re.search(r"\d+", text)[0])


def _tar(files):
    """Uncompressed, a multiple of a disk's sector."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), 0o755
            archive.addfile(entry, io.BytesIO(data))
    return made.getvalue()
