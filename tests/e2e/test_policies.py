"""Policies through the real agent: machines are played over HTTP, a person uses the command line."""

import json
import re
import subprocess

import pytest

from hearthtest.agent import binary
from hearthtest.clients import get
from hearthtest.declared import DEBIAN, INITRD, KERNEL

DECLARED = """
[loaders]
source = "none"
[observe]
enabled = false
[menu]
items = ["cluster", "local"]
default = "local"
""" + DEBIAN + """
[[profile]]
name = "cluster"
image = "debian"
[[profile]]
name = "lab"
image = "debian"
[[profile]]
name = "spare"
image = "debian"
[[policy]]
name = "lab machines"
profile = "lab"
match = { tag = ["lab", "!keep"] }
[[policy]]
name = "one large server"
profile = "cluster"
limit = 1
match = { manufacturer = ["*", "!Dell*"], memory = ">= 16 GiB", subnet = "127.0.0.0/8" }
[[policy]]
name = "other servers"
profile = "spare"
match = { manufacturer = "!Dell*" }
"""
FIRST, SECOND, THIRD = (f"52:54:00:00:00:0{number}" for number in (1, 2, 3))
LARGE, SMALL = "&memsize=65536", "&memsize=8192"


@pytest.fixture
def site(agent):
    made = agent(DECLARED)
    for name in (KERNEL, INITRD):
        made.put(name, b"x" * 5000)
    return made.start()


def boots(site, mac, more):
    """The decision and its reason, as they stand in the script of a machine that boots."""
    script = get(site, f"/script?mac={mac}&platform=efi&buildarch=x86_64{more}").decode()
    return tuple(script.splitlines()[1][2:].split(": ", 1))


