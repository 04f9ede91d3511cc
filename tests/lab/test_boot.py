"""Machines with empty disks are switched on, and an operating system's kernel runs on them.

Each case has a real DHCP server with the fields that `hearth dhcp snippet` prints, the real agent,
and what it fetched from the stand-in for the internet; what boots proves itself (hearthtest.proof).
"""

import hashlib
import itertools
from pathlib import Path

import pytest

from hearthtest import proof
from hearthtest.capture import dhcp_answers, tftp_requests
from hearthtest.site import ADDRESS, MAC, PROOF_FILE, STEP_SECONDS
from hearthtest.vm import ARM64, BIOS, UEFI

# OVMF's and AAVMF's clients for IPv6 would each come to their time-out first (OvmfPkg's README).
NO_IPV6 = {"opt/org.tianocore/IPv6PXESupport": "n"}
ONLY_HTTP = {**NO_IPV6, "opt/org.tianocore/IPv4PXESupport": "n"}
TALOS = ("talos.platform=metal", "slab_nomerge", "pti=on", "console=ttyS0",
         "siderolink.api=https://omni.example:8090/?jointoken=secret-token",
         "talos.events.sink=[fdae:41e4:649b:9303::1]:8090",
         "talos.logging.kernel=tcp://[fdae:41e4:649b:9303::1]:8092")
KERNEL, INITRD = "kernel-amd64", "initramfs-amd64.xz"


def declared(number, *lines, profile="talos-omni"):
    """A `[[machine]]` for the machine of this number."""
    head = ["[[machine]]", 'name = "oden"', f'mac = "{MAC.format(number)}"',
            f'profile = "{profile}"']
    return "\n" + "\n".join([*head, *lines]) + "\n"


def assert_talos(report, platform):
    """What every machine of the profile says of itself, whatever way it came."""
    words = report["cmdline"].split()
    for word in (*TALOS, f"initrd={INITRD}"):
        assert word in words, (word, words)
    assert report["platform"] == platform
    assert report["peer"] == report["address"]
    return words


def assert_read_from_hearth(report):
    assert report["sha256"] == hashlib.sha256(PROOF_FILE).hexdigest()


def assert_dhcp(server, machine, *files):
    """The server gave a lease, and these boot files in this order, from Hearth's address."""
    assert server.leased(machine.mac)
    answers = [answer for answer in dhcp_answers(machine) if answer["file"]]
    # A client may ask twice before it goes on (a PXE ROM does, once for itself).
    assert [name for name, _ in itertools.groupby(one["file"] for one in answers)] == list(files)
    for answer in answers:
        if not answer["file"].startswith("http"):
            assert answer["server"] == ADDRESS
    # iPXE is told not to wait for a proxy DHCP server: option 175, sub-option 176, one byte 1.
    assert b"\xb0\x01\x01" in answers[-1]["options"][175]


def base(names):
    return [Path(name).name for name in names]


def booted_from(site, via, *names):
    """The last files that were sent by this protocol, in order."""
    assert base(site.names(via))[-len(names):] == list(names), site.agent.log()


def assert_http_images(site, kernel=KERNEL, initrd=INITRD):
    """Kernel and initrd came over HTTP.

    iPXE on UEFI starts the kernel the moment it has the initrd's last byte, and what it would have
    acknowledged stays in the machine: the agent cannot know whether that file arrived, so only the
    running system tells. TFTP never had it.
    """
    assert kernel in base(site.names("HTTP"))
    assert not {kernel, initrd} & set(base(site.names("TFTP")))


