//! The scripts that `/script` answers with, one for each decision.
//!
//! They use only what iPXE of 2019 has (Debian 12 and many appliances): no `params`, which its BIOS
//! builds lack, no `poweroff`, no `imgextract`. A script that asks again does so with
//! `chain --replace`, so that it is gone when its successor runs and the successor's exit status is
//! the one that the firmware gets.

use std::time::Duration;

use crate::boot::command_line::{Start, Unready};
use crate::boot::text::{Base, Files, Text};
use crate::config::{LocalBoot, Menu, MenuItem};

/// Wait before a machine asks again for the first time; doubles with each attempt.
const FIRST_WAIT: Duration = Duration::from_secs(5);
/// Longest wait before a machine asks again: what is decided at the server is seen within a minute.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// Shortest time that an error stays on the screen.
const READING_TIME: Duration = Duration::from_secs(15);

/// What every script is made with.
#[derive(Clone, Debug)]
pub struct Setting {
    /// Where the machine reaches the boot side.
    pub base: Base,
    /// Why it gets this script.
    pub reason: Text,
    /// How often it asked before.
    pub attempt: u8,
}

impl Setting {
    /// Fills a whole script.
    fn script(&self, template: &str, values: &[(&str, Text)]) -> String {
        let mut all = vec![("FACTS", facts()), ("REASON", self.reason.clone())];
        all.extend(values.iter().cloned());
        Text::filled(template, &all).into_script()
    }

    /// Waits, and asks again.
    fn retry(&self, template: &str, at_least: Duration) -> Text {
        Text::filled(template, &self.retry_values(at_least))
    }

