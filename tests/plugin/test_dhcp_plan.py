"""The DHCP plan of the plugin: pure decisions of its PHP, asked as data."""

import json
import re
import shutil

import pytest
from dhcp_situation import LAN, OPT, ROWS, Store, network, php, plan, situation

pytestmark = pytest.mark.skipif(not shutil.which("php"), reason="php is not here: the plan is not tested")

SUBNET = {"subnet": "192.168.1.0/24", "next_server": "", "option": "", "option_data.tftp_server_name": "",
          "option_data.boot_file_name": ""}
RANGE = {"interface": "lan", "start_addr": "192.168.1.100"}


def isc(**fields):
    return situation(isc__interfaces={"lan": {"enable": "1", **fields}})


def kea(subnet=None, **changes):
    return situation(kea__enabled=True, kea__interfaces=["lan"],
                     kea__subnets={"s1": {**SUBNET, **(subnet or {})}}, **changes)


def dnsmasq(**changes):
    return situation(dnsmasq__enabled=True, dnsmasq__ranges={"r1": RANGE}, **changes)


def lan(answer):
    return next(one for one in answer["interfaces"] if one["name"] == "lan")


def server(answer):
    return lan(answer)["servers"][0]


def codes(answer):
    return [one["code"] for one in server(answer)["conflicts"]]


def test_the_table_is_the_agents(agent):
    """What the tests here take for the agent's table is what it prints."""
    one = agent(addresses=["127.0.0.1"])
    done = one.run("dhcp", "fields", "--json", "--address", LAN)
    assert done.returncode == 0, done.stderr
    (told,) = json.loads(done.stdout)["networks"]
    ours = network(LAN)
    assert [row for row in told["rows"] if row["tag"] in {tag for tag, *_ in ROWS}] == [
        {**row, **({"url": row["url"].replace("8069", str(told["http_port"]))} if "url" in row else {})}
        for row in ours["rows"] if row["tag"] in {one["tag"] for one in told["rows"]}]
    assert told["ipxe"] == ours["ipxe"]


@pytest.mark.parametrize("asked", [isc(), kea(), dnsmasq()], ids=["isc", "kea", "dnsmasq"])
def test_what_was_carried_out_needs_nothing_more(asked):
    first = plan(asked)
    assert first["todo"] and server(first)["state"] == "open"
    second = plan(Store(asked).apply())
    assert server(second)["state"] == "done" and not second["todo"]
    assert [row for row in server(second)["rows"] if row["state"] != "ok"] == []
    assert not second["work"][server(second)["server"]].get("references")


def test_an_interface_without_a_server_is_elsewhere():
    answer = plan(situation())
    assert lan(answer)["servers"] == [] and lan(answer)["conflicts"] == []
    assert not answer["todo"]


def test_without_the_agents_table_nothing_is_planned():
    answer = plan(situation(fields=None, fields_error="it is not there"))
    assert answer["conflicts"][0]["level"] == "blocker"
    assert answer["conflicts"][0]["text"] == "it is not there"
    assert lan(answer)["conflicts"][0]["code"] == "not-listening"


def test_machines_are_not_sent_to_one_that_does_not_run():
    (conflict,) = [one for one in plan(situation(runs=False))["conflicts"] if one["code"] == "not-running"]
    assert conflict["level"] == "warning" and not conflict["repairable"] and "get nothing" in conflict["text"]
    first, second = (plan({**kea(), "runs": runs}) for runs in (True, False))
    assert first["digest"] == second["digest"], "it changes nothing of the settings"


def test_an_agent_that_prints_an_error_is_an_error():
    with pytest.raises(AssertionError, match="The agent did not say"):
        plan(situation(fields="error: no such file"))


def test_hearth_needs_an_address_on_the_interface():
    asked = isc()
    asked["fields"]["networks"] = [network(OPT)]
    answer = plan(asked)
    assert lan(answer)["conflicts"][0]["code"] == "not-listening"
    assert server(answer)["state"] == "blocked" and answer["work"]["isc"]["changes"] == []


def test_of_a_pair_of_firewalls_the_shared_address_is_named():
    asked = isc()
    asked["interfaces"]["lan"]["virtual"] = ["192.168.1.254"]
    asked["fields"]["networks"].append(network("192.168.1.254"))
    assert lan(plan(asked))["address"] == "192.168.1.254"


