"""How long events are kept, and what becomes of those that find no room."""

import sqlite3

from hearthtest.clients import get
from hearthtest.wait import wait_for

EXTRA = '[loaders]\nsource = "none"\n[menu]\nitems = ["local"]\n'


def ask(one, last, times):
    for _ in range(times):
        assert get(one, f"/script?mac=52:54:00:00:00:{last:02x}&platform=efi").startswith(b"#!ipxe")


def events(one, last):
    """The numbers of a machine's events, the oldest first."""
    path = f"/api/v1/machines/52:54:00:00:00:{last:02x}/events"
    return [event["seq"] for event in one.ask("GET", path)[2]["events"]]


def test_a_reload_takes_how_many_events_are_kept(agent):
    one = agent(EXTRA).start()
    ask(one, 1, 30)
    ask(one, 2, 5)
    wait_for(lambda: len(events(one, 1)) == 30, "all of them are there")
    newest = events(one, 1)[-10:]
    one.config.write_text(one.config.read_text() + "[events]\nper_machine = 10\n")
    one.reload()
    wait_for(lambda: events(one, 1) == newest, "the last ten are left")
    assert len(events(one, 2)) == 5


def test_what_cannot_be_is_refused_with_its_place(agent):
    one = agent(EXTRA + '[events]\nkeep = "1m"\n')
    done = one.run("check")
    assert done.returncode == 78 and "`keep` is out of range: 1h to 3650d" in done.stderr + done.stdout


def test_events_that_find_no_room_are_counted_and_told(agent):
    one = agent(EXTRA).start()
    ask(one, 1, 1)
    assert one.status()["database"]["events_dropped"] == 0
    other = sqlite3.connect(one.state / "hearth.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        name = "x" * 200

        def dropped():
            for _ in range(500):
                try:
                    get(one, f"/files/{name}")
                except OSError:
                    pass
            return one.status()["database"]["events_dropped"]
        wait_for(dropped, "events are dropped", 120, every=0)
        database = one.status()["database"]
        assert 0 < database["waiting_bytes"] <= 8 << 20 and database["waiting"] > 1_000
    finally:
        other.execute("ROLLBACK")
        other.close()
    wait_for(lambda: one.status()["database"]["waiting"] == 0, "all is written")
    count = one.status()["database"]["events_dropped"]
    assert f"hearth_events_dropped_total {count}" in one.ask("GET", "/metrics")[2]
    assert "events are dropped from the timeline" in one.log()
    ask(one, 1, 1)
    wait_for(lambda: f"{count} events are missing in timelines" in one.log(), "the log says how many")


def test_an_agent_that_is_told_to_stop_writes_what_waits(agent):
    one = agent(EXTRA).start()
    ask(one, 1, 20)
    assert one.stop() == 0
    log = one.state / "hearth.db-wal"
    assert not log.exists() or log.stat().st_size == 0, "a start would have to read it"
    database = sqlite3.connect(one.state / "hearth.db")
    count = database.execute("SELECT count(*) FROM events WHERE kind = 'script'").fetchone()[0]
    database.close()
    assert count == 20
