"""The plugin inside a real OPNsense: rules of the model, apply and its refusals, other admins."""

import concurrent.futures
import json
import os
import pathlib
import re
import subprocess

import firewall
import pytest
from firewall import HERE, add, ask, change, clean, inside, made, needs_api, needs_shell, post, rows, settings

from hearthtest.wait import wait_for

pytestmark = needs_api

TOML = "/usr/local/etc/hearth/hearth.toml"
TOKEN = "w7uVuW3zbVKIYQuzEcyetAHeYMeo5q2L9RvkAVfCfSCD"


@pytest.fixture(autouse=True)
def empty():
    clean()


@pytest.fixture
def applied():
    answer = post("service/reconfigure")
    assert answer["status"] == "ok", answer


@pytest.fixture
def talos():
    image = made("image", name="talos", recipe="talos", version="v1.11.2")
    return made("profile", name="talos-omni", image=image, omni_api="https://x.omni.siderolabs.io", omni_token=TOKEN)


@pytest.fixture
def debian():
    image = made("image", name="debian", recipe="debian", version="bookworm")
    return made("profile", name="debian-auto", image=image, installed="callback")


def validations(answer):
    assert answer["result"] == "failed", answer
    return answer["validations"]


def process():
    """The agent's process; rc's is that of daemon(8), which stays when the agent is another one."""
    return str(json.loads(inside("/usr/local/sbin/hearth", "status", "--json"))["process"])


# Rules, each told at its field.


def test_two_machines_with_one_mac_are_told_whose_it_is():
    made("machine", name="oden", mac="5c:f3:fc:01:02:03")
    said = validations(add("machine", name="thor", mac="52:54:00:00:00:01,5cf3.fc01.0203"))
    assert "oden has the MAC address 5c:f3:fc:01:02:03" in said["machine.mac"]
    assert "MAC" in validations(add("machine", name="thor", mac="5C-F3-FC-01-02-03"))["machine.mac"]
    assert [row["name"] for row in rows("machine")] == ["oden"]


def test_two_machines_with_one_uuid_or_one_address():
    uuid = "4c4c4544-0042-3510-8056-b4c04f4a3332"
    made("machine", name="oden", smbios_uuid=uuid, address="192.168.1.171/24", gateway="192.168.1.1")
    swapped = "44454c4c-4200-1035-8056-b4c04f4a3332"
    said = validations(
        add("machine", name="thor", smbios_uuid=swapped.upper(), address="192.168.1.171/25", gateway="192.168.1.129")
    )
    assert "oden" in said["machine.smbios_uuid"] and "oden" in said["machine.address"]


def test_a_name_is_free_in_its_own_kind_only(talos):
    assert "name" in validations(add("image", name="talos", recipe="memtest"))["image.name"]
    assert "name" in validations(add("profile", name="talos-omni", image=rows("image")[0]["uuid"]))["profile.name"]
    made("machine", name="talos", mac="52:54:00:00:00:01")


@pytest.mark.parametrize(
    "fields, field",
    [
        ({}, "mac"),
        ({"mac": "5c:f3"}, "mac"),
        ({"mac": ",".join(f"52:54:00:00:00:{n:02x}" for n in range(9))}, "mac"),
        ({"mac": "52:54:00:00:00:01", "address": "192.168.1.5/24"}, "gateway"),
        ({"mac": "52:54:00:00:00:01", "address": "192.168.1.5/24", "gateway": "10.0.0.1"}, "gateway"),
        ({"mac": "52:54:00:00:00:01", "address": "192.168.1.5", "gateway": "192.168.1.1"}, "address"),
        ({"mac": "52:54:00:00:00:01", "gateway": "192.168.1.1"}, "address"),
        ({"mac": "52:54:00:00:00:01", "profile": "99999999-0000-4000-8000-000000000009"}, "profile"),
        ({"mac": "52:54:00:00:00:01", "name": "two words"}, "name"),
        ({"mac": "52:54:00:00:00:01", "arguments": "caf\u00e9"}, "arguments"),
        (
            {
                "mac": "52:54:00:00:00:01",
                "address": "192.168.1.5/24",
                "gateway": "192.168.1.1",
                "dns": "1.1.1.1,8.8.8.8,9.9.9.9",
            },
            "dns",
        ),
    ],
)
def test_a_machine_that_cannot_be(fields, field):
    said = validations(add("machine", **({"name": "oden"} | fields)))
    assert list(said) == [f"machine.{field}"], said
    assert rows("machine") == []


