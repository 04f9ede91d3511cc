"""An operating system that proves itself: Debian's own kernel with a small initramfs.

It prints what it was started with, configures its network as its command line says, reads a file
from Hearth, reports all of it to a collector over HTTP and switches the machine off. With
`proof.disk=URL` it is an installer: it writes what is there to its disk, says so to Hearth and starts
the machine anew.
"""

import gzip
import lzma
import pathlib
import re
import stat
import struct

from hearthtest import disk

INSTALLER = pathlib.Path(
    "/usr/lib/debian-installer/images/12/amd64/text/debian-installer/amd64")
BUSYBOX = pathlib.Path("/bin/busybox")
MARK = "HEARTH-PROOF"
# The disk is on USB: the installer of Debian brings its other drivers later, from the mirror.
DRIVERS = ("virtio_pci", "virtio_net", "xhci_pci", "usb_storage", "sd_mod")

# `ip=` is read as the kernel's nfsroot document says, which Talos follows too. A report that finds
# no ear is tried again: the machine's answer must not depend on one packet.
INIT = r"""#!/bin/sh
/bin/busybox mkdir -p /proc /sys /dev /tmp
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sysfs /sys
/bin/busybox mount -t devtmpfs dev /dev
/bin/busybox --install -s /bin
export PATH=/bin
[ -c /dev/ttyS0 ] && exec >/dev/ttyS0 2>&1 </dev/null
echo 4 > /proc/sys/kernel/printk
say() { echo "HEARTH-PROOF $*"; }
say "started: Linux $(uname -r) on $(uname -m)"
say "cmdline: $(cat /proc/cmdline)"
[ -d /sys/firmware/efi ] && platform=efi || platform=pcbios
say "platform: $platform"
case " $(cat /proc/cmdline) " in *" proof.driverless "*)
  say "has no driver"
  while :; do sleep 60; done ;;
esac
for module in /modules/*; do insmod $module || say "no $module"; done
tries=0
until [ -d /sys/class/net/eth0 ] || [ $tries = 100 ]; do tries=$((tries + 1)); usleep 100000; done
mac=$(cat /sys/class/net/eth0/address)
static= report= file= disk= event=
for word in $(cat /proc/cmdline); do
  case $word in
    ip=*.*.*.*:*) static=${word#ip=} ;;
    proof.report=*) report=${word#proof.report=} ;;
    proof.file=*) file=${word#proof.file=} ;;
    proof.disk=*) disk=${word#proof.disk=} ;;
    hearth.event=*) event=${word#hearth.event=} ;;
  esac
done
ifconfig lo 127.0.0.1 up
if [ -n "$static" ]; then
  how=static
  OLD=$IFS; IFS=:; set -- $static; IFS=$OLD
  ifconfig ${6:-eth0} $1 netmask $4 up
  [ -n "$3" ] && route add default gw $3
else
  how=dhcp
  ifconfig eth0 up
  udhcpc -f -q -n -t 20 -T 1 -i eth0 -s /lease || say "no lease"
fi
address=$(ifconfig eth0 | sed -n 's/.*inet addr:\([0-9.]*\).*/\1/p')
say "address: $address ($how), mac $mac"
digest=
if [ -n "$file" ]; then
  digest=$(timeout 20 wget -q -O - "$file" | sha256sum | cut -d ' ' -f 1)
  say "read $file: sha256 $digest"
fi
if [ -n "$report" ]; then
  for try in 1 2 3 4 5; do
    timeout 10 wget -q -O - --post-data "mac=$mac
address=$address
how=$how
platform=$platform
sha256=$digest
cmdline=$(cat /proc/cmdline)
" "$report" >/tmp/answer && { say "reported to $report"; break; }
  done
fi
# An installer that is worth its name does not give up when the server is away for a moment.
again() { for try in 1 2 3 4 5 6; do timeout 20 "$@" >/dev/null && return; sleep 1; done; return 1; }
if [ -n "$disk" ]; then
  tries=0
  until [ -b /dev/sda ] || [ $tries = 300 ]; do tries=$((tries + 1)); usleep 100000; done
  [ -n "$event" ] && timeout 20 wget -q -O - --post-data "writing the disk" "$event/log" >/dev/null
  if again wget -q -O /tmp/disk "$disk" && dd if=/tmp/disk of=/dev/sda bs=64k conv=fsync 2>/dev/null; then
    say "installed on /dev/sda"
    [ -n "$event" ] && again wget -q -O - --post-data "" "$event/done"
  else
    say "not installed"
    [ -n "$event" ] && wget -q -O - --post-data "no disk to write to" "$event/failed" >/dev/null
  fi
  sync
  reboot -f
fi
say "done"
poweroff -f
"""

