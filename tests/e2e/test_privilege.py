"""`server.user`: the agent gives up root for good, and all works on."""

import os
import pathlib
import pwd
import re
import stat

import pytest

from hearthtest import net, pxe
from hearthtest.agent import free_port
from hearthtest.clients import TftpRead, get, has
from hearthtest.wait import wait_for

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="giving up root takes root")

USER = "nobody"
ADDRESS = "192.168.77.1"
NO_LOADERS = '[loaders]\nsource = "none"\n'


@pytest.fixture
def account():
    return pwd.getpwnam(USER)


def facts(one):
    text = pathlib.Path(f"/proc/{one.process.pid}/status").read_text()
    return {key: value.split() for key, value in re.findall(r"^(\w+):[ \t]*(.*)$", text, re.MULTILINE)}


def threads(one):
    for task in pathlib.Path(f"/proc/{one.process.pid}/task").iterdir():
        text = (task / "status").read_text()
        yield {key: value.split() for key, value in re.findall(r"^(\w+):[ \t]*(.*)$", text, re.MULTILINE)}


def served(one, open_folder, account, **options):
    open_folder(one, account.pw_uid)
    for path in (one.root, one.state, one.run_dir):
        os.chown(path, account.pw_uid, account.pw_gid)
    return one.start(**options)


@pytest.mark.skipif(net.available() is not None, reason=str(net.available()))
def test_root_is_given_up_for_good_in_every_thread_and_all_works_on(agent, account, open_folder):
    with net.Network() as network:
        firewall, client = network.host("firewall", f"{ADDRESS}/24"), network.host("client")
        one = agent(NO_LOADERS, server={"user": USER}, addresses=(ADDRESS,), netns=firewall,
                    tftp_port=69, http_port=80)
        (one.root / "x").write_bytes(b"x" * 1000)
        served(one, open_folder, account)
        uid, gid = str(account.pw_uid), str(account.pw_gid)
        found = list(threads(one))
        assert len(found) >= 4, "TFTP, HTTP, the log, the observer"
        for thread in found:
            name = thread["Name"]
            assert thread["Uid"] == [uid] * 4 and thread["Gid"] == [gid] * 4, name
            assert thread["Groups"] == [], name
            assert thread["NoNewPrivs"] == ["1"], name
            for sort in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
                assert int(thread[sort][0], 16) == 0, (name, sort)
        # Nobody but root looks into a process that is not dumpable.
        assert os.stat(f"/proc/{one.process.pid}/mem").st_uid == 0
        assert one.status()["observe"]["interfaces"] == ["eth0"]
        card = pxe.Card(client, "52:54:00:00:00:01")
        card.send(pxe.DISCOVER, pxe.firmware())
        wait_for(lambda: any(event["kind"] == "dhcp" for event in one.status()["events"]), "DHCP is heard")
        with net.inside(firewall):
            assert len(TftpRead(one, "x").rest()) == 1000
            assert len(has(one, "x")) == 1000
            assert get(one, "/script?mac=52:54:00:00:00:01").startswith(b"#!ipxe")
        # A reload in force, one that would take root, and one that changes who it is.
        (one.root / "y").write_bytes(b"y" * 10)
        assert one.change("[loaders]", '[menu]\ntitle = "Another"\n[loaders]') is None
        with net.inside(firewall):
            assert len(has(one, "y")) == 10
        assert b"Another" in (one.root / "default.ipxe").read_bytes()
        refused = one.change("tftp_port = 69", "tftp_port = 70")["error"]
        assert "listening for TFTP on 192.168.77.1 port 70: " in refused
        assert f"this hearth became user {USER} at its start: restart it" in refused
        with net.inside(firewall):
            assert len(TftpRead(one, "x").rest()) == 1000, "the old port goes on"
        refused = one.change("tftp_port = 70", 'own_files = true\ntftp_port = 69')
        assert refused is None
        refused = one.change(f'user = "{USER}"', 'user = "daemon"')["error"]
        assert "server.user" in refused and "restart" in refused
        assert one.stop() == 0
        assert not (one.run_dir / "hearth.sock").exists()


@pytest.mark.skipif(net.available() is not None, reason=str(net.available()))
def test_what_a_service_manager_left_of_root_is_given_up_too(agent, account, open_folder):
    few = "+net_bind_service,+net_raw"
    unprivileged = ["setpriv", f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups",
                    f"--inh-caps={few}", f"--ambient-caps={few}", "--"]
    with net.Network() as network:
        firewall = network.host("firewall", f"{ADDRESS}/24")
        one = agent(NO_LOADERS, server={"user": USER}, addresses=(ADDRESS,), netns=firewall,
                    tftp_port=69, http_port=80, inside=unprivileged)
        (one.root / "x").write_bytes(b"x" * 1000)
        served(one, open_folder, account)
        for thread in threads(one):
            for sort in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
                assert int(thread[sort][0], 16) == 0, (thread["Name"], sort)
        assert one.status()["observe"]["interfaces"] == ["eth0"], "the packet socket was opened before"
        with net.inside(firewall):
            assert len(TftpRead(one, "x").rest()) == 1000
        refused = one.change("tftp_port = 69", "tftp_port = 70")["error"]
        assert "listening for TFTP on 192.168.77.1 port 70: " in refused


