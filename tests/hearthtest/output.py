"""What a command that goes on says, as it comes."""

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time


def hears_interrupts():
    """What was started in the background has its interrupts ignored, and so has all that it starts."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Running:
    """A command that runs until it is told to end, at a pipe or at a terminal."""

    def __init__(self, command, terminal=None):
        self.said, self.where = "", 0
        if terminal:
            columns, rows = terminal
            master, slave = pty.openpty()
            fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        else:
            master, slave = os.pipe()
        self.master = master
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=slave, stderr=slave,
                                        preexec_fn=hears_interrupts)
        os.close(slave)

    def next(self, text, seconds=60):
        """Waits for a text behind the one that was waited for last; returns what came up to its end."""
        deadline = time.monotonic() + seconds
        while (at := self.said.find(text, self.where)) < 0:
            ready, _, _ = select.select([self.master], [], [], max(0, deadline - time.monotonic()))
            assert ready, f"{text!r} did not come: {self.said[self.where:]!r}"
            try:
                come = os.read(self.master, 65536)
            except OSError:
                come = b""
            assert come, f"it ended before {text!r}: {self.said[self.where:]!r}"
            self.said += come.decode(errors="replace")
        begin, self.where = self.where, at + len(text)
        return self.said[begin:self.where]

    def end(self, how):
        """Sends a signal, and returns the exit code."""
        self.process.send_signal(how)
        return self.process.wait(timeout=30)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        os.close(self.master)
