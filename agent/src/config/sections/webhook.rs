//! `[[webhook]]`.

use super::super::report::Report;
use super::super::secret;
use super::super::table::Table;
use super::super::{Url, defaults, raw};
use super::name;
use crate::limits;

pub(super) fn read(table: Table, report: &mut Report) -> raw::Webhook {
    let webhook_name = table
        .need("name", report)
        .and_then(|value| name(value, report));
    let url = table.need("url", report);
    let url = url.and_then(|value| value.word(Url::new, report));
    let secret = table.need("secret", report);
    let secret = secret.and_then(|value| secret::read(value, report));
    let events = table.get("events").and_then(|value| {
        let items = value.few_items(limits::WEBHOOK_KINDS, report)?;
        if items.is_empty() {
            return value.wrong(
                "at least one kind of event is needed, or nothing is sent",
                report,
            );
        }
        let kinds = items.iter().filter_map(|item| item.word(kind, report));
        Some(kinds.map(|kind| kind.value).collect())
    });
    let default = || defaults::WEBHOOK_EVENTS.map(str::to_owned).to_vec();
    raw::Webhook {
        name: webhook_name,
        url: url.map(|url| url.value),
        secret,
        events: events.unwrap_or_else(default),
    }
}

fn kind(text: &str) -> Result<String, String> {
    match text == "*" || KINDS.contains(&text) {
        true => Ok(text.to_owned()),
        false => Err(format!(
            "there is no kind of event `{}`; there are {}, and `*` for all",
            text.escape_debug(),
            KINDS.join(", ")
        )),
    }
}

/// The kinds of events there are; `event` is above this module, and a test of it holds the two together.
pub const KINDS: [&str; 16] = [
    "transfer",
    "script",
    "dhcp",
    "phase",
    "loader",
    "local-boot",
    "report",
    "impostor",
    "merged",
    "moved",
    "shared",
    "board",
    "action",
    "power",
    "answer",
    "fetch",
];