@pytest.mark.parametrize(
    "fields, field",
    [
        ({"recipe": "talos"}, "version"),
        ({"recipe": "talos", "version": "1.11.2"}, "version"),
        ({"recipe": "debian"}, "version"),
        ({"recipe": "custom"}, "kernel"),
        ({"recipe": "custom", "kernel": "ftp://x"}, "kernel"),
        ({"recipe": "talos", "version": "v1.11.2", "extensions": "siderolabs"}, "extensions"),
        ({"recipe": "talos", "version": "v1.11.2", "overlay_name": "rpi"}, "overlay_image"),
        ({"recipe": "talos", "version": "v1.11.2", "meta": "300=x"}, "meta"),
        ({"recipe": "memtest", "sha256": "12"}, "sha256"),
    ],
)
def test_an_image_that_cannot_be(fields, field):
    assert list(validations(add("image", name="x", **fields))) == [f"image.{field}"]


@pytest.mark.parametrize("token", ['a"b', "a\nb", "a b", "x" * 4096, "\U0001f600", "<script>"])
def test_a_token_that_omni_cannot_have_made(token, talos):
    assert list(validations(change("profile", talos, omni_token=token))) == ["profile.omni_token"]


def test_omni_is_for_talos_and_needs_its_address(debian):
    said = validations(change("profile", debian, omni_api="https://x.omni.siderolabs.io"))
    assert "Talos" in said["profile.omni_api"]
    assert "address" in validations(change("profile", debian, omni_token=TOKEN))["profile.omni_api"]


def test_answers_need_an_end_of_the_installation(talos, debian):
    assert list(validations(add("answer", profile=talos, name="x", text="y"))) == ["answer.profile"]
    made("answer", profile=debian, name="preseed.cfg", text="x")
    assert list(validations(add("answer", profile=debian, name="preseed.cfg", text="y"))) == ["answer.name"]
    assert list(validations(change("profile", debian, installed="never"))) == ["profile.installed"]


def test_variables_are_somebodys_and_of_their_type(debian):
    assert list(validations(add("variable", name="a", type="string", value="x"))) == ["variable.profile"]
    machine = made("machine", name="oden", mac="52:54:00:00:00:01")
    both = add("variable", profile=debian, machine=machine, name="a", type="string", value="x")
    assert list(validations(both)) == ["variable.profile"]
    wrong = {"integer": "1.5", "boolean": "yes", "secret": "in the wrong field"}
    for kind, value in wrong.items():
        field = "secret" if kind == "secret" else "value"
        said = validations(add("variable", profile=debian, name="a", type=kind, value=value))
        assert list(said) == [f"variable.{field}"]
    made("variable", profile=debian, name="a", type="list", value="x\ny")
    made("variable", machine=machine, name="a", type="string", value="z")
    assert list(validations(add("variable", profile=debian, name="a", type="string"))) == ["variable.name"]


def test_settings_that_cannot_be(talos):
    assert list(validations(settings(general={"unknown": "profile"}))) == ["hearth.general.unknown_profile"]
    assert list(validations(settings(general={"interfaces": ""}))) == ["hearth.general.interfaces"]
    assert list(validations(settings(general={"http_port": "0"}))) == ["hearth.general.http_port"]
    assert list(validations(settings(api={"interfaces": "lan", "port": "8069"}))) == ["hearth.api.port"]
    assert list(validations(settings(menu={"items": "local", "default": "shell"}))) == ["hearth.menu.default"]
    gone = "99999999-0000-4000-8000-000000000009"
    assert list(validations(settings(menu={"items": f"local,{gone}"}))) == ["hearth.menu.items"]
    assert list(validations(settings(fetch={"timeout": "soon"}))) == ["hearth.fetch.timeout"]


def test_what_others_refer_to_is_not_deleted(talos):
    machine = made("machine", name="oden", mac="52:54:00:00:00:01", profile=talos)
    policy = made("policy", name="all", profile=talos)
    settings(menu={"items": f"{talos},local"}, general={"unknown": "profile", "unknown_profile": talos})
    image = rows("image")[0]["uuid"]
    said = post(f"settings/del_image/{image}")["errorMessage"]
    assert "talos is used by: profile talos-omni." in said
    said = post(f"settings/del_profile/{talos}")["errorMessage"]
    assert said.startswith("talos-omni is used by: policy all, machine oden, the menu, the settings")
    assert len(rows("profile")) == len(rows("image")) == 1
    post(f"settings/del_machine/{machine}")
    post(f"settings/del_policy/{policy}")
    settings(menu={"items": "local"}, general={"unknown": "menu", "unknown_profile": ""})
    assert post(f"settings/del_profile/{talos}") == {"result": "deleted"}


# What arrives.


