"""Two firewalls on one LAN: what the core's synchronisation takes along, who serves, and virtual addresses that come
and go.

Beside what `firewall` needs:
HEARTH_OPNSENSE_PEER_URL   the second one's address from here; its API has the first one's key
HEARTH_OPNSENSE_PEER_RUN   a command that runs the one after it inside, as root
HEARTH_OPNSENSE_PAIR       URL of the second one from the first, USER:PASSWORD there, a free address in LAN's network and
                           a second one, with blanks between: `https://192.168.1.2 root:secret 192.168.1.254 192.168.1.253`
HEARTH_OPNSENSE_CLIENTS    as in test_dhcp_core: a namespace here, and its interface in LAN

The firewalls' roles are set with `ifconfig lan0 vhid 1 state master`, of which carp(4) tells devd, which calls the core's
hooks.
"""

import json
import os
import re
import subprocess

import pytest
from firewall import HERE, KEY, Firewall

from hearthtest.wait import wait_for

PEER_URL = os.environ.get("HEARTH_OPNSENSE_PEER_URL")
PAIR = os.environ.get("HEARTH_OPNSENSE_PAIR", "").split()
CLIENTS = os.environ.get("HEARTH_OPNSENSE_CLIENTS", "").split(":")
PEER = Firewall(PEER_URL, KEY, os.environ.get("HEARTH_OPNSENSE_PEER_RUN"))
pytestmark = pytest.mark.skipif(
    not (HERE.url and HERE.way and PEER.url and PEER.way and len(PAIR) == 4 and CLIENTS[0]),
    reason="HEARTH_OPNSENSE_PEER_URL, _PEER_RUN, _PAIR and _CLIENTS name no pair of firewalls",
)

TOML = "/usr/local/etc/hearth/hearth.toml"
TOKEN = "w7uVuW3zbVKIYQuzEcyetAHeYMeo5q2L9RvkAVfCfSCD"
SECRET = "hunter2-of-the-pair"


def device(firewall):
    return re.search(r"<lan>.*?<if>(.*?)</if>", firewall.inside("cat", "/conf/config.xml"), re.S)[1]


def role(firewall, state):
    firewall.inside("ifconfig", device(firewall), "vhid", "1", "state", state)


def virtual(address, vhid, mode="carp"):
    answer = HERE.core("interfaces/vip_settings/add_item", {"vip": {
        "interface": "lan", "mode": mode, "network": f"{address}/24", "vhid": vhid, "advbase": "1", "advskew": "0",
        "password": "carp", "descr": "a test"}})  # fmt: skip
    assert answer["result"] == "saved", answer
    assert HERE.core("interfaces/vip_settings/reconfigure", method="POST")["status"] == "ok"
    return answer["uuid"]


def drop(uuid):
    HERE.core(f"interfaces/vip_settings/del_item/{uuid}", method="POST")
    assert HERE.core("interfaces/vip_settings/reconfigure", method="POST")["status"] == "ok"


def applied():
    answer = HERE.post("service/reconfigure")
    assert answer["status"] == "ok", answer


def synchronised(*sections):
    """As System: High Availability: Status does for the service."""
    items = ",".join(("hearth", "virtualip", *sections))
    user, password = PAIR[1].split(":", 1)
    saved = HERE.core("core/hasync/set", {"hasync": {
        "synchronizetoip": PAIR[0], "username": user, "password": password, "verifypeer": "0", "syncitems": items}})
    assert saved["result"] == "saved", saved
    answer = HERE.core("core/hasync_status/restart/hearth", method="POST")
    assert answer["status"] == "ok", answer


def runs(firewall):
    return firewall.ask("service/status")["status"] == "running"


def answering(firewall):
    """The process of an agent that answers, or None."""
    return firewall.ask("agent/status").get("process")


def addresses(firewall):
    return json.loads(re.search(r"^server.addresses = (.*)$", firewall.inside("cat", TOML), re.M)[1])


def served(address):
    """Whether a machine on the wire gets its script from this address."""
    done = subprocess.run(
        ["ip", "netns", "exec", CLIENTS[0], "curl", "-sf", "-m", "3", f"http://{address}:8069/default.ipxe"],
        capture_output=True, text=True,
    )  # fmt: skip
    return done.returncode == 0 and done.stdout.startswith("#!ipxe")


def card():
    """The MAC address of the machine on the wire; the agent notices a made-up one."""
    told = subprocess.run(["ip", "-n", CLIENTS[0], "-j", "link", "show", CLIENTS[1]], capture_output=True, check=True).stdout
    return json.loads(told)[0]["address"]


def lines(firewall):
    own = ("server.addresses", "api.addresses")
    return [line for line in firewall.inside("cat", TOML).splitlines() if not line.startswith(own)]


def names(firewall, kind):
    return {row["uuid"]: row["name"] for row in firewall.rows(kind)}


