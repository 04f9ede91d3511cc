"""Patterns of policies: Patterns.php refuses what the agent refuses, and nothing else."""

import json
import re
import subprocess

import core
import pytest

from hearthtest.agent import binary

PATTERNS = core.PLUGIN / "opnsense/mvc/app/library/OPNsense/Hearth/Patterns.php"
CALL = """<?php
error_reporting(E_ALL);
set_error_handler(function ($number, $text) { throw new \\ErrorException($text); });
if (!function_exists('gettext')) { function gettext($text) { return $text; } }
require $argv[1];
$fault = fn($pair) => \\OPNsense\\Hearth\\Patterns::fault(...$pair);
echo json_encode(array_map($fault, json_decode(file_get_contents('php://stdin'), true)));
"""
# The agent's names of fields that have another one in the model.
NAMES = {"smbios_uuid": "uuid", "machine_name": "name"}
SIZES = """16 GiB|>= 16 GiB|>=16GiB|> 16 GiB|<= 16 GiB|< 8 GiB|= 8 GiB|8 GiB..64 GiB|8 GiB .. 64 GiB|!< 8 GiB|! < 8 GiB|*|!*
banana|16|>= 16|64 GiB..8 GiB|8 GiB..|..8 GiB|~ 8 GiB|< 0 B|<= 0 B|>= 16 gb|16  GiB|1.5 GiB|-1 GiB|8 GiB..16 GiB..32 GiB
99999999999999999999 B|999999999 TiB|8 GiB..8 GiB|>== 8 GiB|> = 8 GiB|>|!|!!8 GiB|0 B|1 KB|1 kB|8GiB|16 GiB;"""
MACS = """5c:f3:fc:01:02:03|5C-F3-FC-01-02-03|5cf3.fc01.0203|5cf3fc010203|5c:f3:fc|5c:f3:fc:|5c:f3:fc:*|5c:f3:f*|5c-f3-*|5cf3.*
5cf3fc|5cf3f*|*:03|*2:03|*0203|5c:*:03|5c:f3:fc:0?:02:0?|5c:f3:fc:0?:*|5c:f3:fc:01:02:03*|5c:f3:fc:01:02:03:*|*|?
5c:f3:f|*:f3:*|5c:f3:fc:01:02:03:04|5c:f3:fc:01:02:0304|5c-f3:fc|5cf3fc01020|5cf3fc0102034|gg:f3|5c:f3fc:01|:f3|::|5c::fc|:
5cf3fc01.0203|5cf3.fc|*5cf3.fc01.0203|5c:f3:fc:01:02:03*04|!5c:f3:*|ff:ff:ff:ff:ff:ff|5c f3|banana|5c:*0203|**|5c?|??:*"""
UUIDS = """4c4c4544-0042-3510-8056-b4c04f4a3332|4C4C4544-*|4c4c4544|4c4c4544-|4c4c45440042351080 56|4c4c4544004235108056b4c04f4a3332
4c4c-*|4c4c*|*-b4c04f4a3332|*3332|4c4c4544-0042-3510-8056-b4c04f4a333|4c4c4544-0042-3510-8056-b4c04f4a33322|4c4c4544:0042|4c4c4|no"""
CARDS = "14e4:1639|14e4:*|14E4:1639|14e4|14e4:|bnx2|*:1639|14e4:16??|14e4:16*|14e41639|14e4:163|1:1|14e4-1639|14e4:1639:1"
BUSES = "01:14:e4:16:39|01:14:e4:*|0114e41639|0114e4*|01:14:e4|0114e4163|PCI01|01-14|01:14:e4:16:39:00"
ADDRESSES = """192.168.1.7|192.168.1.0/24|192.168.1.10..192.168.1.50|192.168.1.10 .. 192.168.1.50|fd00:1::/64|fd00::1|192.168.1.*
192.168.*|10.*.*.*|192.168.1.5/24|192.168.*.7|10.0.0.9..10.0.0.1|oden|224.0.0.1|192.168.1|192.168.01.1|256.1.1.1|256.*|1.2.3.4.*
*.1.2.3|192.168.1.?|10.0.0.1..fd00::1|..10.0.0.1|10.0.0.1..|::ffff:10.0.0.1|10.0.0.1..::ffff:10.0.0.9|0.0.0.0/0|10.0.0.0/33|::/0
fd00:1::1/64|10.0.0.0/|10.0.0.0/x|/24|10.0.0.0/8/8|fe80::1%eth0|10.1.2.3/32|10.0.0.0/08|1.*.*.*.*|007.*"""
NETWORKS = ADDRESSES + "|192.168.1.1|10.0.0.128/25|10.0.0.128/24|2001:db8::/32|2001:db8::/129"
TEXTS = r"IBM|IBM*|!Dell*|!|!!IBM|! !IBM|IBM\*|IBM\x|IBM\\|IBM\|\!old|\\\|= IBM|!= IBM|*|**|?|a b  c|Füchse|ｗ"


def patterns():
    for field, text in [("memory", SIZES), ("mac", MACS), ("smbios_uuid", UUIDS), ("nic", CARDS), ("busid", BUSES),
                        ("ip", ADDRESSES), ("subnet", NETWORKS), ("manufacturer", TEXTS), ("machine_name", TEXTS),
                        ("architecture", "amd64|x86_64|nonsense|amd*"), ("tag", "lab 7|lab|! keep"),
                        ("product", "x" * 128 + "|" + "x" * 129 + "|" + "ü" * 64 + "|" + "ü" * 65)]:
        for line in text.splitlines():
            yield from ((field, pattern) for pattern in line.split("|"))


@pytest.fixture(scope="module")
def agents(tmp_path_factory):
    """The lines of a configuration that the agent refuses: one line a pattern."""
    folder = tmp_path_factory.mktemp("check")
    lines = ['[server]', 'addresses = ["127.0.0.1"]', '[[image]]', 'name = "i"', 'recipe = "netboot.xyz"', '[[profile]]', 'name = "p"', 'image = "i"']
    places = {}
    for number, (field, pattern) in enumerate(patterns()):
        lines += ["[[policy]]", f'name = "{number}"', 'profile = "p"',
                  f"match.{NAMES.get(field, field)} = {json.dumps(pattern, ensure_ascii=False)}"]
        places[len(lines)] = (field, pattern)
    (folder / "hearth.toml").write_text("\n".join(lines) + "\n")
    done = subprocess.run([binary(), "--config", folder / "hearth.toml", "check"], capture_output=True, text=True, timeout=120)
    refused = {int(line) for line in re.findall(r"hearth\.toml:(\d+):\d+: error:", done.stdout + done.stderr)}
    assert len(refused) > 60 and refused <= set(places), sorted(refused - set(places))
    return {places[line] for line in refused}


def test_what_is_refused_is_what_the_agent_refuses(agents):
    asked = list(patterns())
    done = subprocess.run(["php", "-r", CALL.removeprefix("<?php"), PATTERNS], input=json.dumps(asked),
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    faults = dict(zip(asked, json.loads(done.stdout), strict=True))
    ours = {pair for pair, fault in faults.items() if fault is not None}
    assert ours - agents == set(), "the agent takes these"
    assert agents - ours == set(), "only apply says so of these"
    assert all(fault[0] in '"AB' and fault[-1] == "." for fault in faults.values() if fault)
