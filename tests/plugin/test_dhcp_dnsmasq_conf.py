"""What OPNsense's own template makes of the rows that the plan has in Dnsmasq, read by a real dnsmasq.

HEARTH_OPNSENSE_CORE is a checkout of opnsense/core, whose template and template engine are used; without it these
tests are skipped.
"""

import os
import pathlib
import re
import shutil
import sys

import pytest
from core import element
from dhcp_situation import LAN, ROWS, Store, network, situation

from hearthtest import dhcp, net
from hearthtest.pxe import Card, firmware, ipxe

CORE = os.environ.get("HEARTH_OPNSENSE_CORE")
WHY = None if CORE else "HEARTH_OPNSENSE_CORE is not set: OPNsense's template is not here"
WHY = WHY or net.available() or (None if shutil.which("dnsmasq") and shutil.which("php") else "dnsmasq or php is not here")
pytestmark = pytest.mark.skipif(WHY is not None, reason=str(WHY))

MAC = "52:54:00:70:78:67"
THEIRS = {"interface": "", "tag": "", "filename": "pxelinux.0", "servername": "x", "address": "192.0.2.9",
          "description": ""}


def rendered(dnsmasq, folder):
    """dnsmasq.conf for these rows."""
    import jinja2

    sys.path.insert(0, f"{CORE}/src/opnsense/service")
    from modules import config
    from modules.addons import template_helpers

    rows = {"dhcp_tags": "tags", "dhcp_options": "options", "dhcp_boot": "boot"}
    parts = "".join(element(name, [{"@uuid": uuid, **row} for uuid, row in dnsmasq[list_].items()])
                    for name, list_ in rows.items() if dnsmasq[list_])
    path = pathlib.Path(folder) / "config.xml"
    path.write_text("<opnsense><system><domain>internal</domain></system>"
                    f"<interfaces><lan><if>eth0</if></lan></interfaces><dnsmasq><dhcp><local>1</local></dhcp>{parts}"
                    "</dnsmasq></opnsense>")
    tree = config.Config(str(path)).get()
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(f"{CORE}/src/opnsense/service/templates"),
                                     trim_blocks=True, extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols"])
    environment.globals["helpers"] = template_helpers.Helpers(tree)
    text = environment.get_template("OPNsense/Dnsmasq/dnsmasq.conf").render(tree)
    assert "dhcp-boot=" in text
    return re.sub(r"^(conf-dir|addn-hosts)=.*\n", "", text, flags=re.M)


@pytest.mark.parametrize("theirs", [{}, {"t": THEIRS}], ids=["alone", "behind a row of others"])
def test_each_client_gets_what_it_needs(theirs, tmp_path):
    asked = situation(dnsmasq__enabled=True, dnsmasq__boot=theirs,
                      dnsmasq__ranges={"r": {"interface": "lan", "start_addr": "192.168.1.100"}})
    text = rendered(Store(asked).apply()["dnsmasq"], tmp_path)
    with net.Network() as lab:
        server = lab.host("server", f"{LAN}/24")
        dhcp.Dnsmasq(server, tmp_path, text + "\ndhcp-range=tag:eth0,192.168.1.100,192.168.1.200\n")
        card = Card(lab.host("client", mac=MAC), MAC)
        urls = {row["tag"]: row.get("url") for row in network(LAN)["rows"]}
        for tag, _, values, file, http in ROWS:
            for value in values:
                told = card.told(firmware(value, kind="HTTPClient" if http else "PXEClient"))
                assert (told.file, told.next_server) == (urls[tag] if http else file, LAN), value
                assert told.vendor_class == ("HTTPClient" if http else ""), value
                if not http:
                    told = card.told(ipxe(value))
                    assert (told.file, told.next_server) == ("default.ipxe", LAN), value
                    assert told.options[175].hex() == "b00101"
