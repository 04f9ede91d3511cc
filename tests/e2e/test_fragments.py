"""Fragments of the configuration by the API: all of it or nothing, in force before the answer."""

import json
import signal
import urllib.request

import pytest

from hearthtest.wait import wait_for

MAC = "52:54:00:00:00:01"
SITE = """
[observe]
enabled = false
[log]
level = "info"
[[image]]
name = "net"
recipe = "netboot.xyz"
"""
LAB = f"""
[[profile]]
name = "lab"
image = "net"
label = "The lab"
[[machine]]
name = "oden"
mac = "{MAC}"
profile = "lab"
"""
SECRET = 'omni = { api = "https://omni.example", token = "hunter2" }\n'
TALOS = '[[image]]\nname = "talos"\nrecipe = "talos"\nversion = "v1.11.2"\n'


@pytest.fixture
def site(agent):
    return agent(SITE).start()


def put(site, text, name="lab", **headers):
    return site.ask("PUT", f"config/fragments/{name}", text, headers)


def label(site):
    """What is declared of the machine now."""
    return {one["name"]: one["label"] for one in site.ask("GET", "profiles")[2]["profiles"]}


def names(site):
    return [one["name"] for one in site.ask("GET", "config/fragments")[2]["fragments"]]


def test_a_fragment_is_in_force_once_it_is_answered_and_after_a_restart(site):
    status, _, made = put(site, LAB)
    assert (status, made["origin"], made["previous"]) == (201, "api", False)
    assert label(site) == {"lab": "The lab"}
    path = site.state / "conf.d" / "lab.toml"
    assert path.read_text() == LAB and path.stat().st_mode & 0o7777 == 0o640
    assert str(path) in site.status()["configuration"]["files"]
    checked = site.run("check")
    assert checked.returncode == 0, checked.stderr
    site.stop(signal.SIGKILL)
    site.start()
    assert label(site) == {"lab": "The lab"}
    audit = site.ask("GET", "audit")[2]["audit"]
    assert audit[0]["what"] == {"action": "apply-fragment", "fragment": "lab", "added": 9, "removed": 0,
                                "diff": "".join(f"+{line}\n" for line in LAB.splitlines())}


def test_a_refused_one_changes_nothing_and_is_told_with_its_place(site):
    put(site, LAB)
    wrong = LAB.replace('image = "net"', 'image = "nett"')
    status, _, problem = put(site, wrong)
    assert status == 422
    said = problem["diagnostics"]
    path = site.state / "conf.d" / "lab.toml"
    assert said.startswith(f"{path}:4:9: error: there is no image `nett`"), said
    assert '\n 4 | image = "nett"\n' in said and "^^^^" in said and "did you mean `net`?" in said
    assert path.read_text() == LAB and not path.with_name("lab.toml.previous").exists()
    assert label(site) == {"lab": "The lab"}
    status, _, problem = site.ask("POST", "config/check?name=lab", wrong)
    assert status == 422 and problem["diagnostics"] == said
    status, _, answer = site.ask("POST", "config/check?name=lab", LAB.replace("The", "A"))
    assert status == 200 and answer["valid"] and label(site) == {"lab": "The lab"}


def test_what_is_declared_twice_is_told_with_both_places(site):
    (site.folder / "conf.d").mkdir()
    (site.folder / "conf.d" / "own.toml").write_text('[[profile]]\nname = "lab"\nimage = "net"\n')
    status, _, problem = put(site, LAB)
    assert status == 422
    assert "profile `lab` is declared twice" in problem["diagnostics"]
    assert f"declared first at {site.folder / 'conf.d' / 'own.toml'}:2" in problem["diagnostics"]


def test_the_one_before_comes_back_also_after_it_was_deleted(site):
    put(site, LAB)
    assert site.ask("POST", "config/fragments/lab/revert")[0] == 404
    status, _, changed = put(site, LAB.replace("The", "A"))
    assert (status, changed["previous"]) == (200, True)
    assert label(site) == {"lab": "A lab"}
    for wanted in ("The lab", "A lab"):
        assert site.ask("POST", "config/fragments/lab/revert")[0] == 200
        assert label(site) == {"lab": wanted}
    assert site.ask("DELETE", "config/fragments/lab")[0] == 200
    assert (label(site), names(site)) == ({}, [])
    assert site.ask("DELETE", "config/fragments/lab")[0] == 404
    assert site.ask("POST", "config/fragments/lab/revert")[0] == 200
    assert label(site) == {"lab": "A lab"}