def test_policies_keep_the_order_they_are_moved_to(talos):
    one, two, three = (made("policy", name=name, profile=talos) for name in ("one", "two", "three"))
    order = lambda: [row["name"] for row in rows("policy")]  # noqa: E731
    assert order() == ["one", "two", "three"]
    assert post(f"settings/move_policy/{three}/{one}")["result"] == "saved"
    assert order() == ["three", "one", "two"]
    assert post(f"settings/move_policy/{three}")["result"] == "saved"
    assert order() == ["one", "two", "three"]
    assert post(f"settings/move_policy/{three}/99999999-0000-4000-8000-000000000009") == {"result": "not found"}
    made("policy", name="four", profile=talos)
    assert order() == ["one", "two", "three", "four"]
    behind = lambda one, other: ask(f"settings/move_policy/{one}", {"after": other})["result"]  # noqa: E731
    assert behind(one, two) == "saved" and order() == ["two", "one", "three", "four"]
    assert behind(three, two) == "saved" and order() == ["two", "three", "one", "four"]
    assert behind(one, one) == behind(one, "nobody") == ask(f"settings/move_policy/{one}", {"after": [two]})["result"] == "not found"
    assert order() == ["two", "three", "one", "four"]


@needs_shell
def test_a_policy_and_the_menu_are_tried_before_they_are_applied(talos, applied):
    facts = {"facts": "mac=52:54:00:00:00:01\nmanufacturer=IBM", "told": {"mac": "52:54:00:00:00:01", "manufacturer": "IBM"}}
    made("policy", name="unapplied", profile=talos, manufacturer="IBM*")
    settings(menu={"title": "Not yet"})
    answer = ask("agent/tryout", facts)
    assert answer["policies"]["taken"] == "unapplied" and answer["differs"] is True
    assert "Not yet" in answer["menu"] and "talos-omni" in answer["script"] and TOKEN not in json.dumps(answer)
    assert "unapplied" not in inside("cat", TOML)
    assert ask("agent/test_policies", {"facts": facts["facts"]})["taken"] is None


@needs_shell
def test_whether_the_firewall_is_open_is_read_from_what_is_loaded(applied):
    if "label" not in inside("/sbin/pfctl", "-sr"):
        pytest.skip("there is no pf in this OPNsense")
    assert ask("agent/firewall") == {"filter": True, "loaded": 2, "missing": []}
    settings(general={"http_port": "18069"})
    assert ask("agent/firewall") == {"filter": True, "loaded": 1, "missing": ["LAN, TCP 18069"]}
    assert post("service/reconfigure")["status"] == "ok"
    assert ask("agent/firewall")["missing"] == []
    settings(general={"firewall": "0", "http_port": ""})
    assert post("service/reconfigure")["status"] == "ok"
    assert ask("agent/firewall")["loaded"] == 0
    settings(general={"firewall": "1"})
    assert len(ask("agent/firewall")["missing"]) == 2


def test_a_condition_that_no_agent_understands_is_told_at_its_field(talos):
    wrong = {"memory": "banana", "subnet": "192.168.1.1/24", "ip": "oden", "nic": "bnx2", "mac": "5c:f3\n!52:5",
             "manufacturer": "IBM*\n!", "machine_name": "a\\b"}
    said = validations(add("policy", name="x", profile=talos, **wrong))
    assert set(said) == {f"policy.{field}" for field in wrong}, said
    assert '"banana"' in said["policy.memory"] and '"52:5"' in said["policy.mac"] and ">= 16 GiB" in said["policy.memory"]
    right = {"memory": "8 GiB..64 GiB\n\n!16 GiB", "subnet": "192.168.1.0/24\nfd00:1::/64", "ip": "!192.168.1.*", "nic": "14e4:*",
             "mac": "5c:f3:fc:*\n52:54", "manufacturer": "IBM*\n!*Laptop", "machine_name": "\\!old", "smbios_uuid": "4c4c4544-*"}
    policy = made("policy", name="x", profile=talos, **right)
    assert post("service/check")["status"] == "ok"
    assert list(validations(change("policy", policy, memory="16"))) == ["policy.memory"]


def test_the_menu_keeps_its_order_and_follows_a_new_name(talos):
    assert settings(menu={"items": f"reboot,{talos},local", "default": talos}) == {"result": "saved"}
    assert change("profile", talos, name="renamed") == {"result": "saved"}
    items = ask("settings/get")["hearth"]["menu"]["items"]
    assert [key for key, item in items.items() if item["selected"]] == ["reboot", talos, "local"]
    assert items[talos]["value"] == "Profile renamed"