def explained(site, *arguments):
    done = site.run("policy", "test", *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def outcomes(answer):
    return [policy["outcome"] for policy in answer["policies"]]


def facts(**all_of_them):
    return [word for key, value in all_of_them.items() for word in ("--fact", f"{key}={value}")]


def test_the_first_policy_that_matches_and_has_room_counts(site):
    ibm = "&manufacturer=IBM"
    assert boots(site, FIRST, ibm + LARGE)[0] == "install cluster"
    decision, reason = boots(site, SECOND, ibm + LARGE)
    assert decision == "install spare"
    assert reason == ("policy 'other servers' matches, the limit of policy 'one large server' is used up "
                      "(1 of 1)")
    assert boots(site, FIRST, ibm + LARGE)[0] == "install cluster", "it keeps its place"
    assert boots(site, THIRD, "&manufacturer=Dell+Inc." + LARGE)[0] == "menu"
    # What is not told meets neither a comparison nor what is negated.
    assert boots(site, "52:54:00:00:00:04", ibm)[0] == "install spare"
    assert boots(site, "52:54:00:00:00:05", LARGE)[0] == "menu"


def test_what_is_tested_is_what_a_machine_gets(site):
    machines = {FIRST: "&manufacturer=IBM" + LARGE, SECOND: "&manufacturer=HP" + LARGE,
                THIRD: "&manufacturer=Dell" + SMALL, "52:54:00:00:00:04": "&manufacturer=IBM" + SMALL}
    for mac, more in machines.items():
        boots(site, mac, more)
    for mac, more in machines.items():
        answer = explained(site, mac)
        decision, reason = boots(site, mac, more)
        # iPXE would take some characters of a comment for its own.
        said = answer["reason"].replace("`", "'").replace(";", ",")
        assert (answer["decision"], said) == (decision, reason)
        assert outcomes(answer).count("taken") == (decision != "menu")


def test_a_tag_makes_another_policy_match_at_the_next_boot(site):
    more = "&manufacturer=IBM" + SMALL
    assert boots(site, FIRST, more)[0] == "install spare"
    assert explained(site, FIRST, *facts(tag="lab"))["decision"] == "install lab"
    assert boots(site, FIRST, more)[0] == "install spare", "a test changes nothing"
    site.run("machine", "set", FIRST, "--tags", "lab,old")
    assert outcomes(explained(site, FIRST)) == ["taken", "unmet", "behind"]
    assert boots(site, FIRST, more) == ("install lab", "policy 'lab machines' matches")
    assert "gets install lab: policy `lab machines` matches\n" in site.run("events").stdout
    site.run("machine", "set", FIRST, "--tags", "lab,keep")
    assert boots(site, FIRST, more)[0] == "install spare"


def test_people_see_why_no_earlier_policy_matched(site):
    boots(site, FIRST, "&manufacturer=IBM" + LARGE)
    boots(site, SECOND, "&manufacturer=IBM+Corp." + LARGE)
    boots(site, THIRD, "&manufacturer=Dell+Inc." + SMALL)
    shown = site.run("policy", "test", SECOND).stdout
    assert re.search(r"^1 +lab machines +no +the machine has no tag, wanted is `lab`, `!keep`$", shown, re.M), shown
    assert re.search(r"^2 +one large server +full +every condition holds, but its limit is used up \(1 of 1\)$",
                     shown, re.M), shown
    assert re.search(r"^3 +other servers +taken +every condition holds$", shown, re.M), shown
    assert f"{SECOND} gets: install spare\n" in shown
    shown = site.run("policy", "test", THIRD).stdout
    assert ("manufacturer is `Dell Inc.`, which `!Dell*` leaves out; memory is `8 GiB`, wanted is "
            "`>= 16 GiB`") in shown
    assert "no policy takes it; server.unknown says: menu" in shown


def test_policies_and_profiles_are_listed_with_their_machines(site):
    for mac in (FIRST, SECOND, THIRD):
        boots(site, mac, "&manufacturer=IBM" + LARGE)
    listed = site.run("policy", "list").stdout
    assert re.search(r"^2 +one large server +cluster +1 of 1 +manufacturer = \[\"\*\", \"!Dell\*\"\], memory = ",
                     listed, re.M), listed
    assert re.search(r"^3 +other servers +spare +2 +manufacturer = \"!Dell\*\"$", listed, re.M), listed
    assert listed.endswith("any other machine gets: menu\n")
    profiles = json.loads(site.run("profiles", "--json").stdout)["profiles"]
    assert [profile["name"] for profile in profiles] == ["cluster", "lab", "spare"]
    assert re.search(r"^spare +debian +never +other servers$", site.run("profiles").stdout, re.M)


def test_made_up_machines_are_tested_with_and_without_the_agent(site):
    large = facts(manufacturer="HP", memory="64GiB", ip="127.0.0.9")
    assert explained(site, *large)["taken"] == "one large server"
    boots(site, FIRST, "&manufacturer=IBM" + LARGE)
    assert explained(site, *large)["taken"] == "other servers", "the place is taken"
    assert explained(site, *large, "--offline")["taken"] == "one large server", "the file knows no machines"
    site.stop()
    done = site.run("policy", "test", *large)
    assert done.returncode == 0 and "one large server" in done.stdout
    assert done.stderr == "no agent answers: this is what the configuration file says\n"
    assert "at most 1" in site.run("policy", "list").stdout
    done = site.run("policy", "test", FIRST)
    assert done.returncode == 65 and "say what it has with --fact" in done.stderr


def test_a_new_configuration_is_tested_before_it_is_in_force(site):
    new = site.folder / "new.toml"
    new.write_text(site.config.read_text().replace("!Dell*\" }", "!HP*\" }"))
    dell = facts(manufacturer="Dell")
    done = subprocess.run([binary(), "--config", new, "policy", "test", "--offline", *dell, "--json"],
                          capture_output=True, text=True)
    assert json.loads(done.stdout)["taken"] == "other servers"
    assert explained(site, *dell)["taken"] is None


@pytest.mark.parametrize("arguments, code, said", [
    (["--fact", "memory=16"], 65, "memory: a size is a whole number and a unit"),
    (["--fact", "colour=red"], 65, "there is no fact `colour`"),
    (["nobody"], 65, "nobody"),
    ([], 64, "required"),
    (["--fact", "memory"], 64, "KEY=VALUE"),
])
def test_what_cannot_be_tested_is_told_with_the_remedy(site, arguments, code, said):
    for more in ([], ["--offline"]):
        done = site.run("policy", "test", *arguments, *more)
        assert done.returncode == code and said in done.stderr, done


def test_a_pattern_that_is_wrong_is_shown_with_its_place(site):
    site.config.write_text(site.config.read_text().replace("127.0.0.0/8", "127.0.0.1/8"))
    done = site.run("check")
    assert done.returncode == 78
    assert "`subnet`: 127.0.0.1 is an address inside the network: write `127.0.0.0/8`" in done.stderr
    assert re.search(r"^ +\| +\^{13}$", done.stderr, re.M), done.stderr


def test_programs_ask_over_the_socket(site):
    status, _, body = site.ask("GET", "policies")
    assert status == 200 and [policy["number"] for policy in body["policies"]] == [1, 2, 3]
    status, _, body = site.ask("POST", "policies/test", {"facts": {"manufacturer": "HP"}})
    assert status == 200 and body["taken"] == "other servers" and body["known"] is False
    assert site.ask("POST", "policies/test", {})[0] == 422
    assert site.ask("GET", "policies/test")[0] == 405
