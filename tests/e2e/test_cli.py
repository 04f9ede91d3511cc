"""The command line, as a person types it."""

import json
import pathlib
import re
import shutil
import sqlite3
import subprocess

import pytest

from hearthtest.agent import binary
from hearthtest.clients import get
from hearthtest.origin import Origin

COMMANDS = ("serve", "check", "fetch", "status", "script", "dhcp", "dhcp snippet", "dhcp fields", "lock", "lock print",
            "lock check", "lock update", "lock prune", "talos", "talos versions", "talos extensions",
            "machine", *(f"machine {verb}" for verb in (
                "list", "show", "approve", "assign", "unassign", "reinstall", "local", "hold",
                "release", "ignore", "boot", "wake", "set", "overrides", "forget")),
            "policy", "policy list", "policy test", "profiles",
            "timeline", "findings", "events", "advise", "token", "token create", "token list",
            "token revoke", "images", "loaders", "fetches", "fetches list", "fetches show",
            "fetches cancel", "openapi", "top", "apply", "config", "config list", "config show", "config delete",
            "config revert", "audit", "backup", "restore", "completions", "man")

DECLARED = """
[[image]]
name = "x"
recipe = "custom"
kernel = "http://127.0.0.1:1/k"

[[profile]]
name = "p"
image = "x"

[[policy]]
name = "old IBM servers"
match = { manufacturer = "IBM*", product = "*x3550*" }
profile = "p"

[[machine]]
name = "oden"
mac = "52:54:00:00:00:01"
profile = "p"
"""


def hearth(*arguments, **options):
    return subprocess.run([binary(), *arguments], capture_output=True, text=True, timeout=60, **options)


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_fits_a_terminal_whatever_its_width(command):
    for switch in ("-h", "--help"):
        for columns in ("80", "200"):
            done = hearth(*command.split(), switch, env={"COLUMNS": columns})
            assert done.returncode == 0
            assert done.stdout.count("\n") > 3
            wide = [line for line in done.stdout.splitlines() if len(line) > 80]
            assert not wide


