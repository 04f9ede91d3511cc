"""`hearth check` and SIGHUP, against the real binary."""

import http.client
import os
import pathlib
import subprocess

from hearthtest.agent import binary
from hearthtest.wait import wait_for

TREE = pathlib.Path(__file__).resolve().parents[2]
SERVER = '[server]\naddresses = ["127.0.0.1"]\n'
TALOS = """
[[image]]
name = "talos"
recipe = "talos"
version = "v1.11.2"
[[profile]]
name = "talos-omni"
image = "talos"
"""


def check(folder, text, **fragments):
    """Runs `hearth check` in a folder over `hearth.toml` and fragments (`a` is `conf.d/a.toml`)."""
    write(folder / "hearth.toml", text)
    for name, fragment in fragments.items():
        write(folder / "conf.d" / f"{name}.toml", fragment)
    return subprocess.run([binary(), "--config", "hearth.toml", "check"], cwd=folder,
                          capture_output=True, text=True, timeout=60)


def write(path, text):
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    path.chmod(0o600)


def test_a_right_configuration_is_called_valid_and_nothing_else_is_said(tmp_path):
    done = check(tmp_path, SERVER)
    assert (done.returncode, done.stdout, done.stderr) == (0, "configuration is valid\n", "")


def test_the_example_is_valid_where_its_address_is(tmp_path):
    example = (TREE / "agent" / "hearth.example.toml").read_text()
    done = check(tmp_path, example.replace('["192.168.1.1"]', '["127.0.0.1"]'))
    assert done.returncode == 0, done.stderr


def test_every_mistake_of_every_file_is_said_in_one_run(tmp_path):
    done = check(
        tmp_path,
        SERVER + 'http_prot = 80\ntftp_port = 99999\n[log]\nlevel = "info\n',
        a='[[machine]]\nname = "oden"\nmac = "5c:f3:fc:01:02"\nprofile = "talos"\n',
        b='[[machine]]\nname = "oden"\nmac = "5c:f3:fc:01:02:03"\n\targuments = ["a\\nb"]\n',
    )
    assert (done.returncode, done.stdout) == (78, "")
    assert done.stderr == """\
hearth.toml:3:1: error: unknown key `http_prot` in `[server]`
 3 | http_prot = 80
   | ^^^^^^^^^
   = did you mean `http_port`?

hearth.toml:4:13: error: `tftp_port` is out of range: 1 to 65535
 4 | tftp_port = 99999
   |             ^^^^^
   = while this is wrong, machines that ask for their loader would get no answer

hearth.toml:6:14: error: this is not TOML: invalid basic string, expected `"`
 6 | level = "info
   |              ^
   = the line is not read

conf.d/a.toml:3:7: error: `mac`: not a MAC address: twelve hexadecimal digits such as 5c:f3:fc:01:02:03
 3 | mac = "5c:f3:fc:01:02"
   |       ^^^^^^^^^^^^^^^^
   = while this is wrong, the machine would not be recognised

conf.d/a.toml:4:11: error: there is no profile `talos`
 4 | profile = "talos"
   |           ^^^^^^^
   = it may be declared in a part of the files that is not TOML
   = the machine would have nothing to start

conf.d/b.toml:2:8: error: machine `oden` is declared twice
 2 | name = "oden"
   |        ^^^^^^
   = declared first at conf.d/a.toml:2:8
   = it would be open which of them counts: rename or remove one

conf.d/b.toml:4:15: error: an item of `arguments`: a kernel argument is one word of printable \
ASCII: no blanks, line ends or control characters
 4 |     arguments = ["a\\nb"]
   |                  ^^^^^^
   = while this is wrong, the machine would start without it

7 errors
"""


def test_an_address_that_no_interface_has_is_refused_and_those_there_are_named(tmp_path):
    done = check(tmp_path, '[server]\naddresses = ["127.0.0.1", "192.0.2.1"]\n')
    assert done.returncode == 78
    first, *rest = done.stderr.splitlines()
    assert first == "hearth.toml:2:27: error: no interface of this host has the address 192.0.2.1"
    assert any(line.startswith("   = this host has ") and "127.0.0.1" in line for line in rest)


