"""FreeBSD's own pkg on FreeBSD itself."""

import pytest

from hearthtest.guest import BROUGHT, Failed
from hearthtest.guest_site import NEW, OLD
from hearthtest.offers import offer
from hearthpkg import repository

ADD = "ASSUME_ALWAYS_YES=yes pkg add"


def absent(wire):
    wire.run("pkg delete -fy hearth", 300, check=False)
    wire.run("rm -rf /usr/local/etc/hearth /var/db/hearth; pw userdel hearth; pw groupdel hearth", check=False)


def serving(wire, version):
    """Installed in this version, with settings, and started."""
    absent(wire)
    wire.run(f"{ADD} {BROUGHT}/hearth-{version}.pkg", 300)
    wire.settings(boot=False)
    wire.run("sysrc hearth_enable=YES hearth_delay=1; echo mine > /usr/local/tftp/mine")
    wire.service("start")
    wire.wait()


def test_added_it_is_whole_and_not_started(pkg):
    wire = pkg
    absent(wire)
    said = wire.run(f"{ADD} {BROUGHT}/hearth-{NEW}.pkg", 300)
    assert "sysrc hearth_enable=YES" in said
    wire.run("pkg check -s hearth && pkg check -d hearth", 120)
    assert wire.run("id hearth") == "uid=969(hearth) gid=969(hearth) groups=969(hearth)"
    assert wire.run("stat -f '%Su:%Sg %Lp' /var/db/hearth /usr/local/tftp").splitlines() == [
        "hearth:hearth 750", "hearth:hearth 755"]
    assert wire.run("stat -f '%Su:%Sg %Lp' /usr/local/etc/hearth/hearth.toml") == "root:hearth 640"
    assert wire.service("onestatus", check=False)[0] == 1
    with pytest.raises(Failed, match="at least one address is needed"):
        wire.service("onestart")


def test_an_upgrade_from_a_repository_keeps_all_and_restarts_what_ran(pkg):
    wire = pkg
    serving(wire, OLD)
    process = wire.process()
    # The catalogue is made by the guest's own pkg; what Hearth's writer makes is tried with it elsewhere.
    wire.run(f"mkdir -p /tmp/repo /usr/local/etc/pkg/repos && cp {BROUGHT}/hearth-{NEW}.pkg /tmp/repo && pkg repo /tmp/repo && "
             "echo 'trial: { url: \"file:///tmp/repo\", enabled: yes, signature_type: none }' "
             "> /usr/local/etc/pkg/repos/trial.conf", 300)
    said = wire.run("pkg upgrade -y -r trial hearth", 600)
    wire.run("rm /usr/local/etc/pkg/repos/trial.conf")
    wire.wait()
    assert wire.run("pkg query %v hearth") == NEW, said
    assert wire.process() != process
    assert wire.run("cat /usr/local/tftp/mine") == "mine"
    assert wire.run("test -s /var/db/hearth/hearth.db && grep -c 192.168.77.1 /usr/local/etc/hearth/hearth.toml") == "1"
    # With settings that the new one refuses, what runs goes on.
    process = wire.process()
    wire.run("echo nonsense >> /usr/local/etc/hearth/hearth.toml")
    said = wire.run(f"ASSUME_ALWAYS_YES=yes pkg add -f {BROUGHT}/hearth-{NEW}.pkg", 300)
    assert "goes on with the old program until you run: service hearth restart" in said and wire.process() == process


def test_the_set_up_of_a_repository_trusts_one_key_alone(pkg, tmp_path):
    """As docs/install-freebsd.md has it, with what scripts/package writes, by HTTP."""
    wire = pkg
    absent(wire)
    abi, package = wire.run("pkg config abi"), wire.packages[NEW]
    keys = {name: repository.Key.make(tmp_path / f"{name}.pem") for name in ("good", "foreign")}
    with wire.shop(tmp_path) as url:
        for name, key in keys.items():
            offer(tmp_path / name / abi, key, package)
            (tmp_path / name / "setup.sh").write_text(repository.setup(f"{url}/{name}", keys["good"].fingerprint))
        with pytest.raises(Failed, match=f"has no hearth that the key {keys['good'].fingerprint} signed"):
            wire.run(f"fetch -qo - {url}/foreign/setup.sh | sh", 300)
        with pytest.raises(Failed):
            wire.run("pkg install -y -r hearth hearth", 300)
        assert "now: pkg install hearth" in wire.run(f"fetch -qo - {url}/good/setup.sh | sh", 300)
        wire.run("pkg install -y -r hearth hearth", 300)
        wire.run(f"pkg check -s hearth && test \"$(pkg query %v hearth)\" = {NEW}", 120)
        # A key that is another at the same place: what was taken before is not taken for it.
        offer(tmp_path / "good" / abi, keys["foreign"], package)
        with pytest.raises(Failed, match="has no hearth that the key"):
            wire.run(f"fetch -qo - {url}/good/setup.sh | sh", 300)
        wire.run(f"fetch -qo /tmp/setup.sh {url}/good/setup.sh && sh /tmp/setup.sh remove && "
                 "! ls /usr/local/etc/pkg/repos/hearth.conf /usr/local/etc/pkg/fingerprints/hearth", 60)


def test_removed_it_is_stopped_and_a_persons_things_stay(pkg):
    wire = pkg
    serving(wire, NEW)
    wire.run("pkg delete -y hearth", 300)
    wire.run("! pgrep -x hearth && test -s /var/db/hearth/hearth.db && test -s /usr/local/etc/hearth/hearth.toml && "
             "test -e /usr/local/tftp/mine && ! test -e /usr/local/sbin/hearth")
    wire.run(f"{ADD} {BROUGHT}/hearth-{NEW}.pkg", 300)
    wire.run("env HEARTH_PURGE=yes pkg delete -y hearth", 300)
    wire.run("! test -e /var/db/hearth && ! test -e /usr/local/etc/hearth && test -e /usr/local/tftp/mine")


def test_a_full_disk_ends_the_installation_with_its_reason(pkg):
    wire = pkg
    absent(wire)
    wire.run("mdmfs -s 4m md /usr/local/share && df -k /usr/local/share")
    wire.run("dd if=/dev/zero of=/usr/local/share/full bs=64k", check=False)
    try:
        code, said = wire.run(f"{ADD} {BROUGHT}/hearth-{NEW}.pkg", 300, check=False)
        assert code != 0 and "No space left on device" in said, said
        assert wire.run("pkg info -e hearth", check=False)[0] == 1
    finally:
        wire.run("umount /usr/local/share")
    wire.run(f"{ADD} {BROUGHT}/hearth-{NEW}.pkg", 300)
