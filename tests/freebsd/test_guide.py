"""The pages of the installation, each of their commands run as it is written there."""

import re

from hearthtest.guest import BROUGHT
from hearthtest.guest_site import NEW, OLD
from hearthtest.guide import Page
from hearthtest.offers import offer, plugin_of
from hearthpkg import repository

HERE = f"cd {BROUGHT} && export ASSUME_ALWAYS_YES=yes"
ADD = f"pkg add ./hearth-{NEW}.pkg"


def run(wire, lines):
    """All lines of a block, in a shell that ends with the first that fails; what a person edits was edited before."""
    typed = [line for line in lines if not line.startswith("vi ")]
    return wire.run("(set -e; " + HERE + "\n" + "\n".join(typed) + "\n)", 600) if typed else ""


def test_install_upgrade_go_back_and_uninstall(pkg, tmp_path):
    wire = pkg
    wire.run("pkg delete -fy hearth", 300, check=False)
    wire.run("rm -rf /usr/local/etc/hearth /var/db/hearth /usr/local/tftp; pw userdel hearth", check=False)
    page, abi = Page("install-freebsd.md"), wire.run("pkg config abi")
    key = repository.Key.make(tmp_path / "key.pem")

    def has(version):
        wire.wait()
        assert wire.run("pkg query %v hearth") == version
        assert wire.status()["version"] == NEW, "both packages have the same program"
        assert wire.tftp("default.ipxe").startswith(b"#!ipxe")
    with wire.shop(tmp_path) as url:
        (tmp_path / "setup.sh").write_text(repository.setup(url, key.fingerprint))
        offer(tmp_path / abi, key, wire.packages[OLD])
        assert "now: pkg install hearth" in run(wire, page.take("Install", URL=url))
        assert "sysrc hearth_enable=YES" in wire.run("pkg info -D hearth")
        wire.settings()
        said = run(wire, page.take("Install"))
        assert 'filename "snponly.efi"' in said, said
        has(OLD)
        run(wire, page.take("The service"))
        wire.service("restart")
        wire.wait()
        environment = wire.run(f"procstat -e {wire.process()}")
        assert re.search(r"\bhttps_proxy=http://proxy.example:3128\b", environment), environment
        wire.run("sysrc -x hearth_env")
        run(wire, page.take("Upgrade"))
        offer(tmp_path / abi, key, wire.packages[NEW])
        process = wire.process()
        run(wire, page.take("Upgrade"))
        has(NEW)
        assert wire.process() != process
        assert "in force again" in run(wire, page.take("Go back to an older version", OLDER=OLD))
        has(OLD)
        run(wire, page.take("Uninstall"))
        wire.run("! pgrep -x hearth && test -s /var/db/hearth/hearth.db && test -s /usr/local/etc/hearth/hearth.toml")
        # Everything works again where it is installed again; then it goes with all it has.
        run(wire, [ADD, "sysrc hearth_enable=YES"])
        wire.service("start")
        has(NEW)
        wire.run("echo mine > /usr/local/tftp/mine")
        run(wire, page.take("Uninstall"))
        wire.run("! id hearth && ! test -e /var/db/hearth && ! test -e /usr/local/etc/hearth && "
                 "test \"$(find /usr/local/tftp -type f)\" = /usr/local/tftp/mine")
        run(wire, [ADD, "sysrc hearth_enable=YES"])
        wire.settings()
        wire.run("hearth fetch", 300)
        wire.service("start")
        recovers(wire, page)
        page.end()
        wire.run(f"fetch -qo - {url}/setup.sh | sh -s remove && rm /usr/local/tftp/mine")


def recovers(wire, page):
    """What goes wrong is done to it first."""
    settings = "/usr/local/etc/hearth/hearth.toml"
    wire.run(f"cp -p {settings} /root/settings && echo nonsense >> {settings}")
    assert wire.service("restart", check=False)[0] != 0
    for line in page.take("It does not start"):
        assert "nonsense" in wire.run(line, check=False)[1], line
    wire.run(f"cp -p /root/settings {settings}")

    wire.run("hearth backup /var/db/hearth/before.db")
    wire.service("stop")
    wire.run("dd if=/dev/zero of=/var/db/hearth/hearth.db bs=4096 count=1 conv=notrunc")
    code, said = wire.service("start", check=False)
    assert code != 0 and "the file is damaged" in said and "the file is damaged" in wire.log(), said
    assert "in force again" in run(wire, page.take("The log says that the database is damaged"))

    run(wire, page.take("The disk is full"))
    image = wire.run("find /usr/local/tftp -type f -size +8k | sort | head -n 1")
    wire.run(f"cp -p {image} /root/image && dd if=/dev/zero of={image} bs=1k count=1 conv=notrunc")
    (line,) = page.take("An image is damaged")
    code, said = wire.run(line, check=False)
    name = image.removeprefix("/usr/local/tftp/")
    assert code != 0 and f"{name}: changed" in said, said
    run(wire, page.take("An image is damaged", NAME=name))
    wire.run(f"cmp {image} /root/image")

    run(wire, page.take("The host is lost"))
    wire.run("HEARTH_PURGE=yes pkg delete -fy hearth && pw userdel hearth", 300)
    wire.run(f"! test -e {settings} && ! test -e {image}")
    run(wire, [ADD])
    assert "in force again" in run(wire, page.take("The host is lost"))
    wire.run(f"cmp {image} /root/image && cmp {settings} /root/settings")
    assert wire.tftp("default.ipxe").startswith(b"#!ipxe")


def test_what_pkg_does_of_the_opnsense_page(pkg, tmp_path):
    """Both packages, with pkg of FreeBSD; what the scripts of os-hearth ask of OPNsense is not there, and is not missed."""
    wire = pkg
    wire.run("pkg delete -fy os-hearth hearth", 300, check=False)
    wire.run("rm -rf /usr/local/etc/hearth /var/db/hearth; pw userdel hearth", check=False)
    page, abi = Page("install-opnsense.md"), wire.run("pkg config abi")
    key = repository.Key.make(tmp_path / "key.pem")

    def offers(version):
        offer(tmp_path / abi, key, wire.packages[version], plugin_of(version, tmp_path))

    def has(version):
        for name in ("hearth", "os-hearth"):
            assert wire.run(f"pkg query %v {name}") == version
            wire.run(f"pkg check -s {name}", 120)
        assert wire.run("pkg query %dn os-hearth") == "hearth"
    with wire.shop(tmp_path) as url:
        (tmp_path / "setup.sh").write_text(repository.setup(url, key.fingerprint))
        offers(OLD)
        run(wire, page.take("Install", URL=url))
        has(OLD)
        offers(NEW)
        # Without the network, with what was copied.
        wire.run(f"fetch -qo {BROUGHT}/os-hearth-{NEW}.pkg {url}/{abi}/All/os-hearth-{NEW}.pkg")
        offline = page.take("Install", VERSION=NEW)
        run(wire, page.take("Upgrade"))
        has(NEW)
        uninstall = page.take("Uninstall")
        run(wire, uninstall)
        for name in ("hearth", "os-hearth"):
            assert wire.run(f"pkg info -e {name}", check=False)[0] == 1
        run(wire, offline)
        has(NEW)
        run(wire, uninstall)
        page.end()
        wire.run(f"fetch -qo - {url}/setup.sh | sh -s remove; rm {BROUGHT}/os-hearth-{NEW}.pkg")