def test_what_others_changed_meanwhile_is_not_overwritten(site):
    put(site, LAB)
    _, headers, _ = site.ask("GET", "config/fragments/lab")
    seen = headers["etag"]
    assert put(site, LAB.replace("The", "A"), **{"If-Match": seen})[0] == 200
    assert put(site, LAB.replace("The", "No"), **{"If-Match": seen})[0] == 412
    assert site.ask("DELETE", "config/fragments/lab", headers={"If-Match": seen})[0] == 412
    assert label(site) == {"lab": "A lab"}


def test_a_persons_own_are_listed_and_not_touched(site):
    (site.folder / "conf.d").mkdir()
    own = site.folder / "conf.d" / "own.toml"
    own.write_text('[[profile]]\nname = "mine"\nimage = "net"\n')
    put(site, LAB)
    listed = site.ask("GET", "config/fragments")[2]["fragments"]
    assert [(one["name"], one["origin"]) for one in listed] == [("own", "file"), ("lab", "api")]
    status, _, problem = site.ask("DELETE", "config/fragments/own")
    assert status == 409 and str(own) in problem["detail"] and own.exists()


def test_secrets_are_shown_nowhere(site):
    text = TALOS + '[[profile]]\nname = "lab"\nimage = "talos"\n' + SECRET
    assert put(site, text)[0] == 201
    _, _, shown = site.ask("GET", "config/fragments/lab")
    assert 'token = "(secret)"' in shown and 'name = "lab"' in shown
    whole = site.ask("GET", "config")[2]
    assert whole["configuration"]["profile"][0]["omni"]["token"] == "(secret)"
    wrong = put(site, text + "imag = 1\n")[2]
    everything = json.dumps([shown, whole, wrong, site.ask("GET", "audit")[2], site.status()])
    assert "hunter2" not in everything + site.log()


@pytest.mark.parametrize("text, key", [
    ('[server]\nroot = "/etc"\n', "server"),
    ('[api]\naddresses = ["0.0.0.0"]\n', "api"),
    ('[loaders]\nfiles = { "snponly.efi" = "/etc/shadow" }\n', "loaders"),
    ('[[webhook]]\nname = "x"\nurl = "http://x.example"\nsecret = "abc"\n', "webhook"),
    ('[[profile]]\nname = "p"\nimage = "net"\n[profile.answers]\nx = "/etc/shadow"\n', "x"),
    ('[[profile]]\nname = "p"\nimage = "net"\nanswers = { x = { file = "/etc/shadow" } }\n',
     "file"),
    ('[[profile]]\nname = "p"\nimage = "net"\nomni = { api = "https://o.example", token = { file ='
     ' "/etc/shadow" } }\n', "file"),
    ('[[profile]]\nname = "p"\nimage = "net"\nvariables = { x = { file = "/etc/shadow" } }\n',
     "file"),
    ('[[machine]]\nname = "m"\nmac = "52:54:00:00:00:09"\nvariables = { x = { "fil\\u0065" = '
     '"/etc/shadow" } }\n', "file"),
])
def test_a_fragment_reaches_no_file_and_no_setting_of_the_host(site, text, key):
    said = {}
    for path in ("/etc/shadow", "/nonexistent/file"):
        status, _, problem = put(site, text.replace("/etc/shadow", path))
        assert status == 422
        said[path] = problem["diagnostics"].replace(path, "PATH").replace("^", "")
    one, other = said.values()
    # Whether a file is there is not told either.
    assert one == other and "may not" in one, one
    assert names(site) == []


def test_names_that_would_leave_the_folder_are_refused(site):
    for name in ("..%2Fhearth", "%2Fetc%2Fx", ".x", "a.b", "A", "x" * 64, "a%00"):
        assert put(site, LAB, name)[0] in (404, 422), name
    assert [path.name for path in site.folder.rglob("*.toml")] == ["hearth.toml"]
    assert put(site, b"\xff")[0] == 422


