"""The short form of scripts/kills, and what its verdict rests on."""

import pytest

from hearthtest.kills import model
from hearthtest.kills.files import FILES
from hearthtest.kills.run import Kills, run
from hearthtest.kills.wire import Fault
from hearthtest.origin import Origin

KILLS = 25


def test_nothing_acknowledged_is_lost_and_no_decision_wrong_after_kills(tmp_path):
    done = run(tmp_path / "agent", KILLS, seed=20)
    print(done.told())
    assert done.kills >= KILLS
    assert done.steps > 10 * KILLS and done.noted > KILLS / 2
    assert done.undecided > 0, "no kill came while something was under way"


@pytest.fixture
def stopped(tmp_path):
    """An agent that was killed after some load, and what is believed of it."""
    with Origin() as origin:
        kills = Kills(tmp_path / "agent", 21, origin)
        kills.agent.start()
        kills.round()
        machine = kills.machines[0][0]
        machine.script(True)
        machine.act({"action": "notes", "notes": "kept"})
        kills.agent.stop(9)
        yield kills, machine
        kills.agent.stop(9)


def test_a_lost_change_would_be_seen(stopped):
    kills, machine = stopped
    machine.done(machine.now.but(notes="another"))
    kills.agent.start()
    with pytest.raises(Fault, match="could be"):
        kills.check()


def test_a_wrong_decision_would_be_seen(stopped):
    kills, machine = stopped
    kills.agent.start()
    machine.act({"action": "local", "profile": model.NEXT})
    machine.done(machine.now.to("discovered").but(wish=None))
    with pytest.raises(Fault, match="it gets local and should get menu"):
        machine.script(True)


def test_a_half_file_would_be_seen(stopped):
    kills, _ = stopped
    name, content = next(iter(kills.fetches.content.items()))
    path = kills.agent.root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content[:-1])
    with pytest.raises(Fault, match="on the disk"):
        kills.fetches.on_disk()
    kills.agent.start()
    with pytest.raises(Fault, match=f"of {len(content)} bytes"):
        kills.fetches.served()
    assert len(kills.fetches.content) == FILES


def test_a_lost_line_of_the_audit_log_would_be_seen(stopped):
    kills, machine = stopped
    kills.agent.start()
    machine.noted.append("never said")
    with pytest.raises(Fault, match="audit log lacks"):
        kills.check()
