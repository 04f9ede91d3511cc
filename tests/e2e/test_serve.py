"""The agent as a whole: reload, restart, files that come and go, exit codes."""

import os
import signal
import subprocess
import urllib.error
import urllib.request

import pytest

from hearthtest.wait import wait_for


def get(one, path):
    with urllib.request.urlopen(one.http + path, timeout=10) as answer:
        return answer.read()


def has(one, name):
    try:
        return get(one, f"/files/{name}")
    except urllib.error.HTTPError:
        return None


def test_files_that_come_and_go_need_no_restart(agent):
    one = agent().start()
    (one.root / "sub").mkdir()
    (one.root / "sub" / "new").write_text("new")
    assert wait_for(lambda: has(one, "sub/new"), "the new file is served") == b"new"
    (one.root / "sub" / "new").write_text("changed")
    assert wait_for(lambda: has(one, "sub/new"), "the changed file is served") == b"changed"
    (one.root / "sub" / "new").unlink()
    assert has(one, "sub/new") is None


def test_own_files_can_be_left_out(agent):
    one = agent(server={"own_files": False})
    (one.root / "mine").write_text("x")
    one.start()
    assert has(one, "mine") is None
    assert get(one, "/default.ipxe").startswith(b"#!ipxe")


def test_a_reload_takes_effect_and_a_bad_one_changes_nothing(agent):
    one = agent('[menu]\ntitle = "first"\n').start()
    text = one.config.read_text()
    one.config.write_text(text.replace("first", "second"))
    one.reload()
    wait_for(lambda: "menu second" in get(one, "/default.ipxe").decode(), "the reload is in force")
    one.config.write_text(text.replace('title = "first"', "titel = 3"))
    one.reload()
    wait_for(lambda: one.status()["reload_error"], "the refusal is known")
    assert "titel" in one.log() and "stays in force" in one.log()
    assert "menu second" in get(one, "/default.ipxe").decode()
    assert one.stop() == 0


def test_a_reload_does_not_cut_a_download(agent):
    one = agent()
    (one.root / "big").write_bytes(os.urandom(30_000_000))
    one.start()
    with urllib.request.urlopen(one.http + "/files/big", timeout=10) as answer:
        got = answer.read(1000)
        one.reload()
        wait_for(lambda: "is in force" in one.log(), "the reload is done")
        got += answer.read()
    assert got == (one.root / "big").read_bytes()


def test_a_second_agent_is_refused_and_names_the_first(agent):
    one = agent().start()
    done = one.run("serve")
    assert done.returncode == 75
    assert f"process {one.process.pid}" in done.stderr


def test_a_killed_agent_starts_again(agent):
    one = agent().start()
    one.stop(signal.SIGKILL)
    assert one.start().status()["version"]


def test_default_ipxe_is_there_for_other_servers_and_a_persons_own_is_left_alone(agent):
    one = agent().start()
    written = (one.root / "default.ipxe").read_text()
    assert written.splitlines()[1].startswith("# Made by Hearth")
    one.stop()
    (one.root / "default.ipxe").write_text("#!ipxe\nshell\n")
    one.start()
    assert (one.root / "default.ipxe").read_text() == "#!ipxe\nshell\n"
    assert get(one, "/default.ipxe") == b"#!ipxe\nshell\n"
    assert "is a file of yours" in one.log()


def test_the_script_of_a_machine_is_the_one_that_the_command_prints(agent):
    one = agent('[[image]]\nname = "x"\nrecipe = "custom"\nkernel = "http://127.0.0.1:1/k"\n'
                '[[profile]]\nname = "p"\nimage = "x"\n'
                '[[machine]]\nname = "oden"\nmac = "52:54:00:00:00:01"\nprofile = "p"\n').start()
    served = get(one, "/script?mac=52-54-00-00-00-01&platform=efi&buildarch=x86_64").decode()
    printed = one.run("script", "--mac", "52:54:00:00:00:01").stdout
    assert served == printed
    assert "hearth fetch x" in served
    assert "oden at 127.0.0.1 gets install p" in one.log()


def test_what_a_machine_says_of_itself_is_in_no_script(agent):
    one = agent().start()
    plain = get(one, "/script?mac=52-54-00-00-00-01&platform=pcbios")
    evil = "foo%20%24%7Bbar%7D%20%26%26%20shell%0Areboot"
    keys = ("manufacturer", "product", "serial", "asset", "busid", "chip", "version", "uuid", "item",
            "profile", "hostname")
    query = "&".join(f"{key}={evil}" for key in keys)
    assert get(one, f"/script?mac=52-54-00-00-00-01&platform=pcbios&{query}") == plain


@pytest.mark.parametrize("arguments, code", [
    (["nonsense"], 64), (["dhcp", "snippet", "--for", "bind"], 64), (["check"], 78),
    (["status"], 69), (["--help"], 0), (["--version"], 0)])
def test_exit_codes_are_those_of_sysexits(agent, arguments, code):
    one = agent()
    if arguments == ["check"]:
        one.config.write_text("[server]\naddresses = 5\n")
    done = one.run(*arguments)
    assert done.returncode == code, done.stderr
    if code == 78:
        assert f"{one.config}:2:13: error:" in done.stderr


def test_completions_and_pages_are_made(agent, tmp_path):
    one = agent()
    script = one.run("completions", "bash").stdout
    subprocess.run(["bash", "-n"], input=script, text=True, check=True)
    assert one.run("man", str(tmp_path)).returncode == 0
    assert (tmp_path / "hearth-lock-prune.8").read_text().startswith(".ie")
