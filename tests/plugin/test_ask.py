"""What configd runs to ask the agent: one JSON value and a good end, whatever happens to the agent."""

import configparser
import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import threading
import urllib.request

import pytest

from hearthtest.agent import binary
from hearthtest.declared import DEBIAN, INITRD, KERNEL
from hearthtest.origin import Origin
from hearthtest.wait import wait_for

SRC = pathlib.Path(__file__).parents[2] / "opnsense-plugin/src/opnsense"
ASK = SRC / "scripts/hearth/ask.py"
MAC = "52:54:00:00:00:01"
EVIL = "<script>alert(1)</script>"
CONFIG = DEBIAN + """
[observe]
enabled = false
[loaders]
source = "none"
[[image]]
name = "talos"
recipe = "talos"
version = "v1.11.2"
factory = "{factory}"
[[profile]]
name = "talos"
image = "talos"
omni = {{ api = "https://example.omni.siderolabs.io", token = "secret-token" }}
[[profile]]
name = "debian"
image = "debian"
installed = "callback"
[[policy]]
name = "IBM"
match = {{ manufacturer = "IBM*" }}
profile = "debian"
"""


def ask(run_dir, *arguments, config="", wait="10", **more):
    env = {**os.environ, "HEARTH_SOCKET": f"{run_dir}/hearth.sock", "HEARTH_BIN": binary(),
           "HEARTH_CONFIG": str(config), "HEARTH_WAIT": wait} | {key: str(value) for key, value in more.items()}
    done = subprocess.run([sys.executable, ASK, *arguments], capture_output=True, text=True, timeout=120, env=env)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def site(agent):
    with Origin() as origin:
        made = agent(CONFIG.format(factory=f"{origin.url}/factory"))
        for name in (KERNEL, INITRD):
            made.put(name, b"x" * 5000)
        made.start()
        made.asks = lambda *arguments: ask(made.run_dir, *arguments, config=made.config)
        made.says = lambda more: urllib.request.urlopen(
            f"{made.http}/script?mac={MAC}&platform=efi&buildarch=x86_64&manufacturer={more}", timeout=20).read()
        yield made


def test_a_grid_s_rows_and_a_machine_s_page(site):
    assert site.asks("machines") == {"machines": [], "more": False}
    site.says("%3Cscript%3Ealert(1)%3C/script%3E")
    row, = site.asks("machines")["machines"]
    assert (row["phase"], row["mac"], row["make"]) == ("discovered", MAC, EVIL)
    page = site.asks("machine", str(row["id"]))
    assert page["machine"]["facts"]["manufacturer"] == EVIL
    assert page["timeline"]["boots"][0]["events"] and page["profiles"] == ["debian", "talos"]
    assert {"status", "machines", "findings", "live", "fetches"} <= set(site.asks("overview"))


def test_the_worst_findings_come_first_whoever_they_are_of(site):
    """23 machines wait, and one that was met after them has a real fault."""
    macs = [f"52:54:00:00:01:{number:02x}" for number in range(1, 25)]
    for mac in macs:
        script = f"{site.http}/script?mac={mac}&platform=efi&buildarch=x86_64"
        urllib.request.urlopen(script, timeout=20).read()
        site.asks("act", mac, *(("assign", "talos") if mac == macs[-1] else ("hold",)))
        urllib.request.urlopen(script, timeout=20).read()
    overview = site.asks("overview")
    assert overview["findings_total"] == 24 and len(overview["findings"]) == 20
    assert overview["findings"][0]["code"] == "image-not-fetched" and overview["findings"][0]["severity"] == "error"
    newest = [max(one["evidence"]) for one in overview["findings"][1:]]
    assert newest == sorted(newest, reverse=True)
    assert macs[0] not in [one["label"] for one in overview["findings"]]
    assert {row["label"]: row["code"] for row in overview["machines"]}[macs[0]] == "waits-for-approval"