@needs_shell
def test_no_secret_is_shown_or_readable(talos, debian):
    made("variable", profile=debian, name="password", type="secret", secret='pass"word 1')
    made("webhook", name="chat", url="https://chat.example", secret="hook-secret")
    assert post("service/reconfigure")["status"] == "ok"
    shown = json.dumps([
        ask("settings/get"),
        *(rows(kind) for kind in ("profile", "variable", "webhook")),
        *(ask(f"settings/get_{kind}/{row['uuid']}") for kind in ("profile", "variable", "webhook") for row in rows(kind)),
    ])  # fmt: skip
    logs = inside("sh", "-c", "cat /var/log/*/latest.log /var/log/hearth-out.log 2>/dev/null; ps -eo args")
    for secret in (TOKEN, "pass", "hook-secret"):
        assert secret not in shown.replace("password", "") and secret not in logs.replace("password", "")
    world = inside("find", "/usr/local/etc/hearth", "-perm", "/007", "-not", "-type", "l")
    assert world == ""
    as_agent = inside("su", "-s", "/bin/sh", "hearth", "-c", f"cat {TOML} /usr/local/etc/hearth/secrets/*")
    assert TOKEN in as_agent and 'pass"word 1' in as_agent
    assert change("profile", talos, omni_token="") == {"result": "saved"}, "an empty one keeps what was there"
    assert post("service/reconfigure")["status"] == "ok" and TOKEN in inside("cat", TOML)
    assert change("profile", talos, omni_api="", omni_events="", omni_logs="") == {"result": "saved"}
    assert TOKEN not in inside("cat", "/conf/config.xml"), "without an address there is no token either"


# Privileges.


def test_who_may_only_look_sees_no_secret_and_changes_nothing(debian):
    proxy = "http://joe:se%20cret@proxy.example:3128"
    uuid = made("answer", profile=debian, name="preseed.cfg", text="root password")
    image = made("image", name="talos", recipe="talos", version="v1.11.2", factory="http://127.0.0.1:9/")
    assert settings(fetch={"proxy": proxy}) == {"result": "saved"}
    with firewall.somebody("page-services-hearth-readonly") as key:
        look = lambda path, body=None, method=None: ask(path, body, method, key)  # noqa: E731
        assert look("settings/get")["hearth"]["fetch"]["proxy"] == "http://***@proxy.example:3128"
        assert look(f"settings/get_image/{image}")["image"]["name"] == "talos"
        assert [row["name"] for row in look("settings/search_answer", {"rowCount": -1})["rows"]] == ["preseed.cfg"]
        for path in (f"settings/get_answer/{uuid}", f"settings/getAnswer/{uuid}", "settings/get_answer"):
            assert look(path)["status"] == 403, path
        for path in ("service/reconfigure", "service/check", "dhcp/apply", "dhcp/revert", "action/fetch", f"settings/del_image/{image}"):
            assert look(path, method="POST")["status"] == 403, path
        assert "may change" in look("agent/talos_versions", {"factory": "http://127.0.0.1:8/"})["error"]
        assert "may change" in look("agent/talos_extensions", {"version": "v1.11.2", "factory": "http://127.0.0.1:8/"})["error"]
        assert "may change" not in look("agent/talos_versions", {"factory": "http://127.0.0.1:9/"})["error"]
    assert "may change" not in ask("agent/talos_versions", {"factory": "http://127.0.0.1:8/"})["error"]
    settings(fetch={"proxy": ""})


def test_a_url_that_is_shown_without_its_password_keeps_it():
    stored = lambda: re.search(r"<proxy>(.*?)</proxy>", inside("cat", "/conf/config.xml"))[1]  # noqa: E731
    proxy = "http://joe:secret@proxy.example:3128"
    assert settings(fetch={"proxy": proxy}) == {"result": "saved"}
    shown = ask("settings/get")["hearth"]["fetch"]
    assert "secret" not in json.dumps(shown)
    assert settings(fetch={"proxy": shown["proxy"], "tries": "5"}) == {"result": "saved"} and stored() == proxy
    said = validations(settings(fetch={"proxy": shown["proxy"].replace("proxy.", "other.")}))
    assert "again" in said["hearth.fetch.proxy"] and stored() == proxy
    assert settings(fetch={"proxy": "", "tries": ""}) == {"result": "saved"}


def test_who_may_not_write_the_configuration_sets_no_dhcp_server():
    with firewall.somebody("page-services-hearth", "user-config-readonly") as key:
        for path in ("dhcp/apply", "dhcp/revert"):
            answer = ask(path, method="POST", key=key)
            assert "denied for write access" in answer["errorMessage"], answer
        assert "interfaces" in ask("dhcp/plan", key=key)


# Apply.


@needs_shell
def test_what_the_agent_refuses_changes_nothing(applied, debian):
    before, running = inside("cat", TOML), process()
    made("answer", profile=debian, name="preseed.cfg", text="one\n{% if machine.name %}\nthree")
    answer = post("service/reconfigure")
    assert answer["status"] == "failed" and "What was in force stays so" in answer["status_msg"]
    assert "hearth.toml:" in answer["details"] and "preseed.cfg" in answer["details"] and "^" in answer["details"]
    assert "staging" not in answer["details"]
    assert (inside("cat", TOML), process()) == (before, running)
    assert post("service/check")["status"] == "failed"
    assert post("service/restart")["response"] and process() != running, "it starts with what it had"
    assert inside("cat", TOML) == before


