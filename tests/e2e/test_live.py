"""What is under way, as programs are told (`GET /api/v1/live`) and as people see it (`hearth top`)."""

import json
import os
import pathlib
import re
import signal
import socket
import time
import urllib.request

import pytest

from hearthtest.clients import HttpRead, TftpRead, get
from hearthtest.declared import DEBIAN, INITRD, INSTALLER, KERNEL
from hearthtest.fetching import BIG, custom
from hearthtest.terminal import Terminal
from hearthtest.wait import wait_for

SITE = """
[observe]
enabled = false
[loaders]
source = "none"
""" + INSTALLER + """
[[machine]]
name = "oden"
mac = "52:54:00:00:00:01"
profile = "installer"
[[machine]]
name = "tor"
mac = "52:54:00:00:00:02"
"""
FACTS = "platform=efi&buildarch=x86_64"
# A foreground or background that is not the terminal's own.
COLOUR = re.compile(r"\x1b\[(?:\d+;)*(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])[;m]")
LOADER = 400_000
IMAGE = 16 << 20


@pytest.fixture
def site(agent):
    one = agent(SITE).start()
    one.put("snponly.efi", bytes(LOADER))
    one.put(KERNEL, bytes(IMAGE))
    one.put(INITRD, bytes(70_000))
    return one


@pytest.fixture
def terminal():
    made = []

    def make(**options):
        made.append(Terminal(**options))
        return made[-1]
    yield make
    for one in made:
        one.close()


def live(site):
    status, _, body = site.ask("GET", "live")
    assert status == 200, body
    return body


def only(site):
    machines = live(site)["machines"]
    assert len(machines) == 1, machines
    return machines[0]


def script(site, more="", number=1):
    return get(site, f"/script?mac=52:54:00:00:00:{number:02}&{FACTS}{more}").decode()


def report(text, kind, said=b""):
    """What an installer with this script tells."""
    where = re.search(r" hearth\.event=(http://\S+)", text)[1]
    urllib.request.urlopen(f"{where}/{kind}", said, timeout=10).read()


def waits_for(site, stage):
    def look():
        one = only(site)
        return one if one["stage"] == stage else None
    return wait_for(look, f"the machine is at {stage}")


def test_a_boot_is_told_as_it_goes_with_what_is_on_its_way(site):
    assert live(site)["machines"] == []
    loader = TftpRead(site, "snponly.efi", [("blksize", 1024), ("tsize", 0)])
    for _ in range(101):
        loader.block()
    one = wait_for(lambda: [m for m in live(site)["machines"]
                            if m["transfers"][0]["bytes"] == 100 * 1024], "100 blocks are told")[0]
    assert (one["machine"], one["label"], one["stage"], one["ended"]) == (
        None, "127.0.0.1", "loader", None), "nobody has met it yet"
    midway = time.time() * 1000
    sends = one["transfers"][0]
    assert (sends["via"], sends["name"], sends["size"]) == ("tftp", "snponly.efi", LOADER)
    totals = live(site)["totals"]
    assert (totals["tftp"]["transfers"], totals["http"]["transfers"]) == (1, 0)
    loader.rest()
    wait_for(lambda: not only(site)["transfers"], "the loader is there")
    assert only(site)["sent"][0]["bytes"] == LOADER
    script(site)
    one = waits_for(site, "script")
    assert (one["label"], one["phase"], one["decision"], one["profile"]) == (
        "oden", "installing", "install installer", "installer")
    assert one["mac"] == "52:54:00:00:00:01" and one["address"] == "127.0.0.1"
    assert one["began"] < midway, "it is one boot, before and after it was met"
    assert "gets install installer" in one["event"]["text"]


def test_what_a_slow_client_has_is_told_and_not_what_the_kernel_holds_for_it(site):
    script(site)
    kernel = HttpRead(site, f"/files/{KERNEL}")
    taken = len(kernel.some(300_000))
    one = waits_for(site, "kernel")
    sends = one["transfers"][0]
    assert (sends["via"], sends["name"], sends["size"]) == ("http", KERNEL, IMAGE)
    # The client's own buffer may be filled beyond what was taken from it, the server's does not count.
    room = kernel.connection.sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
    assert taken - 65_536 <= sends["bytes"] <= taken + room + 65_536, (taken, room)
    while taken < 3_000_000:
        taken += len(kernel.some(250_000))
    def moved():
        told = only(site)["transfers"][0]
        return told if told["bytes"] > 2_500_000 else None
    told = wait_for(moved, "it goes on")
    assert told["rate"] > 0 and abs(told["began"] - sends["began"]) < 500
    assert len(kernel.rest()) == IMAGE - taken
    wait_for(lambda: not only(site)["transfers"], "it is there")
    assert only(site)["sent"][-1]["name"] == KERNEL
    initrd = HttpRead(site, f"/files/{INITRD}")
    initrd.rest()
    waits_for(site, "installing")


