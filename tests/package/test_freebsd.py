"""The format of FreeBSD's packages, and of the repository that `pkg update` reads."""

import hashlib
import io
import json
import os
import subprocess
import tarfile

import pytest

from hearthtest.offers import offer
from hearthtest.packages import TIME, TREE
from hearthpkg import freebsd, plugin, repository, source
from hearthpkg.archive import Entry

NEEDED = {"name", "origin", "version", "comment", "maintainer", "www", "prefix", "abi", "desc"}


def test_a_package_has_its_manifests_first_and_then_what_they_list(make, unpacked):
    package = make()
    found = unpacked(package.bytes(TIME))
    names = list(found)
    assert names[:2] == ["+COMPACT_MANIFEST", "+MANIFEST"]
    manifest, compact = json.loads(found["+MANIFEST"][1]), json.loads(found["+COMPACT_MANIFEST"][1])
    assert NEEDED <= set(compact) and all(manifest[key] == compact[key] for key in compact)
    assert (manifest["abi"], manifest["arch"]) == ("FreeBSD:15:amd64", "freebsd:15:x86:64")
    assert sorted(manifest["files"]) == names[2:], "every file is listed, and nothing else is there"
    for name, sum_of in manifest["files"].items():
        member, data = found[name]
        assert name.startswith("/usr/local/")
        assert sum_of == "1$" + hashlib.sha256(data).hexdigest()
        assert (member.uid, member.gid, member.uname, member.gname) == (0, 0, "root", "wheel")
        assert member.mtime == TIME and member.mode in (0o644, 0o755)
    assert manifest["flatsize"] == sum(len(data) for _, data in found.values() if data) \
        - len(found["+MANIFEST"][1]) - len(found["+COMPACT_MANIFEST"][1])
    assert set(manifest["scripts"]) == {"pre-install", "post-install", "pre-deinstall", "post-deinstall"}
    runnable = {name for name, (member, _) in found.items() if member.mode == 0o755}
    assert runnable == {"/usr/local/sbin/hearth", "/usr/local/etc/rc.d/hearth"}


def test_a_package_has_a_page_for_each_command_and_completions_for_each_shell(make):
    paths = {entry.path for entry in make().entries}
    for page in ("hearth", "hearth-serve", "hearth-lock-prune"):
        assert f"/usr/local/share/man/man8/{page}.8.gz" in paths
    for path in ("bash-completion/completions/hearth", "zsh/site-functions/_hearth",
                 "fish/vendor_completions.d/hearth.fish"):
        assert f"/usr/local/share/{path}" in paths


def test_the_same_gives_the_same_bytes_whoever_makes_them(make, tmp_path):
    one = make().bytes(TIME)
    before = os.umask(0o077)
    try:
        assert make().bytes(TIME) == one
    finally:
        os.umask(before)
    assert make().bytes(TIME + 1) != one


def test_the_sample_is_what_the_agent_takes_once_it_has_addresses(make, agent):
    sample = next(entry for entry in make().entries if entry.path.endswith(".sample")).data.decode()
    one = agent()
    one.config.write_text(sample)
    refused = one.run("check", "--serve")
    assert refused.returncode == 78 and "addresses" in refused.stderr
    one.config.write_text(sample.replace("addresses = []", 'addresses = ["127.0.0.1"]'))
    assert one.run("check").returncode == 0


def test_syslogd_is_told_when_its_file_was_moved_away(make):
    text = next(entry for entry in make().entries if "newsyslog" in entry.path).data.decode()
    lines = [line.split() for line in text.splitlines() if line and not line.startswith("#")]
    assert [line[0] for line in lines] == ["/var/log/hearth.log"]
    # newsyslog.conf(5): with N nobody is told, and syslogd would write on into the old file, which has no name more.
    assert all("N" not in line[6] for line in lines)


@pytest.mark.parametrize("release", freebsd.RELEASES)
@pytest.mark.parametrize("machine", freebsd.ARCHITECTURES)
def test_each_release_and_machine_has_its_name(release, machine):
    new, old = freebsd.abi(release, machine)
    assert new == f"FreeBSD:{release}:{ {'x86_64': 'amd64', 'aarch64': 'aarch64'}[machine]}"
    assert old.startswith(f"freebsd:{release}:")


