"""Kills the agent at random moments under load; see scripts/kills."""

import argparse
import pathlib
import random
import shutil
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from hearthtest.kills.run import run  # noqa: E402


def parse():
    parser = argparse.ArgumentParser(prog="scripts/kills", description=__doc__)
    parser.add_argument("kills", nargs="?", type=int, default=1_000, help="kills (default 1000)")
    parser.add_argument("--seed", type=int, help="for the same moments and steps again, as far as the "
                        "machine's pace allows")
    parser.add_argument("--folder", type=pathlib.Path, help="an empty folder for the agent (default: a "
                        "new one, removed at the end unless something was wrong)")
    return parser.parse_args()


def main():
    arguments = parse()
    seed = random.getrandbits(32) if arguments.seed is None else arguments.seed
    folder = arguments.folder or pathlib.Path(tempfile.mkdtemp(prefix="hearth-kills-"))
    print(f"seed {seed}, in {folder}", flush=True)
    began = time.monotonic()
    try:
        done = run(folder, arguments.kills, seed, lambda text: print(text, flush=True))
    except BaseException:
        print(f"seed {seed}; the agent's folder stays: {folder}", file=sys.stderr)
        raise
    print(f"{done.told()}, {time.monotonic() - began:.0f} s: nothing that was acknowledged was lost, "
          "no decision was wrong, no file was half")
    if not arguments.folder:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
