"""Reads what of an ELF file decides whether it runs somewhere, and holds it to what Hearth promises.

Fields as in elf(5) and FreeBSD's sys/elf_common.h.
"""

import re
import struct
from dataclasses import dataclass, field

MACHINES = {62: "x86_64", 183: "aarch64"}
PT_LOAD, PT_DYNAMIC, PT_INTERP, PT_NOTE, PT_GNU_STACK, PT_GNU_RELRO = 1, 2, 3, 4, 0x6474E551, 0x6474E552
DT_NEEDED, DT_STRTAB, DT_RPATH, DT_RUNPATH, DT_VERNEED, DT_VERNEEDNUM = 1, 5, 15, 29, 0x6FFFFFFE, 0x6FFFFFFF
SHT_SYMTAB = 2
PF_X = 1
ET_DYN = 3
# The note by which FreeBSD's kernel knows its own programs: the `__FreeBSD_version` they were made for.
NT_FREEBSD_ABI_TAG = 1

# Of base, with the same name in FreeBSD 14 and 15.
BASE = {"libc.so.7", "libm.so.5", "libthr.so.3", "libgcc_s.so.1"}
# The newest symbols of FreeBSD 14.0; 15 begins with FBSD_1.8.
NEWEST_SYMBOLS = (1, 7)
FREEBSD_LOADER = "/libexec/ld-elf.so.1"


class NotElf(Exception):
    """The bytes are no ELF file that can be read."""


@dataclass
class Elf:
    """What was found."""

    machine: str
    bits: int
    kind: int
    loader: str | None = None
    # `__FreeBSD_version`; None: no program of FreeBSD.
    freebsd: int | None = None
    needed: list = field(default_factory=list)
    # Library to the symbol versions that are asked of it.
    versions: dict = field(default_factory=dict)
    search_path: str | None = None
    has_symbols: bool = False
    executable_stack: bool = True
    relro: bool = False


def read(data):
    """An Elf of a file's bytes."""
    try:
        return _read(data)
    except (struct.error, IndexError, KeyError, OverflowError, ValueError) as error:
        raise NotElf(f"cut off or damaged: {error}") from error


def _read(data):
    if data[:4] != b"\x7fELF":
        raise NotElf("the file does not begin as an ELF file")
    if data[4] != 2 or data[5] != 1:
        raise NotElf("not 64 bits, or not little-endian")
    kind, machine = struct.unpack_from("<HH", data, 16)
    phoff, shoff = struct.unpack_from("<QQ", data, 32)
    phsize, phnum, shsize, shnum = struct.unpack_from("<HHHH", data, 54)
    found = Elf(MACHINES.get(machine, str(machine)), 64, kind)
    segments = [struct.unpack_from("<IIQQQQQQ", data, phoff + i * phsize) for i in range(phnum)]
    loads = [(vaddr, offset, size) for sort, _, offset, vaddr, _, size, _, _ in segments if sort == PT_LOAD]

    def place(address):
        for vaddr, offset, size in loads:
            if vaddr <= address < vaddr + size:
                return address - vaddr + offset
        raise ValueError(f"nothing is loaded at {address:#x}")

    for sort, flags, offset, _, _, size, _, _ in segments:
        if sort == PT_INTERP:
            found.loader = _text(data, offset)
        elif sort == PT_NOTE and found.freebsd is None:
            found.freebsd = _freebsd(data[offset:offset + size])
        elif sort == PT_GNU_STACK:
            found.executable_stack = bool(flags & PF_X)
        elif sort == PT_GNU_RELRO:
            found.relro = True
        elif sort == PT_DYNAMIC:
            _dynamic(found, data, offset, size, place)
    for i in range(shnum):
        found.has_symbols |= struct.unpack_from("<II", data, shoff + i * shsize)[1] == SHT_SYMTAB
    return found


def _text(data, offset):
    return data[offset:data.index(0, offset)].decode("ascii")


def _freebsd(notes):
    at = 0
    while at + 12 <= len(notes):
        name_size, size, sort = struct.unpack_from("<III", notes, at)
        name = notes[at + 12:at + 12 + name_size]
        value = at + 12 + (name_size + 3 & ~3)
        if name == b"FreeBSD\0" and sort == NT_FREEBSD_ABI_TAG:
            return struct.unpack_from("<I", notes, value)[0]
        at = value + (size + 3 & ~3)
    return None


