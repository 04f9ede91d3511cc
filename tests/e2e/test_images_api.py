"""Images, the lock and fetches in the agent, against an origin that misbehaves."""

import json
import urllib.request

import pytest

from hearthtest.agent import Control
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


def ask(site, method, path, body=None):
    connection = Control(site.run_dir / "hearth.sock")
    try:
        body = None if body is None else json.dumps(body)
        connection.request(method, f"/api/v1/{path}", body)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def ended(site, number):
    def look():
        now = ask(site, "GET", f"fetches/{number}")[1]
        return now if now["ended"] else None
    return wait_for(look, f"fetch {number} ends", 30)


def kernel(site):
    pinned = ask(site, "GET", "lock")[1]["lock"]
    return pinned[0]["path"]


def test_a_fetch_in_the_agent_brings_an_image_that_is_served_at_once(site):
    image = ask(site, "GET", "images")[1]["images"][0]
    assert (image["name"], image["recipe"], image["state"]) == ("mine", "custom", "missing")
    assert image["files"] == [] and image["missing"] and "hearth fetch mine" in image["remedy"]
    status, begun = ask(site, "POST", "fetches", {"names": ["mine"]})
    assert (status, begun["state"], begun["ended"]) == (202, "running", None)
    done = ended(site, begun["id"])
    assert done["state"] == "done", done
    file = done["files"][0]
    assert (file["state"], file["bytes"], file["total"]) == ("fetched", len(BIG), len(BIG))
    assert file["rate"] > 0
    entry = ask(site, "GET", "lock")[1]["lock"][0]
    assert (entry["sha256"], entry["size"], entry["owner"]) == (
        sha256(BIG), len(BIG), "image mine")
    image = ask(site, "GET", "images")[1]["images"][0]
    assert image["state"] == "ready" and image["remedy"] is None
    assert image["files"] == [{"path": entry["path"], "size": len(BIG), "sha256": sha256(BIG),
                               "pinned": "first use", "there": True}]
    with urllib.request.urlopen(f"{site.http}/files/{entry['path']}", timeout=10) as answer:
        assert answer.read() == BIG
    again = ask(site, "POST", "fetches", {})[1]
    assert ended(site, again["id"])["files"][0]["state"] == "kept"
    assert site.status()["fetches"] == {
        "running": 0, "files": 1, "failed": 0, "bytes": len(BIG)}
    assert [one["id"] for one in ask(site, "GET", "fetches")[1]["fetches"]] == [2, 1]
    assert ask(site, "GET", "audit")[1]["audit"][1]["what"] == {
        "action": "fetch", "id": 1, "names": ["mine"]}


def test_one_at_a_time_and_a_boot_waits_for_none(site, origin):
    origin.fault("/files/kernel", "nothing")
    number = ask(site, "POST", "fetches", {})[1]["id"]
    wait_for(lambda: origin.log("/files/kernel"), "the origin was asked")
    status, problem = ask(site, "POST", "fetches", {})
    assert (status, problem["running"]) == (409, number)
    script = f"{site.http}/script?mac=52:54:00:00:00:01&platform=efi&buildarch=x86_64"
    assert urllib.request.urlopen(script, timeout=2).read().startswith(b"#!ipxe")


def test_an_origin_that_refuses_is_told_with_its_reason_and_counted(site, origin):
    origin.remove("/files/kernel")
    failed = ended(site, ask(site, "POST", "fetches", {})[1]["id"])
    assert (failed["state"], failed["error"]) == ("failed", "1 of 1 files failed")
    assert "404" in failed["files"][0]["error"] and origin.url in failed["files"][0]["error"]
    assert site.status()["fetches"]["failed"] == 1
    connection = Control(site.run_dir / "hearth.sock")
    connection.request("GET", "/metrics")
    assert "\nhearth_fetches_failed_total 1\n" in connection.getresponse().read().decode()
    status, problem = ask(site, "POST", "fetches", {"names": ["nothing"]})
    assert status == 422 and "what can be fetched: loaders mine" in problem["detail"]
    assert ask(site, "GET", "fetches/99")[0] == ask(site, "DELETE", "fetches/x")[0] == 404


def test_a_cancelled_fetch_ends_and_the_next_one_goes_on(site, origin):
    origin.fault("/files/kernel", "slow:1000000")
    number = ask(site, "POST", "fetches", {})[1]["id"]
    wait_for(lambda: any(0 < file["bytes"] < len(BIG)
                         for file in ask(site, "GET", f"fetches/{number}")[1]["files"]),
             "some of it came")
    assert ask(site, "DELETE", f"fetches/{number}")[0] == 202
    assert ended(site, number)["state"] == "cancelled"
    assert ask(site, "GET", "lock")[1]["lock"] == []
    origin.heal()
    done = ended(site, ask(site, "POST", "fetches", {})[1]["id"])
    assert done["state"] == "done" and ask(site, "GET", "lock")[1]["lock"][0]["sha256"] == sha256(BIG)


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
