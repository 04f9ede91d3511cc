"""A machine boots through Hearth on FreeBSD."""

import hashlib

from hearthtest.guest_site import MAC, PROOF_FILE
from hearthtest.vm import UEFI
from hearthtest.wait import wait_for

NO_IPV6 = {"opt/org.tianocore/IPv6PXESupport": "n"}


def test_files_come_by_tftp_and_http(installed):
    wire = installed
    wire.run("jot -b x 300000 | tr -d '\\n' > /usr/local/tftp/some")
    expected = b"x" * 300_000
    assert wire.tftp("some") == expected
    assert wire.get("/files/some") == (200, expected)
    status, part = wire.get("/files/proof.txt")
    assert (status, part) == (200, PROOF_FILE)
    assert wire.get("/files/missing")[0] == 404


def test_a_machine_boots_and_is_heard_from_dhcp_to_its_system(installed):
    wire = installed
    server = wire.dhcp()
    machine = wire.machine(1, UEFI, fw_cfg=NO_IPV6)
    try:
        report = wire.report(machine)
    finally:
        wire.end(machine, server)
    assert report["platform"] == "efi"
    assert report["sha256"] == hashlib.sha256(PROOF_FILE).hexdigest()
    assert "initrd=initramfs-amd64.xz" in report["cmdline"]
    log = wire.log()
    for line in ("TFTP snponly.efi to 192.168.77.1", "TFTP default.ipxe to 192.168.77.1", "HTTP talos/"):
        assert line in log, log
    said = wire.run(f"hearth timeline {MAC.format(1)}")
    for word in ("dhcp", "snponly.efi", "default.ipxe", "kernel-amd64"):
        assert word in said.lower(), said
    assert "vtnet0" in wire.status()["observe"]["interfaces"]


def test_who_claims_another_card_is_found_out_through_the_neighbour_table(installed):
    wire = installed
    assert wire.get("/files/proof.txt")[0] == 200
    card = wire.run("arp -n 192.168.77.20").split()[3]
    # It is a machine of its own, and so cannot be another one.
    for claimed in (card, MAC.format(0x55), MAC.format(0x55)):
        wire.get(f"/script?mac={claimed}&platform=efi&buildarch=x86_64")
    found = wait_for(lambda: [one for one in wire.status()["events"] if one["kind"] == "impostor"], "it is found out")
    assert (found[-1]["claimed"], found[-1]["found"], found[-1]["peer"]) == (MAC.format(0x55), card, "192.168.77.20")