def test_isc_gets_a_field_for_each_firmware_and_a_file_for_the_rest():
    work = plan(isc())["work"]["isc"]
    assert {change["path"]: change["value"] for change in work["changes"]} == {
        "lan/netboot": "1", "lan/nextserver": LAN, "lan/filename": "undionly.kpxe",
        "lan/filename32": "i386/snponly.efi", "lan/filename64": "snponly.efi",
        "lan/filename32arm": "arm32/snponly.efi", "lan/filename64arm": "arm64/snponly.efi",
        "lan/filenameipxe": "default.ipxe"}
    assert work["file"].count("\nclass ") == 4 and "c0:a8:01:01" in work["file"]


def test_iscs_netboot_counts_by_its_presence():
    """An empty element is on for dhcpd, so it is for the plan."""
    rows = {row["field"]: row for row in server(plan(isc(netboot="")))["rows"]}
    assert rows["Enable network booting"]["state"] == "ok"


def test_iscs_file_has_both_interfaces():
    asked = situation(isc__interfaces={"lan": {"enable": "1"}, "opt1": {"enable": "1"}})
    text = plan(asked)["work"]["isc"]["file"]
    assert text.count("\nclass ") == 4
    assert text.count(f"http://{LAN}:8069/files/snponly.efi") == 1
    assert text.count(f"http://{OPT}:8069/files/snponly.efi") == 1


def test_iscs_conflicts_are_found_and_repaired():
    asked = isc(
        nextserver="192.168.1.9", tftp="192.168.1.9", bootfilename="pxelinux.0",
        numberoptions={"item": [{"number": "66", "type": "text", "value": "x"},
                                {"number": "42", "type": "text", "value": "y"},
                                {"number": "93", "type": "text", "value": "z"}]},
        pool={"range": {"from": "192.168.1.10", "to": "192.168.1.20"}, "netboot": "1", "filename": "a.efi"},
        staticmap=[{"mac": "52:54:00:00:00:01", "hostname": "fine"},
                   {"mac": "52:54:00:00:00:02", "filename": "b.efi", "tftp": "c"}])
    asked["isc"]["dropins"] = {"own.conf": "class \"x\" { filename \"y\"; }", "none.conf": "# filename \"\";"}
    answer = plan(asked)
    assert codes(answer) == ["next-server", "option-66-67", "raw-option", "raw-option", "pool", "host", "include"]
    by_code = {one["code"]: one for one in server(answer)["conflicts"]}
    assert not by_code["next-server"]["repairable"] and not by_code["include"]["repairable"]
    assert "own.conf" in by_code["include"]["text"] and "pxelinux.0" in by_code["option-66-67"]["text"]
    assert "52:54:00:00:00:02" in by_code["host"]["text"]
    asked["repairs"] = [one["id"] for one in server(answer)["conflicts"]]
    assert [change["path"] for change in plan(asked)["repairs"]["isc"]] == [
        "lan/tftp", "lan/bootfilename", "lan/numberoptions/item[0]", "lan/numberoptions/item[2]",
        "lan/pool[0]/netboot", "lan/pool[0]/filename", "lan/staticmap[1]/tftp", "lan/staticmap[1]/filename"]


def test_keas_rows_are_one_for_each_value_and_end_with_a_zero_byte():
    rows = [change["values"] for change in plan(kea())["work"]["kea"]["rows"] if change["do"] == "add"]
    files = {(row["match_code"], row["match_data"]): bytes.fromhex(row["data"])
             for row in rows if row["code"] == "67"}
    assert files[("93", "7")] == files[("93", "9")] == b"snponly.efi\0"
    assert files[("93", "0")] == b"undionly.kpxe\0" and files[("93", "6")] == b"i386/snponly.efi\0"
    assert files[("93", "16")] == b"http://192.168.1.1:8069/files/snponly.efi"
    assert files[("77", "69505845")] == b"default.ipxe\0"
    classes = {row["match_data"] for row in rows if row["code"] == "60"}
    assert classes == {"15", "16", "17", "18", "19"}
    assert all(row["encoding"] == "hex" and row["description"].startswith("Hearth: ") for row in rows)
    assert len({row["description"] for row in rows}) == len(rows)


def test_keas_list_has_ipxe_last_and_keeps_the_rows_of_others():
    asked = kea({"option": "theirs"}, kea__options={"theirs": {
        "code": "42", "encoding": "hex", "data": "00", "force": "0", "match_code": "", "match_encoding": "",
        "match_data": "", "description": "time"}})
    done = Store(asked).apply()["kea"]
    listed = [done["options"][uuid]["description"] for uuid in done["subnets"]["s1"]["option"].split(",")]
    assert listed[0] == "time" and listed[-1] == "Hearth: iPXE"


