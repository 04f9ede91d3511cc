"""docs/install-debian.md, each of its commands run as it is written there, where systemd is the first process."""

import json
import pathlib
import re

import pytest

from hearthtest import net
from hearthtest.agent import Control
from hearthtest.clients import TftpRead
from hearthtest.copies import Systemd, why_not
from hearthtest.guide import Page
from hearthtest.wait import wait_for
from hearthpkg import source

ADDRESS = "192.168.77.1"
VERSION, NEWER = source.version(), "99.0.0"
SETTINGS = "/etc/hearth/hearth.toml"
REASON = why_not("systemctl")
pytestmark = pytest.mark.skipif(REASON is not None, reason=str(REASON))


class At:
    address, tftp_port, http_port = ADDRESS, 69, 8069


@pytest.fixture
def host(debs, tmp_path):
    with net.Network() as network:
        try:
            one = Systemd(tmp_path, network.host("deb", f"{ADDRESS}/24"))
        except RuntimeError as error:
            pytest.skip(str(error))
        try:
            for version, made in debs.items():
                one.path(f"/root/hearth_{version}_amd64.deb").write_bytes(made)
            # What a container has says that no service is started.
            one.path("/usr/sbin/policy-rc.d").unlink(missing_ok=True)
            # Nothing but the packages of this test; questions are answered with yes.
            one.path("/etc/apt/apt.conf.d/99test").write_text(
                'APT::Get::Assume-Yes "true"; Dir::Etc::SourceList "/dev/null"; Dir::Etc::SourceParts "/dev/null";\n'
                'APT::Install-Recommends "false"; APT::Sandbox::User "root";\n')
            # The program of a package looks for its settings there by itself, this one where FreeBSD has them.
            one.path("/usr/local/etc").mkdir(exist_ok=True)
            one.path("/usr/local/etc/hearth").symlink_to("/etc/hearth")
            yield one
        finally:
            one.close()


def run(host, lines, fails=False):
    """The lines of a block, in a shell that ends with the first that fails; what is edited was edited before."""
    typed = [line for line in lines if not line.startswith("editor ")]
    done = host.run("sh", "-ec", "cd /root\n" + "\n".join(typed))
    told = done.stdout + done.stderr
    assert bool(done.returncode) == fails, told + host.run("journalctl", "-u", "hearth", "-n", "30").stdout
    return told


def edit(host, text=""):
    """What a person writes into the settings, behind what the package brought."""
    settings = host.path(SETTINGS)
    brought = settings.read_text().split("[loaders]")[0].replace("addresses = []", f'addresses = ["{ADDRESS}"]')
    settings.write_text(f'{brought}[loaders]\nsource = "none"\n[menu]\nitems = ["local"]\n{text}')


def shown(host, name):
    return host.run("systemctl", "show", "-p", name, "--value", "hearth").stdout.strip()


def serves(host):
    with net.inside(host.space):
        return TftpRead(At, "default.ipxe").rest().startswith(b"#!ipxe")


def test_install_upgrade_go_back_and_uninstall(host):
    page = Page("install-debian.md")
    install = page.take("Install", VERSION=VERSION)
    run(host, install[:1])
    edit(host)
    said = run(host, install[1:])
    assert '"boot-file-name": "snponly.efi"' in said, said
    assert serves(host), "systemctl ended, so it serves"
    facts = pathlib.Path(f"/proc/{process(host)}/status").read_text()
    facts = dict(re.findall(r"^(\w+):\t(.*)$", facts, re.MULTILINE))
    assert facts["NoNewPrivs"] == "1" and facts["Seccomp"] == "2" and int(facts["Uid"].split()[0]) != 0
    assert {facts[key] for key in ("CapEff", "CapPrm", "CapInh", "CapAmb")} == {"0" * 16}, "given up"
    assert status(host)["writes"], "it is confined to its folders (Landlock), which the unit's filter lets it do"
    command, *text = page.take("The service")
    assert command == "systemctl edit hearth"
    other_root(host, text)
    run(host, page.take("Upgrade"))
    before = process(host)
    run(host, page.take("Upgrade", NEWER=NEWER))
    assert installed(host) == NEWER and process(host) != before and serves(host)
    assert "in force again" in run(host, page.take("Go back to an older version", OLDER=VERSION))
    assert installed(host) == VERSION and serves(host)
    run(host, page.take("Uninstall"))
    assert shown(host, "ActiveState") == "inactive"
    assert host.path(SETTINGS).exists() and host.path("/var/lib/hearth/hearth.db").exists()
    # Everything works again where it is installed again; then it goes with all it has.
    host.path("/srv/tftp/mine").write_bytes(b"mine")
    run(host, [f"apt-get install ./hearth_{VERSION}_amd64.deb", "systemctl enable --now hearth"])
    assert serves(host)
    run(host, page.take("Uninstall"))
    assert not host.path("/etc/hearth").exists() and not host.path("/var/lib/hearth").exists()
    assert [path.name for path in host.path("/srv/tftp").iterdir()] == ["mine"]
    run(host, [f"apt-get install ./hearth_{VERSION}_amd64.deb"])
    edit(host)
    run(host, ["systemctl enable --now hearth"])
    recovers(host, page)
    page.end()