def test_what_it_makes_belongs_to_the_user(agent, account, open_folder):
    one = agent(NO_LOADERS, server={"user": USER})
    open_folder(one, account.pw_uid)
    for path in (one.root, one.state, one.run_dir):
        path.rmdir()
    one.start()
    for path in (one.root, one.state, one.run_dir, one.root / "default.ipxe",
                 one.run_dir / "hearth.pid", one.run_dir / "hearth.sock"):
        assert path.stat().st_uid == account.pw_uid, path
    mode = stat.S_IMODE((one.run_dir / "hearth.sock").stat().st_mode)
    assert mode == 0o660
    assert one.stop() == 0
    one.start()
    assert facts(one)["Uid"] == [str(account.pw_uid)] * 4


@pytest.mark.parametrize("key, folder", [("root", "root"), ("state", "state"), ("run", "run_dir")])
def test_a_folder_that_the_user_may_not_write_ends_the_start_with_the_remedy(
        agent, account, open_folder, key, folder):
    one = agent(NO_LOADERS, server={"user": USER})
    open_folder(one, account.pw_uid)
    path = getattr(one, folder)
    os.chown(path, 0, 0)
    done = one.run("serve")
    assert done.returncode == 77, done.stderr
    assert f"user {USER} may not write {path}; run `chown -R {USER} {path}`" in done.stderr
    assert f"correct server.{key}" in done.stderr


def test_a_file_of_root_in_the_state_folder_ends_the_start_with_the_remedy(agent, account, open_folder):
    one = agent(NO_LOADERS, server={"user": USER})
    open_folder(one, account.pw_uid)
    (one.state / "hearth.db").write_text("")
    done = one.run("serve")
    assert done.returncode == 77
    assert f"may not write {one.state}/hearth.db; run `chown -R {USER} {one.state}`" in done.stderr


def test_a_configuration_that_the_user_may_not_read_is_told_at_the_start(agent, account, open_folder):
    one = agent(NO_LOADERS, server={"user": USER})
    one.config.chmod(0o600)
    served(one, open_folder, account)
    assert f"user {USER} may not read {one.config}, so a reload will be refused; run `chgrp" in one.log()
    one.reload()
    wait_for(lambda: one.status()["configuration"]["refused"], "the reload is refused")
    assert "permission denied" in one.status()["configuration"]["refused"]["error"].lower()


def test_a_user_that_is_not_there_or_is_root_is_refused(agent):
    one = agent(NO_LOADERS, server={"user": "no-such-user"})
    done = one.run("serve")
    assert done.returncode == 78
    assert "this host has no user no-such-user other than root; make one (FreeBSD: pw useradd" in done.stderr
    one = agent(NO_LOADERS, server={"user": "root"})
    assert one.run("check").returncode == 78


def test_another_user_than_root_becomes_nobody_else(agent, account, open_folder):
    one = agent(NO_LOADERS, server={"user": USER},
                inside=("setpriv", "--reuid=1", "--regid=1", "--clear-groups"))
    open_folder(one, 1)
    done = one.run("serve")
    assert done.returncode == 77
    assert f"becoming user {USER}: only root can; start hearth as root or as {USER}" in done.stderr


def test_who_is_the_user_already_is_locked_down_too(agent, account, open_folder):
    one = agent(NO_LOADERS, server={"user": USER}, tftp_port=free_port(),
                inside=("setpriv", f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}",
                        "--clear-groups"))
    served(one, open_folder, account)
    assert facts(one)["NoNewPrivs"] == ["1"]


def test_without_a_user_it_stays_who_it_is(agent):
    one = agent(NO_LOADERS).start()
    assert facts(one)["Uid"] == ["0"] * 4


def test_a_link_in_the_run_folder_is_not_followed_by_root(agent, account, open_folder, tmp_path):
    one = agent(NO_LOADERS, server={"user": USER})
    open_folder(one, account.pw_uid)
    precious = tmp_path / "precious"
    precious.write_text("precious")
    (one.run_dir / "hearth.pid").symlink_to(precious)
    assert one.run("serve").returncode == 73
    assert precious.read_text() == "precious" and precious.stat().st_uid == 0
