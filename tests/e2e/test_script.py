"""What a machine would get now: the very script that it then gets."""

import json
import re
import urllib.request

import pytest

from hearthtest.agent import free_port
from hearthtest.api import Api
from hearthtest.clients import get
from hearthtest.declared import INITRD, INSTALLER, KERNEL, RESCUE

MAC = "52:54:00:00:00:01"
FACTS = f"mac={MAC}&platform=efi&buildarch=x86_64"
EXTRA = RESCUE + INSTALLER + """
[loaders]
source = "none"
[[profile]]
name = "omni"
image = "debian"
arguments = ["siderolink.api=https://omni.example/?jointoken=s3cret"]
[[machine]]
name = "oden"
mac = "52:54:00:00:00:09"
profile = "rescue"
[api]
addresses = ["127.0.0.1"]
port = {port}
"""


@pytest.fixture
def site(agent):
    port = free_port()
    one = agent(EXTRA.format(port=port))
    one.port = port
    for name in (KERNEL, INITRD):
        one.put(name, name.encode())
    return one.start()


def asks(site):
    """What the machine gets that really asks; an installation's token is the machine's own."""
    return re.sub(r"/event/[0-9a-f]{32}", "/event/" + "0" * 32, get(site, f"/script?{FACTS}").decode())


def would(site, name=MAC, more=""):
    status, _, answer = site.ask("GET", f"machines/{name}/script{more}")
    assert status == 200, answer
    return answer


def test_it_is_what_the_machine_then_gets_in_every_phase(site):
    asks(site)
    seen = set()
    for action in ([], ["assign", "rescue"], ["assign", "installer"], ["hold"], ["release"], ["local", "rescue"],
                   ["reinstall"], ["unassign"], ["ignore"]):
        if action:
            done = site.run("machine", action[0], MAC, *action[1:])
            assert done.returncode == 0, done.stderr
        before = site.ask("GET", f"machines/{MAC}")[2]
        answer = would(site)
        assert site.ask("GET", f"machines/{MAC}")[2] == before, "asking changes nothing"
        assert site.run("script", MAC).stdout == answer["script"]
        assert json.loads(site.run("script", MAC, "--json").stdout) == answer
        assert asks(site) == answer["script"], action
        after = site.ask("GET", f"machines/{MAC}")[2]
        assert (answer["phase"], answer["becomes"]) == (before["phase"], after["phase"])
        seen.add((answer["decision"], answer["becomes"]))
    assert {decision for decision, _ in seen} >= {"menu", "install rescue", "install installer", "hold", "local",
                                                  "deny"}, seen
    assert "installing" in {phase for _, phase in seen}


def test_a_declared_machine_has_one_before_it_was_met(site):
    answer = would(site, "oden")
    assert (answer["machine"], answer["profile"], answer["decision"]) == (None, "rescue", "install rescue")
    assert site.ask("GET", "machines/nobody/script")[0] == 404
    status, _, problem = site.ask("GET", "machines/oden/script?asked=nowhere")
    assert status == 422 and "asked must be an address" in problem["detail"]
    assert "http://192.0.2.7:" in would(site, "oden", "?asked=192.0.2.7")["script"]
    assert site.run("script", "oden", "--menu").returncode == 64
    assert site.run("script", "nobody").returncode == 65


def test_the_join_token_is_for_who_may_read_the_configuration(site):
    asks(site)
    site.run("machine", "assign", MAC, "omni")
    shown = {}
    for role in ("read", "operate", "admin"):
        token = re.search(r"hearth_\S+", site.run("token", "create", role, "--role", role).stdout)[0]
        shown[role] = Api(site, site.port, token).get(f"machines/{MAC}/script")
    assert shown["read"] == shown["operate"]
    assert shown["read"]["decision"] == "install omni"
    assert "s3cret" not in json.dumps(shown["read"]) and "jointoken=***" in shown["read"]["script"]
    assert (shown["read"]["masked"], shown["admin"]["masked"]) == (True, False)
    assert urllib.request.urlopen(f"{site.http}/script?{FACTS}").read().decode() == shown["admin"]["script"]
