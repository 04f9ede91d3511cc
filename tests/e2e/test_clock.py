"""The system's clock is set, hours or years forward or back, while a machine is installed."""

import signal

import pytest

from hearthtest.agent import Agent
from hearthtest.clients import get
from hearthtest.clock import Clock
from hearthtest.declared import INITRD, INSTALLER, KERNEL
from hearthtest.wait import wait_for

FACTS = "mac=52:54:00:00:00:01&platform=efi&buildarch=x86_64"
EXTRA = """
[loaders]
source = "none"
""" + INSTALLER + """
timeout = "2h"
[[machine]]
name = "oden"
mac = "52:54:00:00:00:01"
profile = "installer"
"""


@pytest.fixture
def clock(tmp_path):
    return Clock(tmp_path)


@pytest.fixture
def one(tmp_path, clock):
    """An agent that goes by a clock of its own, and a machine whose installation has begun."""
    agent = Agent(tmp_path / "agent", EXTRA, inside=clock.command)
    for name in (KERNEL, INITRD):
        agent.put(name, name.encode())
    agent.start()
    try:
        assert asks(agent) == "installing"
        yield agent
    finally:
        agent.stop(signal.SIGKILL)


def asks(one):
    """The phase of the machine after it asked again."""
    get(one, f"/script?{FACTS}&attempt=1")
    return machine(one)["phase"]


def machine(one):
    return one.ask("GET", "/api/v1/machines/oden")[2]


def jumps(one):
    return one.log().count("clock was set")


@pytest.mark.parametrize("ahead, back", [("+5h", "+0"), ("-5h", "+0"), ("+20000d", "-1d"),
                                         ("-9000d", "+2h")])
def test_a_clock_that_is_set_ends_no_installation(one, clock, ahead, back):
    for count, to in enumerate((ahead, back), 1):
        clock.set(to)
        assert asks(one) == "installing", "before the agent has seen it"
        wait_for(lambda: jumps(one) == count, "it is said once", 15)
        assert asks(one) == "installing"
        took = clock.date() * 1000 - machine(one)["detail"]["began"]
        assert -1_000 <= took < 300_000, "what people see goes with the clock"
        boots = one.ask("GET", "/api/v1/machines/oden/timeline")[2]["boots"]
        offsets = [event["offset"] for boot in boots for event in boot["events"]]
        assert len(boots) == 1 and offsets == sorted(offsets) and offsets[-1] < 300_000
        live = one.ask("GET", "/api/v1/live")[2]
        assert [one["label"] for one in live["machines"]] == ["oden"]
        assert 0 <= live["now"] - live["machines"][0]["began"] < 300_000
    assert jumps(one) == 2
    assert asks(one) == "installing"


@pytest.mark.parametrize("to", ["+9h", "-9h", "+20000d", "-9000d"])
def test_a_clock_that_is_set_while_nothing_runs_ends_no_installation(one, clock, to):
    for ahead in (to, "+0", to):
        one.stop()
        clock.set(ahead)
        one.start()
        assert asks(one) == "installing"
        took = clock.date() * 1000 - machine(one)["detail"]["began"]
        assert -1_000 <= took < 3_600_000
    assert jumps(one) == 0


def test_a_start_by_a_wrong_clock_in_which_nothing_happens_takes_no_time(one, clock):
    for ahead in ("-9h", "+0", "+9h", "+0"):
        one.stop()
        clock.set(ahead)
        one.start()
        took = clock.date() * 1000 - machine(one)["detail"]["began"]
        assert -1_000 <= took < 3_600_000, ahead
    assert asks(one) == "installing"


def test_events_outlive_a_clock_that_was_set_years_ahead(one, clock):
    seen = [event["seq"] for event in one.ask("GET", "/api/v1/events")[2]["events"]]
    clock.set("+4000d")
    wait_for(lambda: jumps(one) == 1, "it is seen", 15)
    one.config.write_text(one.config.read_text() + '[events]\nkeep = "30d"\n')
    assert one.reloaded() is None
    clock.set("+0")
    wait_for(lambda: jumps(one) == 2, "it is seen", 15)
    now = [event["seq"] for event in one.ask("GET", "/api/v1/events")[2]["events"]]
    assert now[:len(seen)] == seen