@needs_shell
def test_a_reload_is_no_restart(applied):
    running = process()
    made("machine", name="oden", mac="52:54:00:00:00:01")
    assert post("service/check") == {"status": "ok", "warnings": "", "differs": True}
    assert post("service/reconfigure") | {"warnings": ""} == {"status": "ok", "running": True, "changed": True, "warnings": ""}
    assert process() == running
    status = json.loads(inside("/usr/local/sbin/hearth", "status", "--json"))
    assert status["declared"]["machines"] == 1


# A program that says of itself that it is newer, and is the old one otherwise.
NEWER = """\
#!/usr/bin/env python3
import os, sys
if sys.argv[1:] == ["--version"]:
    print("hearth 9999.0.0")
else:
    os.execv("/usr/local/sbin/hearth.real", ["/usr/local/sbin/hearth", *sys.argv[1:]])
"""


@needs_shell
def test_a_program_that_is_newer_than_the_one_that_runs_is_started(applied):
    running = process()
    inside("sh", "-c", "cp -p /usr/local/sbin/hearth /usr/local/sbin/hearth.real && cat >/usr/local/sbin/hearth.new"
           " && chmod 755 /usr/local/sbin/hearth.new && mv /usr/local/sbin/hearth.new /usr/local/sbin/hearth", stdin=NEWER)
    try:
        assert inside("/usr/local/opnsense/scripts/hearth/apply.php", "--event") and process() != running
    finally:
        inside("mv", "/usr/local/sbin/hearth.real", "/usr/local/sbin/hearth")
    assert post("service/restart")["response"]
    running = process()
    inside("/usr/local/opnsense/scripts/hearth/apply.php", "--event")
    assert process() == running, "the same version goes on"


@needs_shell
def test_what_is_saved_and_not_applied_is_told(applied):
    http_boot = ask("settings/get")["hearth"]["dhcp"]["http_boot"]
    settings(dhcp={"http_boot": "1" if http_boot == "0" else "0"})
    assert ask("agent/overview")["unapplied"] is False, "the page DHCP brings this into force"
    settings(dhcp={"http_boot": http_boot})
    machine = made("machine", name="oden", mac="52:54:00:00:00:01")
    assert ask("agent/overview")["unapplied"] is True
    assert post("service/check")["differs"] is True and ask("agent/overview")["unapplied"] is True
    assert post("service/reconfigure")["status"] == "ok" and ask("agent/overview")["unapplied"] is False
    change("machine", machine, address="192.168.1.5/24", gateway="192.168.1.1")
    inside("/usr/local/sbin/configctl", "hearth", "event")
    assert ask("agent/overview")["unapplied"] is False, "an event brings all of it into force"


@needs_shell
def test_an_agent_that_does_not_run_is_started_and_a_disabled_one_stopped(applied):
    post("service/stop")
    assert ask("service/status")["status"] == "stopped"
    assert post("service/reconfigure")["running"] is True
    assert ask("service/status")["status"] == "running"
    settings(general={"enabled": "0"})
    assert post("service/reconfigure")["running"] is False
    assert ask("service/status")["status"] == "disabled"
    assert 'hearth_enable="NO"' in inside("cat", "/etc/rc.conf.d/hearth")


@needs_shell
def test_one_that_is_not_to_run_is_told_as_such(applied):
    settings(general={"enabled": "0"})
    assert post("service/reconfigure")["running"] is False
    for what in ("start", "restart"):
        answer = post(f"service/{what}")
        assert answer["status"] == "failed" and "switched off" in answer["status_msg"] == answer["response"], answer
    assert ask("agent/overview")["state"] == "off" and "switched off" in ask("agent/machine/1")["error"]
    settings(general={"enabled": "1"})
    assert ask("agent/overview")["state"] == "stopped"
    assert post("service/start") == {"status": "ok", "running": True, "response": "OK"}


@needs_shell
def test_the_backup_of_a_pair_is_stopped_on_purpose(applied):
    """No interface here has a CARP group, so this node is never the master of one."""
    settings(general={"serve": "master"})
    assert post("service/reconfigure")["running"] is False
    assert ask("agent/overview")["state"] == "standby" and "backup" in post("service/start")["status_msg"]
    # what was found a moment ago is kept for a while
    wait_for(lambda: firewall.banner("hearth") is None, "nothing is wrong", 30, 1)
    settings(general={"serve": "always"})
    assert post("service/reconfigure")["running"] is True
    post("service/stop")
    assert ask("agent/overview")["state"] == "stopped"
    wait_for(lambda: firewall.banner("hearth"), "a boot server that ended is told", 30, 1)


@needs_shell
def test_an_agent_that_cannot_start_is_told_with_its_reason(applied):
    post("service/stop")
    inside("sh", "-c", "mv /usr/local/sbin/hearth /usr/local/sbin/hearth.away")
    try:
        assert "not installed" in post("service/reconfigure")["status_msg"]
    finally:
        inside("sh", "-c", "mv /usr/local/sbin/hearth.away /usr/local/sbin/hearth")
    assert post("service/reconfigure")["status"] == "ok"


