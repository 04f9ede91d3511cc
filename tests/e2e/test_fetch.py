"""`hearth fetch` and `hearth lock` against an origin with every fault that origins have."""

import datetime
import hashlib
import json
import os
import select
import shutil
import signal
import socket
import ssl
import subprocess
import tarfile
import threading

import pytest

from hearthtest.agent import Agent
from hearthtest.origin import Origin
from hearthtest.schematic import schematic_id
from hearthtest.wait import wait_for

ENVIRONMENT = {name: value for name, value in os.environ.items()
               if not name.lower().endswith("_proxy")}
BIG = b"".join(hashlib.sha256(str(n).encode()).digest() for n in range(160_000))  # 5 MB
UNAVAILABLE, DATA, DISK, USAGE = 69, 65, 73, 64

HEAD = """
[fetch]
keep_free = "1 MiB"
timeout = "1s"
tries = {tries}
{fetch}

[menu]
items = ["local"]
"""
NO_LOADERS = '\n[loaders]\nsource = "none"\n'


@pytest.fixture
def origin():
    with Origin() as one:
        yield one


@pytest.fixture
def hearth(tmp_path):
    """Makes agents that never serve, from what is behind `[fetch]`."""
    made = []

    def make(extra, tries=2, fetch="", loaders=NO_LOADERS, **options):
        folder = tmp_path / f"agent{len(made)}"
        made.append(Agent(folder, HEAD.format(tries=tries, fetch=fetch) + loaders + extra, **options))
        return made[-1]

    return make


def custom(url, sha256=None):
    digest = f', sha256 = "{sha256}"' if sha256 else ""
    return f"""
[[image]]
name = "mine"
recipe = "custom"
kernel = {{ url = "{url}"{digest} }}
"""


def talos(origin, version="v1.11.2", more='extensions = ["siderolabs/bnx2"]', factory=None):
    return f"""
[[image]]
name = "talos"
recipe = "talos"
version = "{version}"
factory = "{factory or origin.url + '/factory'}"
{more}
"""


def debian(origin):
    return f"""
[[image]]
name = "debian"
recipe = "debian"
version = "bookworm"
mirror = "{origin.url}/debian"
"""


def run(agent, *arguments, code=0, env=None, prefix=()):
    """Runs a command, holds it to its exit code, and returns what it said."""
    done = subprocess.run([*prefix, *agent.command(*arguments)], capture_output=True, text=True,
                          timeout=120, env={**ENVIRONMENT, **(env or {})})
    said = done.stdout + done.stderr
    assert done.returncode == code, f"{arguments} ended with {done.returncode}:\n{said}"
    return said


def lock(agent):
    """The lock as a dict from path to the lines of its entry."""
    path = agent.state / "hearth.lock"
    if not path.exists():
        return {}
    entries = {}
    for block in path.read_text().split("[[file]]\n")[1:]:
        pairs = dict(line.split(" = ", 1) for line in block.strip().splitlines())
        entries[json.loads(pairs["path"])] = pairs
    return entries


def leftovers(agent):
    return [str(path) for path in agent.root.rglob(".*")]


def sha256(content):
    return hashlib.sha256(content).hexdigest()


# what is fetched


