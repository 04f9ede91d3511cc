"""`--watch`: views that follow the agent."""

import json
import signal

import pytest

from hearthtest.clients import get
from hearthtest.fetching import BIG, custom
from hearthtest.output import Running
from hearthtest.wait import wait_for

DECLARED = """
[observe]
enabled = false
[[image]]
name = "x"
recipe = "netboot.xyz"
[[profile]]
name = "p"
image = "x"
[[machine]]
name = "oden"
mac = "52:54:00:00:00:01"
"""
ODEN, OTHER = "52:54:00:00:00:01", "52:54:00:00:00:02"


@pytest.fixture
def one(agent):
    return agent(DECLARED, server={"unknown": "hold"}).start()


def ask(one, mac):
    """A machine asks what to do."""
    get(one, f"/script?mac={mac}&platform=pcbios&buildarch=i386")


def watching(one, *arguments, **options):
    return Running(one.command(*arguments, "--watch"), **options)


def test_a_list_is_printed_again_when_it_changes_and_only_then(one):
    with watching(one, "machine", "list") as shown:
        shown.next("WHAT IT IS\n")
        ask(one, ODEN)
        shown.next("oden     held ")
        one.run("machine", "hold", "oden")
        one.run("machine", "ignore", "oden")
        shown.next("oden     ignored ")
        assert shown.end(signal.SIGINT) == -signal.SIGINT
    # One for each change at most, and never twice the same.
    shown = shown.said.strip().split("\n\n")
    assert len(shown) <= 4 and all(one != next for one, next in zip(shown, shown[1:])), shown


def test_views_are_drawn_over_each_other_on_a_terminal_and_fit_it(one):
    with watching(one, "machine", "list", terminal=(40, 6)) as shown:
        shown.next("\x1b[H")
        shown.next("MACHINE")
        shown.next("\x1b[J")
        for number in range(1, 9):
            ask(one, f"52:54:00:00:01:{number:02x}")
        shown.next("more")
        drawn = shown.said.rsplit("\x1b[H", 1)[1].split("\x1b[J")[0]
        lines = drawn.replace("\x1b[K", "").split("\r\n")
        assert len(lines) <= 6 and all(len(line) <= 40 for line in lines), lines


def test_programs_get_an_object_a_line(one):
    with watching(one, "machine", "show", OTHER, "--json") as shown:
        # There is no such machine yet: that is the end, as it is without --watch.
        shown.next("52:54:00:00:00:02")
        assert shown.process.wait(timeout=30) == 65
    ask(one, OTHER)
    with watching(one, "machine", "show", OTHER, "--json") as shown:
        first = json.loads(shown.next("\n"))
        assert (first["label"], first["phase"]) == (OTHER, "held")
        one.run("machine", "set", OTHER, "--name", "tor")
        assert json.loads(shown.next("\n"))["label"] == "tor"
        one.run("machine", "forget", "tor")
        shown.next("error: ")
        assert shown.process.wait(timeout=30) == 65


def test_events_come_as_they_happen_and_outlive_a_restart(one):
    ask(one, ODEN)
    with watching(one, "events") as people, watching(one, "events", "--json") as programs:
        people.next("oden at 127.0.0.1 gets")
        seen = json.loads(programs.next("\n"))["seq"]
        ask(one, OTHER)
        people.next(f"{OTHER} at 127.0.0.1 gets hold")
        one.stop()
        people.next("the agent is gone")
        one.start()
        people.next("the agent is there again")
        ask(one, "52:54:00:00:00:03")
        people.next("52:54:00:00:00:03 at 127.0.0.1 gets hold")
        programs.next("52:54:00:00:00:03 at")
        programs.next("\n")
        assert people.process.poll() is None and programs.process.poll() is None
        kept = one.ask("GET", f"events?after={seen}")[2]["events"]
        lines = [json.loads(line) for line in programs.said.splitlines() if line.startswith("{")]
    assert [line["seq"] for line in lines][1:] == [event["seq"] for event in kept][:len(lines) - 1]


def test_events_of_one_machine_are_its_own(one):
    ask(one, ODEN)
    with watching(one, "events", "--machine", "oden", "--json") as shown:
        first = json.loads(shown.next("\n"))
        ask(one, OTHER)
        one.run("machine", "hold", "oden")
        shown.next("held")
        shown.next("\n")
        lines = [json.loads(line) for line in shown.said.splitlines()]
    assert {line["machine"] for line in lines} == {first["machine"]}


def test_a_view_waits_for_an_agent_that_is_restarted(one):
    ask(one, ODEN)
    with watching(one, "timeline", "oden") as timeline, watching(one, "findings") as findings, \
            watching(one, "status") as status:
        timeline.next("oden")
        findings.next("\n")
        status.next("declared ")
        one.stop()
        for view in (timeline, findings, status):
            view.next("the agent is gone")
        one.start()
        for view in (timeline, findings, status):
            view.next("the agent is there again")
        one.run("machine", "hold", "oden")
        timeline.next("held")
        status.next(f"process {one.process.pid}")


def test_without_an_agent_there_is_nothing_to_watch(agent):
    done = agent(DECLARED).run("machine", "list", "--watch")
    assert done.returncode == 69 and "is it running?" in done.stderr


def test_a_fetch_is_watched_to_its_end(agent, origin):
    origin.put("/files/kernel", BIG)
    origin.fault("/files/kernel", "slow:1000000")
    one = agent('[menu]\nitems = ["local"]\n[loaders]\nsource = "none"\n[fetch]\nkeep_free = "1 MiB"\n'
                + custom(f"{origin.url}/files/kernel")).start()
    one.run("fetch", "--detach")
    with watching(one, "fetches", "list") as fetches, watching(one, "fetches", "show", "1") as file, \
            watching(one, "images") as images:
        fetches.next("running")
        file.next("of 5.1 MB")
        images.next("missing")
        origin.heal()
        wait_for(lambda: one.ask("GET", "fetches/1")[2]["ended"], "the fetch ends", 60)
        fetches.next("done")
        file.next("fetched")
        images.next("ready")
