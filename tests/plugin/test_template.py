"""hearth.toml as OPNsense's template engine renders it, judged by the agent."""

import os
import subprocess
import tomllib
import xml.etree.ElementTree as ElementTree

import core
import declared
import pytest

from hearthtest.agent import binary

HEAD = 'server.addresses = ["127.0.0.1"]\n'
MODEL = core.PLUGIN / "opnsense/mvc/app/models/OPNsense/Hearth/Hearth.xml"


def rendered(hearth):
    return HEAD + core.render("Hearth/Agent/hearth.toml", core.config_xml(hearth))


@pytest.fixture
def check(tmp_path):
    """What the agent says of a configuration: its code, and its text."""

    def judge(hearth):
        text = rendered(hearth)
        file = tmp_path / "hearth.toml"
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o640)
        with open(descriptor, "w", encoding="utf-8") as out:
            out.write(text)
        (tmp_path / "secrets").mkdir(mode=0o750, exist_ok=True)
        for variable in rows(hearth, "variables", "variable"):
            if variable["type"] == "secret":
                (tmp_path / "secrets" / variable["@uuid"]).write_text(variable["secret"] + "\n")
                (tmp_path / "secrets" / variable["@uuid"]).chmod(0o640)
        done = subprocess.run([binary(), "--config", file, "check"], capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout + done.stderr, text

    return judge


def rows(hearth, section, name):
    found = hearth.get(section)
    found = found.get(name, []) if isinstance(found, dict) else []
    return found if isinstance(found, list) else [found]


@pytest.mark.parametrize("name", declared.TAKEN)
def test_the_agent_takes_it(name, check):
    code, said, text = check(declared.TAKEN[name])
    assert (code, "error" in said) == (0, False), f"{said}\n{text}"
    assert "configuration is valid" in said


@pytest.mark.parametrize("name", declared.REFUSED)
def test_the_agent_names_the_mistake(name, check):
    hearth, expected = declared.REFUSED[name]
    code, said, text = check(hearth)
    assert code == 78, f"{said}\n{text}"
    assert expected in said, f"{said}\n{text}"
    assert "^" in said, "a mistake of TOML itself has no place in a table"
    tomllib.loads(text)


def test_all_that_is_declared_arrives():
    said = tomllib.loads(rendered(declared.everything()))
    assert said["server"] == {
        "addresses": ["127.0.0.1"],
        "user": "hearth",
        "http_port": 18069,
        "tftp_port": 1069,
        "own_files": True,
        "unknown": "profile debian-auto",
    }
    assert said["menu"]["items"] == ["talos-omni", "rescue", "netboot.xyz", "local"]
    assert said["menu"]["default"] == "talos-omni"
    assert said["observe"] == {"enabled": True, "interfaces": ["lo"]}
    talos, debian, rescue, _, _ = said["image"]
    assert talos["overlay"]["options"] == {"configTxt": "dtoverlay=vc4-kms-v3d", "spi": True}
    assert talos["meta"] == [{"key": 10, "value": "machine: {}"}, {"key": 12, "value": "second"}]
    assert talos["extra_kernel_arguments"] == ["net.ifnames=0", "console=ttyS0"]
    assert debian == {
        "name": "debian",
        "recipe": "debian",
        "version": "bookworm",
        "mirror": "https://deb.debian.org/debian",
    }
    assert rescue["kernel"]["sha256"].islower() and "version" not in rescue
    assert [initrd if isinstance(initrd, str) else initrd["url"] for initrd in rescue["initrds"]] == [
        "https://files.example/a.gz",
        "https://files.example/b.gz",
    ]
    _, auto = said["profile"]
    assert auto["arguments"] == ["auto=true", "priority=critical", "preseed/url=${answer:preseed.cfg}"]
    assert auto["variables"] == {
        "root_password": {"file": f"secrets/{declared.SECRET}"},
        "disk": "/dev/sda",
        "size": -12,
        "swap": False,
        "packages": ["ssh", "curl"],
    }
    answer = auto["answers"]["preseed.cfg"]["text"]
    assert answer.count("\n") == 3 and "\r" not in answer
    assert [policy["name"] for policy in said["policy"]] == ["old IBM servers", "all others"]
    assert said["policy"][0]["match"] == {
        "manufacturer": "IBM*",
        "product": ["*x3550*", "*x3650*", "!*M4*"],
        "asset": "\\!old",
        "platform": "pcbios",
        "memory": ">= 16 GiB",
        "name": "node-*",
        "secure_boot": False,
    }
    assert said["policy"][1]["match"] == {}
    oden, thor = said["machine"]
    assert oden["mac"] == ["5C-F3-FC-01-02-03", "5c:f3:fc:01:02:04"]
    assert oden["variables"] == {"disk": "/dev/nvme0n1"} and oden["profile"] == "debian-auto"
    assert thor == {"name": "thor", "mac": ["52:54:00:77:00:01"]}
    assert [webhook["name"] for webhook in said["webhook"]] == ["chat"]
    assert "a \"quoted\"" not in rendered(declared.everything()), "a secret variable stands in its own file"


HOSTILE = 'a"b\\c\'d\n]\n[server]\nroot = "/"\r\U0001f600\x7f\x85\u2028 {{ 7777*7777 }} {% raw %} <script>'


def fields():
    """Every field of the model: section, row or none, field."""
    for section in ElementTree.parse(MODEL).getroot().find("items"):
        for node in section:
            if node.get("type") == "ArrayField":
                yield from ((section.tag, node.tag, field.tag) for field in node)
            else:
                yield section.tag, None, node.tag


@pytest.mark.parametrize("section, row, field", list(fields()))
def test_no_value_of_any_field_breaks_out_of_its_string(section, row, field):
    hearth = declared.everything()
    target = hearth.setdefault(section, {})
    if row is None:
        target[field] = HOSTILE
    else:
        found = target.get(row) or [{}]
        found = found if isinstance(found, list) else [found]
        target[row] = [one | {field: f"{HOSTILE}{number}"} for number, one in enumerate(found)]
    said = tomllib.loads(rendered(hearth))
    assert said["server"]["addresses"] == ["127.0.0.1"]
    assert "root" not in said["server"]
    assert "60481729" not in str(said)


def test_every_field_reaches_the_agent_or_has_its_reason():
    """A field that nobody renders would be a promise that is not kept."""
    elsewhere = {
        "general.enabled", "general.interfaces", "general.addresses", "general.ipv6", "general.serve",
        "general.firewall", "general.unknown_profile", "api.interfaces", "dhcp.http_boot", "variables.machine",
        "variables.profile", "variables.type", "variables.secret", "answers.profile", "policies.sequence",
    }  # fmt: skip
    template = (core.TEMPLATES / "OPNsense/Hearth/Agent/hearth.toml").read_text()
    for section, row, field in fields():
        if f"{section}.{field}" not in elsewhere and field not in ("description", "enabled"):
            assert f".{field}" in template or f"'{field}'" in template, f"{section}.{field}"


@pytest.mark.parametrize(
    "general, enabled",
    [({}, "NO"), ({"enabled": "1"}, "YES"), ({"enabled": "1", "serve": "master"}, "NO"), ({"enabled": "0"}, "NO")],
)
def test_rc_starts_it_only_where_it_always_serves(general, enabled, tmp_path):
    text = core.render("Hearth/rc.conf.d", core.config_xml({"general": general} if general else {}))
    script = tmp_path / "hearth"
    script.write_text(text + "echo $hearth_enable $hearth_setup")
    said = subprocess.run(["sh", "-eu", script], capture_output=True, text=True, check=True).stdout
    assert said.split()[0] == enabled
    assert (core.PLUGIN / said.split()[1].removeprefix("/usr/local/")).exists()
