"""Machines with empty disks are switched on, and an operating system's kernel runs on them."""

import hashlib

from hearthtest import dhcp
from hearthtest.vm import BIOS, UEFI

PROOF = hashlib.sha256(b"served by hearth\n").hexdigest()
# OVMF tries IPv6 to its time-out before HTTP boot; these say no to it (OvmfPkg README).
NO_IPV6 = {"opt/org.tianocore/IPv6PXESupport": "n"}


def talos_line(report, initrd="initramfs-amd64.xz"):
    """Asserts what every Talos machine's command line holds."""
    words = report["cmdline"].split()
    for word in (f"initrd={initrd}", "talos.platform=metal", "slab_nomerge",
                 "siderolink.api=https://omni.example:8090/?jointoken=secret-token",
                 "talos.events.sink=[fdae:41e4:649b:9303::1]:8090",
                 "talos.logging.kernel=tcp://[fdae:41e4:649b:9303::1]:8092", "console=ttyS0"):
        assert word in words, (word, words)
    assert report["sha256"] == PROOF
    return words


def transfers(site, via):
    """The names that the agent says it sent whole."""
    lines = site.agent.log().splitlines()
    return [line.split()[1] for line in lines if line.startswith(f"{via} ") and " MB/s" in line]


def test_a_bios_machine_boots_talos_with_isc_dhcpd(site):
    site.hearth('\n[[policy]]\nname = "all"\nmatch = { mac = "52:54:00:77:*" }\nprofile = "talos-omni"\n')
    server = site.isc()
    machine = site.machine(1, BIOS)
    report = site.report(machine)
    talos_line(report)
    assert report["platform"] == "pcbios"
    assert server.offered(machine.mac)
    assert "default.ipxe" in transfers(site, "TFTP")
    assert any(name.endswith("/kernel-amd64") for name in transfers(site, "HTTP"))
    assert "policy `all` matches" in site.agent.log()
    assert "secret-token" not in site.agent.log()


def test_a_uefi_machine_boots_through_its_own_pxe_client_and_snponly(site):
    site.hearth('\n[[machine]]\nname = "oden"\nmac = "52:54:00:77:00:02"\nprofile = "talos-omni"\n'
                'address = "192.168.77.50/24"\ngateway = "192.168.77.1"\ninterface = "eth0"\n')
    site.isc()
    report = site.report(site.machine(2, UEFI, fw_cfg=NO_IPV6))
    words = talos_line(report)
    assert report["platform"] == "efi"
    assert "ip=192.168.77.50::192.168.77.1:255.255.255.0:oden:eth0:off" in words
    assert (report["address"], report["how"]) == ("192.168.77.50", "static")
    assert transfers(site, "TFTP")[:2] == ["snponly.efi", "default.ipxe"]


def test_a_uefi_machine_boots_ipxe_efi_with_dnsmasq(site):
    site.hearth('\n[[machine]]\nname = "oden"\nmac = "52:54:00:77:00:03"\nprofile = "talos-omni"\n')
    site.dnsmasq(lambda text: text.replace("x86_64,tag:!hearth-ipxe,snponly.efi",
                                           "x86_64,tag:!hearth-ipxe,ipxe.efi"))
    talos_line(site.report(site.machine(3, UEFI, fw_cfg=NO_IPV6)))
    assert transfers(site, "TFTP")[:2] == ["ipxe.efi", "default.ipxe"]


def test_the_built_in_menu_boots_from_any_tftp_server_when_the_agent_is_dead(site):
    site.hearth()
    site.isc()
    site.agent.stop(9)
    site.run(dhcp.Tftpd, site.agent.root, "192.168.77.1")
    machine = site.machine(4, BIOS)
    machine.expect("HEARTH-PROOF done", 240)
    console = machine.log()
    assert "talos.platform=metal" in console
    assert "siderolink.api=https://omni.example:8090/?jointoken=secret-token" in console


def test_debians_own_installer_comes_to_its_first_question(site):
    site.hearth('\n[[machine]]\nname = "oden"\nmac = "52:54:00:77:00:05"\nprofile = "debian-installer"\n')
    site.isc()
    machine = site.machine(5, BIOS, memory=1024)
    machine.expect("Select a language", 300)