@needs_shell
def test_a_port_that_is_taken_is_told_in_the_words_of_the_agent(applied):
    post("service/stop")
    take = "import socket, time; s = socket.socket(type=socket.SOCK_DGRAM); s.bind(('192.168.1.1', 69)); time.sleep(120)"
    taker = inside("sh", "-c", f'python3 -c "{take}" >/dev/null 2>&1 & echo $!').strip()
    try:
        wait_for(lambda: "192.168.1.1:69" in inside("ss", "-lun"), "the port is taken")
        answers = [post(f"service/{what}") for what in ("reconfigure", "start")]
    finally:
        inside("kill", taker)
        wait_for(lambda: "192.168.1.1:69" not in inside("ss", "-lun"), "the port is free again")
    for answer in answers:
        assert answer["status"] == "failed" and "does not start" in answer["status_msg"]
        assert "port 69" in answer["details"] and taker in answer["details"], answer
    # daemon(8) starts it again within five seconds; until then Apply tells why the last start failed.
    wait_for(lambda: post("service/reconfigure").get("running"), "it runs", 30, 1)


@needs_shell
def test_an_agent_that_hangs_is_told(applied):
    running = process()
    inside("kill", "-STOP", running)
    try:
        made("machine", name="oden", mac="52:54:00:00:00:01")
        answer = post("service/reconfigure")
        assert answer["status"] == "failed" and "does not answer" in answer["status_msg"]
    finally:
        inside("kill", "-CONT", running)


@needs_shell
def test_an_agent_that_hangs_is_ended_by_a_restart(applied):
    running = process()
    inside("kill", "-STOP", running)
    assert post("service/restart")["running"] is True
    assert process() != running


@needs_shell
def test_an_apply_that_is_killed_leaves_the_old_file_or_the_new_one(debian):
    made("answer", profile=debian, name="preseed.cfg", text="x\n" * 100_000)
    assert post("service/reconfigure")["status"] == "ok"
    old = inside("md5sum", TOML)
    made("machine", name="oden", mac="52:54:00:00:00:01")
    seen = set()
    for milliseconds in range(100, 2600, 250):
        inside(
            "sh", "-c", f"/usr/local/opnsense/scripts/hearth/apply.php >/dev/null 2>&1 & p=$!; sleep {milliseconds / 1000};"
            "kill -9 $p 2>/dev/null; true",
        )  # fmt: skip
        inside("/usr/local/sbin/hearth", "check")
        seen.add(inside("md5sum", TOML) == old)
        process()
    assert post("service/reconfigure")["status"] == "ok"
    assert inside("md5sum", TOML) != old
    assert True in seen, "one was killed before it had put the file in place"


@needs_shell
@pytest.mark.parametrize(
    "old, new, expected",
    [
        ("<http_port/>", "<http_port>80 90</http_port>", "`http_port` must be a whole number"),
        ("<own_files>1<", "<own_files>\U0001f600<", "own_files"),
        ("<unknown>menu<", "<unknown>a&quot;&#10;[x]<", "unknown"),
        ("<mac>52:54:00:00:00:01<", "<mac>&lt;script&gt;<", "script"),
    ],
)
def test_a_hand_edited_config_xml(old, new, expected, applied):
    made("machine", name="oden", mac="52:54:00:00:00:01")
    before = inside("cat", TOML)
    xml = inside("cat", "/conf/config.xml")
    start = xml.index("<hearth ")
    edited = xml[:start] + xml[start:].replace(old, new, 1)
    assert edited != xml
    inside("sh", "-c", "cat > /conf/config.xml", stdin=edited)
    try:
        answer = post("service/reconfigure")
        assert answer["status"] == "failed" and expected in answer["details"], answer
        assert inside("cat", TOML) == before
        assert [row["name"] for row in rows("machine")] == ["oden"], "what is wrong can still be looked at"
    finally:
        inside("sh", "-c", "cat > /conf/config.xml", stdin=xml)


def test_two_admins_at_a_time_lose_nothing(applied):
    with concurrent.futures.ThreadPoolExecutor(8) as admins:
        answers = list(
            admins.map(lambda n: add("machine", name=f"node-{n}", mac=f"52:54:00:00:01:{n:02x}"), range(24))
        )
    assert {answer["result"] for answer in answers} == {"saved"}
    assert len(rows("machine")) == 24
    with concurrent.futures.ThreadPoolExecutor(4) as admins:
        said = list(admins.map(lambda _: post("service/reconfigure"), range(4)))
    assert {answer["status"] for answer in said} == {"ok"}


def test_texts_far_over_what_configd_takes_at_once(debian):
    text = "# \U0001f600 <b>\"'\\\n" * 8000
    uuid = made("answer", profile=debian, name="preseed.cfg", text=text)
    assert ask(f"settings/get_answer/{uuid}")["answer"]["text"] == text
    assert post("service/reconfigure")["status"] == "ok"


