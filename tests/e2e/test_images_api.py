"""Images, the lock and fetches in the agent, against an origin that misbehaves."""

import re
import urllib.request

import pytest

from hearthtest.fetching import BIG, custom, sha256
from hearthtest.wait import wait_for

HEAD = """
[observe]
enabled = false
[fetch]
keep_free = "1 MiB"
timeout = "30s"
tries = 1
[loaders]
source = "none"
[menu]
items = ["local"]
"""


@pytest.fixture
def site(agent, origin):
    origin.put("/files/kernel", BIG)
    return agent(HEAD + custom(f"{origin.url}/files/kernel")).start()


def ended(site, number):
    def look():
        now = site.ask("GET", f"fetches/{number}")[2]
        return now if now["ended"] else None
    return wait_for(look, f"fetch {number} ends", 30)


def kernel(site):
    pinned = site.ask("GET", "lock")[2]["lock"]
    return pinned[0]["path"]


def test_a_fetch_in_the_agent_brings_an_image_that_is_served_at_once(site):
    image = site.ask("GET", "images")[2]["images"][0]
    assert (image["name"], image["recipe"], image["state"]) == ("mine", "custom", "missing")
    assert image["files"] == [] and image["missing"] and "hearth fetch mine" in image["remedy"]
    status, _, begun = site.ask("POST", "fetches", {"names": ["mine"]})
    assert (status, begun["state"], begun["ended"]) == (202, "running", None)
    done = ended(site, begun["id"])
    assert done["state"] == "done", done
    file = done["files"][0]
    assert (file["state"], file["bytes"], file["total"]) == ("fetched", len(BIG), len(BIG))
    assert file["rate"] > 0
    entry = site.ask("GET", "lock")[2]["lock"][0]
    assert (entry["sha256"], entry["size"], entry["owner"]) == (
        sha256(BIG), len(BIG), "image mine")
    image = site.ask("GET", "images")[2]["images"][0]
    assert image["state"] == "ready" and image["remedy"] is None
    assert image["files"] == [{"path": entry["path"], "size": len(BIG), "sha256": sha256(BIG),
                               "pinned": "first use", "there": True}]
    with urllib.request.urlopen(f"{site.http}/files/{entry['path']}", timeout=10) as answer:
        assert answer.read() == BIG
    again = site.ask("POST", "fetches", {})[2]
    assert ended(site, again["id"])["files"][0]["state"] == "kept"
    assert site.status()["fetches"] == {
        "running": 0, "files": 1, "failed": 0, "bytes": len(BIG), "findings": []}
    assert [one["id"] for one in site.ask("GET", "fetches")[2]["fetches"]] == [2, 1]
    assert site.ask("GET", "audit")[2]["audit"][1]["what"] == {
        "action": "fetch", "id": 1, "names": ["mine"]}


def test_one_at_a_time_and_a_boot_waits_for_none(site, origin):
    origin.fault("/files/kernel", "nothing")
    number = site.ask("POST", "fetches", {})[2]["id"]
    wait_for(lambda: origin.log("/files/kernel"), "the origin was asked")
    status, _, problem = site.ask("POST", "fetches", {})
    assert (status, problem["running"]) == (409, number)
    script = f"{site.http}/script?mac=52:54:00:00:00:01&platform=efi&buildarch=x86_64"
    assert urllib.request.urlopen(script, timeout=2).read().startswith(b"#!ipxe")


def test_an_origin_that_refuses_is_told_with_its_reason_and_counted(site, origin):
    origin.remove("/files/kernel")
    failed = ended(site, site.ask("POST", "fetches", {})[2]["id"])
    assert (failed["state"], failed["error"]) == ("failed", "1 of 1 files failed")
    assert "404" in failed["files"][0]["error"] and origin.url in failed["files"][0]["error"]
    assert site.status()["fetches"]["failed"] == 1
    assert "\nhearth_fetches_failed_total 1\n" in site.ask("GET", "/metrics")[2]
    status, _, problem = site.ask("POST", "fetches", {"names": ["nothing"]})
    assert status == 422 and "what can be fetched: loaders mine" in problem["detail"]
    assert site.ask("GET", "fetches/99")[0] == site.ask("DELETE", "fetches/x")[0] == 404


