"""The commands of a page of docs/, as they are written there."""

import re

from hearthtest.agent import TREE


class Page:
    """The blocks of commands of a page, taken one after the other, so that none is left out."""

    def __init__(self, name):
        self.name = name
        self.left = _blocks((TREE / "docs" / name).read_text())

    def take(self, heading, **words):
        """The lines of the next block, which stands under `heading`; `words` are put in place of what a reader puts in."""
        assert self.left, f"{self.name} has no block left for {heading}"
        where, lines = self.left.pop(0)
        assert where == heading, f"{self.name}: the next block is that of {where}, not of {heading}"
        for word, value in words.items():
            assert any(word in line for line in lines), f"{word} is not in {lines}"
            lines = [line.replace(word, value) for line in lines]
        return lines

    def end(self):
        assert not self.left, f"blocks of {self.name} that nobody tried: {self.left}"


def _blocks(text):
    """(heading, lines) of each indented block."""
    found, heading, is_block = [], None, False
    for line in text.splitlines():
        title = re.match(r"#+ (.*)", line)
        heading = title[1] if title else heading
        if line.startswith("    "):
            if not is_block:
                found.append((heading, []))
            found[-1][1].append(line.strip())
        is_block = line.startswith("    ")
    return found