def test_actions_are_done_and_refusals_are_sentences(site):
    site.says("IBM")
    for action, value, key, becomes in [("hold", "", "phase", "held"), ("release", "", "phase", "discovered"), ("local", "talos", "phase", "installed"),
                                        ("name", "oden", "label", "oden"), ("tags", "lab, old", None, None)]:
        answer = site.asks("act", MAC, action, value)
        assert "error" not in answer, answer
        assert key is None or answer[key] == becomes
    oden = site.asks("machine", "oden")["machine"]
    assert (oden["wishes"]["tags"], oden["detail"]["profile"]) == (["lab", "old"], "talos")
    for arguments in [("act", MAC, "assign", "nothing"), ("act", "nobody", "hold"), ("act", MAC, "explode"), ("act", "", "hold"),
                      ("act", "../status", "hold"), ("fetch", "nothing"), ("update", "nothing"), ("update", ""), ("cancel", "99"), ("policytest", "", "memory"), ("sing",)]:
        answer = site.asks(*arguments)
        assert answer["state"] == "refused" and (answer["error"][0].isupper() or answer["error"][0] == '"') and answer["error"][-1] in ".!?", (arguments, answer)
    assert site.asks("act", "oden", "forget", "", "alice")["label"] == "oden"
    who = [row["who"] for row in site.ask("GET", "audit")[2]["audit"]]
    assert who[0] == "alice by root" and set(who[1:]) == {"root"}
    assert site.asks("machines")["machines"] == []


def test_policies_are_tried_on_made_up_machines(site):
    answer = site.asks("policytest", "", "manufacturer=IBM\nmemory=16 GiB\ntag=a\ntag=b")
    assert answer["taken"] == "IBM" and answer["has"]["tag"] == ["a", "b"]
    site.says("Dell")
    assert site.asks("policytest", MAC)["taken"] is None
    assert site.asks("policytest", MAC, "manufacturer=IBM")["taken"] == "IBM"


def test_a_script_is_exact_but_for_the_join_token(site):
    assert site.asks("script", '{"menu": "1"}')["script"].startswith("#!ipxe\n# menu")
    site.run("fetch", "talos")
    script = site.asks("script", '{"item": "talos", "mac": "52:54:00:00:00:09", "platform": "efi", "arch": "amd64"}')["script"]
    assert "siderolink.api=https://example.omni.siderolabs.io?jointoken=" in script and "secret-token" not in script
    assert "HEARTH" not in site.asks("script", '{"mac": "--help"}').get("script", "")
    assert "error" in site.asks("script", '{"mac": "; id"}')


def test_what_is_declared_is_tried_before_it_is_applied(site, tmp_path):
    """What makes it is the plugin's own and needs the firewall; a stand-in says what it would."""
    says, staged = tmp_path / "check", site.folder / "staged.toml"
    checked = {"status": "ok", "warnings": "", "differs": True}
    says.write_text(f"#!/bin/sh\n[ $1 = --check ] && cat {tmp_path}/answer\n")
    says.chmod(0o755)
    (tmp_path / "answer").write_text(json.dumps(checked))
    staged.write_text(site.config.read_text().replace('"IBM*"', '"Dell*"').replace("[loaders]", '[menu]\ntitle = "another"\n[loaders]'))
    tryout = lambda *with_: ask(site.run_dir, "tryout", *with_, config=site.config, HEARTH_CHECK=says, HEARTH_STAGED=staged)  # noqa: E731
    site.says("Dell")
    assert site.asks("policytest", MAC)["taken"] is None
    answer = tryout(MAC, "", json.dumps({"mac": MAC, "manufacturer": "Dell", "platform": "efi"}))
    assert answer["policies"]["taken"] == "IBM" and answer["policies"]["has"]["manufacturer"] == ["Dell"] and answer["differs"] is True
    assert "debian" in answer["script"] and "another" in answer["menu"] and "secret-token" not in json.dumps(answer)
    assert tryout(MAC, "manufacturer=IBM")["policies"]["taken"] is None
    assert tryout("", "manufacturer=Dell\ntag=a\ntag=b")["policies"]["has"]["tag"] == ["a", "b"]
    assert tryout()["policies"]["state"] == "refused" and "another" in tryout()["menu"]
    site.stop()
    assert tryout("", "manufacturer=Dell")["policies"]["taken"] == "IBM"
    assert tryout(MAC)["state"] == "stopped"
    staged.unlink()
    assert tryout("", "manufacturer=Dell")["policies"]["taken"] is None
    (tmp_path / "answer").write_text(json.dumps({"status": "failed", "message": "It is refused.", "details": "hearth.toml:3:1: no"}))
    assert tryout("", "manufacturer=Dell") == {"error": "It is refused.\nhearth.toml:3:1: no", "state": "refused"}
    (tmp_path / "answer").write_text("nothing")
    assert "could not be checked" in tryout("", "manufacturer=Dell")["error"]
