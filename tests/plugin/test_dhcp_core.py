"""DHCP wiring in a running OPNsense: what its own generators make of what *apply* wrote, served by its own
servers, asked by each kind of client; and config.xml byte for byte after *revert*.

HEARTH_OPNSENSE_RUN is a command that runs what follows inside it as root (`ssh root@firewall`), with the plugin,
os-isc-dhcp and the agent installed, whose configuration has the addresses of `lan` and `opt1`.
HEARTH_OPNSENSE_CLIENTS is a network namespace here with interfaces on these two networks, as `NAMESPACE:LAN:OPT1`.
Without them the tests are skipped. config.xml is put back at the end.
"""

import json
import os
import re
import shlex
import subprocess

import pytest

from hearthtest.pxe import Card, firmware, ipxe
from hearthtest.wait import wait_for

RUN = os.environ.get("HEARTH_OPNSENSE_RUN")
CLIENTS = os.environ.get("HEARTH_OPNSENSE_CLIENTS")
pytestmark = pytest.mark.skipif(
    not (RUN and CLIENTS), reason="HEARTH_OPNSENSE_RUN and HEARTH_OPNSENSE_CLIENTS are not set: no OPNsense to wire")

MAC = "52:54:00:70:78:65"
AGENT = "/usr/local/sbin/hearth"
TOML = "/usr/local/etc/hearth/hearth.toml"
SCRIPTS = "/usr/local/opnsense/scripts/hearth/dhcp"
SAVE = """<?php require_once 'script/load_phalcon.php';
OPNsense\\Core\\Config::getInstance()->save(['description' => 'a test prepares'], false);"""
KEA_UUID = "6b8b8ef4-95a1-4a0c-9a43-{:012}"


class Firewall:
    def run(self, *command, text=None):
        # over ssh the words are read by a shell once more
        command = [*shlex.split(RUN), *(map(shlex.quote, command) if "ssh" in RUN else command)]
        done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout

    def php(self, text):
        return self.run("/usr/local/bin/php", text=text)

    def config(self):
        return self.run("cat", "/conf/config.xml")

    def put(self, xml):
        """As if a person had saved this; the core's own writer gives it its form."""
        self.run("sh", "-c", "cat > /conf/config.xml", text=xml)
        self.php(SAVE)
        return self.config()

    def ask(self, verb, *arguments):
        return json.loads(self.run("/usr/local/sbin/configctl", "hearth", "dhcp", verb, *arguments))

    def wiring(self, verb, *arguments):
        answer = self.ask(verb, *arguments)
        assert answer["status"] in ("ok", "unchanged") and not answer.get("failed"), answer
        return answer

    def plan(self):
        return self.wiring("plan")

    def fields(self, address):
        told = json.loads(self.run(AGENT, "--config", TOML, "dhcp", "fields", "--json"))
        return next(one for one in told["networks"] if one["address"] == address)

    def address(self, name):
        return re.search(rf"<{name}>.*?<ipaddr>([\d.]+)</ipaddr>", self.config(), re.S)[1]


def bare(xml):
    """Without what says who saved when."""
    return re.sub(r"<revision>.*?</revision>", "", xml, flags=re.S)


def unstamped(xml):
    """And without what the models keep of when they were saved."""
    return re.sub(r' persisted_at="[\d.]*"', "", bare(xml))


def without_dhcp(xml):
    """No DHCP server is enabled."""
    xml = re.sub(r"(<dnsmasq[^>]*>\s*)<enable>1", r"\1<enable>0", xml)
    xml = re.sub(r"<dhcpd>.*?</dhcpd>|<dhcpd/>", "", xml, flags=re.S)
    return re.sub(r"(<dhcp4[^>]*>\s*<general>\s*)<enabled>1", r"\1<enabled>0", xml)


def around(address):
    return address.rsplit(".", 1)[0]


