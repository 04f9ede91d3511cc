"""Answer files through the real agent: what an installer gets, and when it gets nothing."""

import http.client
import json
import re
import signal
import subprocess

import pytest

from hearthtest.clients import get
from hearthtest.declared import DEBIAN, INITRD, KERNEL
from hearthtest.wait import wait_for

MAC = "52:54:00:00:00:01"
SITE = """
[loaders]
source = "none"
[observe]
enabled = false
""" + DEBIAN + """
[[profile]]
name = "preseeded"
image = "debian"
installed = "callback"
arguments = ["auto=true", "preseed/url=${answer:preseed.cfg}", "---", "quiet"]
[profile.answers]
"preseed.cfg" = "answers/preseed.cfg"
[profile.variables]
disk = "/dev/sda"
root_password = { file = "answers/root.password" }
[[profile]]
name = "cloud"
image = "debian"
installed = "next-boot"
arguments = ["ds=nocloud;s=${answers}/"]
[profile.answers]
user-data = { text = "#cloud-config\\nhostname: {{ machine.name|tojson }}\\nphone_home: { url: '{{ event_url }}/done' }\\n" }
meta-data = { text = "instance-id: {{ machine.uuid|default(machine.mac) }}\\n" }
odd = { text = "one\\ntwo {{ machine.serial }}\\n" }
[[machine]]
name = "oden"
mac = "52:54:00:00:00:01"
profile = "preseeded"
variables = { disk = "/dev/nvme0n1" }
[[machine]]
name = "tor"
mac = "52:54:00:00:00:02"
profile = "cloud"
"""
PRESEED = """\
d-i partman-auto/disk string {{ variables.disk }}
d-i passwd/root-password password {{ variables.root_password }}
{% if machine.facts.product is defined %}
# {{ machine.facts.product }}
{% endif %}
d-i preseed/late_command string wget -q -O- {{ event_url }}/done
"""


@pytest.fixture
def site(agent):
    made = agent(SITE)
    for name in (KERNEL, INITRD):
        made.put(name, b"x" * 5000)
    secret(made, "preseed.cfg", PRESEED)
    secret(made, "root.password", "hunter2\n")
    return made


def secret(site, name, text):
    path = site.folder / "answers" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    path.chmod(0o600)
    return path


def ask(site, mac=MAC, more=""):
    return get(site, f"/script?mac={mac}&platform=efi&buildarch=x86_64{more}").decode()


def folder(script):
    """The path of the answers of the installation that a script starts."""
    return re.search(r"http://[^/]+(/answer/[0-9a-f]{32})/", script)[1]


def asks(site, path, source="127.0.0.1", method="GET"):
    """Status, headers and body of what a client at an address of this host gets."""
    connection = http.client.HTTPConnection(site.address, site.http_port, timeout=10,
                                            source_address=(source, 0))
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read().decode()
    finally:
        connection.close()


def status(site, path, source="127.0.0.1"):
    return asks(site, path, source)[0]


def test_an_installer_gets_its_answer_until_it_is_done(site):
    site.start()
    script = ask(site)
    path = folder(script)
    line = next(line for line in script.splitlines() if line.startswith("kernel "))
    assert re.search(rf" auto=true preseed/url={site.http}{path}/preseed\.cfg "
                     rf"hearth\.event={site.http}/event/\w+ --- quiet ", line), line
    # wget is what Debian's installer asks with.
    wget = subprocess.run(["wget", "-q", "-O-", f"{site.http}{path}/preseed.cfg"],
                          capture_output=True, text=True, timeout=20)
    token = path.rsplit("/", 1)[1]
    assert wget.stdout == (
        "d-i partman-auto/disk string /dev/nvme0n1\n"
        "d-i passwd/root-password password hunter2\n"
        f"d-i preseed/late_command string wget -q -O- {site.http}/event/{token}/done\n")
    code, headers, body = asks(site, f"{path}/preseed.cfg", method="HEAD")
    assert (code, headers["Content-Length"], body) == (200, str(len(wget.stdout)), "")
    assert headers["Cache-Control"] == "no-store"
    site.stop(signal.SIGKILL)
    site.start()
    assert status(site, f"{path}/preseed.cfg") == 200, "a restart ends no installation"
    shown = site.run("timeline", "oden").stdout
    assert f"answer preseed.cfg given, {len(wget.stdout)} bytes" in shown, shown
    assert get(site, f"/event/{token}/done").strip() == b"taken"
    assert status(site, f"{path}/preseed.cfg") == 404
    site.stop(signal.SIGKILL)
    site.start()
    assert status(site, f"{path}/preseed.cfg") == 404


def test_a_cloud_image_finds_its_files_in_one_folder(site):
    site.start()
    script = ask(site, "52:54:00:00:00:02")
    path = folder(script)
    assert f" ds=nocloud;s={site.http}{path}/ " in script
    token = path.rsplit("/", 1)[1]
    assert asks(site, f"{path}/user-data")[2] == (
        '#cloud-config\nhostname: "tor"\n'
        f"phone_home: {{ url: '{site.http}/event/{token}/done' }}\n")
    # A folder's URL ends in a slash, and clients put the name behind it as they like.
    assert asks(site, f"{path}//meta-data")[2] == "instance-id: 52:54:00:00:00:02\n"
    assert status(site, f"{path}/vendor-data") == 404
    assert status(site, f"{path}/") == 404
    # The machine is not told to call back, and may do so.
    assert "hearth.event" not in script
    assert get(site, f"/event/{token}/done").strip() == b"taken"
    assert status(site, f"{path}/user-data") == 404


