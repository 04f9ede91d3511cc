"""A disk that a machine starts from, on BIOS and on UEFI, and that says so: what the lab's installer
writes. It prints a line and starts the machine anew, which ends QEMU (-no-reboot)."""

import struct
import subprocess
import tempfile
from pathlib import Path

MARK = "HEARTH-DISK"
SECTOR = 512
FIRST = 2048  # where partitioning programs begin, in sectors
ESP_BYTES = 2 << 20


def image():
    """The whole disk: a boot sector for BIOS, and an EFI system partition (UEFI specification 13.3) with
    the default program."""
    esp = partition({"/EFI/BOOT/BOOTX64.EFI": program()})
    entry = struct.pack("<B3sB3sII", 0x80, b"\xfe\xff\xff", 0xEF, b"\xfe\xff\xff", FIRST,
                        len(esp) // SECTOR)
    code = boot_sector()
    head = code + bytes(446 - len(code)) + entry + bytes(48) + b"\x55\xaa"
    return head + bytes(FIRST * SECTOR - SECTOR) + esp


def boot_sector():
    """Prints on the first serial port, and resets by the keyboard controller."""
    text = f"\r\n{MARK} bios runs from its disk\r\n\0".encode()
    code = bytes.fromhex(
        "fa31c08ed8"        # cli; ax = ds = 0
        "be0000"            # si = text, filled in below
        "bafd03"            # next: dx = 0x3fd, the line status
        "eca82074fb"        # until al & 0x20: room for a byte
        "ac84c07406"        # al = text[si++]; its end?
        "baf803eeebed"      # no: dx = 0x3f8, out, next
        "b0fee664"          # yes: 0xfe to port 0x64
        "f4ebfd"            # hlt for ever
    )
    return code[:6] + struct.pack("<H", 0x7C00 + len(code)) + code[8:] + text


def program(text=f"{MARK} efi runs from its disk"):
    """A UEFI application for x86-64: prints through ConOut, and resets by the runtime services."""
    code = bytes.fromhex(
        "4889d3"            # mov rbx, rdx          the system table
        "4883ec28"          # sub rsp, 40           the callee's room
        "488b4b40"          # mov rcx, [rbx+64]     ConOut
        "488d151a000000"    # lea rdx, [rip+26]     the text behind this code
        "ff5108"            # call [rcx+8]          OutputString
        "31c9"              # xor ecx, ecx          EfiResetCold
        "31d2"              # xor edx, edx
        "4d31c0"            # xor r8, r8
        "4d31c9"            # xor r9, r9
        "488b4358"          # mov rax, [rbx+88]     the runtime services
        "ff5068"            # call [rax+104]        ResetSystem
        "f4ebfd90909090"    # hlt for ever
    )
    lea_end = 3 + 4 + 4 + 7
    code = code[:lea_end - 4] + struct.pack("<i", len(code) - lea_end) + code[lea_end:]
    return pe(code + f"\r\n{text}\r\n\0".encode("utf-16-le"), 0x8664)


def pe(code, machine):
    """A PE file of one section that is a UEFI application (Microsoft's PE format)."""
    page, block = 0x1000, 0x200
    raw = code + b"\0" * (-len(code) % block)
    file_header = struct.pack("<HHIIIHH", machine, 1, 0, 0, 0, 240, 0x0206)
    optional = struct.pack("<HBBIIIIIQIIHHHHHHIIIIHHQQQQII", 0x20B, 0, 0, len(raw), 0, 0, page, page,
                           0, page, block, 0, 0, 0, 0, 0, 0, 0, 2 * page, block, 0, 10, 0,
                           0, 0, 0, 0, 0, 16) + bytes(16 * 8)
    section = struct.pack("<8sIIIIIIHHI", b".text", len(code), page, len(raw), block, 0, 0, 0, 0,
                          0x60000020)
    head = (b"MZ" + bytes(58) + struct.pack("<I", 64) + b"PE\0\0" + file_header + optional
            + section)
    return head + b"\0" * (block - len(head)) + raw


def partition(files):
    """A FAT file system with these files."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "esp"
        path.write_bytes(bytes(ESP_BYTES))
        _run("mkfs.vfat", "--invariant", "-n", "HEARTH", path)
        for name, data in files.items():
            file = Path(folder) / "file"
            file.write_bytes(data)
            parts = name.strip("/").split("/")
            for depth in range(1, len(parts)):
                _run("mmd", "-D", "s", "-i", path, "::/" + "/".join(parts[:depth]))
            _run("mcopy", "-i", path, file, f"::{name}")
        return path.read_bytes()


def _run(*command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    # mmd refuses a folder that is there already; nothing else of it may fail.
    assert done.returncode == 0 or command[0] == "mmd", (command, done.stderr)