def test_a_cancelled_fetch_ends_and_the_next_one_goes_on(site, origin):
    origin.fault("/files/kernel", "slow:1000000")
    number = site.ask("POST", "fetches", {})[2]["id"]
    wait_for(lambda: any(0 < file["bytes"] < len(BIG)
                         for file in site.ask("GET", f"fetches/{number}")[2]["files"]),
             "some of it came")
    assert re.search(r"^1 +running +everything .* root", site.run("fetches", "list").stdout, re.MULTILINE)
    assert site.run("fetches", "cancel", str(number)).returncode == 0
    assert ended(site, number)["state"] == "cancelled"
    assert site.ask("DELETE", f"fetches/{number}")[0] == 202, "what has ended stays so"
    assert "cancelled" in site.run("fetches", "list").stdout
    assert site.run("fetches", "cancel", "99").returncode == 65
    assert site.ask("GET", "lock")[2]["lock"] == []
    origin.heal()
    done = ended(site, site.ask("POST", "fetches", {})[2]["id"])
    assert done["state"] == "done" and site.ask("GET", "lock")[2]["lock"][0]["sha256"] == sha256(BIG)


def test_the_command_line_has_the_agent_fetch_and_lists_images(site):
    assert "missing" in site.run("images").stdout
    fetched = site.run("fetch", "--agent", "mine")
    assert fetched.returncode == 0, fetched.stderr
    assert f"{kernel(site)}: fetched, 5.1 MB" in fetched.stdout
    assert site.run("images").stdout.splitlines()[1].split() == ["mine", "custom", "5.1", "MB", "ready"]
    detached = site.run("fetch", "--detach")
    assert (detached.returncode, detached.stdout) == (0, "fetch 2 has begun\n")
    assert ended(site, 2)["state"] == "done"
    assert site.run("fetch", "--agent", "nothing").returncode == 65


def test_a_pin_is_changed_in_the_agent_and_only_when_asked_to(site, origin):
    assert site.run("fetch", "--agent").returncode == 0
    name, other = kernel(site), BIG[::-1]
    origin.put("/files/kernel", other)
    for names in ([], ["nothing"]):
        assert site.ask("POST", "lock/update", {"names": names})[0] == 422
    kept = ended(site, site.ask("POST", "fetches", {"names": ["mine"]})[2]["id"])
    assert (kept["task"], kept["files"][0]["state"]) == ("fetch", "kept")
    begun = site.ask("POST", "lock/update", {"names": ["mine"]})[2]
    done = ended(site, begun["id"])
    assert (done["task"], done["state"], done["files"][0]["state"]) == ("update", "done", "fetched")
    assert site.ask("GET", "lock")[2]["lock"][0]["sha256"] == sha256(other)
    with urllib.request.urlopen(f"{site.http}/files/{name}", timeout=10) as answer:
        assert answer.read() == other
    assert site.ask("GET", "audit")[2]["audit"][0]["what"] == {
        "action": "update-lock", "id": begun["id"], "names": ["mine"]}
    again = site.run("lock", "update", "--agent", "mine")
    assert (again.returncode, again.stdout) == (0, f"{name}: there and true\n"), "nothing else came"


def test_what_nothing_refers_to_is_removed_in_the_agent(site, origin):
    assert site.run("fetch", "--agent").returncode == 0
    name = kernel(site)
    nothing = site.run("lock", "prune", "--agent")
    assert (nothing.returncode, nothing.stdout) == (0, "nothing to remove\n")
    origin.put("/files/other", b"other")
    site.change("/files/kernel", "/files/other")
    assert site.run("fetch", "--agent").returncode == 0
    assert (site.root / name).exists()
    begun = site.ask("POST", "lock/prune")[2]
    done = ended(site, begun["id"])
    assert (done["task"], done["state"], done["names"]) == ("prune", "done", [])
    assert [(file["name"], file["state"], file["bytes"]) for file in done["files"]] == [(name, "removed", len(BIG))]
    assert not (site.root / name).exists() and name not in [one["path"] for one in site.ask("GET", "lock")[2]["lock"]]
    assert site.ask("GET", "audit")[2]["audit"][0]["what"]["action"] == "prune-lock"
    assert site.run("lock", "prune", "--all", "--agent").returncode == 64, "all is for when Hearth goes"