def test_machines_come_and_go_as_csv(debian):
    made("machine", name="oden", mac="52:54:00:00:00:01,52:54:00:00:00:02", profile=debian, description='a; "b"')
    text = ask("settings/download_machine")
    assert "oden" in text and ";debian-auto;" in text
    new = (
        "name;mac;profile;address;gateway\r\n"
        "oden;52:54:00:00:00:01;debian-auto;192.168.1.5/24;192.168.1.1\r\n"
        "thor;52:54:00:00:00:03;debian-auto;;\r\n"
        "loki;52:54:00:00:00:03;;;\r\n"
        "freya;52:54:00:00:00:04;nobody;;\r\n"
    )
    said = ask("settings/upload_machine", {"payload": new})
    assert {one["field"] for one in said["validations"]} == {"mac", "profile"}, said
    there = {row["name"]: row for row in rows("machine")}
    assert "freya" not in there and there["oden"]["address"] == "192.168.1.5/24"
    assert there["oden"]["description"] == 'a; "b"', "what the CSV does not say stays"
    ask("settings/upload_machine", {"payload": text})
    assert {row["name"]: row["mac"] for row in rows("machine")}["oden"].count(":") == 10


def test_a_description_is_text():
    uuid = made("machine", name="oden", mac="52:54:00:00:00:01", description="<script>alert(1)</script> \U0001f600")
    assert rows("machine")[0]["description"] == "<script>alert(1)</script> \U0001f600"
    assert ask(f"settings/get_machine/{uuid}")["machine"]["description"].startswith("<script>")


@needs_shell
def test_the_firewall_lets_in_the_networks_of_the_interface(applied):
    rules = lambda: [line for line in inside("cat", "/tmp/rules.debug").splitlines() if "network boot" in line]  # noqa: E731
    device = re.search(r"<lan>.*?<if>(.*?)</if>", inside("cat", "/conf/config.xml"), re.S)[1]
    settings(general={"ipv6": "1"}, api={"interfaces": "lan"})
    assert post("service/reconfigure")["status"] == "ok"
    assert len(rules()) == 9, "UDP 69, TCP 8069 and 8070; for IPv6 from link-local addresses too"
    assert all(f"from {{({device}:network)}}" in rule or "inet6" in rule and "from {fe80::/10}" in rule for rule in rules())
    settings(general={"source": "any"})
    assert post("service/reconfigure")["status"] == "ok"
    assert len(rules()) == 6 and all("from {any}" in rule for rule in rules())


@needs_shell
def test_an_interface_with_a_gateway_is_known_as_one():
    upstream = lambda: [key for key, one in ask("settings/get")["hearth"]["general"]["interfaces"].items() if one.get("upstream")]  # noqa: E731
    xml = inside("cat", "/conf/config.xml")
    made = re.sub(r"(<opt1>.*?)(<ipaddr>)", r"\1<gateway>DSL_GW</gateway>\2", xml, count=1, flags=re.S)
    assert made != xml and "opt1" not in upstream() and "lan" not in upstream()
    inside("sh", "-c", "cat > /conf/config.xml", stdin=made)
    try:
        assert "opt1" in upstream() and "lan" not in upstream()
    finally:
        inside("sh", "-c", "cat > /conf/config.xml", stdin=xml)


@needs_shell
def test_addresses_follow_their_interface(applied):
    device = re.search(r"<lan>.*?<if>(.*?)</if>", inside("cat", "/conf/config.xml"), re.S)[1]
    settings(general={"addresses": "both", "ipv6": "1"})
    assert post("service/reconfigure")["status"] == "ok"
    first = re.search(r"^server.addresses = (.*)$", inside("cat", TOML), re.M)[1]
    assert "192.168.1.1" in first and ":" in first
    inside("ip", "addr", "add", "192.168.7.1/24", "dev", device)
    try:
        inside("/usr/local/sbin/configctl", "hearth", "event")
        assert "192.168.7.1" in inside("cat", TOML)
        status = json.loads(inside("/usr/local/sbin/hearth", "status", "--json"))
        assert "192.168.7.1" in status["addresses"]
        running = process()
    finally:
        inside("ip", "addr", "del", "192.168.7.1/24", "dev", device)
    inside("/usr/local/sbin/configctl", "hearth", "event")
    assert "192.168.7.1" not in inside("cat", TOML) and process() == running