def test_keas_rows_that_somebody_moved_are_put_in_order():
    asked = Store(kea()).apply()
    refs = asked["kea"]["subnets"]["s1"]["option"].split(",")
    asked["kea"]["subnets"]["s1"]["option"] = ",".join(reversed(refs))
    answer = plan(asked)
    assert server(answer)["state"] == "open"
    assert answer["work"]["kea"]["references"] == [
        {"do": "set", "path": "subnets.subnet4.s1.option", "value": ",".join(refs)}]


def test_two_subnets_of_kea_get_their_own_url():
    asked = situation(kea__enabled=True, kea__interfaces=["lan", "opt1"], kea__subnets={
        "s1": SUBNET, "s2": {**SUBNET, "subnet": "10.0.0.0/16"}, "s3": {**SUBNET, "subnet": "172.16.0.0/24"}})
    done = Store(asked).apply()["kea"]
    for uuid, address in (("s1", LAN), ("s2", OPT)):
        subnet = done["subnets"][uuid]
        assert subnet["next_server"] == address
        data = [bytes.fromhex(done["options"][one]["data"]) for one in subnet["option"].split(",")]
        urls = {one for one in data if one.startswith(b"http")}
        assert urls and all(one.startswith(f"http://{address}:8069/".encode()) for one in urls)
    assert done["subnets"]["s3"] == {**SUBNET, "subnet": "172.16.0.0/24"}


@pytest.mark.parametrize("changes, code", [({"kea__manual": True}, "manual"),
                                           ({"kea__has_options": False}, "no-options")])
def test_kea_that_cannot_be_wired_is_refused_with_the_reason(changes, code):
    answer = plan(kea(**changes))
    assert codes(answer) == [code] and server(answer)["state"] == "blocked"
    assert answer["work"]["kea"]["rows"] == answer["work"]["kea"]["references"] == []


def test_keas_conflicts_are_found_and_repaired():
    option = {"code": "67", "encoding": "string", "data": "x", "force": "0", "match_code": "",
              "match_encoding": "", "match_data": "", "description": "old boot"}
    host = {"subnet": "s1", "hw_address": "52:54:00:00:00:01", "hostname": "", "ip_address": "", "option": "",
            "next_server": "", "option_data.tftp_server_name": "", "option_data.boot_file_name": ""}
    asked = kea({"next_server": "192.168.1.9", "option": "o1", "option_data.tftp_server_name": "192.168.1.9",
                 "option_data.boot_file_name": "pxelinux.0"},
                kea__options={"o1": option},
                kea__reservations={"h1": host, "h2": {**host, "next_server": "192.168.1.8", "option": "o1"},
                                   "h3": {**host, "subnet": "other", "next_server": "192.168.1.8"}})
    answer = plan(asked)
    assert codes(answer) == ["next-server", "option-66-67", "raw-option", "host"]
    asked["repairs"] = [one["id"] for one in server(answer)["conflicts"]]
    assert plan(asked)["repairs"]["kea"] == [
        {"do": "set", "path": "subnets.subnet4.s1.option_data.tftp_server_name", "value": None},
        {"do": "set", "path": "subnets.subnet4.s1.option_data.boot_file_name", "value": None},
        {"do": "take", "path": "subnets.subnet4.s1.option", "one": "o1"},
        {"do": "set", "path": "reservations.reservation.h2.next_server", "value": None},
        {"do": "take", "path": "reservations.reservation.h2.option", "one": "o1"}]


def test_dnsmasq_knows_both_numbers_by_one_tag_and_has_ipxe_last():
    done = Store(dnsmasq()).apply()["dnsmasq"]
    tags = {tag["tag"]: uuid for uuid, tag in done["tags"].items()}
    matches = [(row["option"], row["value"]) for row in done["options"].values()
               if row["type"] == "match" and row["set_tag"] == tags["Hearth$x8664"]]
    assert matches == [("93", "7"), ("93", "9")]
    boot = list(done["boot"].values())
    assert boot[-1]["tag"] == tags["Hearth$ipxe"] and boot[-1]["filename"] == "default.ipxe"
    assert all(row["servername"] == row["address"] == LAN and row["interface"] == "lan" for row in boot)
    assert all(re.fullmatch(r"[0-9a-zA-Z$]{1,1024}", tag) for tag in tags), "as 26.1 asks"
    forced = [row for row in done["options"].values() if row["option"] == "60"]
    assert len(forced) == 4 and all(row["force"] == "1" and row["value"] == "HTTPClient" for row in forced)