@pytest.fixture(scope="module")
def wire():
    """A machine's address in LAN."""
    there = f"{PAIR[2].rsplit('.', 1)[0]}.77/24"
    subprocess.run(["ip", "-n", CLIENTS[0], "addr", "add", there, "dev", CLIENTS[1]], check=True)
    yield
    subprocess.run(["ip", "-n", CLIENTS[0], "addr", "del", there, "dev", CLIENTS[1]], check=True)


@pytest.fixture(autouse=True)
def pair(wire):
    """The first one is master of a virtual address that both have."""
    for firewall in (HERE, PEER):
        firewall.clean()
        for row in firewall.core("interfaces/vip_settings/search_item", {"rowCount": -1})["rows"]:
            firewall.core(f"interfaces/vip_settings/del_item/{row['uuid']}", method="POST")
        firewall.core("interfaces/vip_settings/reconfigure", method="POST")
    virtual(PAIR[2], "1")
    role(HERE, "master")
    applied()


@pytest.fixture
def declared():
    image = HERE.made("image", name="talos", recipe="talos", version="v1.11.2")
    talos = HERE.made("profile", name="talos-omni", image=image, omni_api="https://x.omni.siderolabs.io", omni_token=TOKEN)
    image = HERE.made("image", name="debian", recipe="debian", version="bookworm")
    debian = HERE.made("profile", name="debian-auto", image=image, installed="callback")
    HERE.made("answer", profile=debian, name="preseed.cfg", text="a \"b\"\n<c> \U0001f600\n")
    HERE.made("variable", profile=debian, name="password", type="secret", secret=SECRET)
    HERE.made("policy", name="first", profile=talos, manufacturer="IBM*")
    HERE.made("policy", name="second", profile=debian)
    HERE.made("machine", name="oden", mac=card(), profile=talos)
    HERE.settings(menu={"items": f"reboot,{talos},local"}, general={"addresses": "both"})
    applied()


def test_the_other_one_gets_all_with_addresses_of_its_own(declared):
    synchronised()
    wait_for(lambda: answering(PEER), "the other agent answers", 20)
    for kind in ("image", "profile", "policy", "machine", "variable", "answer"):
        assert names(PEER, kind) == names(HERE, kind), kind
    assert lines(PEER) == lines(HERE)
    mine, its = addresses(HERE), addresses(PEER)
    assert mine[-1] == its[-1] == PAIR[2] and mine[0] != its[0]
    status = json.loads(PEER.inside("/usr/local/sbin/hearth", "status", "--json"))
    assert status["declared"] == {"machines": 1, "policies": 2, "profiles": 2}
    checked = PEER.post("service/check")
    assert (checked["status"], checked["differs"]) == ("ok", False), checked
    # What is taken away here goes there too.
    HERE.post(f"settings/del_policy/{HERE.rows('policy')[0]['uuid']}")
    HERE.post(f"settings/del_machine/{HERE.rows('machine')[0]['uuid']}")
    applied()
    synchronised()
    assert list(names(PEER, "policy").values()) == ["second"] and names(PEER, "machine") == {}
    assert lines(PEER) == lines(HERE)


def test_secrets_go_to_the_other_agent_alone(declared):
    synchronised()
    for firewall in (HERE, PEER):
        agent = firewall.inside("su", "-s", "/bin/sh", "hearth", "-c", f"cat {TOML} /usr/local/etc/hearth/secrets/*")
        assert TOKEN in agent and SECRET in agent
        assert firewall.inside("find", "/usr/local/etc/hearth", "-perm", "/007", "-not", "-type", "l") == ""
        read = "cat $(find /var/log -type f) /var/run/hearth.refused 2>/dev/null | LC_ALL=C tr -cd '[:print:]\\n'; ps -eo args"
        told = firewall.inside("sh", "-c", read)
        assert TOKEN not in told and SECRET not in told
        shown = json.dumps([firewall.rows(kind) for kind in ("profile", "variable")])
        assert TOKEN not in shown and SECRET not in shown


def test_what_is_one_firewalls_own_stays_there(declared):
    name = f"pair-{os.getpid()}"
    assert HERE.ask("token/add", {"name": name, "role": "read", "expires": "1h"})["token"]
    boot = f"http://{addresses(HERE)[0]}:8069/script?mac={card()}"
    subprocess.run(["ip", "netns", "exec", CLIENTS[0], "curl", "-sf", "-o", "/dev/null", boot], check=True)
    note = {"action": "notes", "value": "in rack 7"}
    wait_for(lambda: "error" not in HERE.ask("action/machine/oden", note), "the machine is known here", 10, 0.5)
    plan = HERE.ask("dhcp/plan")
    assert HERE.ask("dhcp/apply", {"digest": plan["digest"]})["status"] == "ok"
    try:
        synchronised("dnsforwarder")
        wait_for(lambda: answering(PEER), "the other agent answers", 20)
        assert name not in json.dumps(PEER.ask("token/search", {"rowCount": -1}))
        assert PEER.ask("agent/machine/oden").get("state") == "refused", "it has not seen that machine"
        xml = PEER.inside("cat", "/conf/config.xml")
        assert "<hearthdhcp>" in HERE.inside("cat", "/conf/config.xml") and "<hearthdhcp>" not in xml
        # Dnsmasq's rows came along, so that they can be taken back there without the record.
        assert "Hearth$" in xml
        assert PEER.ask("dhcp/revert", method="POST")["status"] == "ok"
        assert "Hearth$" not in PEER.inside("cat", "/conf/config.xml")
    finally:
        HERE.ask("dhcp/revert", method="POST")
        HERE.post(f"token/del/{name}")


