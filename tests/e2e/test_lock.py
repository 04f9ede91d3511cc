"""Whose a file is, and what `hearth lock` does with it."""

import os

from hearthtest.fetching import BIG, DATA, custom, lock, run, sha256, talos


# what is a person's


def test_a_persons_file_is_left_alone(hearth, origin):
    origin.put("/files/kernel", b"theirs")
    agent = hearth(custom(f"{origin.url}/files/kernel"))
    kernel = agent.root / "custom/mine/kernel"
    kernel.parent.mkdir(parents=True)
    kernel.write_bytes(b"mine")
    for command in (("fetch",), ("lock", "update", "mine"), ("lock", "prune")):
        said = run(agent, *command)
        assert kernel.read_bytes() == b"mine"
    assert "kept yours" in run(agent, "fetch")
    assert lock(agent) == {}
    kernel.unlink()
    kernel.symlink_to("/etc/passwd")
    assert "kept yours" in run(agent, "fetch"), said
    assert kernel.is_symlink()


def test_a_persons_file_that_is_exactly_what_is_wanted_becomes_hearths(hearth, origin):
    agent = hearth(custom(f"{origin.url}/files/kernel", sha256(b"same")))
    kernel = agent.root / "custom/mine/kernel"
    kernel.parent.mkdir(parents=True)
    kernel.write_bytes(b"same")
    run(agent, "fetch")
    assert "custom/mine/kernel" in lock(agent)
    assert not origin.log()


def test_a_half_file_is_brought_back_and_a_changed_one_is_shown(hearth, origin):
    origin.put("/files/kernel", BIG)
    agent = hearth(custom(f"{origin.url}/files/kernel"))
    run(agent, "fetch")
    kernel = agent.root / "custom/mine/kernel"
    os.truncate(kernel, 1_000_000)
    assert "half: 1000000 of" in run(agent, "lock", "check", code=DATA)
    run(agent, "fetch")
    assert kernel.read_bytes() == BIG
    for changed in (BIG[:-1] + b"x", b"shorter, and mine", BIG + b"longer"):
        kernel.write_bytes(changed)
        run(agent, "lock", "check", code=DATA)
        said = run(agent, "fetch", code=DATA)
        assert sha256(BIG) in said and sha256(changed) in said
        assert kernel.read_bytes() == changed
    kernel.unlink()
    assert "missing" in run(agent, "lock", "check", code=DATA)
    run(agent, "fetch")
    run(agent, "lock", "check")


def test_versions_that_nothing_refers_to_go_and_nothing_else(hearth, origin):
    agent = hearth(talos(origin, version="v1.10.7"))
    run(agent, "fetch")
    (old,) = (agent.root / "talos").iterdir()
    (agent.root / "talos/notes.txt").write_text("mine")
    agent.config.write_text(agent.config.read_text().replace("v1.10.7", "v1.11.2"))
    run(agent, "fetch")
    assert old.exists(), "an old version went before anybody asked"
    run(agent, "lock", "prune")
    assert not old.exists()
    assert (agent.root / "talos/notes.txt").exists()
    assert len(lock(agent)) == 3
    run(agent, "lock", "check")


# the lock


def test_a_broken_lock_is_told_with_its_line_and_a_newer_one_is_not_touched(hearth, origin):
    origin.put("/files/kernel", b"kernel")
    agent = hearth(custom(f"{origin.url}/files/kernel"))
    run(agent, "fetch")
    path = agent.state / "hearth.lock"
    good = path.read_text()
    path.write_text(good.replace('pinned = "first use"', 'pinned = "perhaps"'))
    number = path.read_text().splitlines().index('pinned = "perhaps"') + 1
    for command in (("fetch",), ("lock", "print"), ("lock", "check"), ("lock", "prune")):
        assert f"hearth.lock:{number}:" in run(agent, *command, code=DATA)
    newer = "version = 2\n\n[future]\nkey = 1\n"
    path.write_text(newer)
    for command in (("fetch",), ("lock", "update", "mine"), ("lock", "prune")):
        assert "newer Hearth" in run(agent, *command, code=DATA)
        assert path.read_text() == newer


def test_the_lock_is_printed_as_a_table(hearth, origin):
    origin.put("/files/kernel", b"kernel")
    agent = hearth(custom(f"{origin.url}/files/kernel"))
    run(agent, "fetch")
    line = run(agent, "lock", "print").splitlines()[-1].split()
    pinned = ["first", "use", "image", "mine"]
    assert line == [sha256(b"kernel")[:12], "6", *pinned, "custom/mine/kernel"]
