//! `[server]`.

use std::path::PathBuf;

use super::super::reader::Value;
use super::super::report::Report;
use super::super::source::Placed;
use super::super::table::Table;
use super::super::{Name, Server, Unknown, defaults, raw, values};
use super::absolute_path;

/// Addresses to listen on; each costs two sockets.
const MOST_ADDRESSES: usize = 64;

pub(super) fn read(table: Table, report: &mut Report) -> raw::Server {
    let addresses = table
        .need("addresses", report)
        .map(|value| addresses(value, 1, report))
        .unwrap_or_default();
    let mut port = |key, default| {
        let value = table.get(key);
        let port = value.and_then(|value| value.integer(1..=u16::MAX, report));
        port.unwrap_or(default)
    };
    let http_port = port("http_port", defaults::HTTP_PORT);
    let tftp_port = port("tftp_port", defaults::TFTP_PORT);
    let mut folder = |key, default| {
        let value = table.get(key);
        let path = value.and_then(|value| absolute_path(value, report));
        path.unwrap_or_else(|| PathBuf::from(default))
    };
    let root = folder("root", defaults::ROOT);
    let state = folder("state", defaults::STATE);
    let run = folder("run", defaults::RUN);
    for (key, folder) in [("state", &state), ("run", &run)] {
        if folder.starts_with(&root) {
            let place = table.get(key).or(table.get("root"));
            let place = place.map_or(table.place, |value| value.place());
            report
                .error(place, format!("`{key}` lies in `root`"))
                .note("every machine of the network could read what is in it");
        }
    }
    let unknown = table.get("unknown");
    let unknown = unknown.and_then(|value| self::unknown(value, report));
    let own_files = table.get("own_files");
    let own_files = own_files.and_then(|value| value.boolean(report));
    let user = table.get("user");
    let user = user.and_then(|value| value.word(self::user, report));
    raw::Server {
        addresses,
        unknown: unknown.unwrap_or(raw::Unknown::Known(defaults::UNKNOWN)),
        rest: Server {
            addresses: Vec::new(),
            http_port,
            tftp_port,
            root,
            state,
            run,
            unknown: defaults::UNKNOWN,
            own_files: own_files.unwrap_or(defaults::OWN_FILES),
            user: user.map(|user| user.value),
        },
    }
}

pub(super) fn addresses(
    value: Value,
    least: usize,
    report: &mut Report,
) -> Vec<Placed<std::net::IpAddr>> {
    let Some(items) = value.few_items(MOST_ADDRESSES, report) else {
        return Vec::new();
    };
    if items.len() < least {
        value.wrong::<()>("at least one address is needed", report);
    }
    let parse = values::listen_address;
    let parsed = items.iter().filter_map(|item| item.word(parse, report));
    parsed.collect()
}

/// Whether there is such a user is known where the server runs.
fn user(text: &str) -> Result<String, &'static str> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if text == "root" {
        return Err("must be another user than root, who has all the power that there is");
    }
    match (1..=32).contains(&text.len()) && !text.starts_with('-') && text.chars().all(is_name) {
        true => Ok(text.to_owned()),
        false => Err("must be the name of a user of this host, such as `hearth`"),
    }
}

fn unknown(value: Value, report: &mut Report) -> Option<raw::Unknown> {
    let text = value.string(report)?;
    if let Some(name) = text.value.strip_prefix("profile ") {
        return match Name::new(name.trim()) {
            Ok(name) => Some(raw::Unknown::Profile(Placed::new(name, text.place))),
            Err(problem) => value.wrong(&problem, report),
        };
    }
    let choices = [
        ("menu", Some(Unknown::Menu)),
        ("hold", Some(Unknown::Hold)),
        ("local", Some(Unknown::Local)),
        ("profile NAME", None),
    ];
    let chosen = value.choice(&choices, report)?.value;
    match chosen {
        Some(known) => Some(raw::Unknown::Known(known)),
        None => value.wrong("write a profile's name in the place of NAME", report),
    }
}