LEASE = r"""#!/bin/sh
[ "$1" = bound ] || exit 0
ifconfig $interface $ip netmask $subnet
for hop in $router; do route add default gw $hop; done
"""


def kernel():
    """Debian's kernel, as its installer's netboot image has it."""
    return (INSTALLER / "linux").read_bytes()


def installer_initrd():
    """The installer's own initrd, packed as Debian gives it out."""
    return INSTALLER / "initrd.gz"


def modules(wanted=DRIVERS):
    """Kernel modules out of the installer's initrd with all they need, in loading order."""
    found = {}
    with gzip.open(installer_initrd()) as packed:
        for name, _, data in read_cpio(packed):
            if name.endswith(".ko"):
                found[pathlib.PurePath(name).stem.replace("-", "_")] = data
    ordered = {}

    def add(module):
        if module in ordered or module not in found:  # not found: built in
            return
        needs = re.search(rb"\0depends=([^\0]*)\0", found[module])
        for need in needs[1].decode().split(",") if needs else []:
            add(need.replace("-", "_"))
        ordered[module] = found[module]

    for module in wanted:
        add(module)
    return ordered


def initramfs():
    """The proof as an xz-packed cpio archive, with the one checksum that the kernel reads."""
    files = [("init", 0o755, INIT.encode()), ("lease", 0o755, LEASE.encode()),
             ("bin/busybox", 0o755, BUSYBOX.read_bytes())]
    for number, (name, data) in enumerate(modules().items()):
        files.append((f"modules/{number:02}-{name}.ko", 0o644, data))
    folders = ["bin", "modules", "dev"]
    return lzma.compress(write_cpio(folders, files), check=lzma.CHECK_CRC32, preset=6)


def arm64_loader(text="HEARTH-PROOF arm64 loader runs"):
    """The smallest UEFI application for arm64 that says something: no iPXE is packaged for it.

    It calls ConOut->OutputString of the UEFI system table and returns.
    """
    code = struct.pack(
        "<8I",
        0xA9BF7BFD,  # stp x29, x30, [sp, #-16]!
        0xF9402020,  # ldr x0, [x1, #64]      the system table's ConOut
        0xF9400402,  # ldr x2, [x0, #8]       its OutputString
        0x100000A1,  # adr x1, #20            the text behind this code
        0xD63F0040,  # blr x2
        0xD2800000,  # mov x0, #0             EFI_SUCCESS
        0xA8C17BFD,  # ldp x29, x30, [sp], #16
        0xD65F03C0,  # ret
    ) + f"\r\n{text}\r\n\0".encode("utf-16-le")
    return disk.pe(code, 0xAA64)


def read_cpio(file):
    """Yields name, mode and data of each member of a newc archive."""
    while True:
        head = file.read(110)
        if head[:6] != b"070701":
            return
        fields = [int(head[6 + 8 * n:14 + 8 * n], 16) for n in range(13)]
        mode, size, name_size = fields[1], fields[6], fields[11]
        name = file.read(name_size + (-(110 + name_size) % 4))[:name_size - 1].decode()
        data = file.read(size + (-size % 4))[:size]
        if name == "TRAILER!!!":
            return
        yield name, mode, data


def write_cpio(folders, files):
    """A newc archive; it also makes /dev/console, without which init has no output."""
    members = [(name, stat.S_IFDIR | 0o755, b"", 0, 0) for name in folders]
    members += [("dev/console", stat.S_IFCHR | 0o600, b"", 5, 1)]
    members += [("bin/sh", stat.S_IFLNK | 0o777, b"busybox", 0, 0)]
    members += [(name, stat.S_IFREG | mode, data, 0, 0) for name, mode, data in files]
    members += [("TRAILER!!!", 0, b"", 0, 0)]
    out = bytearray()
    for inode, (name, mode, data, major, minor) in enumerate(members, 1):
        raw = name.encode() + b"\0"
        fields = [inode, mode, 0, 0, 1, 0, len(data), 0, 0, major, minor, len(raw), 0]
        out += b"070701" + b"".join(b"%08X" % field for field in fields) + raw
        out += b"\0" * (-len(out) % 4) + data
        out += b"\0" * (-len(out) % 4)
    return bytes(out)