def isc(xml, more="", **networks):
    parts = "".join(
        f"<{name}><enable>1</enable><range><from>{around(address)}.100</from><to>{around(address)}.150</to></range>"
        f"{more}</{name}>" for name, address in networks.items())
    return without_dhcp(xml).replace("</opnsense>", f"<dhcpd>{parts}</dhcpd></opnsense>")


def kea(xml, more="", **networks):
    subnets = "".join(
        f'<subnet4 uuid="{KEA_UUID.format(at)}"><subnet_id>{at + 1}</subnet_id>'
        f"<subnet>{around(address)}.0/24</subnet><option_data_autocollect>1</option_data_autocollect>"
        f"<pools>{around(address)}.100-{around(address)}.150</pools>{more}</subnet4>"
        for at, address in enumerate(networks.values()))
    xml = re.sub(r"(<dhcp4[^>]*>\s*<general>\s*)<enabled>\d</enabled>", r"\1<enabled>1</enabled>", without_dhcp(xml))
    for name, content in (("interfaces", ",".join(networks)), ("subnets", subnets), ("reservations", "")):
        xml = re.sub(rf"(<dhcp4.*?)(<{name} ?/>|<{name}>.*?</{name}>)", rf"\1<{name}>{content}</{name}>", xml, count=1,
                     flags=re.S)
    return xml


def dnsmasq(xml, more="", **networks):
    ranges = "".join(
        f'<dhcp_ranges uuid="{KEA_UUID.format(at)}"><interface>{name}</interface><start_addr>{around(address)}.100'
        f"</start_addr><end_addr>{around(address)}.150</end_addr><domain_type>range</domain_type></dhcp_ranges>"
        for at, (name, address) in enumerate(networks.items()))
    xml = re.sub(r"<dhcp_ranges.*</dhcp_ranges>", "", without_dhcp(xml), flags=re.S)
    xml = re.sub(r"(<dnsmasq[^>]*>\s*)<enable>0(.*?)<interface>[^<]*</interface>",
                 rf"\1<enable>1\2<interface>{','.join(networks)}</interface>", xml, 1, re.S)
    return xml.replace("</dnsmasq>", f"{ranges}{more}</dnsmasq>")


SERVERS = {"isc": isc, "kea": kea, "dnsmasq": dnsmasq}
# What is enabled is started by apply. dhcpd has no action that stops it, but a restart does if it is not enabled.
STOP = "pluginctl -c dhcp; configctl dhcpd restart; configctl dnsmasq stop; configctl kea stop; true"


@pytest.fixture(scope="module")
def firewall():
    one = Firewall()
    one.wiring("revert")
    before = one.config()
    yield one
    one.put(before)
    one.run("sh", "-c", "for s in kea dnsmasq; do configctl $s stop; configctl template reload OPNsense/$s; done; "
                        "configctl dhcpd restart; configctl kea restart; configctl dnsmasq restart; true")


@pytest.fixture
def prepare(firewall):
    """Sets the firewall up with one kind of server on some interfaces; returns config.xml."""
    original = firewall.config()

    def make(*kinds, more="", **interfaces):
        networks = {name: firewall.address(name) for name in ("lan", "opt1")}
        xml = without_dhcp(original)
        for kind in kinds:
            there = interfaces.get(kind, ("lan",))
            made = SERVERS[kind](original, more, **{name: networks[name] for name in there})
            xml = made if len(kinds) == 1 else merged(xml, made, kind)
        made = firewall.put(re.sub(r"(<hearth [^>]*>\s*<general>.*?<interfaces>)[^<]*", r"\1lan,opt1", xml, 1, re.S))
        firewall.run("sh", "-c", STOP)
        return made

    yield make
    firewall.wiring("revert") if firewall.plan()["applied"] else None
    firewall.put(original)