def test_everything_of_every_recipe_comes_and_stays_without_a_further_request(hearth, origin):
    needed = ("/ipxe/undionly.kpxe", "/memtest/mt86plus_8.00.binaries.zip",
              "/debian/dists/bookworm/main/installer-amd64/current/images/SHA256SUMS")
    if not all(path in origin.files for path in needed):
        pytest.skip("needs ipxe, memtest86+ and debian-installer-12-netboot-amd64")
    agent = hearth(talos(origin) + debian(origin) + f"""
[[image]]
name = "memtest"
recipe = "memtest"
url = "{origin.url}/memtest/mt86plus_8.00.binaries.zip"
""", loaders=f'\n[loaders]\norigin = "{origin.url}/ipxe"\narchitectures = ["amd64"]\n')
    run(agent, "fetch")
    made = schematic_id(
        {"customization": {"systemExtensions": {"officialExtensions": ["siderolabs/bnx2"]}}})
    files = {str(path.relative_to(agent.root)) for path in agent.root.rglob("*") if path.is_file()}
    assert files == {
        "undionly.kpxe", "ipxe.pxe", "snponly.efi", "ipxe.efi",
        f"talos/v1.11.2/{made[:12]}/kernel-amd64", f"talos/v1.11.2/{made[:12]}/initramfs-amd64.xz",
        "debian/bookworm/amd64/linux", "debian/bookworm/amd64/initrd.gz",
        "memtest/mt86plus_8.00.binaries/amd64.bin", "memtest/mt86plus_8.00.binaries/amd64.efi",
    }
    assert (agent.root / "undionly.kpxe").read_bytes() == open("/usr/lib/ipxe/undionly.kpxe", "rb").read()
    pins = lock(agent)
    assert pins[f"talos/v1.11.2/{made[:12]}/cmdline-metal-amd64"]["text"] == json.dumps(origin.cmdline)
    assert pins["debian/bookworm/amd64/linux"]["pinned"] == '"published"'
    before = (agent.state / "hearth.lock").read_bytes(), len(origin.log())
    run(agent, "fetch")
    assert ((agent.state / "hearth.lock").read_bytes(), len(origin.log())) == before
    run(agent, "lock", "check")


def test_the_same_lock_on_another_machine_gives_the_same_bytes_or_an_error(hearth, origin):
    origin.put("/files/kernel", BIG)
    first = hearth(custom(f"{origin.url}/files/kernel"))
    run(first, "fetch")
    second = hearth(custom(f"{origin.url}/files/kernel"))
    shutil.copy(first.state / "hearth.lock", second.state)
    run(second, "fetch")
    assert (first.state / "hearth.lock").read_bytes() == (second.state / "hearth.lock").read_bytes()
    third = hearth(custom(f"{origin.url}/files/kernel"))
    shutil.copy(first.state / "hearth.lock", third.state)
    origin.put("/files/kernel", BIG[:-1] + b"x")
    run(third, "fetch", code=DATA)


def test_files_are_readable_for_every_server(hearth, origin):
    origin.put("/files/kernel", b"kernel")
    agent = hearth(custom(f"{origin.url}/files/kernel"))
    run(agent, "fetch", prefix=("sh", "-c", 'umask 077; exec "$@"', "sh"))
    kernel = agent.root / "custom/mine/kernel"
    assert kernel.stat().st_mode & 0o777 == 0o644
    assert kernel.parent.stat().st_mode & 0o777 == 0o755


def test_loaders_come_from_an_archive_and_from_files_of_the_users_own(hearth, origin, tmp_path):
    packed = tmp_path / "ipxeboot.tar.gz"
    with tarfile.open(packed, "w:gz") as archive:
        for name in ("undionly.kpxe", "ipxe.pxe", "x86_64/snponly.efi", "x86_64/ipxe.efi"):
            (tmp_path / "member").write_bytes(name.encode())
            archive.add(tmp_path / "member", f"ipxeboot/{name}")
    own = tmp_path / "mine.efi"
    own.write_bytes(b"signed")
    loaders = f"""
[loaders]
archive = "{{}}"
architectures = ["amd64", "arm64"]
[loaders.files]
"snponly.efi" = "{own}"
"""
    origin.put("/files/ipxeboot.tar.gz", packed.read_bytes())
    for place in (str(packed), f"{origin.url}/files/ipxeboot.tar.gz"):
        agent = hearth("", loaders=loaders.format(place))
        said = run(agent, "fetch")
        assert "arm64/snponly.efi: not to be had" in said
        assert (agent.root / "undionly.kpxe").read_bytes() == b"undionly.kpxe"
        assert (agent.root / "ipxe.efi").read_bytes() == b"x86_64/ipxe.efi"
        assert (agent.root / "snponly.efi").read_bytes() == b"signed"
        assert not (agent.root / "arm64").exists()
        assert not leftovers(agent)
    assert len(origin.log("/files/ipxeboot.tar.gz")) == 1
    own.write_bytes(b"signed anew")
    run(agent, "fetch", "loaders")
    assert (agent.root / "snponly.efi").read_bytes() == b"signed anew"
    run(agent, "lock", "check")


def test_a_name_that_is_nothing_is_told_with_what_there_is(hearth, origin):
    said = run(hearth(talos(origin)), "fetch", "tallos", code=USAGE)
    assert "`tallos`" in said and "talos" in said


