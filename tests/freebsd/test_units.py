"""The agent's unit tests, compiled for FreeBSD and run there."""

import re

import pytest

from hearthtest.agent import TREE
from hearthtest.guest import BROUGHT
from hearthtest.guest_site import UNIT_TESTS


@pytest.mark.parametrize("user", ["root", "nobody"])
def test_the_unit_tests_pass_on_freebsd(wire, user):
    if not UNIT_TESTS.exists():
        pytest.skip(f"no unit tests for FreeBSD at {UNIT_TESTS}: scripts/test freebsd makes them")
    # Root's folder is closed to others; what they read is where they were compiled. Linux has the whole of
    # 127.0.0.0/8 without a word.
    wire.run(f"cp {BROUGHT}/hearth-tests /tmp/hearth-tests && chmod 755 /tmp/hearth-tests && "
             f"mkdir -p {TREE} && cp -R {BROUGHT}/tree/ {TREE} && chmod -R a+rX {TREE} && "
             "ifconfig lo0 alias 127.0.0.9/32", 120)
    code, said = wire.run(f"chroot -u {user} / sh -c 'cd /tmp && ./hearth-tests -q --test-threads 2'", 3600, check=False)
    found = re.search(r"test result: ok\. (\d+) passed; 0 failed", said)
    assert code == 0 and found and int(found[1]) > 500, said