def test_how_it_ended_stays_to_be_seen(site):
    text = script(site)
    for name in (KERNEL, INITRD):
        HttpRead(site, f"/files/{name}").rest()
    waits_for(site, "installing")
    report(text, "done")
    one = wait_for(lambda: only(site)["ended"] and only(site), "it ended")
    assert (one["ended"]["how"], one["phase"]) == ("installed", "installed")
    get(site, "/default.ipxe")
    script(site)
    one = wait_for(lambda: (only(site)["ended"] or {}).get("how") == "local" and only(site),
                   "the next boot")
    assert one["decision"] == "local"


def test_a_failed_installation_says_why(site):
    text = script(site)
    report(text, "failed", b"no disk was found")
    one = wait_for(lambda: only(site)["ended"] and only(site), "it ended")
    assert one["ended"]["how"] == "failed" and "no disk was found" in one["ended"]["why"]
    one = wait_for(lambda: only(site)["finding"] and only(site), "the finding is drawn")
    assert one["finding"]["code"] == "installation-failed", one["finding"]


def late(site):
    """Which machine never asked for its initrd, as it is told in each place where findings are."""
    def labels(found):
        return {label for label, one in found if one and one["code"] == "kernel-without-initrd"}

    every = [(one["label"], one) for one in site.ask("GET", "findings")[2]["findings"]]
    now = [(one["label"], one["finding"]) for one in live(site)["machines"]]
    told = [labels(every), labels(now)]
    for rest in ("", "/timeline"):
        each = [(name, site.ask("GET", f"machines/{name}{rest}")[2]["findings"]) for name in ("oden", "tor")]
        told.append(labels((name, one) for name, found in each for one in found))
    return told


def test_an_initrd_that_is_on_its_way_was_asked_for_and_another_was_not(agent):
    """What comes of silence takes as long as the agent waits: half a minute."""
    one = agent(SITE + 'profile = "installer"\n').start()
    one.put(KERNEL, bytes(1000))
    one.put(INITRD, bytes(IMAGE))
    for number, address in ((1, "127.0.0.1"), (2, "127.0.0.2")):
        HttpRead(one, f"/script?mac=52:54:00:00:00:{number:02}&{FACTS}", source=address).rest()
        HttpRead(one, f"/files/{KERNEL}", source=address).rest()
    initrd = HttpRead(one, f"/files/{INITRD}")
    taken = 0

    def told():
        nonlocal taken
        taken += len(initrd.some(4096))
        found = late(one)
        assert all("oden" not in labels for labels in found), found
        return found == [{"tor"}] * 4
    wait_for(told, "the machine that asked for nothing is told of, everywhere", 60, every=0.2)
    assert {m["label"]: len(m["transfers"]) for m in live(one)["machines"]}["oden"] == 1, "it still loads"
    assert len(initrd.rest()) == IMAGE - taken
    wait_for(lambda: late(one) == [{"tor"}] * 4 and not any(m["transfers"] for m in live(one)["machines"]),
             "it is there, and was asked for")


def test_a_boot_outlives_the_agent(site):
    script(site)
    began = only(site)["began"]
    site.stop(signal.SIGKILL)
    site.start()
    one = only(site)
    assert (one["label"], one["began"], one["decision"]) == ("oden", began, "install installer")
    kernel = HttpRead(site, f"/files/{KERNEL}")
    assert waits_for(site, "kernel")["began"] == began
    kernel.rest()


def test_who_asks_for_too_many_is_refused_and_who_asks_for_few_is_told_of_the_rest(site):
    script(site)
    script(site, number=2)
    assert site.ask("GET", "live?limit=0")[0] == 422
    few = site.ask("GET", "live?limit=1")[2]
    assert (len(few["machines"]), few["left_out"]) == (1, 1)
    assert few["machines"][0]["label"] == "tor", "the one that was heard of last"


def test_a_fetch_in_the_agent_is_under_way_too(agent, origin):
    origin.put("/files/kernel", BIG)
    one = agent(SITE.replace(DEBIAN, "").replace('image = "debian"', 'image = "mine"')
                + "[fetch]\nkeep_free = \"1 MiB\"\n" + custom(f"{origin.url}/files/kernel")).start()
    begun = one.ask("POST", "fetches", {"names": ["mine"]})[2]
    fetches = live(one)["fetches"]
    assert [fetch["id"] for fetch in fetches] == [begun["id"]]
    wait_for(lambda: live(one)["fetches"][0]["state"] == "done", "it ends, and is still shown")