# origins that fail


def test_an_error_that_passes_is_tried_again(hearth, origin):
    origin.put("/files/kernel", b"kernel")
    origin.fault("/files/kernel", "status:503", times=2)
    agent = hearth(custom(f"{origin.url}/files/kernel"), tries=3)
    said = run(agent, "fetch")
    assert [one["status"] for one in origin.log("/files/kernel")] == [503, 503, 200]
    assert "trying again in 1 s" in said and "trying again in 2 s" in said


@pytest.mark.parametrize("fault, code, words", [
    ("status:500", UNAVAILABLE, "answers 500"),
    ("nothing", UNAVAILABLE, "is silent"),
    ("stall", UNAVAILABLE, "is silent"),
    ("half", UNAVAILABLE, "after 2 tries"),
    ("page", DATA, "login page"),
    ("redirect:file:///etc/passwd", UNAVAILABLE, "neither http nor https"),
    ("nolength", DATA, "how long it is"),
])
def test_a_factory_that_fails_leaves_nothing_behind_and_harms_nothing(
        hearth, origin, fault, code, words):
    origin.put("/files/kernel", b"kernel")
    agent = hearth(custom(f"{origin.url}/files/kernel") + talos(origin))
    run(agent, "fetch", "mine")
    before = (agent.state / "hearth.lock").read_bytes()
    origin.fault("/factory/image/*", fault)
    said = run(agent, "fetch", code=code)
    assert words in said
    assert "custom/mine/kernel: there and true" in said
    assert not [path for path in agent.root.rglob("*amd64*") if not path.name.startswith(".")]
    assert (agent.state / "hearth.lock").read_bytes() == before
    origin.heal()
    run(agent, "fetch")
    run(agent, "lock", "check")
    assert not leftovers(agent)


def test_a_factory_that_is_not_there_is_told(hearth, origin):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        factory = f"http://127.0.0.1:{probe.getsockname()[1]}"
        said = run(hearth(talos(origin, factory=factory)), "fetch", code=UNAVAILABLE)
    assert "refuses connections" in said


def test_a_redirect_to_another_place_is_followed_and_a_circle_is_left(hearth, origin):
    origin.put("/files/kernel", b"kernel")
    with Origin() as other:
        other.put("/else/where", b"kernel")
        origin.fault("/files/kernel", f"redirect:{other.url}/else/where", times=1)
        agent = hearth(custom(f"{origin.url}/files/kernel", sha256(b"kernel")))
        run(agent, "fetch")
        assert other.log("/else/where")
    origin.fault("/files/kernel", f"redirect:{origin.url}/files/kernel")
    (agent.root / "custom/mine/kernel").unlink()
    assert "redirects more than" in run(agent, "fetch", code=UNAVAILABLE)
    assert len(origin.log("/files/kernel")) < 10


def test_a_factory_that_answers_another_id_is_told_with_both(hearth, origin):
    origin.fault("/factory/schematics", "wrongid")
    agent = hearth(talos(origin))
    said = run(agent, "fetch", code=DATA)
    made = schematic_id(
        {"customization": {"systemExtensions": {"officialExtensions": ["siderolabs/bnx2"]}}})
    assert "0" * 64 in said and made in said
    assert not origin.log(f"/factory/image/{made}/v1.11.2/kernel-amd64")


@pytest.mark.parametrize("more", [
    "",
    'extra_kernel_arguments = ["console=ttyS1,115200", "-console", "a:b", "1234"]',
    'meta = [{ key = 10, value = "{}" }, { key = 12, value = "1.5" }]',
    'overlay = { image = "siderolabs/sbc-raspberrypi", name = "rpi_generic", '
    'options = { b10 = "on", b9 = 7, a = true } }',
])
def test_the_id_is_the_factorys_whatever_the_schematic_holds(hearth, origin, more):
    run(hearth(talos(origin, more=more)), "fetch")
    assert len(origin.schematics) == 1


def test_arguments_that_ipxe_would_act_on_are_refused(hearth, origin):
    origin.cmdline = "talos.platform=metal || shell"
    agent = hearth(talos(origin))
    said = run(agent, "fetch", code=DATA)
    assert "`||` is refused" in said
    assert not [path for path in lock(agent) if "cmdline" in path]