@pytest.mark.parametrize("arguments, code, said", [
    ([], 64, "Usage"),
    (["nonsense"], 64, "nonsense"),
    (["serve", "--nonsense"], 64, "--nonsense"),
    (["dhcp", "snippet", "--for", "bind"], 64, "isc, kea, dnsmasq"),
    (["dhcp", "snippet", "--for", "isc", "--subnet", "192.168.1.0"], 64, "not an IPv4 network"),
    (["dhcp", "snippet", "--for", "isc", "--subnet", "192.168.9.0/24"], 64, "in 192.168.9.0/24"),
    (["dhcp", "snippet", "--for", "isc", "--interface", "none0"], 64, "on none0"),
    (["script", "--mac", "01:00:5e:00:00:01"], 64, "multicast"),
    (["script", "--item", "${x}"], 64, "--item"),
    (["lock", "update"], 64, "<NAME>"),
    (["lock", "update", "nothing"], 64, "nothing is called `nothing`"),
    (["fetch", "nothing"], 64, "nothing is called `nothing`"),
    (["completions", "tcsh"], 64, "tcsh"),
    (["man", "/nonexistent/folder"], 73, "/nonexistent/folder/hearth.8"),
    (["status"], 69, "is it running?"),
])
def test_exit_codes_are_those_of_sysexits(agent, arguments, code, said):
    done = agent().run(*arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr
    assert done.stderr.startswith("error: ") or not arguments


def test_every_command_refuses_a_bad_configuration(agent):
    one = agent()
    one.config.write_text("[server]\naddresses = 5\n")
    for arguments in (["check"], ["serve"], ["fetch"], ["status"], ["script"], ["lock", "print"],
                      ["talos", "versions"], ["dhcp", "snippet", "--for", "isc"]):
        done = one.run(*arguments)
        assert (done.returncode, done.stdout) == (78, "")
        assert f"{one.config}:2:13: error:" in done.stderr


def test_check_counts_what_it_found(agent):
    one = agent("[menu]\ntimeout = 5\ndefault = \"nothing\"\n")
    done = one.run("check")
    assert done.returncode == 78
    assert done.stderr.rstrip().splitlines()[-1] == "2 errors"


def test_check_can_look_as_serve_does_at_an_address_that_comes_later(agent):
    one = agent(addresses=("127.0.0.1", "192.0.2.77"))
    refused = one.run("check")
    assert refused.returncode == 78
    assert "no interface of this host has the address 192.0.2.77" in refused.stderr
    assert one.run("check", "--serve").returncode == 0
    one.config.write_text("[server]\naddresses = 5\n")
    assert one.run("check", "--serve").returncode == 78


def test_check_finds_what_would_end_a_start_and_leaves_no_trace(agent):
    one = agent()
    one.start()
    assert one.run("check", "--serve").returncode == 0, "what an agent has is in use"
    one.stop()
    database = one.state / "hearth.db"
    good = database.read_bytes()

    def refused(code, text):
        before = {path: path.read_bytes() for path in one.state.iterdir()}
        done = one.run("check", "--serve")
        assert (done.returncode, done.stdout) == (code, "configuration is valid\n"), done.stderr
        assert text in done.stderr
        assert {path: path.read_bytes() for path in one.state.iterdir()} == before
        assert one.run("check").returncode == 0, "the configuration is a good one"
        served = one.run("serve")
        assert served.returncode == code and text in served.stderr, "serve says the same"
    database.write_bytes(b"nonsense" * 1000)
    refused(74, "the file is damaged")
    database.write_bytes(good)
    with sqlite3.connect(database) as opened:
        opened.execute("PRAGMA user_version = 9999")
    opened.close()
    refused(74, "was written by a later version of Hearth")
    database.write_bytes(good)
    lock = one.state / "hearth.lock"
    lock.write_text("nonsense\n")
    refused(65, "hearth.lock")
    lock.unlink()
    assert one.run("check", "--serve").returncode == 0


def test_check_finds_a_file_where_a_folder_has_to_be(agent, tmp_path):
    (tmp_path / "file").write_text("")
    one = agent(server={"run": f"{tmp_path}/file/run"})
    done = one.run("check", "--serve")
    assert done.returncode == 73 and "file is no folder; correct server.run" in done.stderr


def test_a_closed_pipe_is_no_failure(agent):
    one = agent()
    for arguments in ("completions bash", "man", "script --fallback", "--help", "lock print"):
        command = " ".join(one.command(*arguments.split()))
        done = subprocess.run(["bash", "-c", f"set -o pipefail; {command} | true"],
                              capture_output=True, text=True, timeout=60)
        assert (done.returncode, done.stderr) == (0, ""), arguments


def test_a_full_disk_is_a_failure(agent):
    with open("/dev/full", "w") as full:
        done = subprocess.run(agent().command("completions", "bash"), stdout=full,
                              stderr=subprocess.PIPE, text=True, timeout=60)
    assert done.returncode == 74
    assert "writing to standard output" in done.stderr


@pytest.mark.parametrize("shell", ["elvish", "powershell"])
def test_other_shells_complete_commands(shell):
    assert "machine" in hearth("completions", shell).stdout


def test_every_command_has_a_page_that_renders_without_a_warning(tmp_path):
    assert hearth("man", str(tmp_path)).returncode == 0
    names = {"hearth.8", *("hearth-" + command.replace(" ", "-") + ".8" for command in COMMANDS)}
    assert {path.name for path in tmp_path.iterdir()} == names
    assert hearth("man").stdout == (tmp_path / "hearth.8").read_text()
    if not shutil.which("man"):
        pytest.skip("man is not here: the pages were not rendered")
    for path in tmp_path.iterdir():
        done = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", str(path)], text=True,
                              capture_output=True, env={"MANWIDTH": "80", "PATH": "/usr/bin:/bin"})
        assert (done.returncode, done.stderr) == (0, ""), path.name
        for heading in ("NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS"):
            assert f"\n{heading}\n" in done.stdout, (path.name, heading)


def test_the_script_of_a_machine_is_the_one_that_the_command_prints(agent):
    one = agent(DECLARED).start()
    efi = "platform=efi&buildarch=x86_64"
    bios = "platform=pcbios&buildarch=i386&cpu64=1"
    for query, arguments in (
            (f"mac=52-54-00-00-00-01&{efi}", ["--mac", "52:54:00:00:00:01"]),
            (f"mac=52-54-00-00-00-01&{bios}", ["--mac", "52:54:00:00:00:01", "--platform", "pcbios"]),
            (f"manufacturer=IBM%20Corp&product=System%20x3550&{bios}",
             ["--manufacturer", "IBM Corp", "--product", "System x3550", "--platform", "pcbios"]),
            (efi, []),
            ("platform=efi&buildarch=arm64", ["--arch", "arm64"]),
            (f"item=x&{efi}", ["--item", "x"])):
        printed = one.run("script", *arguments)
        assert printed.returncode == 0, printed.stderr
        assert get(one, f"/script?{query}").decode() == printed.stdout
    assert get(one, "/default.ipxe").decode() == one.run("script", "--fallback").stdout
    assert "hearth fetch x" in one.run("script", "--mac", "52:54:00:00:00:01").stdout
    assert "oden at 127.0.0.1 gets install p" in one.log()


