"""A process that confined itself: what it does all the same, and what it refuses with the reason."""

import pathlib
import platform
import urllib.request

import pytest

from hearthtest.agent import Agent
from hearthtest.clients import TftpRead, get
from hearthtest.fetching import custom
from hearthtest.seccomp import FIRST, refuse
from hearthtest.wait import wait_for

LANDLOCK_CREATE_RULESET = 444
EXTRA = """
[observe]
enabled = false
[loaders]
source = "none"
[[profile]]
name = "p"
image = "mine"
"""


@pytest.fixture
def one(tmp_path, origin):
    """An agent whose temporary files are in a folder of its own, so that /tmp is closed to it."""
    origin.put("/files/kernel", b"kernel" * 1000)
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    made = Agent(tmp_path / "agent", EXTRA + custom(f"{origin.url}/files/kernel"),
                 inside=("env", f"TMPDIR={temporary}"))
    with made:
        made.temporary = temporary
        if not made.status()["writes"]:
            pytest.skip("this kernel has no Landlock")
        yield made


def test_it_names_its_folders_and_everything_goes_on(one):
    assert one.status()["writes"] == [str(path) for path in (one.root, one.state, one.run_dir, one.temporary)]
    one.put("a.bin", b"a" * 5_000)
    assert get(one, "/files/a.bin") == TftpRead(one, "a.bin").rest() == b"a" * 5_000
    done = one.run("fetch", "--agent", "mine")
    assert done.returncode == 0, done.stderr
    assert one.reloaded() is None
    fragment = one.folder / "lab.toml"
    fragment.write_text('[menu]\ntitle = "Lab"\n')
    assert one.run("apply", "-f", str(fragment)).returncode == 0
    assert "Lab" in get(one, "/default.ipxe").decode()
    get(one, "/script?mac=52:54:00:00:00:01&platform=efi&buildarch=x86_64")
    assert one.run("machine", "assign", "52:54:00:00:00:01", "p").returncode == 0
    for folder in (one.state, one.temporary):
        copy = folder / "copy.db"
        done = one.run("backup", str(copy))
        assert done.returncode == 0 and copy.stat().st_size > 0, done.stderr
        assert one.run("restore", str(copy)).returncode == 0
    assert one.stop() == 0


def test_a_backup_elsewhere_is_refused_with_where_it_can_be(one, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (one.state / "link").symlink_to(outside)
    for path in (outside / "copy.db", one.state / "link" / "copy.db"):
        done = one.run("backup", str(path))
        assert done.returncode == 65 and f"it confined itself to {one.root}, {one.state}" in done.stderr
    assert not list(outside.iterdir())


def test_a_reload_stays_within_its_folders(one, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    refused = one.change(f'root = "{one.root}"', f'root = "{other}"')
    assert "confined itself to other folders at its start: restart it" in refused["error"]
    one.put("b.bin", b"b")
    assert get(one, "/files/b.bin") == b"b", "the old configuration is in force"
    within = one.root / "within"
    within.mkdir()
    assert one.change(f'root = "{other}"', f'root = "{within}"') is None
    wait_for(lambda: (within / "default.ipxe").exists(), "it writes there")


def test_its_temporary_folder_is_the_system_s_without_another(agent):
    one = agent(EXTRA.replace('image = "mine"', 'image = "net"') + '[[image]]\nname = "net"\nrecipe = "netboot.xyz"\n')
    one.start()
    writes = one.status()["writes"]
    assert not writes or writes[-1] == "/tmp" and pathlib.Path(writes[1]) == one.state
    assert urllib.request.urlopen(f"{one.http}/default.ipxe", timeout=10).status == 200


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the filter is for x86_64")
def test_where_it_may_not_confine_itself_it_serves_all_the_same(agent, tmp_path):
    """An old kernel, or a container or a unit whose filter leaves the call out."""
    one = agent(EXTRA.replace('image = "mine"', 'image = "net"') + '[[image]]\nname = "net"\nrecipe = "netboot.xyz"\n')
    one.start(lambda: refuse((FIRST, LANDLOCK_CREATE_RULESET)))
    assert one.status()["writes"] == []
    assert one.run("backup", str(tmp_path / "copy.db")).returncode == 0