def test_a_warning_leaves_the_configuration_valid(tmp_path):
    done = check(tmp_path, '[server]\naddresses = ["0.0.0.0"]\n')
    assert (done.returncode, done.stdout) == (0, "configuration is valid\n")
    assert done.stderr.startswith("hearth.toml:2:14: warning: this listens on every interface\n")


def test_a_file_that_is_not_there_is_named(tmp_path):
    done = subprocess.run([binary(), "--config", str(tmp_path / "none.toml"), "check"],
                          capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (78, "")
    assert f"{tmp_path}/none.toml: error: cannot read this file: No such file" in done.stderr


def test_a_secret_is_never_printed(tmp_path):
    omni = 'omni = { api = "https://o.example", token = "hunter2%s\n'
    for mistake in ['", evnts = 1 }', ' }', ' && shell" }', '", token = "hunter2" }']:
        done = check(tmp_path, SERVER + TALOS + omni % mistake)
        assert done.returncode == 78
        assert "error: " in done.stderr
        assert "hunter2" not in done.stderr + done.stdout, mistake


def test_a_secret_is_read_from_its_file_and_its_rights_are_looked_at(tmp_path):
    text = SERVER + TALOS + 'omni = { api = "https://o.example", token = { file = "token" } }\n'
    done = check(tmp_path, text)
    assert done.returncode == 78
    assert "cannot read the secret in `token`: No such file" in done.stderr
    write(tmp_path / "token", "hunter2\n")
    done = check(tmp_path, text)
    assert (done.returncode, done.stderr) == (0, "")
    (tmp_path / "token").chmod(0o644)
    done = check(tmp_path, text)
    assert done.returncode == 0
    assert "warning: everybody may read the secret in `token`" in done.stderr
    assert "hunter2" not in done.stderr


def test_random_bytes_are_refused_in_words(tmp_path):
    write(tmp_path / "hearth.toml", "")
    for _ in range(20):
        (tmp_path / "hearth.toml").write_bytes(os.urandom(2000))
        done = subprocess.run([binary(), "--config", "hearth.toml", "check"], cwd=tmp_path,
                              capture_output=True, timeout=60)
        assert done.returncode == 78, done
        assert b"hearth.toml:" in done.stderr and b"panicked" not in done.stderr
        # Nothing that a terminal would obey.
        assert b"\x1b" not in done.stderr


def menu(agent):
    connection = http.client.HTTPConnection(agent.address, agent.http_port, timeout=10)
    try:
        connection.request("GET", "/script?mac=52:54:00:12:34:56&platform=efi&buildarch=x86_64")
        return connection.getresponse().read().decode()
    finally:
        connection.close()


def test_a_reload_takes_what_is_right_and_refuses_what_is_wrong(agent):
    one = agent('[menu]\ntitle = "First title"\n').start()
    assert "First title" in menu(one)
    first = one.config.read_text()

    one.config.write_text(first.replace("First title", "Second title"))
    one.reload()
    wait_for(lambda: "Second title" in menu(one), "the new title is in the menu")

    one.config.write_text(first.replace('"First title"', '"Third title"\ntimeout = 5'))
    line = one.config.read_text().splitlines().index("timeout = 5") + 1
    one.reload()
    place = f"{one.config}:{line}:11: error: `timeout`"
    wait_for(lambda: place in one.log(), f"the log tells of {place}")
    assert "Second title" in menu(one)

    one.config.write_text(first.replace("First title", "Fourth title"))
    one.reload()
    wait_for(lambda: "Fourth title" in menu(one), "a right configuration is taken after a wrong one")


def test_serve_refuses_what_check_refuses(agent):
    one = agent("[menu]\ntimeout = 5\n")
    done = one.run("serve", timeout=20)
    assert done.returncode == 78
    assert ":11: error: `timeout`: a duration needs a unit" in done.stderr
