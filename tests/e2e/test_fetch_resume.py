"""Fetches that are cut short: by the origin, by a kill, by another fetch."""

import select
import signal
import subprocess

import pytest

from hearthtest.fetching import (
    BIG, UNAVAILABLE, background, custom, leftovers, lock, noted, run, talos,
)
from hearthtest.wait import wait_for


def test_a_fetch_that_breaks_goes_on_where_it_broke(hearth, origin):
    origin.put("/files/kernel", BIG)
    origin.fault("/files/kernel", "half", times=1)
    agent = hearth(custom(f"{origin.url}/files/kernel"))
    said = run(agent, "fetch")
    first, second = origin.log("/files/kernel")
    assert second["range"] == f"bytes={len(BIG) // 2}-" and second["if_range"]
    assert second["status"] == 206 and second["sent"] < len(BIG)
    assert f"going on at byte {len(BIG) // 2}" in said
    assert (agent.root / "custom/mine/kernel").read_bytes() == BIG


@pytest.mark.parametrize("fault", ["norange", "wrongrange"])
def test_a_server_that_cannot_go_on_costs_a_new_start(hearth, origin, fault):
    origin.put("/files/kernel", BIG)
    origin.fault("/files/kernel", "half", times=1)
    origin.fault("/files/kernel", fault, times=1)
    agent = hearth(custom(f"{origin.url}/files/kernel"), tries=3)
    run(agent, "fetch")
    assert (agent.root / "custom/mine/kernel").read_bytes() == BIG


def test_a_file_that_changed_in_between_is_fetched_from_its_start(hearth, origin):
    origin.put("/files/kernel", BIG)
    origin.fault("/files/kernel", "half")
    agent = hearth(custom(f"{origin.url}/files/kernel"), tries=1)
    run(agent, "fetch", code=UNAVAILABLE)
    origin.heal()
    origin.put("/files/kernel", BIG[::-1])
    run(agent, "fetch")
    assert origin.log("/files/kernel")[-1]["range"]
    assert (agent.root / "custom/mine/kernel").read_bytes() == BIG[::-1]


def test_a_kill_in_the_middle_costs_only_the_rest(hearth, origin):
    origin.put("/files/kernel", BIG)
    origin.fault("/files/kernel", "slow:4000000", times=1)
    agent = hearth(custom(f"{origin.url}/files/kernel"))
    process = background(agent, "fetch")
    kept = wait_for(lambda: noted(agent), "a part is noted")
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert not (agent.root / "custom/mine/kernel").exists()
    assert lock(agent) == {}
    run(agent, "fetch")
    last = origin.log("/files/kernel")[-1]
    assert last["status"] == 206 and int(last["range"][6:-1]) >= kept
    assert (agent.root / "custom/mine/kernel").read_bytes() == BIG
    assert not leftovers(agent)


def test_a_part_that_was_damaged_since_the_kill_does_not_count(hearth, origin):
    origin.put("/files/kernel", BIG)
    origin.fault("/files/kernel", "half")
    agent = hearth(custom(f"{origin.url}/files/kernel"), tries=1)
    run(agent, "fetch", code=UNAVAILABLE)
    (part,) = agent.root.rglob(".*.partial")
    with open(part, "r+b") as file:
        file.seek(1_000)
        file.write(bytes(100))
    origin.heal()
    run(agent, "fetch")
    assert origin.log("/files/kernel")[-1]["range"] is None
    assert (agent.root / "custom/mine/kernel").read_bytes() == BIG


def test_what_a_kill_left_of_an_unwanted_file_is_cleaned_away(hearth, origin):
    origin.fault("/factory/image/*", "half")
    agent = hearth(talos(origin, version="v1.10.7"), tries=1)
    run(agent, "fetch", code=UNAVAILABLE)
    assert leftovers(agent)
    mine = agent.root / "talos/.hidden.partial"
    mine.write_text("mine")
    origin.heal()
    agent.config.write_text(agent.config.read_text().replace("v1.10.7", "v1.11.2"))
    run(agent, "fetch")
    assert leftovers(agent) == [str(mine)]
    assert not (agent.root / "talos/v1.10.7").exists()


def test_kills_at_any_moment_leave_no_half_file_under_its_name(hearth, origin):
    """Killed again and again, at moments that no line of the code was written for."""
    contents = {f"f{n}": BIG[n:n + 300_000] for n in range(8)}
    for name, content in contents.items():
        origin.put(f"/files/{name}", content)
    initrds = ", ".join(f'"{origin.url}/files/f{n}"' for n in range(1, 8))
    agent = hearth(custom(f"{origin.url}/files/f0") + f"initrds = [{initrds}]\n")
    killed = 0
    for turn in range(60):
        process = background(agent, "fetch")
        try:
            process.wait(timeout=0.003 * (turn + 1))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            killed += 1
        process.communicate()
        for path in (agent.root / "custom").rglob("f?"):
            assert path.read_bytes() == contents[path.name], f"half of {path.name}"
            pin = lock(agent).get(f"custom/mine/{path.name}")
            assert pin, f"{path.name} is there without a pin"
    assert killed > 3
    run(agent, "fetch")
    run(agent, "lock", "check")
    assert len(lock(agent)) == 8


def test_kills_while_a_file_is_replaced_leave_the_old_or_the_new_one(hearth, origin):
    contents = [BIG[n:n + 200_000] for n in range(40)]
    origin.put("/files/kernel", contents[0])
    agent = hearth(custom(f"{origin.url}/files/kernel"))
    run(agent, "fetch")
    kernel = agent.root / "custom/mine/kernel"
    killed = 0
    for turn, content in enumerate(contents[1:]):
        before = kernel.read_bytes()
        origin.put("/files/kernel", content)
        process = background(agent, "lock", "update", "mine")
        try:
            process.wait(timeout=0.002 * turn)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            killed += 1
        process.communicate()
        assert kernel.read_bytes() in (before, content)
        run(agent, "fetch")
        assert kernel.read_bytes() in (before, content)
        run(agent, "lock", "check")
        assert "replaces_sha256" not in lock(agent)["custom/mine/kernel"]
    assert killed > 3


def test_of_two_fetches_at_once_the_second_waits_and_says_for_whom(hearth, origin):
    origin.put("/files/kernel", BIG)
    origin.fault("/files/kernel", "slow:4000000", times=1)
    agent = hearth(custom(f"{origin.url}/files/kernel"))
    first = background(agent, "fetch")
    wait_for(lambda: noted(agent), "the first is under way")
    second = background(agent, "fetch")
    assert select.select([second.stdout], [], [], 10)[0]
    line = second.stdout.readline().decode()
    assert f"process {first.pid}" in line and "waiting" in line
    said = [one.communicate(timeout=60)[0].decode() for one in (first, second)]
    assert (first.returncode, second.returncode) == (0, 0), said
    assert "kernel: fetched" in said[0] and "kernel: there and true" in said[1]
    assert len(origin.log("/files/kernel")) == 1
