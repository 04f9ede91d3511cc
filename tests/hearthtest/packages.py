"""What the packages' tests share: where the tree is, and `hearthpkg` on the path."""

import sys

from hearthtest.agent import TREE

__all__ = ["TIME", "TREE"]

# The time that packages carry in the tests: the first second of 2026.
TIME = 1_767_225_600

sys.path.insert(0, str(TREE / "pkg"))
# No caches in the tree that is packed.
sys.dont_write_bytecode = True
