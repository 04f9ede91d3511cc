"""The page docs/bench.md: what is between its markers is what was measured, the rest is prose."""

import measure
from table import mib, milliseconds, table

BEGIN, END = "<!-- {}: begin -->", "<!-- {}: end -->"


def write(path, part, text):
    """Puts `text` between the markers of a part of the page."""
    begin, end = BEGIN.format(part), END.format(part)
    page = path.read_text() if path.exists() else f"# Bench\n\n{begin}\n{end}\n"
    before, _, rest = page.partition(begin)
    _, marker, after = rest.partition(end)
    if not marker:
        raise SystemExit(f"{path} lacks its markers {begin} and {end}")
    path.write_text(f"{before}{begin}\n{text.strip()}\n{end}{after}")


def text(found):
    """All tables. `found` is what `__main__` gathered."""
    tftp, http = found.tftp, found.http
    parts = ["## Machine", table(["what", "which"], found.machine),
             "## Bars", bars(found),
             "## TFTP: megabytes a second", tftp.tftp("speed"),
             "## TFTP: CPU seconds per gigabyte", tftp.tftp("cost"),
             "## HTTP: megabytes a second", http.http("speed"),
             "## HTTP: CPU seconds per gigabyte", http.http("cost"),
             "## Memory and start", footprints(found),
             "## Noise and troubles", troubles(found)]
    return "\n\n".join(parts)


def bars(found):
    rows = []
    for comparison, protocol, counts in ((found.tftp, "TFTP", measure.CLIENTS),
                                         (found.http, "HTTP", measure.HTTP_CLIENTS)):
        for what, name, sign in (("speed", "throughput", ">="), ("cost", "CPU per byte", "<=")):
            if (protocol, what) == ("HTTP", "cost"):
                sign = ""  # DESIGN sets no bar here
            for clients in counts:
                middle, worst, met, word = comparison.bar(what, clients)
                rows.append([f"{protocol} {name}, {clients} client{'s' * (clients > 1)}",
                             f"{sign} 1" if sign else "none", middle, worst,
                             met, word if sign else "-"])
    for name, limit, value, unit in found.absolute():
        word = "met" if value < limit else "missed"
        rows.append([name, f"< {limit} {unit}", f"{value:.3g} {unit}", "", "", word])
    return table(["what, Hearth to the best peer", "bar", "median", "worst", "cells met", "bar"], rows)


def footprints(found):
    rows = []
    for name, footprint in found.footprints.items():
        rows.append([name, mib(footprint.idle), mib(footprint.peak),
                     f"{footprint.idle_cpu / measure.IDLE_SECONDS * 1000:.2f}",
                     milliseconds(found.starts[name])])
    return table(["server", "idle MiB", f"peak MiB", "idle CPU ms/s", "start ms"], rows)


def troubles(found):
    spread = (f"In the middle cell the rounds differ by {found.tftp.spread():.0%} (TFTP) and "
              f"{found.http.spread():.0%} (HTTP) of the median.")
    rows = found.tftp.troubles() + found.http.troubles()
    if not rows:
        return f"{spread} No transfer failed, and nothing had to be sent again."
    head = ["server", "clients", "blksize", "window", "failures", "resends", "runs with a client at 0"]
    return f"{spread}\n\n{table(head, rows)}"
