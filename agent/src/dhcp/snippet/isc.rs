//! ISC dhcpd 4.x: one chain of conditions, of which the first that holds counts.

use std::fmt::Write;

use super::{Boot, Fields, SCRIPT};

pub(super) fn render(fields: &Fields) -> String {
    let mut text = fields.head(
        "#",
        &[
            "Put this into dhcpd.conf, outside of every subnet: it then holds for all of them.",
            "Within one `subnet { }` it holds for that one; the `option` lines stay outside.",
            "Remove other `filename`, `next-server` and `option 66`/`67` lines for these machines.",
        ],
    );
    text.push_str(
        "\
option arch code 93 = unsigned integer 16;
option space ipxe;
option ipxe.no-pxedhcp code 176 = unsigned integer 8;
option ipxe-encap-opts code 175 = encapsulate ipxe;

",
    );
    let address = fields.address;
    // Written ahead of the chain: a statement inside of a branch only reaches that branch.
    _ = writeln!(text, "next-server {address};");
    _ = writeln!(
        text,
        "if exists user-class and option user-class = \"iPXE\" {{\n\
         \x20 # iPXE itself; it need not wait for a proxy DHCP server.\n\
         \x20 option ipxe.no-pxedhcp 1;\n\
         \x20 filename \"{SCRIPT}\";"
    );
    for row in &fields.rows {
        // The option may hold several values; the first is the one that the client prefers.
        let tests: Vec<_> = row
            .option_93
            .iter()
            .map(|value| format!("substring(option arch, 0, 2) = 00:{value:02x}"))
            .collect();
        _ = writeln!(
            text,
            "}} elsif {} {{\n  # {}",
            tests.join("\n     or "),
            row.title()
        );
        match &row.boot {
            Boot::File(name) => _ = writeln!(text, "  filename \"{name}\";"),
            Boot::Url(url) => {
                _ = writeln!(
                    text,
                    "  option vendor-class-identifier \"HTTPClient\";\n  filename \"{url}\";"
                );
            }
        }
    }
    text.push_str("}\n");
    text
}