def merged(xml, made, kind):
    """Of `made` only the part of this server."""
    if kind == "isc":
        part = re.search(r"<dhcpd>.*?</dhcpd>", made, re.S)[0]
        return xml.replace("</opnsense>", f"{part}</opnsense>")
    pattern = {"kea": r"<dhcp4 .*?</dhcp4>", "dnsmasq": r"<dnsmasq .*?</dnsmasq>"}[kind]
    return re.sub(pattern, lambda _: re.search(pattern, made, re.S)[0], xml, flags=re.S)


def card(at=1):
    names = CLIENTS.split(":")
    return Card(names[0], MAC, names[at])


def expected(fields):
    """Each kind of client: its name, what it sends, the file, and the vendor class that it needs back."""
    cases = []
    for row in fields["rows"]:
        for value in row["option_93"]:
            if "url" in row:
                cases.append((f"HTTP boot {value}", firmware(value, kind="HTTPClient"), row["url"], "HTTPClient"))
            else:
                cases.append((f"PXE {value}", firmware(value), row["file"], None))
                cases.append((f"iPXE {value}", ipxe(value), fields["ipxe"]["file"], None))
    return cases


def all_are_told(firewall, name, at=1):
    address = firewall.address(name)
    told = {}
    for client, options, file, vendor in expected(firewall.fields(address)):
        answer = card(at).told(options)
        told[client] = (answer.file, answer.next_server)
        assert (answer.file, answer.next_server) == (file, address), client
        assert vendor in (None, answer.vendor_class), client
        assert answer.server_name in ("", address), client
        if "iPXE" in client and 175 in answer.options:
            assert answer.options[175].hex() == "b00101"
    return told


def open_rows(plan):
    return [row for interface in plan["interfaces"] for server in interface["servers"]
            for row in server["rows"] if row["state"] != "ok"]


@pytest.mark.parametrize("kind", SERVERS)
def test_each_client_gets_what_it_needs_and_revert_is_to_the_byte(firewall, prepare, kind):
    before = prepare(kind)
    plan = firewall.plan()
    lan = next(one for one in plan["interfaces"] if one["name"] == "lan")
    assert [one["server"] for one in lan["servers"]] == [kind] and plan["todo"]
    history = set(firewall.run("ls", "/conf/backup").split())
    answer = firewall.wiring("apply", plan["digest"], "-")
    assert answer["servers"] == [kind]
    assert len(set(firewall.run("ls", "/conf/backup").split()) - history) == 1, "one revision"
    assert "Hearth: " in re.search(r"<revision>.*?</revision>", firewall.config(), re.S)[0]
    told = all_are_told(firewall, "lan")
    assert len(told) >= 16
    plan = firewall.plan()
    assert not plan["todo"] and open_rows(plan) == [] and plan["applied"]["whole"]
    firewall.wiring("revert")
    assert bare(firewall.config()) == bare(before)
    assert card().told(firmware(7)).file == ""
    assert firewall.run("sh", "-c", "ls /usr/local/etc/dhcpd.opnsense.d/").strip() in ("", "README")


def test_two_servers_on_two_interfaces(firewall, prepare):
    before = prepare("kea", "dnsmasq", kea=("lan",), dnsmasq=("opt1",))
    answer = firewall.ask("apply", "-", "-")
    assert (answer["status"], answer["servers"]) == ("ok", ["kea", "dnsmasq"])
    all_are_told(firewall, "lan", 1)
    # where both cannot have port 67 (on Linux Kea keeps it from dnsmasq) they are asked one after the other
    if answer["failed"]:
        firewall.run("sh", "-c", "configctl kea stop; configctl dnsmasq restart")
    all_are_told(firewall, "opt1", 2)
    firewall.wiring("revert")
    assert bare(firewall.config()) == bare(before)


@pytest.mark.parametrize("kind", SERVERS)
def test_one_server_on_two_interfaces_names_each_its_own_address(firewall, prepare, kind):
    before = prepare(kind, **{kind: ("lan", "opt1")})
    firewall.wiring("apply", "-", "-")
    all_are_told(firewall, "lan", 1)
    all_are_told(firewall, "opt1", 2)
    firewall.wiring("revert")
    assert bare(firewall.config()) == bare(before)


