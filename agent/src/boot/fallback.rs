//! `default.ipxe`: asks Hearth, and has a menu of its own for when nobody answers over HTTP.
//!
//! The menu works with the agent dead and any TFTP server that serves the same folder, so everything
//! is written into it: for each item what it starts on each kind of machine, and the arguments of
//! declared machines.

use crate::arch::{Cpu, Platform};
use crate::boot::command_line::{Answers, Shelf, Start, Unready, Wanted, machine_arguments};
use crate::boot::script;
use crate::boot::text::{Base, Files, Text};
use crate::config::{Config, LocalBoot, Machine, MenuItem};
use crate::limits;

/// The second line of every `default.ipxe` that Hearth makes.
pub const MARKER: &str = "# Made by Hearth from its configuration. A default.ipxe without this line is yours and is kept.";

/// Why something cannot be started from this file.
const ONLY_BY_HTTP: &str = "over HTTP only, where nobody answers now";

/// The kinds of machines that an iPXE can find itself on.
const KINDS: [(Platform, Cpu); 9] = [
    (Platform::Bios, Cpu::I386),
    (Platform::Bios, Cpu::Amd64),
    (Platform::Efi, Cpu::I386),
    (Platform::Efi, Cpu::Amd64),
    (Platform::Efi, Cpu::Arm32),
    (Platform::Efi, Cpu::Arm64),
    (Platform::Efi, Cpu::Riscv32),
    (Platform::Efi, Cpu::Riscv64),
    (Platform::Efi, Cpu::Loong64),
];

/// `default.ipxe` for machines that reach the boot side at these bases, asked in their order; the
/// first one is also the TFTP server's address for a machine to which DHCP named none.
pub fn script(config: &Config, shelf: Shelf, bases: &[Base], labels: &[Text]) -> String {
    let ask = bases.iter().map(|base| {
        Text::words([
            Text::from("chain --replace --autofree"),
            Text::filled("%BASE%/script?${facts}", &[("BASE", Text::from(*base))]),
            Text::from("||"),
        ])
    });
    let address = bases.first().map(|base| Text::from(base.address()));
    let machines = config.machines.values().take(limits::FALLBACK_MACHINES);
    let items = config.menu.items.iter();
    let items = items.map(|item| match item {
        MenuItem::Profile(name) => starts(config, shelf, Wanted::profile(config, name), item),
        MenuItem::Image(name) => starts(config, shelf, Wanted::image(config, name), item),
        // The local disk stands in the script itself: its default may not be among the items.
        MenuItem::Local => Text::none(),
        MenuItem::Shell | MenuItem::Reboot => script::built_in(item),
    });
    Text::filled(
        include_str!("../../scripts/default.ipxe"),
        &[
            ("MARKER", Text::from(MARKER)),
            ("FACTS", script::facts()),
            ("ASK", Text::lines(ask)),
            ("ADDRESS", address.unwrap_or_default()),
            ("MACHINES", Text::lines(machines.flat_map(machine))),
            ("MENU", script::menu_items(&config.menu, labels)),
            ("ITEMS", Text::paragraphs(items)),
            ("FAILED", script::menu_failed()),
        ],
    )
    .into_script()
}

/// The lines that give a declared machine its own arguments and way to the disk, by each MAC, or by
/// its UUID if it has no MAC.
fn machine(machine: &Machine) -> Vec<Text> {
    let arguments = machine_arguments(machine).unwrap_or_default();
    let disk = machine.local_boot.map(|method| match method {
        LocalBoot::Exit => Text::from("set disk exit"),
        LocalBoot::Sanboot => Text::from("set disk sanboot"),
    });
    let own = match arguments.is_empty() {
        true => None,
        false => {
            let arguments = arguments.iter().map(Text::from);
            Some(Text::words(
                [Text::from("set own")].into_iter().chain(arguments),
            ))
        }
    };
    let settings: Vec<Text> = [own, disk].into_iter().flatten().collect();
    let uuids = machine.uuid.filter(|_| machine.macs.is_empty());
    let tests = machine
        .macs
        .iter()
        .map(|mac| Text::words([Text::from("iseq ${netX/mac}"), Text::from(*mac)]))
        .chain(
            uuids
                .into_iter()
                .flat_map(|uuid| [uuid, uuid.swapped()])
                .map(|uuid| Text::words([Text::from("iseq ${uuid}"), Text::from(uuid)])),
        );
    tests
        .flat_map(|test| {
            settings.iter().map(move |setting| {
                let [and, or] = ["&&", "||"].map(Text::from);
                Text::words([test.clone(), and, setting.clone(), or])
            })
        })
        .collect()
}

/// An item that starts something: a label for each kind of machine that it can start on, or that it
/// could start on if its files were there.
fn starts(config: &Config, shelf: Shelf, wanted: Option<Wanted>, item: &MenuItem) -> Text {
    let Some(wanted) = wanted else {
        return Text::none();
    };
    let kept = wanted.image_of(config);
    let kept = kept.map(crate::recipe::architectures);
    let mut ways: Vec<(Result<Start, Unready>, Vec<Text>)> = Vec::new();
    for (platform, cpu) in KINDS {
        let mut way = wanted.start(
            config,
            shelf,
            None,
            Answers::None(ONLY_BY_HTTP),
            cpu,
            platform,
        );
        if way.is_ok() && wanted.is_secret() {
            // Everybody who can reach a TFTP server reads this file.
            way = Err(Unready {
                sentence: format!("it holds a secret, which Hearth gives out {ONLY_BY_HTTP}"),
                missing: false,
            });
        }
        let none_for_it = kept.as_ref().is_some_and(|kept| !kept.contains(&cpu));
        if way.is_err() && none_for_it {
            continue;
        }
        let label = label(item, platform, cpu);
        match ways.iter_mut().find(|(known, _)| *known == way) {
            Some((_, labels)) => labels.push(label),
            None => ways.push((way, vec![label])),
        }
    }
    let what = wanted.label();
    let ways = ways
        .iter()
        .map(|(way, labels)| one_way(way, Text::lines(labels.iter().cloned()), &what));
    Text::filled(
        include_str!("../../scripts/fallback-start.ipxe"),
        &[
            ("NAME", script::item_name(item)),
            ("WHAT", what.clone()),
            ("WAYS", Text::lines(ways)),
        ],
    )
}

/// `:start-efi-x86_64-NAME`.
fn label(item: &MenuItem, platform: Platform, cpu: Cpu) -> Text {
    Text::filled(
        ":start-%PLATFORM%-%CPU%-%NAME%",
        &[
            ("PLATFORM", Text::from(platform)),
            ("CPU", Text::from(cpu)),
            ("NAME", script::item_name(item)),
        ],
    )
}

fn one_way(way: &Result<Start, Unready>, labels: Text, what: &Text) -> Text {
    let mut values = vec![("LABELS", labels), ("WHAT", what.clone())];
    match way {
        Ok(Start::Chain { url }) => {
            values.push(("URL", Text::from(url)));
            Text::filled(include_str!("../../scripts/fallback-chain.ipxe"), &values)
        }
        Ok(kernel) => {
            values.extend(script::kernel_values(kernel, Files::Tftp));
            Text::filled(include_str!("../../scripts/fallback-kernel.ipxe"), &values)
        }
        Err(why) => {
            values.push(("WHY", Text::said(&why.sentence)));
            Text::filled(include_str!("../../scripts/fallback-unready.ipxe"), &values)
        }
    }
}
