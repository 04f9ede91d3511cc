//! MikroTik RouterOS: a generic matcher for each kind of client, with a set of options.

use std::fmt::Write;

use super::{Boot, Fields, SCRIPT};

pub(super) fn render(fields: &Fields) -> String {
    let mut text = fields.head(
        "#",
        &[
            "For RouterOS 7.4 or newer. Set the first three lines to your DHCP server's name, its",
            "address pool and its network, then paste all of it into a terminal.",
            "The iPXE matcher comes first and has to stay above the others.",
        ],
    );
    let address = fields.address;
    text.push_str(
        "\
:global hearthServer \"defconf\"
:global hearthPool \"default-dhcp\"
:global hearthNetwork \"192.168.88.0/24\"

",
    );
    _ = writeln!(
        text,
        "/ip dhcp-server network set [find address=$hearthNetwork] next-server={address}\n"
    );
    text.push_str("# iPXE itself; with option 175 it need not wait for a proxy DHCP server.\n");
    option(&mut text, "hearth-ipxe", 67, &format!("'{SCRIPT}'"));
    option(&mut text, "hearth-ipxe-175", 175, "0xb00101");
    set(&mut text, "hearth-ipxe", "hearth-ipxe,hearth-ipxe-175");
    matcher(&mut text, "hearth-ipxe", "hearth-ipxe", 77, "iPXE");
    for row in &fields.rows {
        let name = format!("hearth-{}", row.tag);
        _ = writeln!(text, "\n# {}", row.title());
        match &row.boot {
            Boot::File(file) => {
                option(&mut text, &name, 67, &format!("'{file}'"));
                set(&mut text, &name, &name);
            }
            Boot::Url(url) => {
                option(&mut text, &name, 67, &format!("'{url}'"));
                option(&mut text, &format!("{name}-60"), 60, "'HTTPClient'");
                set(&mut text, &name, &format!("{name},{name}-60"));
            }
        }
        for value in &row.option_93 {
            let each = format!("{name}-{value}");
            matcher(&mut text, &each, &name, 93, &format!("0x{value:04x}"));
        }
    }
    text
}

fn option(text: &mut String, name: &str, code: u8, value: &str) {
    // `force`: firmware does not always name these options in its list of wishes.
    _ = writeln!(
        text,
        "/ip dhcp-server option add name={name} code={code} force=yes value=\"{value}\""
    );
}

fn set(text: &mut String, name: &str, options: &str) {
    _ = writeln!(
        text,
        "/ip dhcp-server option sets add name={name} options={options}"
    );
}

fn matcher(text: &mut String, name: &str, set: &str, code: u8, value: &str) {
    _ = writeln!(
        text,
        "/ip dhcp-server matcher add name={name} server=$hearthServer \
         address-pool=$hearthPool code={code} value=\"{value}\" option-set={set}"
    );
}
