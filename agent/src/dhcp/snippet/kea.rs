//! Kea 2.x: client classes. A client can be in several, so each test but iPXE's excludes iPXE.

use std::fmt::Write;

use super::{Boot, Fields, SCRIPT};

pub(super) fn render(fields: &Fields) -> String {
    let mut text = fields.head(
        "//",
        &[
            "Put this into kea-dhcp4.conf, inside of \"Dhcp4\": { }, with a comma before what follows.",
            "If there is a \"client-classes\" list already, put the classes of this one into it.",
            "Remove other \"next-server\", \"boot-file-name\" and option 66/67 entries: those of a",
            "subnet, pool or host win over those of a class.",
        ],
    );
    let address = fields.address;
    _ = write!(
        text,
        r#""client-classes": [
  {{
    // iPXE itself; with option 175 it need not wait for a proxy DHCP server.
    "name": "hearth-ipxe",
    "test": "option[77].hex == 'iPXE'",
    "next-server": "{address}",
    "boot-file-name": "{SCRIPT}",
    "option-data": [ {{ "code": 175, "csv-format": false, "data": "B00101" }} ]
  }}"#
    );
    for row in &fields.rows {
        // The option may hold several values; the first is the one that the client prefers.
        let tests: Vec<_> = row
            .option_93
            .iter()
            .map(|value| format!("substring(option[93].hex, 0, 2) == 0x{value:04x}"))
            .collect();
        let test = match tests.as_slice() {
            [one] => one.clone(),
            several => format!("({})", several.join(" or ")),
        };
        _ = write!(
            text,
            r#",
  {{
    // {}
    "name": "hearth-{}",
    "test": "not member('hearth-ipxe') and {test}",
"#,
            row.title(),
            row.tag
        );
        match &row.boot {
            Boot::File(name) => {
                _ = write!(
                    text,
                    r#"    "next-server": "{address}",
    "boot-file-name": "{name}"
  }}"#
                );
            }
            Boot::Url(url) => {
                _ = write!(
                    text,
                    r#"    "option-data": [
      {{ "name": "vendor-class-identifier", "data": "HTTPClient", "always-send": true }}
    ],
    "boot-file-name": "{url}"
  }}"#
                );
            }
        }
    }
    text.push_str("\n]\n");
    text
}