# what is wrong


def test_bytes_that_are_not_what_the_publisher_says_never_get_their_name(hearth, origin):
    origin.debian("bookworm", "amd64", BIG, b"initrd")
    path = "/debian/dists/bookworm/main/installer-amd64/current/images/netboot/debian-installer/amd64/linux"
    origin.fault(path, "wrong")
    agent = hearth(debian(origin))
    said = run(agent, "fetch", code=DATA)
    assert sha256(BIG) in said and sha256(bytes(byte ^ 0x55 for byte in BIG)) in said
    assert not (agent.root / "debian/bookworm/amd64/linux").exists()
    assert (agent.root / "debian/bookworm/amd64/initrd.gz").read_bytes() == b"initrd"
    origin.heal()
    run(agent, "fetch")
    assert (agent.root / "debian/bookworm/amd64/linux").read_bytes() == BIG


def test_a_later_difference_shows_both_digests_and_can_be_accepted(hearth, origin):
    origin.put("/files/kernel", b"one")
    agent = hearth(custom(f"{origin.url}/files/kernel"))
    run(agent, "fetch")
    kernel = agent.root / "custom/mine/kernel"
    kernel.unlink()
    origin.put("/files/kernel", b"two")
    said = run(agent, "fetch", code=DATA)
    assert sha256(b"one") in said and sha256(b"two") in said and "hearth lock update" in said
    assert not kernel.exists()
    run(agent, "lock", "update", "mine")
    assert kernel.read_bytes() == b"two"
    assert json.loads(lock(agent)["custom/mine/kernel"]["sha256"]) == sha256(b"two")
    origin.put("/files/kernel", b"three")
    run(agent, "lock", "update", "mine")
    assert kernel.read_bytes() == b"three"
    assert "replaces_sha256" not in lock(agent)["custom/mine/kernel"]


def test_a_new_digest_in_the_configuration_replaces_the_file(hearth, origin):
    origin.put("/files/kernel", b"one")
    agent = hearth(custom(f"{origin.url}/files/kernel", sha256(b"one")))
    run(agent, "fetch")
    origin.put("/files/kernel", b"two")
    agent.config.write_text(agent.config.read_text().replace(sha256(b"one"), sha256(b"two")))
    run(agent, "fetch")
    assert (agent.root / "custom/mine/kernel").read_bytes() == b"two"


def test_what_is_too_large_is_refused_before_it_is_read(hearth, origin):
    origin.put("/files/kernel", BIG)
    agent = hearth(custom(f"{origin.url}/files/kernel"), fetch='size_limit = "1 MiB"')
    assert "`fetch.size_limit`" in run(agent, "fetch", code=DATA)
    origin.fault("/files/kernel", "nolength")
    agent = hearth(custom(f"{origin.url}/files/kernel", sha256(BIG)), fetch='size_limit = "1 MiB"')
    assert "`fetch.size_limit`" in run(agent, "fetch", code=DATA)
    assert not list((agent.root / "custom").rglob("kernel"))


# going on


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


def background(agent, *arguments):
    return subprocess.Popen(agent.command(*arguments), stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, env=ENVIRONMENT)


def noted(agent):
    """Bytes that a fetch under way has noted as true."""
    for path in agent.root.rglob(".*.partial.json"):
        try:
            return json.loads(path.read_text())["bytes"]
        except (ValueError, OSError):
            pass
    return 0


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
    assert line == [sha256(b"kernel")[:12], "6", "first", "use", "image", "mine", "custom/mine/kernel"]


# the disk


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
    agent = hearth(custom(f"{origin.url}/files/kernel", sha256(BIG)),
                   fetch="", loaders=NO_LOADERS)
    agent.config.write_text(agent.config.read_text().replace('keep_free = "1 MiB"', 'keep_free = "0 B"'))
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


# the way there


