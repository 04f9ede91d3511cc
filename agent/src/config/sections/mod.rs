//! One function for each table: from TOML to `raw`.

use std::path::{Component, PathBuf};

use super::merge::Tables;
use super::raw::Raw;
use super::reader::Value;
use super::report::Report;
use super::schema;
use super::source::Placed;
use super::{Argument, Name};
use crate::form::acts;

mod answers;
mod api;
mod image;
mod loaders;
mod machine;
mod menu;
mod policy;
mod profile;
mod server;
mod services;
mod webhook;

pub(super) use image::implied as implied_image;
pub use webhook::KINDS;

/// Reads every table.
pub(super) fn read(mut tables: Tables, report: &mut Report) -> Raw {
    Raw {
        server: server::read(tables.once(&schema::SERVER), report),
        tftp: services::tftp(tables.once(&schema::TFTP), report),
        http: services::http(tables.once(&schema::HTTP), report),
        api: api::read(tables.once(&schema::API), report),
        observe: services::observe(tables.once(&schema::OBSERVE), report),
        events: services::events(tables.once(&schema::EVENTS), report),
        fetch: services::fetch(tables.once(&schema::FETCH), report),
        log: services::log(tables.once(&schema::LOG), report),
        menu: menu::read(tables.once(&schema::MENU), report),
        loaders: loaders::read(tables.once(&schema::LOADERS), report),
        images: each(tables.list(&schema::IMAGE), image::read, report),
        profiles: each(tables.list(&schema::PROFILE), profile::read, report),
        policies: each(tables.list(&schema::POLICY), policy::read, report),
        webhooks: each(tables.list(&schema::WEBHOOK), webhook::read, report),
        machines: each(tables.list(&schema::MACHINE), machine::read, report),
    }
}

fn each<T, U>(tables: Vec<T>, read: fn(T, &mut Report) -> U, report: &mut Report) -> Vec<U> {
    tables
        .into_iter()
        .map(|table| read(table, report))
        .collect()
}

/// A name of something that is declared.
fn name(value: Value, report: &mut Report) -> Option<Placed<Name>> {
    value.word(Name::new, report)
}

/// Kernel arguments.
fn arguments(value: Option<Value>, report: &mut Report) -> Vec<Argument> {
    let words = value.and_then(|value| value.words(Argument::new, report));
    let words = words.unwrap_or_default();
    words.into_iter().map(|word| word.value).collect()
}

/// A path; a relative one starts from the folder of the file that it is written in.
fn path(value: Value, report: &mut Report) -> Option<Placed<PathBuf>> {
    let text = value.string(report)?;
    if text.value.is_empty() || text.value.chars().any(acts) {
        return value.wrong("must be a path, without control characters", report);
    }
    let path = report.sources.folder(text.place).join(text.value);
    Some(Placed::new(path, text.place))
}

/// A path that has to start at the root, since the server runs in another folder than `check`.
fn absolute_path(value: Value, report: &mut Report) -> Option<PathBuf> {
    let text = value.string(report)?;
    match absolute(text.value) {
        Ok(path) => Some(path),
        Err(why) => value.wrong(why, report),
    }
}

/// A path from `/` to something below it; the error is what it must be.
pub(super) fn absolute(text: &str) -> Result<PathBuf, &'static str> {
    let path = PathBuf::from(text);
    let climbs = path.components().any(|part| part == Component::ParentDir);
    if !path.is_absolute() || climbs || text.chars().any(acts) {
        Err("must be a path from `/`, without `..` and control characters")
    } else if path.parent().is_none() {
        Err("must not be the whole file system")
    } else {
        Ok(path)
    }
}

/// A catalogue name: parts of letters, digits, `.`, `_`, `-`, `+` between slashes.
fn catalogue_name(text: &str) -> Result<String, String> {
    let part = |part: &str| {
        let mut characters = part.chars();
        characters.next().is_some_and(|c| c.is_ascii_alphanumeric())
            && characters.all(|c| c.is_ascii_alphanumeric() || "._-+".contains(c))
    };
    if text.len() <= crate::limits::NAME_BYTES && text.split('/').all(part) {
        Ok(text.to_owned())
    } else {
        Err(
            "must be a file's name below the root, such as `snponly.efi` or `arm64/ipxe.efi`"
                .to_owned(),
        )
    }
}