def test_nobody_else_gets_it_and_nobody_is_told_why(site):
    site.start()
    path = folder(ask(site))
    other = folder(ask(site, "52:54:00:00:00:02"))
    here = asks(site, f"{path}/none")
    for asked, source in ((f"{path}/preseed.cfg", "127.0.0.2"),
                          (f"{path}x/preseed.cfg", "127.0.0.1"),
                          (f"{path[:-1]}/preseed.cfg", "127.0.0.1"),
                          (f"{other}/preseed.cfg", "127.0.0.1"),
                          ("/answer/" + "0" * 32 + "/preseed.cfg", "127.0.0.1")):
        code, headers, body = asks(site, asked, source)
        assert (code, body) == (404, here[2]), asked
        assert sorted(headers.keys()) == sorted(here[1].keys())
    assert status(site, f"{path}/preseed.cfg") == 200
    # A script that is sent again has another token, and the one before is worth nothing.
    again = folder(ask(site, more="&attempt=1"))
    assert (status(site, f"{path}/preseed.cfg"), status(site, f"{again}/preseed.cfg")) == (404, 200)
    site.run("machine", "hold", "oden")
    assert status(site, f"{again}/preseed.cfg") == 404


def test_a_template_that_fails_is_told_with_its_line_until_it_is_mended(site):
    site.start()
    path = folder(ask(site, "52:54:00:00:00:02"))
    code, _, body = asks(site, f"{path}/odd")
    assert code == 500 and "timeline" in body and "two" not in body
    shown = site.run("timeline", "tor").stdout
    assert "[answer-broken]" in shown and re.search(r"odd of\s+profile cloud,\s+line 2", shown), shown
    assert "answer-broken" in site.run("findings").stdout
    assert asks(site, f"{path}/meta-data")[0] == 200
    site.config.write_text(site.config.read_text().replace("machine.serial }}", "machine.mac }}"))
    site.reload()
    wait_for(lambda: status(site, f"{path}/odd") == 200, "the template is mended")
    assert "answer-broken" not in site.run("timeline", "tor").stdout


def test_a_broken_answer_is_refused_with_its_own_file_and_line(site):
    broken = secret(site, "preseed.cfg", "password hunter2\n{% if %}\n")
    done = site.run("check")
    assert done.returncode == 78
    assert f"{broken}:2:1: error: this answer is no template: " in done.stderr
    assert "hunter2" not in done.stderr + done.stdout
    secret(site, "preseed.cfg", "{{ machine.nmae }}")
    done = site.run("check")
    assert done.returncode == 78 and "did you mean `machine.name`?" in done.stderr
    broken.unlink()
    done = site.run("check")
    assert done.returncode == 78 and "cannot read the answer in" in done.stderr
    secret(site, "preseed.cfg", "x" * (600 << 10))
    assert "larger than 512 KiB" in site.run("check").stderr
    secret(site, "preseed.cfg", PRESEED).chmod(0o644)
    done = site.run("check")
    assert done.returncode == 0
    assert "warning: everybody may read the answer in" in done.stderr and "chmod o-r" in done.stderr


def test_a_reload_takes_changed_answers_and_refuses_broken_ones(site):
    site.start()
    path = folder(ask(site))
    text = lambda: asks(site, f"{path}/preseed.cfg")[2]
    secret(site, "preseed.cfg", "changed {{ variables.disk }}\n")
    site.reload()
    wait_for(lambda: text() == "changed /dev/nvme0n1\n", "the change is in force")
    secret(site, "preseed.cfg", "{% for %}")
    site.reload()
    wait_for(lambda: site.status()["configuration"]["refused"], "the reload is refused")
    assert text() == "changed /dev/nvme0n1\n"


def test_what_is_secret_stands_in_the_answer_alone(site):
    site.config.write_text(site.config.read_text() + '\n[log]\nlevel = "debug"\n')
    site.start()
    path = folder(ask(site))
    assert "hunter2" in asks(site, f"{path}/preseed.cfg")[2]
    asks(site, f"{path}/preseed.cfg", "127.0.0.2")
    token = path.rsplit("/", 1)[1]
    said = [site.log(), json.dumps(site.status()), get(site, "/default.ipxe").decode()]
    said += [json.dumps(site.ask("GET", what)[2])
             for what in ("machines", "machines/oden", "events", "audit", "findings",
                          "machines/oden/timeline", "machines/oden/events")]
    said += [site.run(*words).stdout for words in (("events",), ("timeline", "oden"),
                                                   ("machine", "show", "oden"))]
    for text in said:
        assert "hunter2" not in text and token not in text, text
    assert any("preseed.cfg" in text for text in said)


def test_a_profile_with_answers_is_nothing_without_an_installation(site):
    site.start()
    ask(site, "52:54:00:00:00:03")
    done = site.run("machine", "boot", "52:54:00:00:00:03", "cloud")
    assert done.returncode == 65 and "needs answers" in done.stderr
    # What the command line shows of a script has nobody's token.
    shown = site.run("script", "--mac", MAC, "--platform", "efi").stdout
    assert "/answer/" + "0" * 32 + "/preseed.cfg" in shown, shown
