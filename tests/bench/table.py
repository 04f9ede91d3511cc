"""Tables of what was measured, in Markdown that can also be read on a terminal."""

import measure

MB, MIB = 1e6, 1 << 20


def table(head, rows):
    """A Markdown table with aligned columns."""
    rows = [head, *rows]
    widths = [max(len(str(row[column])) for row in rows) for column in range(len(head))]
    def line(row):
        return "| " + " | ".join(str(cell).rjust(width) if at else str(cell).ljust(width)
                                 for at, (cell, width) in enumerate(zip(row, widths))) + " |"
    rule = "|" + "|".join("-" * (width + 1) + (":" if at else "-")
                          for at, width in enumerate(widths)) + "|"
    return "\n".join([line(rows[0]), rule, *map(line, rows[1:])])


class Comparison:
    """Hearth and its peers in one kind of cells. `windowed`: who answers windowsize."""

    def __init__(self, results, peers, windowed=None):
        self.results, self.peers, self.windowed = results, peers, windowed or {}

    def samples(self, cell, name):
        """A server's samples, and whether they are those of a window of 1 in place of its own."""
        own = self.results.get((cell, name))
        if own or cell.protocol == "http":
            return own, False
        without = measure.Cell("tftp", cell.clients, cell.block_size, 1)
        return self.results.get((without, name)), True

    def verdict(self, cell, what):
        """Hearth's ratio to the best peer, and a word."""
        better = max if what == "speed" else min
        ours = self.samples(cell, "Hearth")[0]
        best = better((self.samples(cell, peer)[0] for peer in self.peers),
                      key=lambda samples: samples.median(what))
        ratio = ours.median(what) / best.median(what)
        if (ratio >= 1) if what == "speed" else (ratio <= 1):
            return ratio, "met"
        (low, high), (peer_low, peer_high) = ours.range(what), best.range(what)
        return ratio, "even" if low <= peer_high and peer_low <= high else "missed"

    def row(self, cell, what):
        shown = []
        for name in ("Hearth", *self.peers):
            samples, stand_in = self.samples(cell, name)
            value = samples.median(what)
            text = f"{value / MB:.1f}" if what == "speed" else f"{value:.2f}"
            shown.append(f"({text})" if stand_in else text)
        ratio, word = self.verdict(cell, what)
        return [*shown, f"{ratio:.2f}", word]

    def cells(self):
        return sorted({cell for cell, _ in self.results},
                      key=lambda cell: (cell.clients, cell.block_size, cell.window))

    def tftp(self, what):
        head = ["clients", "blksize", "window", "Hearth", *self.peers, "ratio", "bar"]
        return table(head, [[cell.clients, cell.block_size, cell.window, *self.row(cell, what)]
                            for cell in self.cells()])

    def http(self, what):
        head = ["clients", "Hearth", *self.peers, "ratio", "bar"]
        return table(head, [[cell.clients, *self.row(cell, what)] for cell in self.cells()])

    def bar(self, what, clients):
        """One line of the summary: the worst cell of so many clients, and how many met the bar."""
        verdicts = [(cell, *self.verdict(cell, what)) for cell in self.cells()
                    if cell.clients == clients]
        worst = (min if what == "speed" else max)(verdicts, key=lambda verdict: verdict[1])
        words = [word for _, _, word in verdicts]
        word = next(word for word in ("missed", "even", "met") if word in words)
        ratios = sorted(ratio for _, ratio, _ in verdicts)
        return (f"{ratios[len(ratios) // 2]:.2f}", f"{worst[1]:.2f}",
                f"{words.count('met')} of {len(words)}", word)

    def troubles(self):
        """Runs with failures or repeats, and clients that got nothing."""
        rows = []
        for (cell, name), samples in sorted(self.results.items(), key=str):
            counts = [sum(getattr(sample, what) for sample in samples.all)
                      for what in ("failures", "repeats", "starved")]
            if any(counts):
                rows.append([name, cell.clients, cell.block_size or "", cell.window or "", *counts])
        return rows

    def spread(self):
        """The middle of all cells' (highest - lowest) / median speed."""
        spreads = sorted((high - low) / samples.median("speed")
                         for samples in self.results.values()
                         for low, high in [samples.range("speed")])
        return spreads[len(spreads) // 2]


def mib(count):
    return f"{count / MIB:.1f}"


def milliseconds(seconds):
    return f"{seconds * 1000:.0f}"
