"""Virtual machines of the lab: QEMU without KVM, so that the lab runs anywhere."""

import contextlib
import pathlib
import shutil
import subprocess
import threading

from hearthtest.net import Process
from hearthtest.wait import wait_for

BIOS, UEFI, ARM64 = "bios", "uefi", "arm64"

FIRMWARE = {
    UEFI: ("/usr/share/OVMF/OVMF_CODE.fd", "/usr/share/OVMF/OVMF_VARS.fd"),
    ARM64: ("/usr/share/AAVMF/AAVMF_CODE.fd", "/usr/share/AAVMF/AAVMF_VARS.fd"),
}

DISKS = {
    "virtio": ["-device", "virtio-blk-pci,drive=d0"],
    "usb": ["-device", "qemu-xhci", "-device", "usb-storage,drive=d0,bootindex=1"],
}


class Slots:
    """How many machines run at a time; a case takes all it needs at once, so none starves another."""

    def __init__(self, count):
        self.free, self.changed = count, threading.Condition()

    @contextlib.contextmanager
    def take(self, count):
        with self.changed:
            self.changed.wait_for(lambda: self.free >= count)
            self.free -= count
        try:
            yield
        finally:
            with self.changed:
                self.free += count
                self.changed.notify_all()


class Machine(Process):
    """A machine with an empty disk that is switched on when this is made.

    `disk`: "usb" instead of "virtio", for what writes to it. `boot`: 2 and more switch the same machine
    on again, with the disk and the firmware's variables as they are.
    `rom`: keeps QEMU's network ROM, which is iPXE; without it UEFI uses its own PXE client.
    `fw_cfg`: names and values for the firmware, for example to switch one of its clients off.
    """

    def __init__(self, network, folder, name, firmware, mac, uuid=None, memory=512, rom=None,
                 fw_cfg=None, smbios=None, nic="virtio-net-pci", disk="virtio", boot=1):
        self.name, self.mac = name, mac
        self.folder = pathlib.Path(folder)
        run = f"{name}.{boot}" if boot > 1 else name
        self.pcap = self.folder / f"{run}.pcap"
        rom = firmware == BIOS if rom is None else rom
        image = self.folder / f"{name}.disk"
        with open(image, "ab") as file:
            file.truncate(64 << 20)
        card = f"{nic},netdev=n0,mac={mac},bootindex=0" + ("" if rom else ",romfile=")
        command = [
            "qemu-system-aarch64" if firmware == ARM64 else "qemu-system-x86_64",
            "-name", name, "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
            "-accel", "tcg,thread=single,tb-size=256", "-smp", "1", "-m", str(memory),
            "-serial", "stdio", "-monitor", "none",
            "-netdev", f"tap,id=n0,ifname={network.tap()},script=no,downscript=no,vnet_hdr=off",
            "-device", card,
            "-drive", f"if=none,id=d0,format=raw,file={image}",
            *DISKS[disk],
            "-object", f"filter-dump,id=dump0,netdev=n0,file={self.pcap},maxlen=700",
            *self._firmware(firmware),
        ]
        if uuid:
            command += ["-uuid", uuid]
        if smbios:
            command += ["-smbios", smbios]
        for key, value in (fw_cfg or {}).items():
            command += ["-fw_cfg", f"name={key},string={value}"]
        super().__init__(network.lan, command, self.folder / f"{run}.serial",
                         stdin=subprocess.PIPE)

    def _firmware(self, firmware):
        if firmware == BIOS:
            # Without graphics SeaBIOS and its option ROMs speak on the serial port.
            return ["-machine", "pc,graphics=off"]
        code, variables = FIRMWARE[firmware]
        own = self.folder / f"{self.name}.vars"
        if not own.exists():
            shutil.copyfile(variables, own)
        machine = ["-machine", "virt", "-cpu", "cortex-a57"] if firmware == ARM64 \
            else ["-machine", "q35"]
        return [*machine,
                "-drive", f"if=pflash,unit=0,format=raw,readonly=on,file={code}",
                "-drive", f"if=pflash,unit=1,format=raw,file={own}"]

    def type(self, text):
        """Types on the serial console."""
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def press_until(self, key, text, seconds):
        """Presses a key again and again, as a person does who must not miss its moment, until the
        output has `text`."""
        def seen():
            if text not in self.log() and self.alive():
                self.type(key)
            return text in self.log()
        wait_for(seen, f"`{text}` after a key", seconds, every=0.1)

    def wait_off(self, seconds):
        """Waits until the machine has switched itself off."""
        try:
            self.process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} is still on after {seconds} s") from None