def recovers(host, page):
    """What goes wrong is done to it first."""
    edit(host, "nonsense = 1\n")
    run(host, ["systemctl restart hearth"], fails=True)
    told = [host.run("sh", "-c", line).stdout for line in page.take("It does not start")]
    assert "failed" in told[0] and "nonsense" in told[1], told
    edit(host)
    run(host, ["systemctl restart hearth", "hearth backup /var/lib/hearth/before.db", "systemctl stop hearth",
               "dd if=/dev/zero of=/var/lib/hearth/hearth.db bs=4096 count=1 conv=notrunc"])
    run(host, ["systemctl start hearth"], fails=True)
    assert "the file is damaged" in host.run("journalctl", "-u", "hearth").stdout
    assert "in force again" in run(host, page.take("The log says that the database is damaged"))
    # Nothing was fetched here: a lock that pins nothing.
    host.path("/var/lib/hearth/hearth.lock").write_text("version = 1\n")
    run(host, ["chown hearth: /var/lib/hearth/hearth.lock"])
    run(host, page.take("The disk is full"))
    run(host, page.take("An image is damaged"))
    run(host, page.take("An image is damaged", NAME="mine"))
    run(host, page.take("The host is lost"))
    settings = host.path(SETTINGS).read_bytes()
    run(host, ["apt-get purge hearth", "userdel hearth"])
    assert not host.path(SETTINGS).exists() and not host.path("/var/lib/hearth").exists()
    run(host, [f"apt-get install ./hearth_{VERSION}_amd64.deb"])
    assert "in force again" in run(host, page.take("The host is lost"))
    assert host.path(SETTINGS).read_bytes() == settings and serves(host)


def test_the_service_is_reloaded_refused_and_started_again(host):
    run(host, [f"apt-get install ./hearth_{VERSION}_amd64.deb"])
    # A configuration without addresses: the start fails, and systemd does not try it again.
    assert "failed" in run(host, ["systemctl start hearth"], fails=True)
    assert (shown(host, "ActiveState"), shown(host, "ExecMainStatus")) == ("failed", "78")
    assert "at least one address is needed" in host.run("journalctl", "-u", "hearth").stdout
    edit(host)
    run(host, ["systemctl start hearth"])
    one = process(host)
    run(host, ["systemctl reload hearth"])
    wait_for(lambda: status(host)["configuration"]["reloads"] == 1, "it is reloaded")
    edit(host, "nonsense = 1\n")
    run(host, ["systemctl reload hearth"], fails=True)
    assert shown(host, "ActiveState") == "active" and process(host) == one
    assert "nonsense" in host.run("journalctl", "-u", "hearth").stdout
    edit(host)
    run(host, ["kill -9 $(systemctl show -p MainPID --value hearth)"])
    wait_for(lambda: shown(host, "NRestarts") == "1" and shown(host, "SubState") == "running", "it is started again", 30)
    assert serves(host)
    said = host.run("systemd-analyze", "security", "hearth", "--no-pager").stdout
    exposure = re.search(r"Overall exposure level for hearth.service: ([\d.]+)", said)
    assert exposure and float(exposure[1]) <= 2.0, said


def process(host):
    """The agent, by the number that this host has for it."""
    inside = shown(host, "MainPID")
    for status_file in pathlib.Path("/proc").glob("[0-9]*/status"):
        try:
            text = status_file.read_text()
        except OSError:
            continue
        spaces = re.search(r"^NSpid:\t(.*)$", text, re.MULTILINE)[1].split()
        if len(spaces) == 2 and spaces[1] == inside and text.startswith("Name:\thearth\n"):
            return int(spaces[0])
    return None


def status(host):
    control = Control(host.path("/run/hearth/hearth.sock"))
    control.request("GET", "/api/v1/status")
    return json.loads(control.getresponse().read())


def installed(host):
    return debian_version(host.run("dpkg-query", "-W", "-f", "${Version}", "hearth").stdout)


def debian_version(version):
    return version.rpartition("-")[0]


def other_root(host, text):
    """Another server.root is served, and written to once the unit is opened to it as the page says."""
    run(host, ["mkdir -p /data/boot", "chown hearth /data/boot"])
    settings = host.path(SETTINGS)
    before = settings.read_text()
    settings.write_text(re.sub(r'^#? ?root = .*$', 'root = "/data/boot"', before, flags=re.MULTILINE))
    assert 'root = "/data/boot"' in settings.read_text()
    run(host, ["systemctl restart hearth"])
    assert serves(host) and not host.path("/data/boot/default.ipxe").exists()
    assert "cannot write default.ipxe into /data/boot: Read-only" in host.run("journalctl", "-u", "hearth").stdout
    drop_in = host.path("/etc/systemd/system/hearth.service.d/override.conf")
    drop_in.parent.mkdir(parents=True)
    drop_in.write_text("\n".join(text) + "\n")
    run(host, ["systemctl daemon-reload", "systemctl restart hearth"])
    assert serves(host) and host.path("/data/boot/default.ipxe").exists()
    settings.write_text(before)
    run(host, ["systemctl restart hearth"])
