"""The plugin's own PHPUnit tests, and the core's with the plugin beside them, in a real OPNsense that has phpunit."""

import re

import pytest
from firewall import inside, needs_shell

TESTS = "/usr/local/opnsense/mvc/tests"


def phpunit(*arguments):
    """How many tests passed."""
    if not inside("sh", "-c", "command -v /usr/local/bin/phpunit || true"):
        pytest.skip("there is no phpunit in this OPNsense")
    told = inside("sh", "-c", f'cd {TESTS} && /usr/local/bin/phpunit --cache-result-file=/tmp/.phpunit "$@"', "sh", *arguments)
    return int(re.search(r"^OK \((\d+) tests", told, re.M)[1])


@needs_shell
def test_the_core_passes_its_tests_with_this_plugin_and_the_plugin_its_own():
    own = phpunit("--filter", "Hearth")
    assert own >= 80
    assert phpunit() > own + 200, "the core's own were among them"