def certificate(folder, name, *validity):
    """A self-signed certificate for 127.0.0.1."""
    key, cert = folder / f"{name}.key", folder / f"{name}.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                    "-nodes", "-keyout", key, "-out", folder / "request", "-subj", "/CN=127.0.0.1",
                    "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2"],
                   check=True, capture_output=True)
    authority = folder / f"{name}.cnf"
    authority.write_text(f"""[ca]
default_ca = it
[it]
database = {folder}/{name}.index
new_certs_dir = {folder}
serial = {folder}/{name}.serial
default_md = sha256
policy = any
x509_extensions = server
[any]
commonName = supplied
[server]
subjectAltName = IP:127.0.0.1
basicConstraints = CA:FALSE
""")
    (folder / f"{name}.index").touch()
    (folder / f"{name}.serial").write_text("01\n")
    subprocess.run(["openssl", "req", "-new", "-key", key, "-subj", "/CN=127.0.0.1", "-out",
                    folder / "request"], check=True, capture_output=True)
    subprocess.run(["openssl", "ca", "-batch", "-config", authority, "-selfsign", "-keyfile", key,
                    "-in", folder / "request", "-out", cert, "-notext", *validity],
                   check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return context, cert


def day(offset):
    when = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=offset)
    return when.strftime("%y%m%d%H%M%SZ")


@pytest.mark.skipif(not shutil.which("openssl"), reason="needs openssl")
@pytest.mark.parametrize("name, first, last", [("past", -20, -10), ("future", 10, 20)])
def test_a_certificate_out_of_its_time_makes_the_clock_a_suspect(
        hearth, tmp_path, name, first, last):
    context, cert = certificate(tmp_path, name, "-startdate", day(first), "-enddate", day(last))
    with Origin(tls=context) as origin:
        origin.put("/files/kernel", b"kernel")
        agent = hearth(custom(f"{origin.url}/files/kernel"), tries=5)
        said = run(agent, "fetch", code=UNAVAILABLE, env={"SSL_CERT_FILE": str(cert)})
    assert "clock" in said and "127.0.0.1" in said
    assert "trying again" not in said


@pytest.mark.skipif(not shutil.which("openssl"), reason="needs openssl")
def test_https_is_checked_against_the_systems_trust_store_and_never_left(hearth, tmp_path):
    context, cert = certificate(tmp_path, "now", "-startdate", day(-1), "-enddate", day(1))
    with Origin(tls=context) as origin, Origin() as plain:
        origin.put("/files/kernel", b"kernel")
        plain.put("/files/kernel", b"kernel")
        agent = hearth(custom(f"{origin.url}/files/kernel"))
        said = run(agent, "fetch", code=UNAVAILABLE)
        assert "not trusted" in said and "trust store" in said
        trusting = {"SSL_CERT_FILE": str(cert)}
        origin.fault("/files/kernel", f"redirect:{plain.url}/files/kernel", times=1)
        said = run(agent, "fetch", code=UNAVAILABLE, env=trusting)
        assert "from https to http" in said
        assert not plain.log()
        run(agent, "fetch", env=trusting)
    assert (agent.root / "custom/mine/kernel").read_bytes() == b"kernel"


class Proxy:
    """An HTTP proxy that knows CONNECT and nothing else."""

    def __init__(self):
        self.asked = []
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        head = b""
        while b"\r\n\r\n" not in head:
            head += client.recv(4096)
        method, target, _ = head.split(b"\r\n")[0].decode().split()
        self.asked.append((method, target))
        host, port = target.rsplit(":", 1)
        server = socket.create_connection((host, int(port)))
        client.sendall(b"HTTP/1.1 200 connected\r\n\r\n")
        ends = {client: server, server: client}
        while True:
            for ready in select.select(list(ends), [], [])[0]:
                data = ready.recv(65536)
                if not data:
                    return client.close(), server.close()
                ends[ready].sendall(data)


@pytest.mark.parametrize("where", ["configuration", "environment"])
def test_a_proxy_is_used_wherever_it_is_named(hearth, origin, where):
    proxy = Proxy()
    origin.put("/files/kernel", b"kernel")
    fetch, env = (f'proxy = "{proxy.url}"', {}) if where == "configuration" else \
        ("", {"http_proxy": proxy.url, "https_proxy": proxy.url})
    agent = hearth(custom(f"{origin.url}/files/kernel"), fetch=fetch)
    run(agent, "fetch", env=env)
    assert ("CONNECT", origin.url.removeprefix("http://")) in proxy.asked
