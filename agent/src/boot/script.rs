//! Writes what iPXE reads. The scripts are the files of `agent/scripts`; each hole in them takes a
//! value that was validated when it was parsed, so nothing is escaped here.
//!
//! They use only what iPXE of 2019 knows, and no `params`: stock BIOS builds lack it
//! (boot-facts 4.2), so facts go as a query.

use crate::config::{LocalBoot, Menu, MenuItem};
use crate::recipe::Bootable;

/// The line by which a `default.ipxe` is known as Hearth's.
pub const MARKER: &str = "# made by hearth from its configuration; without this line the file is yours and is left alone";

/// How long a machine waits before it asks again, in milliseconds.
const WAIT_MILLISECONDS: u32 = 5_000;

/// How long a machine whose boot failed shows why before it asks again, in milliseconds.
const FAILED_WAIT_MILLISECONDS: u32 = 15_000;

/// Where a script's machine finds Hearth: `http://192.168.1.1:8069`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base(String);

impl Base {
    /// The boot side at an address of ours.
    pub fn new(address: std::net::IpAddr, port: u16) -> Base {
        Base(format!(
            "http://{}",
            std::net::SocketAddr::new(address, port)
        ))
    }

    fn script(&self) -> String {
        format!("{}/script?${{facts}}", self.0)
    }
}

/// Where a script's files come from.
#[derive(Clone, Copy, Debug)]
pub enum Files<'a> {
    /// The boot side over HTTP.
    Http(&'a Base),
    /// The TFTP server that DHCP named, Hearth or any other that serves the same tree.
    Tftp,
}

impl Files<'_> {
    fn url(self, name: &str) -> String {
        match self {
            Files::Http(base) => format!("{}/files/{name}", base.0),
            Files::Tftp => format!("tftp://${{next-server}}/{name}"),
        }
    }
}

/// One way to start something: what people call it, and how it boots.
#[derive(Clone, Debug, PartialEq)]
pub struct Start {
    /// What people read.
    pub what: String,
    /// How it boots.
    pub bootable: Bootable,
    /// Arguments behind the image's own.
    pub arguments: Vec<String>,
}