def test_the_script_of_a_known_machine_counts_what_people_did(site):
    site.run("fetch", "talos")
    site.says("Dell")
    page = str(site.asks("machine", MAC)["machine"]["id"])
    assert site.asks("script", json.dumps({"machine": page}))["decision"] == "menu"
    site.asks("act", MAC, "assign", "talos")
    answer = site.asks("script", json.dumps({"machine": page}))
    assert answer["decision"] == "install talos" and answer["profile"] == "talos"
    assert "jointoken=***" in answer["script"] and "secret-token" not in json.dumps(answer)
    given = re.sub(r"/event/[0-9a-f]{32}", "/event/" + "0" * 32, site.says("Dell").decode())
    assert given.replace("secret-token", "***") == answer["script"]
    assert site.asks("script", '{"machine": "nobody"}')["state"] == "refused"


def test_what_the_factory_offers_also_before_there_is_a_configuration(site, tmp_path):
    with Origin() as origin:
        url = f"{origin.url}/factory"
        assert ask(tmp_path, "versions", url, config=tmp_path / "none.toml")["versions"] == ["v1.11.2", "v1.11.1", "v1.10.7"]
        names = [one["name"] for one in ask(tmp_path, "extensions", "v1.11.2", url, config=tmp_path / "none.toml")["extensions"]]
        assert "siderolabs/bnx2-bnx2x" in names
    assert site.asks("versions")["versions"][0] == "v1.11.2"
    assert "is no version" in site.asks("extensions", "v1;id")["error"]
    assert "is no URL" in site.asks("versions", "file:///etc/passwd")["error"]


def test_a_fetch_goes_on_without_whoever_began_it(site):
    begun = site.asks("fetch", "talos")
    assert begun["id"] == 1
    site.asks("cancel", "1")
    assert site.asks("fetches")["fetches"][0]["id"] == 1
    images = {one["name"]: one for one in site.asks("images")["images"]}
    assert set(images) >= {"debian", "talos"}


def test_pins_are_changed_and_what_nothing_refers_to_is_removed(site):
    def ended(number):
        found = site.asks("fetches")["fetches"][0]
        return found if found["id"] == number and found["ended"] else None
    for question, task in ((("update", "talos"), "update"), (("prune",), "prune")):
        begun = site.asks(*question)
        assert begun["task"] == task, begun
        done = wait_for(lambda: ended(begun["id"]), f"{task} is over", 30)
        assert done["state"] == "done", done


def test_an_agent_that_does_not_run(tmp_path):
    for question in ("status", "overview", "machines", "images", "hints", "findings"):
        answer = ask(tmp_path, question)
        assert answer["state"] == "stopped" and "does not run" in answer["error"]


def test_an_agent_that_is_silent_hangs_up_or_talks_nonsense(tmp_path):
    server = socket.socket(socket.AF_UNIX)
    server.bind(f"{tmp_path}/hearth.sock")
    server.listen()
    replies = [None, b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n[1,",
               b"HTTP/1.1 500 X\r\nContent-Length: 2\r\n\r\n{}", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"]

    def answer():
        kept = []
        for reply in replies:
            peer, _ = server.accept()
            kept.append(peer)
            if reply is not None:
                peer.recv(4096)
                peer.sendall(reply)
                peer.close()

    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    states = [ask(tmp_path, "machines" if reply == replies[-1] else "status", wait="1")["state"] for reply in replies]
    assert states == ["silent", "silent", "silent", "failed", "refused", "failed"]
    thread.join(10)


def test_every_question_of_the_pages_is_a_configd_action_and_changes_are_restricted():
    actions = configparser.RawConfigParser()
    actions.read(SRC / "service/conf/actions.d/actions_hearth.conf")
    ours = {name.removeprefix("agent."): actions[name] for name in actions.sections() if name.startswith("agent.")}
    for name, action in ours.items():
        assert action["command"] == f"/usr/local/opnsense/scripts/hearth/ask.py {name}"
        assert action["type"] == "script_output"
        # The factory's are asked by root, at a URL that is given.
        restricted = name in ("act", "fetch", "update", "prune", "cancel", "versions", "extensions")
        assert (action.get("allowed_groups") == "wheel,wwwonly") == restricted, name
    asked = "".join(path.read_text() for path in SRC.glob("mvc/app/**/*.php"))
    for name in ours:
        assert any(f"{way}('{name}'" in asked for way in ("ask", "askFactory", "done")), f"nothing asks {name}"