    fn retry_values(&self, at_least: Duration) -> [(&'static str, Text); 3] {
        let doubled = FIRST_WAIT.saturating_mul(1 << self.attempt.min(6));
        let wait = doubled.min(LONGEST_WAIT).max(at_least);
        [
            ("WAIT", Text::from(wait.as_millis())),
            ("ATTEMPT", Text::from(self.attempt.saturating_add(1))),
            ("BASE", Text::from(self.base)),
        ]
    }

    fn failed(&self, what: &Text) -> Text {
        let retry = self.retry(include_str!("../../scripts/retry.ipxe"), READING_TIME);
        let values = [("WHAT", what.clone()), ("RETRY", retry)];
        Text::filled(include_str!("../../scripts/failed.ipxe"), &values)
    }
}

/// Everything that iPXE knows of the machine, as `${facts}`.
pub fn facts() -> Text {
    Text::filled(include_str!("../../scripts/facts.ipxe"), &[])
}

/// The menu: each choice asks Hearth again, and what needs no server is done by the script itself.
pub fn menu(setting: &Setting, menu: &Menu, labels: &[Text], local: LocalBoot) -> String {
    let items = menu.items.iter().map(|item| match item {
        MenuItem::Profile(name) | MenuItem::Image(name) => Text::filled(
            include_str!("../../scripts/item-ask.ipxe"),
            &[
                ("NAME", Text::from(name)),
                ("BASE", Text::from(setting.base)),
            ],
        ),
        MenuItem::Local => Text::filled(
            include_str!("../../scripts/item-local.ipxe"),
            &[("LOCAL", local_line(local))],
        ),
        MenuItem::Shell | MenuItem::Reboot => built_in(item),
    });
    setting.script(
        include_str!("../../scripts/menu.ipxe"),
        &[
            ("MENU", menu_items(menu, labels)),
            ("ITEMS", Text::paragraphs(items)),
            ("FAILED", menu_failed()),
        ],
    )
}

/// The part of a menu that shows its items and goes to the chosen one.
pub fn menu_items(menu: &Menu, labels: &[Text]) -> Text {
    let items = menu.items.iter().zip(labels);
    let items = items
        .map(|(item, label)| Text::words([Text::from("item"), item_name(item), label.clone()]));
    let timeout = match menu.timeout.as_millis() {
        0 => Text::none(),
        some => Text::words([Text::from("--timeout"), Text::from(some)]),
    };
    Text::filled(
        include_str!("../../scripts/menu-items.ipxe"),
        &[
            ("TITLE", Text::from(&menu.title)),
            ("ITEMS", Text::lines(items)),
            ("DEFAULT", item_name(&menu.default)),
            ("TIMEOUT", timeout),
        ],
    )
}

/// What a menu does after an item that could not be started.
pub fn menu_failed() -> Text {
    Text::filled(include_str!("../../scripts/menu-failed.ipxe"), &[])
}

/// The items that are the same everywhere.
pub fn built_in(item: &MenuItem) -> Text {
    match item {
        MenuItem::Shell => Text::filled(include_str!("../../scripts/item-shell.ipxe"), &[]),
        MenuItem::Reboot => Text::filled(include_str!("../../scripts/item-reboot.ipxe"), &[]),
        MenuItem::Profile(_) | MenuItem::Image(_) | MenuItem::Local => Text::none(),
    }
}

/// An item's name in a script.
pub fn item_name(item: &MenuItem) -> Text {
    match item {
        MenuItem::Profile(name) | MenuItem::Image(name) => Text::from(name),
        MenuItem::Local => Text::from("local"),
        MenuItem::Shell => Text::from("shell"),
        MenuItem::Reboot => Text::from("reboot"),
    }
}

/// Starts a profile or an image; shows what went wrong if that fails, and asks again.
pub fn start(setting: &Setting, what: &Text, start: &Start) -> String {
    let failed = setting.failed(what);
    match start {
        Start::Kernel { .. } => {
            let mut values = kernel_values(start, Files::Http(setting.base));
            values.extend([("WHAT", what.clone()), ("FAILED", failed)]);
            setting.script(include_str!("../../scripts/kernel.ipxe"), &values)
        }
        Start::Chain { url } => setting.script(
            include_str!("../../scripts/chain.ipxe"),
            &[
                ("WHAT", what.clone()),
                ("URL", Text::from(url)),
                ("FAILED", failed),
            ],
        ),
    }
}

/// The holes of a kernel's lines.
pub fn kernel_values(start: &Start, files: Files) -> Vec<(&'static str, Text)> {
    let Start::Kernel {
        kernel,
        initrds,
        arguments,
    } = start
    else {
        return Vec::new();
    };
    let initrds = initrds.iter().map(|name| {
        let end = Text::from("|| goto failed");
        Text::words([Text::from("initrd"), files.url(name), end])
    });
    vec![
        ("KERNEL", files.url(kernel)),
        ("ARGUMENTS", Text::words(arguments.iter().map(Text::from))),
        ("INITRDS", Text::lines(initrds)),
    ]
}

/// Says why something cannot be started and what to do, waits, and asks again.
pub fn unready(setting: &Setting, what: &Text, why: &Unready) -> String {
    let retry = setting.retry(include_str!("../../scripts/retry.ipxe"), READING_TIME);
    setting.script(
        include_str!("../../scripts/unready.ipxe"),
        &[
            ("WHAT", what.clone()),
            ("WHY", Text::said(&why.sentence)),
            ("RETRY", retry),
        ],
    )
}

/// Says why the machine waits, waits, and asks again.
pub fn hold(setting: &Setting, why: &str) -> String {
    let mut values = setting.retry_values(FIRST_WAIT).to_vec();
    values.push(("WHY", Text::said(why)));
    setting.script(include_str!("../../scripts/hold.ipxe"), &values)
}

/// Starts the local disk.
pub fn local(setting: &Setting, method: LocalBoot) -> String {
    setting.script(
        match method {
            LocalBoot::Exit => include_str!("../../scripts/local-exit.ipxe"),
            LocalBoot::Sanboot => include_str!("../../scripts/local-sanboot.ipxe"),
        },
        &[("LOCAL", local_line(method))],
    )
}

fn local_line(method: LocalBoot) -> Text {
    Text::from(match method {
        LocalBoot::Exit => "exit 1",
        LocalBoot::Sanboot => "sanboot --no-describe --drive 0x80 || goto failed",
    })
}

/// Nothing: the firmware moves on.
pub fn deny(setting: &Setting) -> String {
    setting.script(include_str!("../../scripts/deny.ipxe"), &[])
}
