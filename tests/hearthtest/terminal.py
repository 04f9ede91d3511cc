"""A real terminal, by tmux: programs run in it, keys are pressed, and what a person would see is read."""

import os
import subprocess
import tempfile

from hearthtest.wait import Expired, wait_for


class Terminal:
    """A shell in a terminal of its own, in a tmux of its own. `variables` are added to its environment."""

    def __init__(self, columns=80, rows=24, **variables):
        # A socket's path may not be as long as those of pytest's folders.
        self.folder = tempfile.TemporaryDirectory(prefix="hearth-")
        self.socket = f"{self.folder.name}/tmux"
        self.run("new-session", "-d", "-x", str(columns), "-y", str(rows),
                 "env", "-u", "NO_COLOR", "-u", "COLUMNS", "-u", "LINES", "LC_ALL=C.UTF-8", "PS1=$ ",
                 *(f"{key}={value}" for key, value in variables.items()), "sh")
        self.process = int(self.run("display-message", "-p", "#{pane_pid}"))

    def run(self, *arguments):
        done = subprocess.run(["tmux", "-S", self.socket, "-f", "/dev/null", *arguments],
                              capture_output=True, text=True, timeout=20,
                              env={**os.environ, "LC_ALL": "C.UTF-8", "TERM": "xterm-256color"})
        assert done.returncode == 0, (arguments, done.stderr)
        return done.stdout

    def type(self, text):
        """Types a line and presses enter."""
        self.run("send-keys", "-l", text)
        self.press("Enter")

    def press(self, *keys):
        """Presses keys by tmux's names for them: `Enter`, `Down`, `q`, `C-c`."""
        self.run("send-keys", *keys)

    def screen(self, colours=False):
        """What is on the screen."""
        return self.run("capture-pane", "-p", *(["-e"] if colours else []))

    def shows(self, *texts, seconds=10):
        """Waits until all of these are on the screen, and returns it."""
        def look():
            now = self.screen()
            return now if all(text in now for text in texts) else None
        try:
            return wait_for(look, f"{texts} on the screen", seconds)
        except Expired as error:
            raise AssertionError(f"{error}; it shows\n{self.screen()}") from None

    def lacks(self, text, seconds=10):
        """Waits until this is not on the screen any more, and returns it."""
        def look():
            now = self.screen()
            return None if text in now else now
        return wait_for(look, f"{text!r} left the screen", seconds)

    def resize(self, columns, rows):
        self.run("resize-window", "-x", str(columns), "-y", str(rows))

    def is_other_screen(self):
        """Whether a program has put its own screen before the shell's."""
        return self.run("display-message", "-p", "#{alternate_on}").strip() == "1"

    def has_cursor(self):
        return self.run("display-message", "-p", "#{cursor_flag}").strip() == "1"

    def close(self):
        subprocess.run(["tmux", "-S", self.socket, "kill-server"], capture_output=True, timeout=20)
        self.folder.cleanup()