def test_what_a_machine_says_of_itself_is_in_no_script(agent):
    one = agent().start()
    plain = get(one, "/script?mac=52-54-00-00-00-01&platform=pcbios")
    evil = "foo%20%24%7Bbar%7D%20%26%26%20shell%0Areboot"
    keys = ("manufacturer", "product", "serial", "asset", "busid", "chip", "version", "uuid", "item",
            "profile", "hostname")
    query = "&".join(f"{key}={evil}" for key in keys)
    assert get(one, f"/script?mac=52-54-00-00-00-01&platform=pcbios&{query}") == plain
    printed = one.run("script", "--manufacturer", "foo ${bar} && shell", "--product", "x\nreboot")
    assert printed.stdout == one.run("script").stdout


def test_status_is_a_table_for_people_and_json_for_programs(agent):
    one = agent(DECLARED).start()
    get(one, "/default.ipxe")
    shown = one.run("status").stdout
    assert re.search(rf"^hearth \S+, process {one.process.pid}, up \d+ s$", shown, re.MULTILINE)
    assert f"listening on  127.0.0.1 (TFTP {one.tftp_port}, HTTP {one.http_port})" in shown
    assert "declared      1 machines, 1 profiles, 1 policies" in shown
    assert "x is missing; run `hearth fetch x`" in shown
    assert "HTTP default.ipxe to 127.0.0.1" in shown
    status = json.loads(one.run("status", "--json").stdout)
    assert status.keys() == one.status().keys()
    assert status["declared"] == {"machines": 1, "profiles": 1, "policies": 1}


def test_status_is_shown_although_the_configuration_became_a_bad_one(agent):
    one = agent().start()
    one.config.write_text(one.config.read_text() + "\n[menu]\ntitel = 3\n")
    assert f"process {one.process.pid}" in one.run("status").stdout
    one.stop()
    done = one.run("status")
    assert done.returncode == 78 and "titel" in done.stderr


def text_of(agent, kind, *where):
    done = agent.run("dhcp", "snippet", "--for", kind, *where)
    assert done.returncode == 0, done.stderr
    return done.stdout