@pytest.fixture
def key(tmp_path):
    return repository.Key.make(tmp_path / "key.pem")


@pytest.fixture
def made(make, key, tmp_path):
    offer(tmp_path / "repo", key, make())
    return tmp_path / "repo"


def test_a_repository_lists_each_package_with_its_sum(made, unpacked, make):
    lines = unpacked((made / "packagesite.pkg").read_bytes())["packagesite.yaml"][1].splitlines()
    assert len(lines) == 1
    line = json.loads(lines[0])
    package = (made / line["repopath"]).read_bytes()
    assert line["sum"] == hashlib.sha256(package).hexdigest() and line["pkgsize"] == len(package)
    assert {key: line[key] for key in make().compact()} == make().compact()
    whole = json.loads(unpacked((made / "data.pkg").read_bytes())["data"][1])
    assert whole["packages"] == [line]
    assert (made / "meta.conf").read_text() == (made / "meta").read_text() == repository.META


@pytest.mark.parametrize("name, file", [("packagesite.pkg", "packagesite.yaml"), ("data.pkg", "data")])
def test_what_is_listed_is_signed_by_the_key_that_the_firewall_knows(made, key, unpacked, tmp_path, name, file):
    found = unpacked((made / name).read_bytes())
    assert list(found) == [f"{file}.sig", f"{file}.pub", file]
    public = found[f"{file}.pub"][1]
    assert hashlib.sha256(public).hexdigest() == key.fingerprint
    (tmp_path / "pub").write_bytes(public)
    (tmp_path / "sig").write_bytes(found[f"{file}.sig"][1])

    def verified(data):
        return subprocess.run(["openssl", "dgst", "-sha256", "-verify", tmp_path / "pub", "-signature",
                               tmp_path / "sig"], input=hashlib.sha256(data).hexdigest().encode(),
                              capture_output=True).returncode == 0
    assert verified(found[file][1]) and not verified(found[file][1] + b" ")


def test_a_key_that_others_may_read_or_that_is_not_there_is_refused(key):
    key.path.chmod(0o644)
    with pytest.raises(source.Refused, match="chmod 600"):
        repository.Key(key.path)
    with pytest.raises(source.Refused, match="openssl genrsa"):
        repository.Key(key.path.parent / "none")


def test_the_set_up_writes_two_files_and_takes_them_back(tmp_path, key):
    text = repository.setup("https://example.org/x", key.fingerprint)
    (tmp_path / "bin").mkdir()
    pkg = tmp_path / "bin/pkg"
    pkg.write_text(f"#!/bin/sh\necho \"$@\" >>{tmp_path}/calls\n[ $1 != rquery ] || cat {tmp_path}/version\n"
                   f"[ $1 != config ] || echo {tmp_path}/db\n")
    # Of an earlier catalogue, where one pkg and another have it.
    (tmp_path / "db/repos/hearth").mkdir(parents=True)
    (tmp_path / "db/repos/hearth/db").write_text("")
    (tmp_path / "db/repo-hearth.sqlite").write_text("")
    pkg.chmod(0o755)
    text = text.replace("/usr/local/etc", str(tmp_path / "etc"))
    environment = {"PATH": f"{tmp_path}/bin:/usr/bin:/bin"}
    # As after a catalogue that another key signed.
    (tmp_path / "version").write_text("")
    done = subprocess.run(["sh"], input=text, text=True, capture_output=True, env=environment)
    assert done.returncode == 1 and "https://example.org/x has no hearth that the key" in done.stderr, done.stdout
    assert [one.name for one in (tmp_path / "db").iterdir()] == ["repos"] and not list((tmp_path / "db/repos").iterdir())
    (tmp_path / "version").write_text("0.1.0\n")
    (tmp_path / "calls").unlink()
    for _ in range(2):
        done = subprocess.run(["sh"], input=text, text=True, capture_output=True, env=environment)
        assert done.returncode == 0 and "pkg install hearth" in done.stdout, done.stderr
    assert (tmp_path / "calls").read_text() == \
        "config pkg_dbdir\nupdate -f -r hearth\nrquery -U -r hearth %v hearth\n" * 2
    assert 'url: "https://example.org/x/${ABI}"' in (tmp_path / "etc/pkg/repos/hearth.conf").read_text()
    trusted = (tmp_path / "etc/pkg/fingerprints/hearth/trusted/hearth").read_text()
    assert trusted == f'function: "sha256"\nfingerprint: "{key.fingerprint}"\n'
    subprocess.run(["sh", "-s", "remove"], input=text, text=True, check=True, env=environment)
    assert not list((tmp_path / "etc").rglob("hearth*"))


