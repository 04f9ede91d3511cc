//! dnsmasq: tags, and `dhcp-boot` lines of which the last that matches wins.

use std::fmt::Write;

use super::{Boot, Fields, SCRIPT};

pub(super) fn render(fields: &Fields) -> String {
    let mut text = fields.head(
        "#",
        &[
            "Put this into a file of its own in dnsmasq's conf-dir, for example",
            "/etc/dnsmasq.d/hearth.conf, or at the end of dnsmasq.conf.",
            "Remove other `dhcp-boot`, `pxe-service` and `enable-tftp` lines.",
        ],
    );
    let address = fields.address;
    text.push_str("dhcp-userclass=set:hearth-ipxe,iPXE\n");
    for row in &fields.rows {
        _ = writeln!(text, "\n# {}", row.title());
        for value in &row.option_93 {
            _ = writeln!(
                text,
                "dhcp-match=set:hearth-{},option:client-arch,{value}",
                row.tag
            );
        }
        let when = format!("tag:hearth-{},tag:!hearth-ipxe", row.tag);
        match &row.boot {
            Boot::File(name) => _ = writeln!(text, "dhcp-boot={when},{name},,{address}"),
            Boot::Url(url) => {
                _ = writeln!(
                    text,
                    "dhcp-option-force={when},option:vendor-class,HTTPClient\n\
                     dhcp-boot={when},{url}"
                );
            }
        }
    }
    _ = write!(
        text,
        "\n# iPXE itself, at the end because the last `dhcp-boot` that matches wins.\n\
         # With option 175 it need not wait for a proxy DHCP server.\n\
         dhcp-option=tag:hearth-ipxe,encap:175,176,1b\n\
         dhcp-boot=tag:hearth-ipxe,{SCRIPT},,{address}\n"
    );
    text
}