/// What a menu item does when it is taken in the menu that works without HTTP: for each processor
/// (iPXE's `${buildarch}`; the last one is for all others), or why it cannot.
#[derive(Clone, Debug, PartialEq)]
pub enum Entry {
    /// Starts something.
    Starts(Vec<(&'static str, Start)>),
    /// Says why it cannot.
    Says(String),
    /// A built-in.
    BuiltIn,
}

fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let facts = include_str!("../../scripts/facts.ipxe");
    let mut script = template.replace("%FACTS%\n", facts);
    for (hole, value) in values {
        let line = format!("%{hole}%\n");
        if value.is_empty() && script.contains(&line) {
            script = script.replace(&line, "");
        } else {
            script = script.replace(&format!("%{hole}%"), value);
        }
    }
    script
}

fn retry(base: &Base, milliseconds: u32) -> String {
    let wait = milliseconds.to_string();
    let filled = fill(
        include_str!("../../scripts/retry.ipxe"),
        &[("WAIT", &wait), ("URL", &base.script())],
    );
    filled.trim_end().to_owned()
}

/// `default.ipxe`: asks Hearth at every base in turn, and else shows the menu that works from TFTP.
pub fn default(bases: &[Base], menu: &Menu, labels: &[String], entries: &[Entry]) -> String {
    let ask: Vec<String> = bases
        .iter()
        .map(|base| {
            format!(
                "chain --replace --autofree --timeout 20000 {} || echo Hearth: error ${{errno}}",
                base.script()
            )
        })
        .collect();
    let text = include_str!("../../scripts/default.ipxe");
    let mut sections = menu_head(menu, labels);
    for (item, entry) in menu.items.iter().zip(entries) {
        sections.push_str(&fallback(item, entry));
    }
    fill(
        text,
        &[("ASK", &ask.join("\n")), ("MENU", sections.trim_end())],
    )
}

/// The menu over HTTP: each choice asks Hearth again, with the choice.
pub fn menu(base: &Base, menu: &Menu, labels: &[String]) -> String {
    let facts = include_str!("../../scripts/facts.ipxe");
    let mut script = format!("#!ipxe\n{facts}{}", menu_head(menu, labels));
    for item in &menu.items {
        let name = item.name();
        script.push_str(&format!(
            ":item-{name}\nchain --replace --autofree --timeout 20000 {}&item={name} || goto failed\n",
            base.script()
        ));
    }
    script
}

fn menu_head(menu: &Menu, labels: &[String]) -> String {
    let items: Vec<String> = menu
        .items
        .iter()
        .zip(labels)
        .map(|(item, label)| format!("item {} {label}", item.name()))
        .collect();
    let mut default = format!("--default {}", menu.default.name());
    if !menu.timeout.is_zero() {
        default.push_str(&format!(" --timeout {}", menu.timeout.as_millis()));
    }
    fill(
        include_str!("../../scripts/menu.ipxe"),
        &[
            ("TITLE", menu.title.as_str()),
            ("ITEMS", &items.join("\n")),
            ("DEFAULT", &default),
        ],
    )
}

fn fallback(item: &MenuItem, entry: &Entry) -> String {
    let name = item.name();
    let mut text = format!(":item-{name}\n");
    match entry {
        Entry::Starts(ways) => {
            let (last, others) = match ways.split_last() {
                Some(split) => split,
                None => return format!("{text}goto menu\n"),
            };
            for (arch, _) in others {
                text.push_str(&format!("iseq ${{buildarch}} {arch} && goto item-{name}-{arch} ||\n"));
            }
            text.push_str(&steps(&last.1, Files::Tftp));
            for (arch, start) in others {
                text.push_str(&format!(":item-{name}-{arch}\n{}", steps(start, Files::Tftp)));
            }
        }
        Entry::Says(why) => {
            text.push_str(&format!(
                "echo Hearth: {why}\nprompt --timeout 10000 Press a key for the menu ... || goto menu\ngoto menu\n"
            ));
        }
        Entry::BuiltIn => text.push_str(match item {
            MenuItem::Shell => "shell\ngoto menu\n",
            MenuItem::Reboot => "reboot\n",
            _ => {
                "iseq ${platform} pcbios && sanboot --no-describe --drive 0x80 || iseq ${platform} efi && exit 1 || goto failed\n"
            }
        }),
    }
    text
}

fn steps(start: &Start, files: Files) -> String {
    let mut text = "imgfree\n".to_owned();
    match &start.bootable {
        Bootable::Kernel {
            kernel, initrds, ..
        } => {
            let line = kernel_line(start, files, kernel, initrds);
            text.push_str(&format!("kernel {line} || goto failed\n"));
            text.push_str(&initrd_lines(files, initrds));
            text.push_str("boot || goto failed\ngoto failed\n");
        }
        Bootable::Chain { url } => {
            text.push_str(&format!(
                "chain --autofree {url} || goto failed\ngoto menu\n"
            ));
        }
    }
    text
}

/// `URL arguments`. On UEFI the kernel of that time finds its initrd only through `initrd=` with
/// the name under which iPXE shows the file, which is the last part of its URL (boot-facts 4.10).
fn kernel_line(start: &Start, files: Files, kernel: &str, initrds: &[String]) -> String {
    let mut words = vec![files.url(kernel)];
    words.extend(
        initrds
            .iter()
            .map(|name| format!("initrd={}", last_part(name))),
    );
    if let Bootable::Kernel { arguments, .. } = &start.bootable {
        words.extend(arguments.iter().cloned());
    }
    words.extend(start.arguments.iter().cloned());
    words.join(" ")
}

fn initrd_lines(files: Files, initrds: &[String]) -> String {
    initrds
        .iter()
        .map(|name| format!("initrd {} || goto failed\n", files.url(name)))
        .collect()
}

fn last_part(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// Starts a profile or an image, and shows what went wrong if it does not start.
pub fn start(base: &Base, start: &Start) -> String {
    let files = Files::Http(base);
    let again = retry(base, FAILED_WAIT_MILLISECONDS);
    match &start.bootable {
        Bootable::Kernel {
            kernel, initrds, ..
        } => {
            let initrd_lines = initrd_lines(files, initrds);
            fill(
                include_str!("../../scripts/kernel.ipxe"),
                &[
                    ("WHAT", &start.what),
                    ("INITRDS", initrd_lines.trim_end()),
                    ("RETRY", &again),
                    ("KERNEL", &kernel_line(start, files, kernel, initrds)),
                ],
            )
        }
        Bootable::Chain { url } => fill(
            include_str!("../../scripts/chain.ipxe"),
            &[("WHAT", &start.what), ("URL", url), ("RETRY", &again)],
        ),
    }
}

/// Says something, waits, and asks again.
pub fn hold(base: &Base, lines: &[&str]) -> String {
    let lines: Vec<String> = lines
        .iter()
        .map(|line| format!("echo Hearth: {line}"))
        .collect();
    fill(
        include_str!("../../scripts/hold.ipxe"),
        &[
            ("LINES", &lines.join("\n")),
            ("RETRY", &retry(base, WAIT_MILLISECONDS)),
        ],
    )
}

/// Starts the local disk.
pub fn local(method: LocalBoot) -> String {
    match method {
        LocalBoot::Exit => include_str!("../../scripts/local-exit.ipxe").to_owned(),
        LocalBoot::Sanboot => include_str!("../../scripts/local-sanboot.ipxe").to_owned(),
    }
}

/// The iPXE shell.
pub fn shell(base: &Base) -> String {
    fill(
        include_str!("../../scripts/shell.ipxe"),
        &[("RETRY", &retry(base, WAIT_MILLISECONDS))],
    )
}

/// A restart.
pub fn reboot() -> String {
    include_str!("../../scripts/reboot.ipxe").to_owned()
}