@needs_shell
def test_another_address_of_a_static_interface_is_followed(applied):
    """As Interfaces: [LAN] and Apply do it, and the console menu."""
    served = lambda: re.search(r"^server.addresses = (.*)$", inside("cat", TOML), re.M)[1]  # noqa: E731
    settings(general={"interfaces": "lan,opt1"})
    assert post("service/reconfigure")["status"] == "ok"
    before = inside("cat", "/conf/config.xml")
    had = re.search(r"<opt1>.*?<ipaddr>(.*?)</ipaddr>", before, re.S)[1]
    other = had.rsplit(".", 1)[0] + ".77"
    assert f'"{had}"' in served()
    changed = re.sub(rf"(<opt1>.*?<ipaddr>){had}<", rf"\g<1>{other}<", before, count=1, flags=re.S)
    for xml, address, old in ((changed, other, had), (before, had, other)):
        inside("sh", "-c", "cat > /conf/config.xml", stdin=xml)
        inside("/usr/local/sbin/configctl", "interface", "reconfigure", "opt1")
        wait_for(lambda: f'"{address}"' in served() and f'"{old}"' not in served(), f"{address} is served", 60, 0.5)


@needs_shell
def test_tokens_of_the_agent(applied):
    name = f"test-{os.getpid()}"
    answer = ask("token/add", {"name": name, "role": "read", "expires": "90d"})
    assert answer["token"]
    listed = ask("token/search", {"rowCount": -1})["rows"]
    assert [row["role"] for row in listed if row["name"] == name] == ["read"]
    assert answer["token"] not in json.dumps(listed)
    assert "name" in ask("token/add", {"name": "a b", "role": "read"})["error"]
    assert "role" in ask("token/add", {"name": "ab", "role": "root"})["error"]
    assert ask("token/add", {"name": name, "role": "read"})["error"].startswith("There is a token")
    assert post(f"token/del/{name}")["result"] == "deleted"
    assert name not in json.dumps(ask("token/search", {"rowCount": -1}))


# As a program that renews certificates does it, such as the ACME client: in config.xml, and saved.
RENEW = """<?php require_once 'script/load_phalcon.php';
exec('openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=second.example -days 30 -keyout /tmp/new.key -out /tmp/new.crt');
$config = OPNsense\\Core\\Config::getInstance();
$config->lock();
foreach ($config->object()->cert as $cert) {
    if ((string)$cert->refid === '%s') {
        $cert->crt = base64_encode(file_get_contents('/tmp/new.crt'));
        $cert->prv = base64_encode(file_get_contents('/tmp/new.key'));
    }
}
$config->save(['description' => 'a test renews a certificate']);"""


@needs_shell
def test_the_api_shows_the_chosen_certificate_and_its_renewal(applied):
    """One of System: Trust, by the core's own API; a renewal there is taken without Apply."""
    fields = {
        "action": "internal", "descr": "a test", "key_type": "prime256v1", "digest": "sha256", "cert_type": "server_cert",
        "lifetime": "30", "commonname": "first.example", "country": "NL",
    }  # fmt: skip
    made = HERE.core("trust/cert/add", {"cert": fields})
    assert made["result"] == "saved", made

    def shown():
        """The certificate's name as a client sees it; nothing while nobody answers."""
        read = "openssl s_client -connect 192.168.1.1:8070 </dev/null 2>/dev/null | openssl x509 -noout -subject 2>/dev/null; true"
        return inside("sh", "-c", read)

    try:
        refid = HERE.core(f"trust/cert/get/{made['uuid']}")["cert"]["refid"]
        assert settings(api={"interfaces": "lan", "certificate": refid}) == {"result": "saved"}
        assert post("service/reconfigure")["status"] == "ok"
        wait_for(lambda: "first.example" in shown(), "the API shows the chosen certificate", 20, 0.5)
        assert inside("stat", "-c", "%a %U %G", f"/usr/local/etc/hearth/tls/{refid}.key").strip() == "640 root hearth"
        running = process()
        inside("/usr/local/bin/php", stdin=RENEW % refid)
        wait_for(lambda: "second.example" in shown(), "the API shows the new one", 40, 0.5)
        assert process() == running
    finally:
        settings(api={"interfaces": "", "certificate": ""})
        HERE.core(f"trust/cert/del/{made['uuid']}", method="POST")


@pytest.mark.parametrize("tool", ["sh"])
def test_the_examples_of_the_documentation(tool):
    text = (pathlib.Path(__file__).parents[2] / "docs/opnsense.md").read_text()
    script = "\necho\n".join(re.findall(rf"```{tool}\n(.*?)```", text, re.S))
    done = subprocess.run(
        [tool, "-eu"], input=script, env=os.environ | {"KEY": firewall.KEY, "FIREWALL": firewall.URL},
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "failed" not in done.stdout and "errorMessage" not in done.stdout, done.stdout
    assert done.stdout.count('"saved"') == 4, "settings, machine, policy, change; two more went into variables"
    assert '"deleted"' in done.stdout and '"Disabled"' in done.stdout and '"running"' in done.stdout
    assert [row["name"] for row in rows("profile")] == ["talos-omni"] and rows("machine") == []
