"""Machines that do not boot, and what Hearth says of it."""

import re
import subprocess

import pytest

from hearthtest import dhcp
from hearthtest.capture import tftp_block
from hearthtest.site import ADDRESS, OUTSIDE, STEP_SECONDS
from hearthtest.vm import BIOS, UEFI
from hearthtest.wait import wait_for

NO_IPV6 = {"opt/org.tianocore/IPv6PXESupport": "n"}
SUBNET = "subnet 192.168.77.0 netmask 255.255.255.0 {{ range {} {}; option routers 192.168.77.1; {} }}\n"
POOL = ("192.168.77.100", "192.168.77.199")


def finds(site, machine, code, seconds=STEP_SECONDS):
    """Waits until Hearth says this of the machine; returns sentence and remedy."""
    def said():
        value = site.known(machine) or {"findings": []}
        return next((one for one in value["findings"] if one["code"] == code), None)
    finding = wait_for(said, f"{code}; the log:\n{site.agent.log()[-3000:]}", seconds, every=0.5)
    timeline = site.agent.run("timeline", machine.mac).stdout
    assert f"[{code}]" in re.sub(r"\s+", " ", timeline), timeline
    _, all_of_them = site.ask("GET", "findings")
    assert code in [one["code"] for one in all_of_them["findings"]]
    return finding["sentence"], finding["remedy"]


def isc(site, text):
    """A DHCP server as somebody wrote it by hand."""
    return site.run(dhcp.Isc, "default-lease-time 600;\n" + text)


def test_a_next_server_where_nobody_is(site):
    site.hearth()
    isc(site, SUBNET.format(*POOL, 'next-server 192.168.77.8; filename "snponly.efi";'))
    machine = site.machine(30, UEFI, fw_cfg=NO_IPV6)
    sentence, remedy = finds(site, machine, "wrong-next-server")
    assert "192.168.77.8" in sentence and ADDRESS in sentence and "next-server" in remedy


def test_option_67_that_gives_ipxe_its_own_loader_again(site):
    site.hearth()
    isc(site, SUBNET.format(*POOL, f'next-server {ADDRESS}; option tftp-server-name "{ADDRESS}"; '
                                   'option bootfile-name "snponly.efi";'))
    machine = site.machine(31, UEFI, fw_cfg=NO_IPV6)
    sentence, remedy = finds(site, machine, "ipxe-loops")
    assert "default.ipxe" in sentence and "user class" in remedy


def test_a_second_dhcp_server(site):
    site.hearth()
    site.isc()
    site.started.append(dhcp.Dnsmasq(
        site.network.name + "-outside", site.folder,
        f"dhcp-range=192.168.77.200,192.168.77.240,600\ndhcp-boot=pxelinux.0,,{OUTSIDE}\n",
        name="other"))
    machine = site.machine(32, UEFI, fw_cfg=NO_IPV6)
    sentence, _ = finds(site, machine, "other-dhcp-server")
    assert ADDRESS in sentence and OUTSIDE in sentence


def test_a_loader_that_breaks_off_midway(site):
    site.hearth()
    site.isc()
    # As slow as a bad cable, so that there is a middle.
    subprocess.run(["tc", "-n", site.firewall, "qdisc", "add", "dev", "eth0", "root", "tbf",
                    "rate", "400kbit", "burst", "4kb", "latency", "100ms"], check=True)
    machine = site.machine(33, UEFI, fw_cfg=NO_IPV6)
    wait_for(lambda: tftp_block(machine) > 10, "the loader is under way", STEP_SECONDS, every=0.1)
    tap = re.search(r"ifname=(\w+)", " ".join(map(str, machine.command)))[1]
    subprocess.run(["ip", "-n", site.network.lan, "link", "set", tap, "down"], check=True)
    sentence, remedy = finds(site, machine, "loader-stalls")
    assert "snponly.efi broke off after" in sentence and "ipxe.efi" in remedy


def test_an_installed_machine_that_keeps_coming_back(site):
    site.hearth()
    site.isc()
    machine = site.machine(34, BIOS, disk="usb")
    site.comes_to(machine, "discovered")
    # Its disk is empty, whatever a person says.
    site.act(machine, "local", profile="install")
    for _ in range(2):
        machine.stop(9)
        machine = site.again(machine)
        before = site.agent.log().count("gets local")
        wait_for(lambda: site.agent.log().count("gets local") > before, "sent to its disk",
                 STEP_SECONDS)
    sentence, _ = finds(site, machine, "back-after-local")
    assert "disk" in sentence
    learnt = wait_for(lambda: site.known(machine)["learnt"]["local_boot"], "the other way", 30)
    assert learnt[0] == "exit", "as BIOS has sanboot first"


@pytest.mark.machines(0)
def test_a_kernel_without_a_driver_for_its_card(site):
    # It waits five minutes with an idle machine, so it takes nobody's place.
    site.hearth("""
[[profile]]
name = "driverless"
image = "talos"
arguments = ["console=ttyS0", "proof.driverless"]
[[policy]]
name = "lab"
match = { mac = "52:54:00:77:*" }
profile = "driverless"
""")
    site.isc()
    machine = site.machine(35, BIOS)
    machine.expect("HEARTH-PROOF has no driver", STEP_SECONDS)
    sentence, remedy = finds(site, machine, "booted-without-address", 600)
    assert "address" in sentence
    assert "1af4:1000" in remedy, "the card that iPXE named"
