"""The file of classes that dhcpd.conf takes in, read by a real dhcpd beside a subnet as os-isc-dhcp writes it."""

import shutil

import pytest
from dhcp_situation import LAN, network, plan, situation

from hearthtest import dhcp, net
from hearthtest.pxe import Card, firmware, ipxe

WHY = net.available() or (None if shutil.which("dhcpd") and shutil.which("php") else "dhcpd or php is not here")
pytestmark = pytest.mark.skipif(WHY is not None, reason=str(WHY))

MAC = "52:54:00:70:78:66"
SUBNET = """
option arch code 93 = unsigned integer 16;
authoritative;
ping-check false;
subnet 192.168.1.0 netmask 255.255.255.0 {{
  pool {{ range 192.168.1.100 192.168.1.200; }}
  next-server {next_server};
  if exists user-class and option user-class = "iPXE" {{ filename "default.ipxe"; }}
  else if option arch = 00:07 {{ filename "snponly.efi"; }}
  else {{ filename "undionly.kpxe"; }}
}}
"""
RISCV = {"tag": "riscv64", "label": "UEFI RISC-V, 64 bits", "option_93": [27], "file": "riscv64/snponly.efi"}


def serve(lab, folder, next_server):
    told = network(LAN)
    told["rows"].append(RISCV)
    text = plan(situation(fields={"networks": [told]}, isc__interfaces={"lan": {"enable": "1"}}))["work"]["isc"]["file"]
    assert text.count("\nclass ") == 5
    server = lab.host("server", f"{LAN}/24")
    dhcp.Isc(server, folder, SUBNET.format(next_server=next_server) + text)
    return Card(lab.host("client", mac=MAC), MAC)


@pytest.fixture
def lab(tmp_path):
    with net.Network() as one:
        yield one


def test_what_the_page_has_no_field_for_is_told_by_classes(lab, tmp_path):
    card = serve(lab, tmp_path, LAN)
    for value, file in ((15, "i386/"), (16, ""), (17, ""), (18, "arm32/"), (19, "arm64/")):
        told = card.told(firmware(value, kind="HTTPClient"))
        assert (told.file, told.vendor_class) == (f"http://{LAN}:8069/files/{file}snponly.efi", "HTTPClient"), value
    assert card.told(firmware(27)).file == "riscv64/snponly.efi"
    assert card.told(ipxe(27)).file == "default.ipxe"
    assert card.told(firmware(7)).file == "snponly.efi"
    assert card.told(firmware(0)).file == "undionly.kpxe"
    assert card.told(firmware(0)).vendor_class == ""


def test_where_hearth_is_not_the_boot_server_the_classes_say_nothing(lab, tmp_path):
    card = serve(lab, tmp_path, "192.168.1.9")
    told = card.told(firmware(16, kind="HTTPClient"))
    assert (told.file, told.next_server, told.vendor_class) == ("undionly.kpxe", "192.168.1.9", "")
    assert card.told(firmware(27)).file == "undionly.kpxe"
