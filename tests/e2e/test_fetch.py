"""`hearth fetch` against an origin with every fault that origins have."""

import json
import pathlib
import shutil
import socket
import tarfile

import pytest

from hearthtest.fetching import (
    BIG, DATA, UNAVAILABLE, USAGE, custom, debian, leftovers, lock, run, sha256, talos,
)
from hearthtest.origin import Origin
from hearthtest.schematic import schematic_id


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
        {"customization": {"systemExtensions": {"officialExtensions": ["siderolabs/bnx2-bnx2x"]}}})
    files = {str(path.relative_to(agent.root)) for path in agent.root.rglob("*") if path.is_file()}
    assert files == {
        "undionly.kpxe", "ipxe.pxe", "snponly.efi", "ipxe.efi",
        f"talos/v1.11.2/{made[:12]}/kernel-amd64", f"talos/v1.11.2/{made[:12]}/initramfs-amd64.xz",
        "debian/bookworm/amd64/linux", "debian/bookworm/amd64/initrd.gz",
        "memtest/mt86plus_8.00.binaries/amd64.bin", "memtest/mt86plus_8.00.binaries/amd64.efi",
    }
    loader = pathlib.Path("/usr/lib/ipxe/undionly.kpxe").read_bytes()
    assert (agent.root / "undionly.kpxe").read_bytes() == loader
    pins = lock(agent)
    cmdline = pins[f"talos/v1.11.2/{made[:12]}/cmdline-metal-amd64"]
    assert cmdline["text"] == json.dumps(origin.cmdline)
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


def test_a_loader_of_the_users_own_that_lies_in_its_place_stays_theirs(hearth, origin):
    agent = hearth("")
    own = agent.root / "snponly.efi"
    own.write_bytes(b"signed")
    agent.config.write_text(
        agent.config.read_text() + f'[loaders.files]\n"snponly.efi" = "{own}"\n')
    assert "kept yours" in run(agent, "fetch")
    assert lock(agent) == {} and own.read_bytes() == b"signed"


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
        {"customization": {"systemExtensions": {"officialExtensions": ["siderolabs/bnx2-bnx2x"]}}})
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
    images = "/debian/dists/bookworm/main/installer-amd64/current/images"
    path = f"{images}/netboot/debian-installer/amd64/linux"
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