def assert_heard(site, machine, *stages):
    """The agent heard the machine's DHCP, the firmware's, iPXE's and the system's own: of each stage the
    architectures, whether it is iPXE, and the file that it was given."""
    events = [event for event in site.agent.status()["events"]
              if event["kind"] == "dhcp" and event["mac"] == machine.mac]
    found, asked = [], {}
    for event in events:
        if event["message"] == "request":
            asked[event["xid"]] = (event.get("architectures", []), event["is_ipxe"])
        elif event["message"] == "ack" and event["xid"] in asked:
            stage = (*asked[event["xid"]], event.get("file"))
            if stage not in found:
                found.append(stage)
    assert tuple(found) == stages, events
    assert {event["machine"] for event in events if event["message"] == "ack"} != {None}


# The slowest cases come first, so that the others fill the time beside them.


def test_a_bios_machine_that_is_not_ipxe_yet_chains_undionly(site):
    site.hearth(declared(5))
    server = site.dnsmasq()
    machine = site.machine(5, BIOS)
    # QEMU's network ROM is iPXE. Told to call itself something else it is to the DHCP server what
    # any maker's ROM is; what it loads then uses it through the PXE interface that every ROM has.
    machine.press_until("\x02", "iPXE>", STEP_SECONDS)
    machine.type("set user-class lab\nautoboot\n")
    report = site.report(machine)
    assert_talos(report, "pcbios")
    assert_read_from_hearth(report)
    assert_dhcp(server, machine, "undionly.kpxe", "default.ipxe")
    classes = [line.split(": ")[-1] for line in server.log().splitlines() if "user class" in line]
    assert classes[0] == "lab" and classes[-1] == "iPXE"
    booted_from(site, "TFTP", "undionly.kpxe", "default.ipxe")


def test_debians_own_installer_comes_to_its_first_question(site):
    site.hearth(declared(11, profile="debian-installer"), images=("debian",))
    server = site.isc()
    machine = site.machine(11, UEFI, fw_cfg=NO_IPV6, memory=1024)
    machine.expect("Select a language", STEP_SECONDS)
    assert_dhcp(server, machine, "snponly.efi", "default.ipxe")
    assert_http_images(site, "linux", "initrd.gz")
    assert "Choose the language to be used for the installation" in machine.log()


def test_a_bios_machine_boots_by_tftp_alone_when_no_http_gets_through(site):
    site.hearth()
    site.block_http()
    server = site.isc()
    machine = site.machine(1, BIOS)
    # The system's own read of a file over HTTP cannot work here; all else has to.
    report = site.report(machine)
    assert_talos(report, "pcbios")
    assert_dhcp(server, machine, "default.ipxe")
    booted_from(site, "TFTP", "default.ipxe", KERNEL, INITRD)
    assert site.names("HTTP") == []


def test_a_uefi_machine_boots_through_its_own_pxe_client_and_snponly(site):
    site.hearth(declared(2))
    server = site.isc()
    machine = site.machine(2, UEFI, fw_cfg=NO_IPV6)
    report = site.report(machine)
    assert_talos(report, "efi")
    assert_read_from_hearth(report)
    assert_dhcp(server, machine, "snponly.efi", "default.ipxe")
    assert_heard(site, machine, ([7], False, "snponly.efi"), ([7], True, "default.ipxe"),
                 ([], False, None))
    booted_from(site, "TFTP", "snponly.efi", "default.ipxe")
    assert_http_images(site)
    assert "TFTP snponly.efi to 192.168.77.100: asked for the size only" in site.agent.log()
    assert "oden at 192.168.77.100 gets" in site.agent.log()
    assert "secret-token" not in site.agent.log()


def test_a_uefi_machine_that_is_declared_to_get_ipxe_efi_boots_with_dnsmasq(site):
    site.hearth(declared(3, 'loader = "ipxe.efi"'))
    server = site.dnsmasq()
    machine = site.machine(3, UEFI, fw_cfg=NO_IPV6)
    report = site.report(machine)
    assert_talos(report, "efi")
    assert_read_from_hearth(report)
    # DHCP says the same to every machine; the agent knows which one asks.
    assert_dhcp(server, machine, "snponly.efi", "default.ipxe")
    first = site.transfers("TFTP")[0]
    assert first[2] == (site.agent.root / "ipxe.efi").stat().st_size
    assert_http_images(site)


