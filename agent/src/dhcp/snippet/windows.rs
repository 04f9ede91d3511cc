//! The DHCP role of Windows Server: vendor and user classes with policies, as PowerShell.

use std::fmt::Write;

use super::{Boot, Fields, Row, SCRIPT};

pub(super) fn render(fields: &Fields) -> String {
    let mut text = fields.head(
        "#",
        &[
            "Run this in an elevated PowerShell on the DHCP server. It holds for all scopes.",
            "Remove options 60, 66 and 67 from scopes and reservations: they would win over it.",
            "Policies count in order: iPXE's is the first.",
        ],
    );
    let address = fields.address;
    text.push_str(
        "\
$ErrorActionPreference = 'Stop'
if (-not (Get-DhcpServerv4OptionDefinition | Where-Object OptionId -eq 60)) {
  Add-DhcpServerv4OptionDefinition -OptionId 60 -Name 'Vendor class' -Type String
}
if (-not (Get-DhcpServerv4OptionDefinition | Where-Object OptionId -eq 175)) {
  Add-DhcpServerv4OptionDefinition -OptionId 175 -Name 'iPXE' -Type BinaryData
}

# iPXE itself; with option 175 it need not wait for a proxy DHCP server.
Add-DhcpServerv4Class -Name 'Hearth iPXE' -Type User -Data 'iPXE'
Add-DhcpServerv4Policy -Name 'Hearth iPXE' -Condition OR -UserClass EQ,'Hearth iPXE' -ProcessingOrder 1
",
    );
    value(&mut text, "Hearth iPXE", 66, &address.to_string());
    value(&mut text, "Hearth iPXE", 67, SCRIPT);
    _ = writeln!(
        text,
        "Set-DhcpServerv4OptionValue -PolicyName 'Hearth iPXE' -OptionId 175 -Value 0xb0,0x01,0x01"
    );
    for (order, row) in (2..).zip(&fields.rows) {
        render_row(&mut text, row, order, &address.to_string());
    }
    text
}

fn render_row(text: &mut String, row: &Row, order: usize, address: &str) {
    let name = format!("Hearth {}", row.tag);
    // The policy of RFC 4578 clients looks at option 60, which repeats the value of option 93 in
    // five decimal digits; policies cannot look at option 93.
    let kind = match row.boot {
        Boot::File(_) => "PXEClient",
        Boot::Url(_) => "HTTPClient",
    };
    _ = writeln!(text, "\n# {}", row.title());
    let mut wildcards = String::new();
    for value in &row.option_93 {
        let class = format!("{name} {value}");
        _ = writeln!(
            text,
            "Add-DhcpServerv4Class -Name '{class}' -Type Vendor -Data '{kind}:Arch:{value:05}'"
        );
        _ = write!(wildcards, ",'{class}*'");
    }
    _ = writeln!(
        text,
        "Add-DhcpServerv4Policy -Name '{name}' -Condition OR -VendorClass EQ{wildcards} \
         -ProcessingOrder {order}"
    );
    match &row.boot {
        Boot::File(file) => {
            value(text, &name, 66, address);
            value(text, &name, 67, file);
        }
        Boot::Url(url) => {
            value(text, &name, 60, "HTTPClient");
            value(text, &name, 67, url);
        }
    }
}

fn value(text: &mut String, policy: &str, option: u8, value: &str) {
    _ = writeln!(
        text,
        "Set-DhcpServerv4OptionValue -PolicyName '{policy}' -OptionId {option} -Value '{value}'"
    );
}
