"""A machine's way from its first boot to its disk, as it looks on the wire, with the agent killed
between every two steps of it."""

import json
import re
import signal
import sqlite3
import threading
import time
import urllib.error
import urllib.request

import pytest

from hearthtest.clients import TftpRead, get
from hearthtest.declared import DEBIAN, INITRD, KERNEL
from hearthtest.wait import wait_for

MACHINE = """
[loaders]
source = "none"
""" + DEBIAN + """
[[profile]]
name = "installer"
image = "debian"
{keys}
[[machine]]
name = "oden"
mac = "52:54:00:00:00:01"
profile = "installer"
"""
FACTS = "mac=52:54:00:00:00:01&platform=efi&buildarch=x86_64"


def prepared(one):
    for name, size in (("snponly.efi", 3000), (KERNEL, 5000), (INITRD, 70_000)):
        one.put(name, name.encode() * (size // len(name)))
    return one


def kill(one):
    one.stop(signal.SIGKILL)
    one.start()


def leave(_):
    pass


def record(one):
    """The machine as the disk has it."""
    database = sqlite3.connect(f"file:{one.state}/hearth.db?mode=ro", uri=True, timeout=10)
    try:
        rows = database.execute("SELECT data FROM machines").fetchall()
    finally:
        database.close()
    return json.loads(rows[0][0]) if rows else None


def phase(one):
    return record(one)["phase"]["phase"]


def script(one, more=""):
    return get(one, f"/script?{FACTS}{more}").decode()


def load(one, text):
    """Loads what an installation's script names, as iPXE does."""
    names = re.findall(r"^(?:kernel|initrd) http://[^/]+/files/(\S+)", text, re.MULTILINE)
    assert names == [KERNEL, INITRD], text
    for name in names:
        assert get(one, f"/files/{name}") == (one.root / name).read_bytes()
    wait_for(lambda: record(one)["phase"]["loaded"], "the disk knows that all was loaded")


def event_url(text):
    return re.search(r" hearth\.event=(http://\S+/event/[0-9a-f]{32})(?= |$)", text, re.MULTILINE)[1]


def report(url, what, body=None):
    """The status of a report."""
    try:
        with urllib.request.urlopen(f"{url}/{what}", body, timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def loader(one):
    """The loader that its firmware gets by TFTP, and the status by UEFI HTTP boot."""
    try:
        by_tftp = TftpRead(one, "snponly.efi").rest()
    except OSError as error:
        by_tftp = str(error)
    try:
        by_http = urllib.request.urlopen(f"{one.http}/files/snponly.efi", timeout=10).status
    except urllib.error.HTTPError as error:
        by_http = error.code
    return by_tftp, by_http


@pytest.mark.parametrize("between", [leave, kill])
def test_the_installer_runs_once_however_often_the_network_comes_first(agent, between):
    one = prepared(agent(MACHINE.format(keys='installed = "next-boot"'))).start()
    installed = 0
    for boot in range(5):
        between(one)
        by_tftp, by_http = loader(one)
        if boot == 0:
            assert by_tftp == (one.root / "snponly.efi").read_bytes() and by_http == 200
        if by_http == 403:
            # Nobody waits for this: a kill in between would make it look as if `exit` had brought
            # the machine back, and the other way would be learnt.
            wait_for(lambda: record(one)["learnt"]["sent_local_card"] is None,
                     "the disk knows that a loader was refused")
        between(one)
        assert get(one, "/default.ipxe").startswith(b"#!ipxe")
        between(one)
        text = script(one)
        if "initrd http" in text:
            installed += 1
            assert phase(one) == "installing"
            between(one)
            load(one, text)
        else:
            assert text.rstrip().endswith("exit 1")
            assert phase(one) == "installed"
    assert installed == 1
    between(one)
    by_tftp, by_http = loader(one)
    assert "oden is installed and boots its disk" in by_tftp and by_http == 403


@pytest.mark.parametrize("between", [leave, kill])
def test_an_installer_that_calls_back_is_done(agent, between):
    one = prepared(agent(MACHINE.format(keys='installed = "callback"'))).start()
    text = script(one)
    url = event_url(text)
    between(one)
    load(one, text)
    between(one)
    assert report(url, "log", b"partitioning /dev/sda") == 200
    assert report(url, "dance") == 404
    between(one)
    assert report(url, "done") == 200
    assert phase(one) == "installed", "what was acknowledged is on the disk"
    between(one)
    for what in ("done", "failed", "log"):
        assert report(url, what) == 404
    assert "exit 1" in script(one)
    log = one.log()
    assert "the installer says: partitioning /dev/sda" in log
    assert "installing -> installed" in log
    assert url.rsplit("/", 1)[1] not in log + one.config.read_text() + json.dumps(record(one))


def test_an_installer_that_fails_leaves_its_reason_on_the_screen(agent):
    one = prepared(agent(MACHINE.format(keys='installed = "callback"'))).start()
    url = event_url(script(one))
    assert report(url, "failed", b"no disk\n${evil}\x1b[2J") == 200
    text = script(one)
    assert "the installer says: no disk" in text and "attempt=1" in text
    assert "${evil}" not in text and "\x1b" not in text
    assert phase(one) == "failed"


def test_what_stands_behind_the_question_mark_is_decoded(agent):
    one = prepared(agent(MACHINE.format(keys='installed = "callback"'))).start()
    url = event_url(script(one))
    assert report(url, "failed?no%20disk%3A%20%C3%BCber%0Asda") == 200
    assert "the installer says: no disk: über sda" in one.log()
    assert phase(one) == "failed"


def test_tries_come_to_an_end_over_restarts(agent):
    one = prepared(agent(MACHINE.format(keys='installed = "callback"\ntries = 2'))).start()
    for _ in range(2):
        assert "hearth.event=" in script(one)
        assert "hearth.event=" in script(one, "&attempt=1")
        kill(one)
    assert "sent its installation 2 times" in script(one)
    assert phase(one) == "failed"


def test_what_is_offered_at_each_boot_stays_so(agent):
    one = prepared(agent(MACHINE.format(keys=""))).start()
    for _ in range(5):
        text = script(one)
        assert "initrd http" in text and "hearth.event" not in text
        kill(one)
    assert phase(one) == "ready"


def test_a_machine_that_waits_goes_on_once_it_is_declared(agent):
    known, declared = MACHINE.format(keys="").split("[[machine]]")
    one = prepared(agent(known, server={"unknown": "hold"})).start()
    text = script(one)
    assert "chain --replace" in text and "initrd http" not in text
    assert phase(one) == "held"
    kill(one)
    assert "initrd http" not in script(one, "&attempt=1")
    one.config.write_text(one.config.read_text() + "[[machine]]" + declared)
    one.reload()
    wait_for(lambda: "initrd http" in script(one, "&attempt=2"), "it goes on")
    assert phase(one) == "ready"


def test_a_policy_with_approval_installs_once_a_person_approved(agent):
    known, _ = MACHINE.format(keys='installed = "callback"').split("[[machine]]")
    policy = """
[[policy]]
name = "lab"
match = { mac = "52:54:00:*" }
profile = "installer"
approval = true
limit = 1
"""
    one = prepared(agent(known + policy)).start()
    assert "chain --replace" in script(one) and phase(one) == "held"
    kill(one)
    assert "initrd http" not in script(one, "&attempt=1")
    assert "installer, once approved  0 of 1" in one.run("policy", "list").stdout
    assert one.run("machine", "approve", "52:54:00:00:00:01").returncode == 0
    kill(one)
    text = script(one, "&attempt=2")
    assert "1 of 1" in one.run("policy", "list").stdout
    load(one, text)
    assert report(event_url(text), "done") == 200
    assert phase(one) == "installed"


def test_reports_are_bounded(agent):
    one = prepared(agent(MACHINE.format(keys='installed = "callback"'))).start()
    url = event_url(script(one))
    assert report(url, "log", b"x" * 5000) == 413
    assert report(url, "log", "ü".encode() * 2000) == 200
    assert 429 in {report(url, "log", b"again") for _ in range(2_001)}
    assert report(url, "done") == 200


def test_a_database_that_takes_nothing_stops_no_boot(agent):
    one = prepared(agent(MACHINE.format(keys='installed = "next-boot"'))).start()
    assert "initrd http" in script(one)
    other = sqlite3.connect(f"{one.state}/hearth.db", timeout=10, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        text = script(one)
        assert "initrd http" in text
        assert "not on the disk" in text.splitlines()[1]
        assert record(one)["phase"]["tries"] == 1
    finally:
        other.execute("ROLLBACK")
        other.close()
    wait_for(lambda: record(one)["phase"]["tries"] == 2, "what waited is written")


def test_who_waits_for_the_disk_stops_nobody_else(agent):
    one = prepared(agent(MACHINE.format(keys='installed = "next-boot"'))).start()
    other = sqlite3.connect(f"{one.state}/hearth.db", timeout=10, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    waiting = [threading.Thread(target=script, args=(one,)) for _ in range(8)]
    try:
        began = time.monotonic()
        for thread in waiting:
            thread.start()
        wait_for(lambda: one.status()["http"]["requests"] >= 8, "all of them ask")
        assert get(one, f"/files/{KERNEL}") and get(one, "/default.ipxe")
        assert any(thread.is_alive() for thread in waiting) or time.monotonic() - began > 3
    finally:
        other.execute("ROLLBACK")
        other.close()
        for thread in waiting:
            thread.join()