CONFLICTS = {
    "isc": "<tftp>192.0.2.9</tftp><bootfilename>pxelinux.0</bootfilename><nextserver>192.0.2.9</nextserver>"
           "<numberoptions><item><number>67</number><type>text</type><value>x</value></item></numberoptions>",
    "kea": "<next_server>192.0.2.9</next_server><option_data><tftp_server_name>192.0.2.9</tftp_server_name>"
           "<boot_file_name>pxelinux.0</boot_file_name></option_data>",
    "dnsmasq": f'<dhcp_boot uuid="{KEA_UUID.format(9)}"><interface>lan</interface><tag/><filename>pxelinux.0</filename>'
               "<servername>x</servername><address>192.0.2.9</address></dhcp_boot>",
}


@pytest.mark.parametrize("kind", SERVERS)
def test_what_is_in_the_way_is_found_repaired_and_comes_back(firewall, prepare, kind):
    before = prepare(kind, more=CONFLICTS[kind])
    plan = firewall.plan()
    lan = next(one for one in plan["interfaces"] if one["name"] == "lan")
    conflicts = lan["servers"][0]["conflicts"]
    assert "next-server" in [one["code"] for one in conflicts]
    ids = [one["id"] for one in conflicts if one["repairable"]]
    assert ids
    firewall.wiring("apply", plan["digest"], ",".join(ids))
    all_are_told(firewall, "lan")
    left = next(one for one in firewall.plan()["interfaces"] if one["name"] == "lan")["servers"][0]["conflicts"]
    assert left == []
    firewall.wiring("revert")
    assert bare(firewall.config()) == bare(before)


@pytest.mark.parametrize("kind", SERVERS)
def test_a_change_of_somebody_else_stays(firewall, prepare, kind):
    before = prepare(kind)
    firewall.wiring("apply", "-", "-")
    path = {"isc": "dhcpd->lan->descr", "kea": "OPNsense->Kea->dhcp4->general->valid_lifetime",
            "dnsmasq": "dnsmasq->dhcp->lease_max"}[kind]
    firewall.php(f"""<?php require_once 'script/load_phalcon.php';
        $config = OPNsense\\Core\\Config::getInstance()->lock();
        $config->object()->{path} = '4321';
        $config->save(['description' => 'somebody else']);""")
    firewall.wiring("revert")
    expected = {"isc": re.sub(r"\n    </lan>\n  </dhcpd>", "\n      <descr>4321</descr>\\g<0>", before),
                "kea": before.replace("<valid_lifetime>4000<", "<valid_lifetime>4321<", 1),
                "dnsmasq": before.replace("<lease_max/>", "<lease_max>4321</lease_max>")}[kind]
    assert "4321" in expected
    assert unstamped(firewall.config()) == unstamped(expected)


def test_an_apply_that_broke_off_is_completed_or_undone(firewall, prepare):
    """The second step is what is missing when the firewall goes down between the two."""
    before = prepare("kea")
    begin = """<?php require_once 'script/load_phalcon.php';
        echo json_encode(OPNsense\\Hearth\\Dhcp\\Wiring::begin([], ''));"""
    assert json.loads(firewall.php(begin)) == {"status": "ok", "references": True}
    plan = firewall.plan()
    assert plan["todo"] and plan["applied"]["whole"] is False
    firewall.wiring("revert")
    assert bare(firewall.config()) == bare(before)
    firewall.php(begin)
    firewall.wiring("apply", "-", "-")
    all_are_told(firewall, "lan")
    assert firewall.config().count("Hearth: UEFI x86-64 (7)<") == 1
    firewall.wiring("revert")
    assert bare(firewall.config()) == bare(before)