def test_a_uefi_machine_boots_over_http_from_the_start_with_kea(site):
    site.hearth(declared(4))
    server = site.kea()
    machine = site.machine(4, UEFI, fw_cfg=ONLY_HTTP)
    report = site.report(machine)
    assert_talos(report, "efi")
    assert_read_from_hearth(report)
    url = f"http://{ADDRESS}:8069/files/snponly.efi"
    assert_dhcp(server, machine, url, "default.ipxe")
    assert dhcp_answers(machine)[0]["options"][60] == b"HTTPClient"
    assert site.names("HTTP")[0] == "snponly.efi"
    assert site.names("TFTP") == ["default.ipxe"]
    assert_http_images(site)


def test_a_declared_machine_runs_with_its_static_address(site):
    # Declared by its UUID, which SMBIOS and iPXE write in different byte orders.
    uuid = "4c4c4544-0042-3510-8056-b4c04f4a3332"
    site.hearth(f"""
[[machine]]
name = "oden"
uuid = "{uuid}"
profile = "talos-omni"
arguments = ["talos.dashboard.disabled=1"]
address = "192.168.77.50/24"
gateway = "192.168.77.1"
interface = "eth0"
""")
    server = site.kea()
    machine = site.machine(6, BIOS, uuid=uuid)
    report = site.report(machine)
    words = assert_talos(report, "pcbios")
    assert_read_from_hearth(report)
    assert "ip=192.168.77.50::192.168.77.1:255.255.255.0:oden:eth0:off" in words
    assert "talos.dashboard.disabled=1" in words
    assert (report["address"], report["how"]) == ("192.168.77.50", "static")
    assert_dhcp(server, machine, "default.ipxe")


def test_the_built_in_menu_boots_from_any_tftp_server_when_the_agent_dies_after_the_loader(site):
    site.hearth()
    server = site.isc()
    machine = site.machine(7, UEFI, fw_cfg=NO_IPV6)
    site.sent("TFTP", "snponly.efi")
    site.agent.stop(9)
    assert site.names("TFTP") == ["snponly.efi"]
    site.tftpd()
    report = site.report(machine)
    assert_talos(report, "efi")
    assert_dhcp(server, machine, "snponly.efi", "default.ipxe")
    # tftpd-hpa tells only syslog what it sends.
    asked = base(tftp_requests(machine))
    assert [name for name, _ in itertools.groupby(asked)][1:] == ["default.ipxe", KERNEL, INITRD]


@pytest.mark.machines(2)
def test_a_bios_and_a_uefi_machine_boot_at_once(site):
    site.hearth('\n[[policy]]\nname = "lab"\nmatch = { mac = "52:54:00:77:*" }\n'
                'profile = "talos-omni"\n')
    server = site.dnsmasq()
    bios = site.machine(8, BIOS)
    uefi = site.machine(9, UEFI, fw_cfg=NO_IPV6)
    for machine, platform, files in ((bios, "pcbios", []), (uefi, "efi", ["snponly.efi"])):
        report = site.report(machine)
        assert_talos(report, platform)
        assert_read_from_hearth(report)
        assert_dhcp(server, machine, *files, "default.ipxe")
    assert site.agent.log().count("policy `lab` matches") == 2


def test_an_arm64_machine_gets_the_loader_of_its_own_and_runs_it(site):
    site.hearth()
    server = site.kea()
    machine = site.machine(10, ARM64, fw_cfg=NO_IPV6)
    machine.expect("HEARTH-PROOF arm64 loader runs", STEP_SECONDS)
    assert server.leased(machine.mac)
    first = dhcp_answers(machine)[0]
    assert (first["file"], first["server"]) == ("arm64/snponly.efi", ADDRESS)
    assert site.transfers()[0] == ("TFTP", "arm64/snponly.efi", len(proof.arm64_loader()))