def test_dnsmasqs_rows_go_behind_a_row_that_came_later():
    asked = Store(dnsmasq()).apply()
    asked["dnsmasq"]["boot"]["late"] = {"interface": "", "tag": "", "filename": "x", "servername": "",
                                        "address": "", "description": ""}
    answer = plan(asked)
    assert server(answer)["state"] == "open"
    assert any(row["field"] == "DHCP boot: order" for row in server(answer)["rows"])
    store = Store(asked)
    done = store.apply()["dnsmasq"]["boot"]
    assert list(done)[0] == "late" and len(done) == len(asked["dnsmasq"]["boot"])
    assert plan(store.asked)["todo"] is False


def test_dnsmasqs_row_for_another_interface_is_not_in_the_way():
    asked = Store(dnsmasq()).apply()
    asked["dnsmasq"]["boot"]["late"] = {"interface": "opt1", "tag": "", "filename": "x", "servername": "",
                                        "address": "10.0.0.9", "description": ""}
    assert plan(asked)["todo"] is False and codes(plan(asked)) == []


def test_dnsmasqs_conflicts_are_found_and_repaired():
    asked = dnsmasq()
    asked["dnsmasq"]["options"] = {"o1": {"type": "set", "option": "66", "value": "192.168.1.9", "interface": "",
                                          "tag": "", "set_tag": "", "force": "0", "description": ""}}
    asked["dnsmasq"]["boot"] = {"b1": {"interface": "lan", "tag": "", "filename": "pxelinux.0", "servername": "x",
                                       "address": "192.168.1.9", "description": ""}}
    asked["dnsmasq"]["dropins"] = {"pxe.conf": "# dhcp-boot=a\ndhcp-boot=b\n", "dns.conf": "# dhcp-boot=a\n"}
    answer = plan(asked)
    assert codes(answer) == ["raw-option", "next-server", "include"]
    asked["repairs"] = [one["id"] for one in server(answer)["conflicts"]]
    assert plan(asked)["repairs"]["dnsmasq"] == [
        {"do": "delete", "list": "dhcp_options", "uuid": "o1"}, {"do": "delete", "list": "dhcp_boot", "uuid": "b1"}]


@pytest.mark.parametrize("changes, there", [
    ({}, True), ({"dnsmasq__interfaces": ["opt1"]}, False), ({"dnsmasq__no_interface": ["lan"]}, False),
    ({"dnsmasq__ranges": {"r": {"interface": "", "start_addr": "192.168.1.100"}}}, True),
    ({"dnsmasq__ranges": {"r": {"interface": "", "start_addr": "192.168.7.100"}}}, False),
    ({"dnsmasq__ranges": {"r": {"interface": "lan", "start_addr": "::1000"}}}, False)])
def test_where_dnsmasq_serves_dhcp(changes, there):
    asked = dnsmasq()
    for path, value in changes.items():
        asked["dnsmasq"][path.split("__")[1]] = value
    assert bool(lan(plan(asked))["servers"]) == there


def test_several_servers_on_one_interface_are_named_and_each_is_wired():
    asked = dnsmasq()
    asked["isc"]["interfaces"] = {"lan": {"enable": "1"}}
    answer = plan(asked)
    assert [one["server"] for one in lan(answer)["servers"]] == ["isc", "dnsmasq"]
    assert lan(answer)["conflicts"][0]["code"] == "several-servers"
    assert answer["work"]["isc"]["changes"] and answer["work"]["dnsmasq"]["rows"]


def test_two_servers_on_two_interfaces():
    asked = dnsmasq()
    asked["isc"]["interfaces"] = {"opt1": {"enable": "1"}}
    answer = plan(asked)
    assert [[one["server"] for one in interface["servers"]] for interface in answer["interfaces"]] == [
        ["dnsmasq"], ["isc"]]
    assert all(interface["conflicts"] == [] for interface in answer["interfaces"])


def test_whoever_else_has_port_69_is_named():
    answer = plan(situation(tftp={"enabled": True, "listen": LAN}, udp69=["in.tftpd", "hearth", "dnsmasq"]))
    assert [one["code"] for one in answer["conflicts"]] == ["os-tftp", "port-69"]
    assert "dnsmasq" in answer["conflicts"][1]["text"]
    asked = situation(tftp={"enabled": True, "listen": LAN}, repairs=[answer["conflicts"][0]["id"]])
    assert plan(asked)["repairs"]["tftp"] == [{"do": "set", "path": "general/enabled", "value": "0"}]


def test_another_tftp_port_is_pointed_out():
    answer = plan(situation(fields={"networks": [network(LAN, tftp_port=6969)]}))
    assert answer["conflicts"][0]["code"] == "tftp-port"