def test_a_save_between_the_two_steps_is_kept(firewall, prepare):
    prepare("kea")
    firewall.php("""<?php require_once 'script/load_phalcon.php';
        OPNsense\\Hearth\\Dhcp\\Wiring::begin([], '');
        $config = OPNsense\\Core\\Config::getInstance()->lock();
        $config->object()->OPNsense->Kea->dhcp4->general->valid_lifetime = '4321';
        $config->save(['description' => 'somebody else']);""")
    done = json.loads(firewall.run("/usr/local/bin/php", f"{SCRIPTS}/apply.php", "references"))
    assert done["status"] == "ok"
    firewall.wiring("revert")
    assert "<valid_lifetime>4321</valid_lifetime>" in firewall.config()
    assert "Hearth: iPXE" not in firewall.config()


@pytest.mark.parametrize("words", [(), ("0123",), ("-", "0123"), ("-", "0123456789ab,x")])
def test_an_apply_says_which_plan_it_means(firewall, prepare, words):
    before = prepare("dnsmasq")
    answer = firewall.ask("apply", *words, *(("-",) if len(words) == 1 else ()))
    assert answer["status"] == "failed" and answer["message"], answer
    assert firewall.config() == before


def test_an_agent_that_hangs_keeps_nobody_from_saving(firewall, prepare):
    """The agent is asked for the page alone, not while config.xml is locked."""
    prepare("dnsmasq")
    agent = firewall.run("cat", "/var/run/hearth_agent.pid").strip()
    firewall.run("kill", "-STOP", agent)
    try:
        begin = """<?php require_once 'script/load_phalcon.php';
            $began = microtime(true); $result = OPNsense\\Hearth\\Dhcp\\Wiring::begin([], '');
            echo json_encode([$result['status'], microtime(true) - $began]);"""
        status, took = json.loads(firewall.php(begin))
    finally:
        firewall.run("kill", "-CONT", agent)
    assert status == "ok" and took < 10, "an agent that does not answer is waited for 10 s"
    firewall.wiring("revert")


def test_a_plan_for_machines_says_that_nobody_would_answer_them(firewall, prepare):
    prepare("dnsmasq")
    codes = lambda: [one["code"] for one in firewall.plan()["conflicts"]]  # noqa: E731
    assert "not-running" not in codes()
    firewall.run("/usr/local/sbin/configctl", "hearth", "stop")
    try:
        assert "not-running" in codes()
    finally:
        firewall.run("/usr/local/sbin/configctl", "hearth", "start")


def test_a_plan_that_is_out_of_date_is_not_applied(firewall, prepare):
    prepare("dnsmasq")
    digest = firewall.plan()["digest"]
    prepare("dnsmasq", more=CONFLICTS["dnsmasq"])
    before = firewall.config()
    answer = firewall.ask("apply", digest, "-")
    assert answer["status"] == "changed" and firewall.config() == before


@pytest.mark.parametrize("kind", ["kea", "dnsmasq"])
def test_what_the_model_refuses_changes_nothing(firewall, prepare, kind):
    """An agent that says what no model takes: a byte too much in a hexadecimal value, a line break in a name."""
    before = prepare(kind)
    told = firewall.run(AGENT, "--config", TOML, "dhcp", "fields", "--json")
    broken = told.replace("b00101", "b0010").replace("undionly.kpxe", "undi\\nonly")
    assert broken != told
    firewall.run("mv", AGENT, f"{AGENT}.real")
    try:
        firewall.run("sh", "-c", f"cat > {AGENT}; chmod 755 {AGENT}",
                     text=f"#!/bin/sh\ncat <<'END'\n{broken}END\n")
        answer = firewall.ask("apply", "-", "-")
    finally:
        firewall.run("mv", f"{AGENT}.real", AGENT)
    assert answer["status"] == "failed" and answer["message"]
    assert bare(firewall.config()) == bare(before)