def test_a_reload_that_fails_in_the_end_leaves_the_files_as_they_were(site):
    put(site, LAB)
    text = site.config.read_text()
    site.config.write_text(text.replace("[server]", '[server]\nuser = "nobody"'))
    status, _, problem = put(site, LAB.replace("The", "A"))
    assert status == 409 and "server.user" in problem["detail"]
    assert (site.state / "conf.d" / "lab.toml").read_text() == LAB
    assert label(site) == {"lab": "The lab"}


def test_killed_at_any_moment_the_old_or_the_new_is_there(site):
    texts = [LAB, LAB.replace("The", "A")]
    put(site, texts[0])
    previous = site.state / "conf.d" / "lab.toml.previous"
    for number in range(8):
        now = (site.state / "conf.d" / "lab.toml").read_text()
        previous.unlink(missing_ok=True)
        connection = site.control()
        connection.request("PUT", "/api/v1/config/fragments/lab", texts[now == texts[0]])
        if number % 2:
            wait_for(previous.exists, "it began", every=0.0005)
        site.stop(signal.SIGKILL)
        connection.close()
        assert (site.state / "conf.d" / "lab.toml").read_text() in texts
        site.start()
        assert label(site)["lab"] in ("The lab", "A lab")


def test_the_command_line_applies_checks_shows_and_takes_back(site, tmp_path):
    file = tmp_path / "lab.toml"
    file.write_text(LAB)
    checked = site.run("apply", "-f", str(file), "--check")
    assert (checked.returncode, checked.stdout) == (0, "it holds\n")
    assert names(site) == []
    applied = site.run("apply", "-f", str(file))
    assert (applied.returncode, applied.stdout) == (0, "lab is in force\n")
    assert site.run("config", "show", "lab").stdout == LAB
    listed = site.run("config", "list").stdout.splitlines()[1].split()
    assert listed == ["lab", "api", str(site.state / "conf.d" / "lab.toml")]
    wrong = site.run("apply", "-f", "-", "--name", "lab", input="[[profile]]\nname = 1\n")
    assert wrong.returncode == 78
    assert "lab.toml:2:8: error:" in wrong.stderr and " 2 | name = 1" in wrong.stderr
    assert site.run("apply", "-f", "-", input=LAB).returncode == 64
    assert site.run("apply", "-f", str(tmp_path / "none.toml")).returncode == 66
    assert site.run("config", "delete", "lab").returncode == 0
    assert site.run("config", "revert", "lab").returncode == 0
    assert label(site) == {"lab": "The lab"}


def test_a_transfer_goes_on_while_a_fragment_comes(agent):
    site = agent(SITE, server={"own_files": True})
    (site.root / "big").write_bytes(bytes(8 << 20))
    site.start()
    with urllib.request.urlopen(f"{site.http}/files/big", timeout=30) as answer:
        got = len(answer.read(1000))
        assert put(site, LAB)[0] == 201
        got += len(answer.read())
    assert got == 8 << 20


def test_the_audit_log_tells_what_a_change_did_without_secrets(site):
    put(site, TALOS, name="image")
    put(site, LAB)
    put(site, LAB.replace("The lab", "Laboratory"))
    changed = site.ask("GET", "audit?limit=1")[2]["audit"][0]["what"]
    assert (changed["action"], changed["fragment"]) == ("apply-fragment", "lab")
    assert (changed["added"], changed["removed"]) == (1, 1)
    assert changed["diff"] == '-label = "The lab"\n+label = "Laboratory"\n'
    site.ask("POST", "config/fragments/lab/revert")
    reverted = site.ask("GET", "audit?limit=1")[2]["audit"][0]["what"]
    assert reverted["diff"] == '-label = "Laboratory"\n+label = "The lab"\n'
    put(site, '[[profile]]\nname = "omni"\nimage = "talos"\n' + SECRET, name="omni")
    made = site.ask("GET", "audit?limit=1")[2]["audit"][0]["what"]
    assert made["added"] == 4 and "hunter2" not in str(made) and "(secret)" in made["diff"]
    site.ask("DELETE", "config/fragments/omni")
    gone = site.ask("GET", "audit?limit=1")[2]["audit"][0]["what"]
    assert (gone["added"], gone["removed"]) == (0, 4)
    shown = site.run("audit").stdout
    assert "apply-fragment added 1, removed 1" in shown and "Laboratory" not in shown
