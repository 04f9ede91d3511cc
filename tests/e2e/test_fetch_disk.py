"""Fetches onto disks that are full, read-only, or somebody's."""

import os
import subprocess

import pytest

from hearthtest.fetching import BIG, DISK, ENVIRONMENT, custom, lock, run, sha256


def inside(script, agent, *arguments):
    """A command in a mount namespace of its own, after a shell script that may mount things."""
    root = str(agent.root)
    return subprocess.run(["unshare", "-m", "sh", "-ec", script + '\n"$@"', "sh",
                           *agent.command(*arguments)],
                          capture_output=True, text=True, timeout=60,
                          env={**ENVIRONMENT, "ROOT": root})


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="mounts need root")


@needs_root
def test_a_file_that_does_not_fit_is_not_begun(hearth, origin):
    origin.put("/files/kernel", BIG)
    agent = hearth(custom(f"{origin.url}/files/kernel"))
    done = inside('mount -t tmpfs -o size=4m none "$ROOT"', agent, "fetch")
    assert done.returncode == DISK
    assert "not enough room" in done.stdout and "fetch.keep_free" in done.stdout
    assert all(one["sent"] < len(BIG) for one in origin.log())


@needs_root
def test_a_disk_that_fills_up_harms_nothing_that_is_there(hearth, origin):
    origin.put("/files/kernel", BIG)
    origin.fault("/files/kernel", "nolength")
    agent = hearth(custom(f"{origin.url}/files/kernel", sha256(BIG)))
    text = agent.config.read_text()
    agent.config.write_text(text.replace('keep_free = "1 MiB"', 'keep_free = "0 B"'))
    script = """
mount -t tmpfs -o size=2m none "$ROOT"
echo there > "$ROOT/mine"
trap 'find "$ROOT" -type f; cat "$ROOT/mine"; df --output=avail -k "$ROOT" | tail -n 1' EXIT
"""
    done = inside(script, agent, "fetch")
    assert done.returncode == DISK, done
    assert "the disk is full" in done.stdout
    *_, files, content, free = done.stdout.splitlines()
    assert (files, content) == (f"{agent.root}/mine", "there")
    assert int(free) > 1_900, "the full disk stays full"
    assert lock(agent) == {}


@needs_root
def test_a_read_only_root_is_told_with_what_to_do(hearth, origin):
    origin.put("/files/kernel", b"kernel")
    agent = hearth(custom(f"{origin.url}/files/kernel"))
    done = inside('mount --bind "$ROOT" "$ROOT"; mount -o remount,bind,ro "$ROOT"', agent, "fetch")
    assert done.returncode == DISK
    assert "mounted read-only" in done.stdout and "`server.root`" in done.stdout


@needs_root
def test_what_root_fetches_belongs_to_the_folders_owner(hearth, origin):
    origin.put("/files/kernel", b"kernel")
    agent = hearth(custom(f"{origin.url}/files/kernel"))
    for folder in (agent.root, agent.state):
        os.chown(folder, 12345, 23456)
    run(agent, "fetch")
    for path in (agent.root / "custom", agent.root / "custom/mine/kernel",
                 agent.state / "hearth.lock", agent.state / "fetch.busy"):
        assert (path.stat().st_uid, path.stat().st_gid) == (12345, 23456), path