MAKEFILE = """\
PLUGIN_NAME=		hearth
PLUGIN_VERSION=		{version}
PLUGIN_COMMENT=		Network boot
PLUGIN_MAINTAINER=	somebody@example.org
PLUGIN_DEPENDS=		hearth
PLUGIN_NO_ABI=		yes
"""
STEPS = [
    "/usr/local/etc/rc.syshook.d/20-hearth.early",
    "/usr/local/etc/rc.syshook.d/10-hearth.start",
    "/usr/local/etc/rc.d/configd restart",
    "/usr/local/opnsense/mvc/script/run_migrations.php OPNsense/Hearth",
    "/usr/local/etc/rc.configure_plugins POST_INSTALL",
    "/usr/local/sbin/configctl template reload OPNsense/Hearth",
    "/usr/local/sbin/configctl template reload OPNsense/Syslog",
    "/usr/local/opnsense/scripts/firmware/register.php install os-hearth",
]


@pytest.fixture
def tree(tmp_path):
    """A plugin with one file of each sort that a script has a step for."""
    folder = tmp_path / "plugin"
    for path in ("etc/rc.syshook.d/10-hearth.start", "etc/rc.syshook.d/20-hearth.early",
                 "etc/rc.syshook.d/carp/50-hearth",
                 "opnsense/service/conf/actions.d/actions_hearth.conf",
                 "opnsense/mvc/app/models/OPNsense/Hearth/Hearth.xml",
                 "opnsense/mvc/app/models/OPNsense/Hearth/Menu/Menu.xml",
                 "opnsense/service/templates/OPNsense/Hearth/+TARGETS",
                 "opnsense/service/templates/OPNsense/Syslog/local/hearth.conf"):
        file = folder / "src" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("x\n")
    (folder / "src/etc/rc.syshook.d/carp/50-hearth").chmod(0o755)
    (folder / "Makefile").write_text(MAKEFILE.format(version="1.2.3"))
    (folder / "pkg-descr").write_text("Text\n")
    (folder / "+POST_INSTALL.pre").write_text("#!/bin/sh\necho before %%PLUGIN_NAME%%\n")
    (folder / "+POST_INSTALL.post").write_text("#!/bin/sh\necho after\nexit 0\n")
    (folder / "+PRE_DEINSTALL.pre").write_text('#!/bin/sh\n[ -n "${PKG_UPGRADE}" ] || echo taken back\nexit 0\n')
    return folder


def test_the_plugin_is_for_every_machine_and_needs_the_agent(tree, unpacked):
    package = plugin.package(tree, "1.2.3", "abc")
    found = unpacked(package.bytes(TIME))
    manifest = json.loads(found["+MANIFEST"][1])
    assert (manifest["name"], manifest["version"], manifest["abi"]) == ("os-hearth", "1.2.3", "FreeBSD:*:*")
    assert manifest["deps"] == {"hearth": {"origin": "net/hearth", "version": "1.2.3"}}
    told = json.loads(found["/usr/local/opnsense/version/hearth"][1])
    assert told == manifest["annotations"]
    # Each key that OPNsense's Templates/version has.
    assert set(told) == {f"product_{key}" for key in ("abi", "arch", "conflicts", "email", "hash", "id", "name", "tier",
                                                      "version", "website")} and all(told.values())
    assert (told["product_abi"], told["product_arch"]) == ("any", "any")
    assert (told["product_id"], told["product_name"], told["product_version"]) == ("os-hearth", "hearth", "1.2.3")
    assert found["/usr/local/etc/rc.syshook.d/carp/50-hearth"][0].mode == 0o755