def accepts(command, path):
    if not shutil.which(command[0]):
        pytest.skip(f"{command[0]} is not here")
    done = subprocess.run([*command, str(path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_dhcp_fields_are_those_of_every_address(agent):
    one = agent(addresses=["127.0.0.1", "127.0.0.2"])
    done = one.run("dhcp", "fields", "--json")
    networks = json.loads(done.stdout)["networks"]
    assert [network["address"] for network in networks] == ["127.0.0.1", "127.0.0.2"]
    rows = {row["tag"]: row for row in networks[1]["rows"]}
    assert rows["x86_64"]["option_93"] == [7, 9] and rows["x86_64"]["file"] == "snponly.efi"
    assert rows["x86_64-http"]["url"] == f"http://127.0.0.2:{networks[1]['http_port']}/files/snponly.efi"
    assert "file" not in rows["x86_64-http"]
    assert networks[0]["ipxe"] == {"option_77": "iPXE", "file": "default.ipxe", "option_175": "b00101"}
    (only,) = json.loads(one.run("dhcp", "fields", "--json", "--address", "192.0.2.1").stdout)["networks"]
    assert only["address"] == "192.0.2.1"
    table = one.run("dhcp", "fields").stdout.splitlines()
    assert len(table) == 1 + sum(len(network["rows"]) + 1 for network in networks)


@pytest.fixture
def folder():
    """A folder that also confined servers (AppArmor) may read."""
    path = pathlib.Path("/tmp/hearth-snippet")
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir()
    yield path
    shutil.rmtree(path)


def test_isc_dhcpd_takes_its_snippet(agent, folder):
    path = folder / "dhcpd.conf"
    path.write_text(text_of(agent(), "isc", "--address", "192.168.1.1")
                    + "subnet 192.168.1.0 netmask 255.255.255.0 { range 192.168.1.100 192.168.1.199; }")
    accepts(["dhcpd", "-4", "-t", "-cf"], path)


def test_kea_takes_its_snippet(agent, folder):
    path = folder / "kea.json"
    path.write_text('{ "Dhcp4": { "subnet4": [ { "subnet": "192.168.1.0/24" } ],\n'
                    + text_of(agent(), "kea", "--address", "192.168.1.1") + "} }")
    accepts(["kea-dhcp4", "-t"], path)


def test_dnsmasq_takes_its_snippet(agent, folder):
    path = folder / "dnsmasq.conf"
    path.write_text(text_of(agent(), "dnsmasq", "--address", "192.168.1.1")
                    + "dhcp-range=192.168.1.100,192.168.1.199\n")
    accepts(["dnsmasq", "--test", "--conf-file=/dev/null", "-C"], path)


@pytest.mark.parametrize("kind", ["isc", "kea", "dnsmasq", "mikrotik", "windows"])
def test_a_snippet_names_the_address_that_was_chosen(agent, kind):
    one = agent(addresses=("127.0.0.1", "192.168.7.1"))
    assert "127.0.0.1" in text_of(one, kind)
    assert "127.0.0.1" in text_of(one, kind, "--interface", "lo")
    for where in (["--subnet", "192.168.7.0/24"], ["--address", "192.168.7.1"]):
        text = text_of(one, kind, *where)
        assert "192.168.7.1" in text and "127.0.0.1" not in text


def test_a_fetch_tells_each_file_and_the_sum(agent):
    with Origin() as origin:
        origin.put("/files/k", b"k" * 1_500_000)
        one = agent('[menu]\nitems = ["p", "local"]\n[loaders]\nsource = "none"\n'
                    + DECLARED.replace("http://127.0.0.1:1/k", f"{origin.url}/files/k"))
        done = one.run("fetch")
        assert (done.returncode, done.stderr) == (0, "")
        lines = done.stdout.splitlines()
        assert lines[0] == "custom/x/k: fetching, 1.5 MB"
        assert re.fullmatch(r"custom/x/k: fetched, 1\.5 MB.*/s", lines[1])
        assert lines[-1] == "1 files: 1 fetched (1.5 MB)"
        assert one.run("fetch", "x").stdout.splitlines()[-1] == "1 files: 1 there and true"
        (one.root / "custom/x/k").unlink()
        origin.fault("/files/k", "status:404", times=9)
        failed = one.run("fetch")
        assert failed.returncode != 0 and failed.stderr == "error: 1 of 1 files failed, see above\n"
        assert one.run("lock", "check").returncode == 65


def test_prune_all_removes_what_hearth_brought_and_nothing_else(agent):
    with Origin() as origin:
        origin.put("/files/k", b"kernel")
        origin.put("/files/i", b"initrd")
        one = agent('[menu]\nitems = ["p", "local"]\n[loaders]\nsource = "none"\n'
                    '[[image]]\nname = "x"\nrecipe = "custom"\n'
                    f'kernel = "{origin.url}/files/k"\ninitrds = ["{origin.url}/files/i"]\n'
                    '[[profile]]\nname = "p"\nimage = "x"\n')
        assert one.run("fetch").returncode == 0
    one.start()
    one.stop()
    changed = one.root / "custom/x/i"
    changed.write_bytes(b"mine now")
    (one.root / "holiday.jpg").write_bytes(b"mine")
    assert (one.root / "default.ipxe").exists()
    assert one.run("lock", "prune").stdout == "nothing to remove\n"
    done = one.run("lock", "prune", "--all")
    assert done.returncode == 0, done.stderr
    assert "custom/x/k: removed" in done.stdout and "custom/x/i: left, it is yours now" in done.stdout
    assert "default.ipxe: removed" in done.stdout
    left = sorted(str(path.relative_to(one.root)) for path in one.root.rglob("*") if path.is_file())
    assert left == ["custom/x/i", "holiday.jpg"]
    assert one.run("lock", "prune", "--all").stdout == "nothing to remove\n"


def test_a_fetch_on_a_terminal_draws_a_bar(agent):
    with Origin() as origin:
        origin.put("/files/k", b"k" * 1_500_000)
        one = agent('[menu]\nitems = ["p", "local"]\n[loaders]\nsource = "none"\n'
                    + DECLARED.replace("http://127.0.0.1:1/k", f"{origin.url}/files/k"))
        if not shutil.which("script"):
            pytest.skip("script(1) is not here, so there is no terminal")
        command = " ".join(one.command("fetch"))
        done = subprocess.run(["script", "-qefc", command, "/dev/null"], capture_output=True, text=True,
                              timeout=60, stdin=subprocess.DEVNULL)
    assert done.returncode == 0
    assert "fetching" not in done.stdout and "1 files: 1 fetched" in done.stdout
    assert "\x1b[" in done.stdout, "a bar moves the cursor"


def test_talos_versions_and_extensions_come_from_the_factory(agent):
    with Origin() as origin:
        one = agent(f'[[image]]\nname = "talos"\nrecipe = "talos"\nversion = "v1.11.2"\n'
                    f'factory = "{origin.url}/factory"\n')
        versions = one.run("talos", "versions")
        assert versions.stdout.splitlines()[-1] == "v1.11.2", versions.stderr
        extensions = one.run("talos", "extensions")
        assert "siderolabs/bnx2-bnx2x" in extensions.stdout and "NetXtreme" in extensions.stdout
        other = one.run("talos", "versions", "--factory", "http://127.0.0.1:1/")
        assert other.returncode == 69
