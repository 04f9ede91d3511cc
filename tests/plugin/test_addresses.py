"""Which addresses are served: Addresses.php with stand-ins for what the core says of interfaces."""

import json
import subprocess

import core
import pytest

ADDRESSES = core.PLUGIN / "opnsense/mvc/app/library/OPNsense/Hearth/Addresses.php"

# The core's answers: what ifconfig shows, by its functions' names and forms.
STAND_INS = """<?php
namespace OPNsense\\Hearth {
    class Field {
        public function __construct(private $value) {}
        public function getValue() { return $this->value; }
        public function getValues() { return explode(',', $this->value); }
        public function isEmpty() { return empty($this->value); }
    }
    class Hearth {
        public $general;
        public function __construct($values) {
            $this->general = (object)array_map(fn($value) => new Field($value), $values);
        }
    }
}
namespace {
    $given = json_decode(file_get_contents('php://stdin'), true);
    function legacy_interfaces_details() { return $GLOBALS['given']['details']; }
    function get_real_interface($name) { return "dev_{$name}"; }
    function config_read_array(...$path) { return $GLOBALS['given']['vips']; }
    function interfaces_addresses($name, $subnet, $details) { return $GLOBALS['given']['addresses'][$name] ?? []; }
    require $argv[1];
    $addresses = new \\OPNsense\\Hearth\\Addresses(new \\OPNsense\\Hearth\\Hearth($given['general']));
    echo json_encode([$addresses->of(explode(',', $given['general']['interfaces'])), $addresses->master()]);
}
"""


def one(address, **more):
    family = "inet6" if ":" in address else "inet"
    usual = {"alias": False, "scope": False, "tentative": False, "detached": False, "deprecated": False}
    return {"address": address, "family": family} | usual | more


LAN = [
    one("192.168.1.2"),
    one("192.168.1.1", alias=True),
    one("192.168.1.9", alias=True),
    one("192.168.1.8", alias=True),
    one("fe80::1", scope=True),
    one("fd00:1::2"),
    one("fd00:1::1", alias=True),
    one("fd00:1::3", tentative=True),
    one("fd00:1::4", deprecated=True),
]
VIPS = [
    {"interface": "lan", "mode": "carp", "subnet": "192.168.1.1"},
    {"interface": "lan", "mode": "ipalias", "vhid": "", "subnet": "192.168.1.9"},
    {"interface": "lan", "mode": "ipalias", "vhid": "1", "subnet": "192.168.1.8"},
    {"interface": "lan", "mode": "carp", "subnet": "FD00:1:0::1"},
    {"interface": "opt1", "mode": "carp", "subnet": "192.168.1.9"},
]


def asked(addresses="interface", ipv6="0", interfaces="lan", roles=()):
    given = {
        "general": {"interfaces": interfaces, "addresses": addresses, "ipv6": ipv6},
        "addresses": {"lan": LAN},
        "vips": VIPS,
        "details": {f"dev_{name}": {"carp": {"1": {"status": status}}} for name, status in roles},
    }
    done = subprocess.run(
        ["php", "-d", "display_errors=stderr", "-r", STAND_INS.removeprefix("<?php"), ADDRESSES],
        input=json.dumps(given), capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0 and done.stderr == "", done.stdout + done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    "addresses, ipv6, expected",
    [
        ("interface", "0", ["192.168.1.2"]),
        ("interface", "1", ["192.168.1.2", "fd00:1::2"]),
        ("carp", "0", ["192.168.1.1", "192.168.1.8"]),
        ("carp", "1", ["192.168.1.1", "192.168.1.8", "fd00:1::1"]),
        ("both", "1", ["192.168.1.2", "fd00:1::2", "192.168.1.1", "192.168.1.8", "fd00:1::1"]),
    ],
)
def test_the_chosen_addresses_of_an_interface(addresses, ipv6, expected):
    assert asked(addresses, ipv6)[0] == {"lan": expected}


def test_an_interface_without_an_address():
    assert asked(interfaces="lan,opt1")[0] == {"lan": ["192.168.1.2"], "opt1": []}


@pytest.mark.parametrize(
    "roles, master",
    [
        ([], False),
        ([("lan", "BACKUP")], False),
        ([("lan", "INIT")], False),
        ([("lan", "MASTER")], True),
        ([("wan", "MASTER")], False),
        ([("lan", "BACKUP"), ("opt1", "MASTER")], True),
    ],
)
def test_who_is_master(roles, master):
    assert asked(interfaces="lan,opt1", roles=roles)[1] is master