def test_what_the_agent_heard_is_shown():
    heard = [{"code": "other-dhcp-server", "sentence": "192.168.1.9 answers too", "remedy": "take it out"},
             {"code": "loader-stalls", "sentence": "no matter"}]
    conflicts = plan(situation(heard=heard))["conflicts"]
    assert [one["text"] for one in conflicts] == ["192.168.1.9 answers too"]


def test_an_interface_that_is_not_chosen_any_more_is_to_be_taken_back():
    record = {"time": 1, "phase": "done", "interfaces": ["lan", "opt1"]}
    asked = Store(isc()).apply()
    asked["record"] = record
    answer = plan(asked)
    assert answer["stale"] == ["opt1"] and answer["todo"]


def test_an_apply_that_broke_off_is_to_be_completed():
    asked = Store(isc()).apply()
    asked["record"] = {"time": 1, "phase": "begun", "interfaces": ["lan"]}
    answer = plan(asked)
    assert answer["todo"] and answer["applied"] == {"time": 1, "whole": False}


def test_the_digest_tells_whether_what_was_shown_is_still_so():
    one, other = isc(), isc(nextserver="192.168.1.9")
    assert plan(one)["digest"] == plan(isc())["digest"] != plan(other)["digest"]


def test_undo_is_to_the_byte_when_nothing_else_changed():
    before = '<d><lan><enable>1</enable><tftp>x</tftp><pool/></lan></d>'
    after = '<d a="1"><lan><enable>1</enable><pool/><netboot>1</netboot></lan></d>'
    assert php("undo", {"before": before, "after": after, "now": after}) == before


def test_undo_keeps_what_somebody_else_changed():
    before = ('<k version="1"><subnets><subnet4 uuid="s1"><next_server/><option>a</option><x>1</x></subnet4></subnets>'
              '<options><option uuid="a"><d>theirs</d></option></options></k>')
    after = ('<k version="1" persisted_at="5"><subnets><subnet4 uuid="s1"><next_server>1.1.1.1</next_server>'
             '<option>h1,a,h2</option><x>1</x><new/></subnet4></subnets>'
             '<options><option uuid="a"><d>theirs</d></option><option uuid="h1"><d>H</d></option>'
             '<option uuid="h2"><d>H</d></option></options></k>')
    now = ('<k version="1" persisted_at="6"><subnets><subnet4 uuid="s1"><next_server>1.1.1.1</next_server>'
           '<option>h1,a,h2,b</option><x>2</x><new/></subnet4>'
           '<subnet4 uuid="s2"><next_server>1.1.1.1</next_server><option>b,h1</option></subnet4></subnets>'
           '<options><option uuid="a"><d>theirs</d></option><option uuid="h1"><d>H</d></option>'
           '<option uuid="h2"><d>changed</d></option><option uuid="b"><d>new</d></option></options></k>')
    undone = php("undo", {"before": before, "after": after, "now": now})
    assert 'persisted_at="6"' not in undone
    assert undone.split(">", 1)[1] == (
        '<subnets><subnet4 uuid="s1"><next_server/><option>a,b</option><x>2</x></subnet4>'
        '<subnet4 uuid="s2"><next_server>1.1.1.1</next_server><option>b</option></subnet4></subnets>'
        '<options><option uuid="a"><d>theirs</d></option><option uuid="b"><d>new</d></option></options></k>')


def test_undo_leaves_a_value_that_somebody_else_has_set_since():
    before, after = "<l><n>1</n><t>old</t></l>", "<l><n>2</n></l>"
    assert php("undo", {"before": before, "after": after, "now": "<l><n>3</n></l>"}) == "<l><n>3</n><t>old</t></l>"
    assert php("undo", {"before": before, "after": after, "now": "<l><n>3</n><t>new</t></l>"}) == (
        "<l><n>3</n><t>new</t></l>")


def test_undo_puts_repaired_hosts_back_beside_new_ones():
    def host(mac, more=""):
        return f"<staticmap><mac>{mac}</mac>{more}</staticmap>"
    before = f"<l>{host('a')}{host('b', '<filename>f</filename>')}</l>"
    after = f"<l><netboot>1</netboot>{host('a')}{host('b')}</l>"
    now = f"<l><netboot>1</netboot>{host('c')}{host('b', '<descr>d</descr>')}</l>"
    assert php("undo", {"before": before, "after": after, "now": now}) == (
        f"<l>{host('c')}{host('b', '<filename>f</filename><descr>d</descr>')}</l>")