def _dynamic(found, data, offset, size, place):
    entries = [struct.unpack_from("<QQ", data, at) for at in range(offset, offset + size, 16)]
    one = dict(entries)
    strings = place(one[DT_STRTAB])
    found.needed = [_text(data, strings + value) for tag, value in entries if tag == DT_NEEDED]
    for tag in (DT_RPATH, DT_RUNPATH):
        if tag in one:
            found.search_path = _text(data, strings + one[tag])
    at = place(one[DT_VERNEED]) if DT_VERNEED in one else 0
    for _ in range(one.get(DT_VERNEEDNUM, 0)):
        _, count, file, aux, following = struct.unpack_from("<HHIII", data, at)
        names, here = [], at + aux
        for _ in range(count):
            _, _, _, name, further = struct.unpack_from("<IHHII", data, here)
            names.append(_text(data, strings + name))
            here += further
        found.versions[_text(data, strings + file)] = sorted(names)
        at += following


def mistakes(data, machine, paths=()):
    """Sentences: why this is no agent for FreeBSD 14 and 15 on `machine`, made anywhere.

    `paths` are folders of the host that compiled, none of which may stand in the program.
    """
    try:
        elf = read(data)
    except NotElf as error:
        return [str(error)]
    wrong = []
    if elf.machine != machine:
        wrong.append(f"it is for {elf.machine}, not {machine}")
    if elf.kind != ET_DYN:
        wrong.append("it can be loaded at one address only (no PIE)")
    if elf.freebsd is None:
        wrong.append("it has no note of FreeBSD's ABI, so FreeBSD's kernel does not start it")
    elif elf.freebsd // 100_000 != 14:
        wrong.append(f"it was made for FreeBSD {elf.freebsd}, and not for 14")
    if elf.loader != FREEBSD_LOADER:
        wrong.append(f"it is loaded by {elf.loader}, not {FREEBSD_LOADER}")
    for library in sorted(set(elf.needed) - BASE):
        wrong.append(f"it needs {library}, which is not in base with the same name in FreeBSD 14 and 15")
    for library, versions in sorted(elf.versions.items()):
        for name in versions:
            if not _is_old_enough(name):
                wrong.append(f"it needs {name} of {library}, which FreeBSD 14.0 does not promise")
    if elf.search_path is not None:
        wrong.append(f"it looks for libraries in {elf.search_path} too")
    if elf.executable_stack or not elf.relro:
        wrong.append("its stack can be executed, or its tables can be written")
    return wrong + _common(data, elf, paths)


def _is_old_enough(name):
    found = re.fullmatch(r"FBSD_(\d+)\.(\d+)", name)
    return bool(found) and (int(found[1]), int(found[2])) <= NEWEST_SYMBOLS


def _common(data, elf, paths):
    wrong = ["it still has its symbols (not stripped)"] if elf.has_symbols else []
    return wrong + [f"{path} of the host that compiled it stands in it"
                    for path in map(str, paths) if path.encode() in data]


def linux_mistakes(data, machine, glibc, paths=()):
    """The same for Linux: no more than the C library, no newer than `glibc` (such as (2, 31))."""
    try:
        elf = read(data)
    except NotElf as error:
        return [str(error)]
    wrong = [] if elf.machine == machine else [f"it is for {elf.machine}, not {machine}"]
    for name in sorted({name for names in elf.versions.values() for name in names}):
        found = re.fullmatch(r"GLIBC_(\d+)\.(\d+)(\.\d+)?", name)
        if found and (int(found[1]), int(found[2])) > glibc:
            wrong.append(f"it needs {name}, and {'.'.join(map(str, glibc))} is promised")
    glibcs = re.compile(r"(libc|libm|libpthread|libdl|librt|libgcc_s)\.so\.\d|ld-linux-[\w-]+\.so\.\d")
    for library in elf.needed:
        if not glibcs.fullmatch(library):
            wrong.append(f"it needs {library}, which not every Linux has")
    return wrong + _common(data, elf, paths)