def test_the_plugins_steps_run_in_the_order_of_opnsense_whatever_fails(tree, tmp_path):
    scripts = plugin.package(tree, "1.2.3", "abc").scripts
    calls = tmp_path / "calls"
    stub = tmp_path / "stub"
    stub.write_text(f'#!/bin/sh\necho "${{0#{tmp_path}}} $*" >>{calls}\ncase $0 in *migrations*) exit 1 ;; esac\n')
    stub.chmod(0o755)
    for step in STEPS:
        path = tmp_path / step.split()[0].lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.symlink_to(stub)

    def run(name, **variables):
        calls.unlink(missing_ok=True)
        done = subprocess.run(["sh"], input=scripts[name].replace("/usr/local", f"{tmp_path}/usr/local"), text=True,
                              capture_output=True, env={"PATH": "/usr/bin:/bin", **variables})
        assert done.returncode == 0, done.stderr
        return done.stdout, [line.strip() for line in calls.read_text().splitlines()] if calls.exists() else []
    said, called = run("post-install")
    assert called == STEPS
    assert said.startswith("before hearth\n") and said.endswith("after\n")
    assert "run_migrations.php OPNsense/Hearth failed" in said
    assert run("pre-deinstall") == ("taken back\n", [])
    assert run("post-deinstall")[1] == ["/usr/local/etc/rc.configure_plugins POST_DEINSTALL",
                                        "/usr/local/etc/rc.d/configd restart",
                                        "/usr/local/opnsense/scripts/firmware/register.php remove os-hearth"]
    assert run("pre-deinstall", PKG_UPGRADE="true") == ("", [])
    assert not any("register" in call for call in run("post-deinstall", PKG_UPGRADE="true")[1])
    for name in scripts:
        assert run(name, PKG_ROOTDIR="/mnt") == ("", [])
    # A script of the plugin's own stands for all of it.
    (tree / "+POST_INSTALL").write_text("echo mine\n")
    scripts = plugin.package(tree, "1.2.3", "abc").scripts
    assert run("post-install") == ("mine\n", [])


def test_a_plugin_of_another_version_or_without_a_name_is_refused(tree):
    with pytest.raises(source.Refused, match="PLUGIN_VERSION is 1.2.3, and Cargo.toml says 1.2.4"):
        plugin.package(tree, "1.2.4", "abc")
    (tree / "Makefile").write_text("PLUGIN_VERSION= 1.2.3\n")
    with pytest.raises(source.Refused, match="PLUGIN_NAME is not set"):
        plugin.package(tree, "1.2.3", "abc")


@pytest.mark.skipif(not (TREE / "opnsense-plugin/Makefile").exists(), reason="there is no opnsense-plugin yet")
def test_the_plugin_of_this_tree_can_be_packed(unpacked):
    package = plugin.package(TREE / "opnsense-plugin", source.version(), "abc")
    found = unpacked(package.bytes(TIME))
    assert "/usr/local/opnsense/service/conf/actions.d/actions_hearth.conf" in found


def test_a_link_has_the_sum_of_where_it_leads():
    assert freebsd.sum_of(Entry("/a", link="b")) == "1$" + hashlib.sha256(b"b").hexdigest()
    package = freebsd.Package("n", "1", "o/n", "c", "d", "m", "w", "FreeBSD:*", [], [],
                              [Entry("/usr/local/a", link="b"), Entry("/usr/local/d", None, 0o755)])
    plain = subprocess.run(["zstd", "-dqc"], input=package.bytes(TIME), capture_output=True).stdout
    with tarfile.open(fileobj=io.BytesIO(plain)) as opened:
        assert opened.getmember("/usr/local/a").linkname == "b"
        assert opened.getmember("/usr/local/d").isdir()