def test_programs_and_pipes_get_one_snapshot(site):
    script(site)
    done = site.run("top", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["machines"][0]["label"] == "oden"
    done = site.run("top", "--once", env={**os.environ, "LC_ALL": "C.UTF-8", "COLUMNS": "90"})
    assert done.returncode == 0 and "\x1b" not in done.stdout
    assert "1 booting" in done.stdout and "oden" in done.stdout and "script" in done.stdout
    done = site.run("top")
    assert done.returncode == 64 and done.stdout == ""
    assert "hearth top --once" in done.stderr and "--json" in done.stderr
    site.stop()
    done = site.run("top", "--once")
    assert done.returncode == 69 and "is it running?" in done.stderr


def begin(site, terminal, **options):
    """A terminal in which `hearth top` runs, and then says how it ended."""
    one = terminal(**options)
    one.type(" ".join(site.command("top")) + "; echo ended with $?; stty -a | grep -o ' icanon'")
    one.shows(" hearth top ")
    assert one.is_other_screen()
    return one


def is_restored(one, code):
    one.shows(f"ended with {code}\n", " icanon")
    assert not one.is_other_screen() and one.has_cursor()
    one.type("echo typed")
    one.shows("\ntyped\n")


def top_of(one):
    """The process of `hearth top` in a terminal."""
    children = pathlib.Path(f"/proc/{one.process}/task/{one.process}/children").read_text()
    return int(children.split()[0])


def test_a_person_sees_a_machine_and_its_bar_and_the_terminal_comes_back(site, terminal):
    one = begin(site, terminal)
    one.shows("0 booting", "no machine is booting")
    script(site)
    one.shows("1 booting", "oden", "script", "install installer")
    kernel = HttpRead(site, f"/files/{KERNEL}")
    taken = 0
    while taken < IMAGE // 2:
        taken += len(kernel.some(250_000))
    shown = one.shows("kernel", "█", "░", " 50 %")
    assert " of 16.8 MB" in shown and "HTTP 1, " in shown
    one.press("Enter")
    one.shows("oden, boot of", "decided: install installer")
    one.press("q")
    one.shows("1 booting")
    one.press("f")
    one.shows("show only:")
    one.press("x", "y")
    one.shows("nothing that boots has this text in it")
    one.press("Escape")
    one.shows("oden")
    one.press("?")
    one.shows("The way of a boot")
    one.press("q")
    one.resize(44, 12)
    one.shows("oden", "kernel", "%")
    one.resize(120, 40)
    one.shows("52:54:00:00:00:01")
    kernel.rest()
    one.shows("sent:")
    one.press("q")
    is_restored(one, 0)


@pytest.mark.parametrize("how, code", [
    (signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129), ("C-c", 0)])
def test_whatever_ends_it_gives_the_terminal_back(site, terminal, how, code):
    one = begin(site, terminal)
    if isinstance(how, str):
        one.press(how)
    else:
        os.kill(top_of(one), how)
    is_restored(one, code)


def test_it_ends_with_its_terminal(site, terminal):
    one = begin(site, terminal)
    process = pathlib.Path(f"/proc/{top_of(one)}")
    one.close()
    wait_for(lambda: not process.exists(), "nobody sees it any more, and it ended")


def test_it_is_stopped_and_goes_on_as_any_program(site, terminal):
    one = begin(site, terminal)
    script(site)
    one.shows("oden")
    one.press("C-z")
    wait_for(lambda: not one.is_other_screen(), "the shell has the terminal")
    one.type("echo stopped")
    one.shows("\nstopped\n")
    one.type("fg")
    one.shows("oden", " hearth top ")
    assert one.is_other_screen()
    one.press("q")
    wait_for(lambda: not one.is_other_screen(), "it ended")


def test_an_agent_that_goes_away_is_told_and_found_again(site, terminal):
    script(site)
    one = begin(site, terminal)
    one.shows("oden")
    site.stop(signal.SIGKILL)
    one.shows("no answer for", "trying again", "oden")
    site.start()
    one.lacks("trying again")
    one.shows("oden", "1 booting")
    one.press("q")
    is_restored(one, 0)


def test_colours_are_there_unless_they_are_not_wanted(site, terminal):
    script(site)
    one = begin(site, terminal)
    one.shows("oden")
    assert COLOUR.search(one.screen(colours=True))
    one.press("q")
    is_restored(one, 0)
    one = begin(site, terminal, NO_COLOR="1")
    one.shows("oden")
    assert not COLOUR.search(one.screen(colours=True))
    one.press("q")
    is_restored(one, 0)


def test_what_a_machine_says_does_nothing_to_the_terminal(site, terminal):
    text = script(site)
    one = begin(site, terminal)
    report(text, "log", b"\x1b[2J\x1b]0;owned\x07evil\xe2\x80\xae")
    shown = one.shows("evil")
    assert "oden" in shown and "1 booting" in shown
    assert one.run("display-message", "-p", "#{pane_title}").strip() != "owned"
    one.press("q")
    is_restored(one, 0)
