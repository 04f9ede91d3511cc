"""Archives that come out the same, byte for byte, whoever makes them, wherever and whenever."""

import gzip
import io
import subprocess
import tarfile
from dataclasses import dataclass

from .source import Refused


@dataclass(frozen=True)
class Entry:
    """A file, a symbolic link (`link`) or a folder (neither) of a package."""

    path: str
    data: bytes | None = None
    mode: int = 0o644
    link: str | None = None


def tar(entries, time, group="root"):
    """A tar of entries (names as they are) in the given order, owned by root and by group 0 of this name."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for entry in entries:
            info = tarfile.TarInfo(entry.path)
            info.mtime, info.mode = time, entry.mode
            info.uname, info.gname = "root", group
            if entry.link is not None:
                info.type, info.linkname, info.mode = tarfile.SYMTYPE, entry.link, 0o755
            elif entry.data is None:
                info.type = tarfile.DIRTYPE
            else:
                info.size = len(entry.data)
            archive.addfile(info, io.BytesIO(entry.data or b""))
    return out.getvalue()


def zstd(data):
    """Compressed by one thread, since several cut the data by what they have."""
    done = subprocess.run(["zstd", "-q", "-19", "--single-thread", "-c"], input=data, capture_output=True)
    if done.returncode:
        raise Refused(f"zstd: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


def gz(data):
    """Compressed, without name and time."""
    return gzip.compress(data, 9, mtime=0)
