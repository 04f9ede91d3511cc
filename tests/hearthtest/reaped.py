"""reaped.py COMMAND...: runs a command and kills all that it started and left, as FreeBSD's pkg does with what a
package's script started (libpkg/scripts.c: PROC_REAP_ACQUIRE before it, PROC_REAP_KILL with SIGKILL after it)."""

import ctypes
import os
import pathlib
import signal
import subprocess
import sys

PR_SET_CHILD_SUBREAPER = 36


def descendants(process):
    """Numbers of all processes below one."""
    parents = {}
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            # Behind the name, which may have any character: state and parent.
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    found = {process}
    while more := {one for one, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {process}


def main():
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        sys.exit("prctl failed")
    code = subprocess.call(sys.argv[1:])
    while left := descendants(os.getpid()):
        for process in left:
            os.kill(process, signal.SIGKILL)
        while True:
            try:
                os.wait()
            except ChildProcessError:
                break
    sys.exit(code)


if __name__ == "__main__":
    main()
