"""Machines through the real agent: a machine is played over HTTP, a person uses the command line."""

import json
import os
import re
import sqlite3
import urllib.error
import urllib.request

import pytest

from hearthtest.declared import DEBIAN, INITRD, KERNEL
from hearthtest.wait import wait_for

PROFILES = """
[menu]
items = ["by-call", "by-boot", "local"]
default = "local"
""" + DEBIAN + """
[[profile]]
name = "by-call"
image = "debian"
installed = "callback"
[[profile]]
name = "by-boot"
image = "debian"
installed = "next-boot"
[[policy]]
name = "two of them"
match = { manufacturer = "IBM*" }
profile = "by-boot"
limit = 2
[observe]
enabled = false
"""
MAC = "52:54:00:00:00:01"


@pytest.fixture
def site(agent):
    made = agent(PROFILES)
    for name in (KERNEL, INITRD):
        made.put(name, b"x" * 5000)
    return made.start()


def get(site, path, data=None):
    with urllib.request.urlopen(site.http + path, data=data, timeout=20) as answer:
        return answer.read().decode()


def ask(site, more="", mac=MAC):
    """What a machine gets that boots from the network."""
    return get(site, f"/script?mac={mac}&platform=efi&buildarch=x86_64{more}")


def boots(site, more="", mac=MAC):
    """The decision in a word, of a machine that boots and takes what it is given."""
    script = ask(site, more, mac)
    for url in re.findall(r"^(?:kernel|initrd) http://[^/]+(/\S+)", script, re.M):
        get(site, url)
    return script.splitlines()[1][2:].split(":")[0]


def machine(site, name=MAC):
    return json.loads(site.run("machine", "show", name, "--json").stdout)


def restarted(site):
    """Ends the agent as a power cut does, and starts it again."""
    site.process.kill()
    site.process.wait()
    return site.start()


def test_an_installation_ends_with_its_call_and_is_remembered(site):
    assert ask(site).startswith("#!ipxe\n# menu: ")
    assert "is ready" in site.run("machine", "assign", MAC, "by-call").stdout
    restarted(site)
    script = ask(site)
    url = re.search(r"hearth\.event=http://[^/]+(/event/[0-9a-f]{32})", script).group(1)
    assert machine(site)["phase"] == "installing"
    restarted(site)
    assert get(site, f"{url}/log?half+of+it+is+done").strip() == "taken"
    with pytest.raises(urllib.error.HTTPError) as refused:
        get(site, "/event/" + "0" * 32 + "/done")
    assert refused.value.code == 404
    assert get(site, f"{url}/done", data=b"all of it").strip() == "taken"
    restarted(site)
    assert machine(site)["phase"] == "installed"
    for _ in range(5):
        assert boots(site) == "local"
    with pytest.raises(urllib.error.HTTPError) as over:
        get(site, f"{url}/done")
    assert over.value.code == 404, "a token ends with its installation"
    assert url.rsplit("/", 1)[1] not in site.log()


def test_the_installer_runs_once_however_often_the_machine_comes_back(site):
    more = "&manufacturer=IBM"
    assert boots(site, more) == "install by-boot"
    wait_for(lambda: machine(site)["detail"]["loaded"], "its files were sent whole")
    restarted(site)
    assert [boots(site, more) for _ in range(4)] == ["local"] * 4
    assert "is ready" in site.run("machine", "reinstall", MAC).stdout
    assert boots(site, more) == "install by-boot"


def test_a_limit_counts_machines_over_restarts(site):
    def mac(number):
        return f"52:54:00:00:00:{number:02x}"
    for number in (1, 2, 3):
        expected = "install by-boot" if number < 3 else "menu"
        assert boots(site, "&manufacturer=IBM", mac(number)) == expected
        restarted(site)
    site.run("machine", "forget", mac(1))
    assert boots(site, "&manufacturer=IBM", mac(3)) == "install by-boot"


def test_a_failed_installation_waits_with_its_reason(site):
    site.run("machine", "assign", MAC, "by-call") if ask(site) else None
    url = re.search(r"hearth\.event=http://[^/]+(/event/\w+)", ask(site)).group(1)
    get(site, f"{url}/failed", data=b"no disk was found")
    script = ask(site)
    assert script.startswith("#!ipxe\n# hold: ") and "no disk was found" in script
    shown = site.run("timeline", MAC).stdout
    assert "[installation-failed]" in shown and "no disk was found" in shown
    assert "installation-failed" in site.run("findings").stdout
    site.run("machine", "reinstall", MAC)
    assert boots(site) == "install by-call"


def test_a_machine_that_is_held_goes_on_by_itself(agent):
    site = agent(PROFILES, server={"unknown": "hold"}).start()
    assert ask(site).startswith("#!ipxe\n# hold: ")
    assert "waits-for-approval" in site.run("timeline", MAC).stdout
    assert "is discovered" in site.run("machine", "approve", MAC).stdout
    assert ask(site, "&attempt=1").startswith("#!ipxe\n# menu: ")
    site.run("machine", "ignore", MAC)
    assert ask(site).startswith("#!ipxe\n# deny: ")
    site.run("machine", "release", MAC)
    site.run("machine", "hold", MAC)
    assert ask(site).startswith("#!ipxe\n# hold: ")


