//! `[menu]`.

use std::time::Duration;

use super::super::report::Report;
use super::super::source::Placed;
use super::super::table::Table;
use super::super::{Label, defaults, raw};
use super::name;

/// Longest time that the menu waits, since iPXE counts milliseconds in 32 bits.
const LONGEST: Duration = Duration::from_secs(24 * 3_600);

/// Items that a person can still choose from.
const MOST_ITEMS: usize = 100;

pub(super) fn read(table: Table, report: &mut Report) -> raw::Menu {
    let title = match table.get("title") {
        Some(value) => value.word(Label::new, report).map(|title| title.value),
        None => Label::new(defaults::MENU_TITLE).ok(),
    };
    let timeout = table.get("timeout");
    let timeout = timeout.and_then(|value| value.duration(Duration::ZERO, LONGEST, report));
    let items = table.get("items").and_then(|value| {
        let items = value.few_items(MOST_ITEMS, report)?;
        if items.is_empty() {
            return value.wrong("at least one item is needed", report);
        }
        let names = items.iter().filter_map(|item| name(*item, report));
        Some(Placed::new(names.collect(), value.place()))
    });
    raw::Menu {
        title,
        timeout: timeout.map_or(defaults::MENU_TIMEOUT, |timeout| timeout.value),
        default: table.get("default").and_then(|value| name(value, report)),
        items,
    }
}