def test_only_the_master_serves():
    HERE.settings(general={"addresses": "carp", "serve": "master"})
    applied()
    synchronised()
    assert runs(HERE) and not runs(PEER)
    assert addresses(HERE) == [PAIR[2]]
    wait_for(lambda: served(PAIR[2]), "the master serves", 20)
    for old, new in ((HERE, PEER), (PEER, HERE)):
        role(old, "backup")
        role(new, "master")
        wait_for(lambda: not runs(old), "the backup's agent is stopped", 40)
        wait_for(lambda: served(PAIR[2]), "the new master serves", 40)
        assert runs(new) and not runs(old)


def test_an_apply_on_the_backup_starts_nothing():
    HERE.settings(general={"serve": "master"})
    role(HERE, "backup")
    assert HERE.post("service/reconfigure")["running"] is False and not runs(HERE)
    assert 'hearth_enable="NO"' in HERE.inside("cat", "/etc/rc.conf.d/hearth"), "rc starts nothing at a boot either"


def test_both_serve_by_choice():
    HERE.settings(general={"addresses": "both", "serve": "always"})
    applied()
    synchronised()
    before = [wait_for(lambda: answering(firewall), "it answers", 20) for firewall in (HERE, PEER)]
    own = [addresses(firewall)[0] for firewall in (HERE, PEER)]
    role(HERE, "backup")
    role(PEER, "master")
    for address in (*own, PAIR[2]):
        wait_for(lambda: served(address), f"{address} is served", 20)
    role(PEER, "backup")
    role(HERE, "master")
    wait_for(lambda: served(PAIR[2]), "the virtual address is served again", 20)
    assert [answering(firewall) for firewall in (HERE, PEER)] == before, "no transfer was cut"


def test_virtual_addresses_are_followed_without_a_person():
    HERE.settings(general={"addresses": "both"})
    applied()
    first = addresses(HERE)
    second = virtual(PAIR[3], "2")
    wait_for(lambda: addresses(HERE) == [*first, PAIR[3]], "the new address is in force", 30)
    HERE.inside("ifconfig", device(HERE), "vhid", "2", "state", "master")
    wait_for(lambda: served(PAIR[3]), "the new address is served", 30)
    drop(second)
    wait_for(lambda: addresses(HERE) == first, "the address that is gone is no longer asked for", 30)
    # One more of the same group.
    second = virtual(PAIR[3], "1", "ipalias")
    wait_for(lambda: addresses(HERE) == [*first, PAIR[3]], "the group's second address is in force", 30)
    drop(second)
    wait_for(lambda: addresses(HERE) == first, "and no longer", 30)


def test_what_is_switched_off_is_off_on_both():
    synchronised()
    wait_for(lambda: runs(PEER), "the other one runs", 20)
    HERE.settings(general={"enabled": "0"})
    applied()
    synchronised()
    assert PEER.ask("service/status")["status"] == "disabled"
    assert 'hearth_enable="NO"' in PEER.inside("cat", "/etc/rc.conf.d/hearth")
    assert "hearth.sock" not in PEER.inside("sh", "-c", "ls /var/run/hearth || true")


def test_a_certificate_that_the_other_one_lacks_is_told_there():
    synchronised()
    wait_for(lambda: answering(PEER), "the other one runs", 20)
    made = HERE.core("trust/cert/add", {"cert": {
        "action": "internal", "descr": "a test", "key_type": "prime256v1", "digest": "sha256", "cert_type": "server_cert",
        "lifetime": "30", "commonname": "hearth.example", "country": "NL"}})  # fmt: skip
    assert made["result"] == "saved", made
    try:
        refid = HERE.core(f"trust/cert/get/{made['uuid']}")["cert"]["refid"]
        assert HERE.settings(api={"interfaces": "lan", "certificate": refid}) == {"result": "saved"}
        applied()
        before = lines(PEER)
        synchronised()
        assert lines(PEER) == before and wait_for(lambda: runs(PEER), "it starts with what it had", 20)
        said = PEER.core("core/system/status")["subsystems"]["hearth"]
        assert said["status"] == "ERROR" and "System: Trust" in said["message"], said
        synchronised("certs")
        assert lines(PEER) == lines(HERE)
        assert "hearth" not in PEER.core("core/system/status").get("subsystems", {})
    finally:
        HERE.settings(api={"interfaces": "", "certificate": ""})
        HERE.core(f"trust/cert/del/{made['uuid']}", method="POST")