def test_people_see_and_change_what_is_known(site):
    ask(site, "&manufacturer=ACME&product=Box&serial=S1")
    site.run("machine", "set", MAC, "--name", "oden", "--tags", "rack1,old", "--notes", "behind the door")
    listed = site.run("machine", "list").stdout
    assert re.search(r"^oden +discovered .* ACME Box$", listed, re.M), listed
    assert "oden" in site.run("machine", "list", "--tag", "old").stdout
    assert "oden" not in site.run("machine", "list", "--tag", "new").stdout
    shown = site.run("machine", "show", "oden").stdout
    assert re.search(r"^notes +behind the door$", shown, re.M) and "rack1" in shown
    done = site.run("machine", "assign", "oden", "nothing")
    assert done.returncode == 65 and "nothing" in done.stderr
    done = site.run("machine", "show", "nobody")
    assert done.returncode == 65 and "nobody" in done.stderr
    assert "gets menu" in site.run("events").stdout
    assert all(len(line) <= 80 for line in site.run("timeline", "oden").stdout.splitlines())


def test_a_backup_brings_back_what_was(site, tmp_path):
    ask(site)
    site.run("machine", "assign", MAC, "by-call")
    site.run("backup", tmp_path / "copy.db")
    with sqlite3.connect(tmp_path / "copy.db") as copy:
        assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert copy.execute("SELECT phase FROM machines").fetchall() == [("ready",)]
    assert site.run("backup", tmp_path / "copy.db").returncode == 65
    (tmp_path / "way").symlink_to(site.root)
    for public in (site.root, site.root / "debian", tmp_path / "way"):
        done = site.run("backup", public / "copy.db")
        assert done.returncode == 65 and "everybody may read" in done.stderr
        assert not (public / "copy.db").exists()
    site.run("machine", "forget", MAC)
    site.run("restore", tmp_path / "copy.db")
    assert machine(site)["phase"] == "ready"
    restarted(site)
    assert machine(site)["phase"] == "ready"


def test_a_backup_of_another_host_keeps_its_events_and_new_ones_come_behind_them(site, agent, tmp_path):
    for _ in range(4):
        boots(site)
    site.run("backup", tmp_path / "copy.db")
    numbers = lambda one: [event["seq"] for event in one.ask("GET", "events")[2]["events"]]
    kept = numbers(site)
    # The new firewall has met a machine already.
    new = agent(PROFILES).start()
    boots(new, mac="52:54:00:00:00:09")
    assert 0 < len(numbers(new)) < len(kept)
    assert new.run("restore", tmp_path / "copy.db").returncode == 0
    assert numbers(new) == kept
    boots(new, mac="52:54:00:00:00:09")
    after = numbers(new)
    assert after[:len(kept)] == kept and after[len(kept)] > kept[-1], (kept, after)
    assert MAC in new.run("timeline", MAC).stdout
    restarted(new)
    assert numbers(new)[:len(after)] == after


def test_a_database_of_a_later_version_stops_the_start_and_is_left_alone(agent):
    site = agent(PROFILES).start()
    assert site.stop() == 0
    path = site.state / "hearth.db"
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version = 99")
    before = path.read_bytes()
    done = site.run("serve")
    assert done.returncode == 74 and "later version" in done.stderr + site.log(), done
    assert path.read_bytes() == before


def control(site, path):
    status, headers, body = site.ask("GET", path)
    return status, headers["content-type"], body


def test_monitoring_sees_machines_and_health(site):
    boots(site)
    assert control(site, "/healthz")[0] == 200 and control(site, "/readyz")[0] == 200
    status, kind, text = control(site, "/metrics")
    assert (status, kind) == (200, "text/plain; version=0.0.4")
    assert 'hearth_machines{phase="discovered"} 1' in text
    assert 'hearth_decisions_total{decision="menu"} 1' in text
    assert 'hearth_transfer_seconds_count{via="http"} 0' in text
    status, kind, text = control(site, "/api/v1/machines/nobody")
    assert (status, kind) == (404, "application/problem+json")
    assert "nobody" in text["detail"]


def test_a_machine_that_cannot_be_woken_is_told_why(site):
    boots(site)
    done = site.run("machine", "wake", MAC)
    assert done.returncode == 65 and "server.addresses" in done.stderr
    assert "wake-on-lan" in site.run("events").stdout


SMALL = 'mount -t tmpfs -o size=1m none "{state}" && exec "$@"'


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting takes root")
def test_a_full_disk_stops_no_boot_and_is_told_with_its_remedy(agent, tmp_path):
    one = agent(PROFILES)
    for name in (KERNEL, INITRD):
        one.put(name, b"x" * 5000)
    one.inside = ["unshare", "-m", "sh", "-c", SMALL.format(state=one.state), "sh"]
    one.start()
    # The file system is in the agent's own mount namespace.
    state = f"/proc/{one.process.pid}/root{one.state}"
    known = "52:54:00:00:00:02"
    boots(one, mac=known)
    before = one.ask("GET", f"machines/{known}")[2]
    with open(f"{state}/fill", "wb", buffering=0) as fill:
        with pytest.raises(OSError, match="No space"):
            while True:
                fill.write(b"x" * 4096)
    assert boots(one, more="&serial=S-12345&manufacturer=Dell") == "menu"
    wait_for(lambda: control(one, "/readyz")[0] == 503, "it is told")
    assert "make room on the disk" in control(one, "/readyz")[2]["detail"]
    one.inside = []
    done = one.run("machine", "assign", MAC, "by-call")
    assert done.returncode == 65 and "in memory only" in done.stderr, done
    assert "install by-call" in ask(one).splitlines()[1], "what is in memory counts"
    assert one.ask("GET", f"machines/{known}")[2]["phase"] == before["phase"]
    os.unlink(f"{state}/fill")
    wait_for(lambda: control(one, "/readyz")[0] == 200, "what waited is written", 30)
    assert one.run("backup", tmp_path / "after.db").returncode == 0
    with sqlite3.connect(tmp_path / "after.db") as kept:
        assert sorted(row[0] for row in kept.execute("SELECT phase FROM machines")) == [
            "discovered", "installing"]