def test_a_second_apply_and_an_interface_that_goes(firewall, prepare):
    before = prepare("dnsmasq", dnsmasq=("lan", "opt1"))
    firewall.wiring("apply", "-", "-")
    answer = firewall.ask("apply", "-", "-")
    assert answer["status"] == "unchanged"
    firewall.php("""<?php require_once 'script/load_phalcon.php';
        $config = OPNsense\\Core\\Config::getInstance()->lock();
        $config->object()->dnsmasq->interface = 'lan';
        $config->save(['description' => 'somebody else']);""")
    plan = firewall.plan()
    assert plan["stale"] == ["opt1"] and plan["todo"]
    firewall.wiring("apply", "-", "-")
    assert not firewall.plan()["todo"]
    assert firewall.config().count("<interface>opt1</interface>") == before.count("<interface>opt1</interface>")
    all_are_told(firewall, "lan")


def test_os_tftp_is_disabled_by_a_repair_and_enabled_by_revert(firewall, prepare):
    prepare("dnsmasq")
    if not re.search(r"<tftp[ >]", firewall.config()):
        pytest.skip("os-tftp is not installed there")
    before = firewall.put(re.sub(r"(<tftp[ >].*?<enabled>)0", r"\g<1>1", firewall.config(), count=1, flags=re.S))
    plan = firewall.plan()
    (conflict,) = [one for one in plan["conflicts"] if one["code"] == "os-tftp"]
    # whether its program is there to be stopped does not matter here
    assert firewall.ask("apply", plan["digest"], conflict["id"])["servers"] == ["dnsmasq", "tftp"]
    assert re.search(r"<tftp[ >].*?<enabled>(\d)", firewall.config(), re.S)[1] == "0"
    assert not [one for one in firewall.plan()["conflicts"] if one["code"] == "os-tftp"]
    assert firewall.ask("revert")["servers"] == ["dnsmasq", "tftp"]
    assert bare(firewall.config()) == bare(before)


def test_where_dhcp_is_relayed_there_is_a_text_to_paste(firewall, prepare):
    prepare("dnsmasq")
    uuid = KEA_UUID.format(7)
    relay = (f'<destinations uuid="{uuid}"><name>d</name><server>192.0.2.1,192.0.2.2</server></destinations>'
             f'<relays uuid="{KEA_UUID.format(8)}"><enabled>1</enabled><interface>opt1</interface>'
             f"<destination>{uuid}</destination><agent_info>0</agent_info></relays>")
    firewall.put(re.sub(r"<DHCRelay([^>]*?)/?>(?:\s*<(relays|destinations)/>)*(\s*</DHCRelay>)?",
                        rf"<DHCRelay\1>{relay}</DHCRelay>", firewall.config(), count=1))
    lab = next(one for one in firewall.plan()["interfaces"] if one["name"] == "opt1")
    assert (lab["state"], lab["relay"]) == ("elsewhere", ["192.0.2.1", "192.0.2.2"])
    assert lab["address"] in lab["snippets"]["isc"] and set(lab["snippets"]) == {
        "isc", "kea", "dnsmasq", "mikrotik", "windows"}


def test_rows_without_a_record_are_taken_back_too(firewall, prepare):
    """As on the second firewall of a pair, which gets the settings of Kea but not the record."""
    prepare("kea")
    firewall.wiring("apply", "-", "-")
    firewall.php("""<?php require_once 'script/load_phalcon.php';
        $config = OPNsense\\Core\\Config::getInstance()->lock();
        unset($config->object()->OPNsense->hearthdhcp);
        $config->save(['description' => 'somebody else']);""")
    firewall.wiring("revert")
    after = firewall.config()
    assert "Hearth: iPXE" not in after and "<next_server>192.168" not in after


def test_servers_take_what_was_generated(firewall, prepare):
    """Kea's and dnsmasq's own checks over what the core generated."""
    prepare("kea")
    firewall.wiring("apply", "-", "-")
    wait_for(lambda: "is running" in firewall.run("sh", "-c", "/usr/local/sbin/configctl kea status"), "kea runs", 10)
