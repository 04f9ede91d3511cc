//! `[loaders]`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::super::reader::Value;
use super::super::report::Report;
use super::super::source::Placed;
use super::super::table::Table;
use super::super::{LoaderSource, Loaders, Url, defaults};
use super::{catalogue_name, path};
use crate::arch::Cpu;

pub(super) fn read(table: Table, report: &mut Report) -> Loaders {
    let keys = ["origin", "archive", "source"];
    let written: Vec<Value> = keys.iter().filter_map(|key| table.get(key)).collect();
    for other in written.iter().skip(1) {
        let first = written[0].key.name;
        report
            .error(
                other.key_place(),
                format!("`{}` and `{first}` exclude each other", other.key.name),
            )
            .note("loaders come from one place: leave one of the two");
    }
    let source = written.first().and_then(|value| source(*value, report));
    let architectures = table.get("architectures");
    let architectures = architectures.and_then(|value| self::architectures(value, report));
    let files = table.get("files").map(|value| files(value, report));
    Loaders {
        source: source
            .or_else(|| {
                Url::new(defaults::LOADER_ORIGIN)
                    .ok()
                    .map(LoaderSource::Origin)
            })
            .unwrap_or(LoaderSource::None),
        architectures: architectures.unwrap_or(defaults::LOADER_ARCHITECTURES.to_vec()),
        files: files.unwrap_or_default(),
    }
}

fn source(value: Value, report: &mut Report) -> Option<LoaderSource> {
    match value.key.name {
        "origin" => Some(LoaderSource::Origin(value.word(Url::new, report)?.value)),
        "archive" => {
            if value.string(report)?.value.contains("://") {
                let url = value.word(Url::new, report)?.value;
                return Some(LoaderSource::ArchiveUrl(url));
            }
            let path = path(value, report)?;
            exists(&path, "no loader can be taken out of it", report);
            Some(LoaderSource::ArchiveFile(path.value))
        }
        _ => {
            let none = value.choice(&[("none", LoaderSource::None)], report)?;
            Some(none.value)
        }
    }
}

/// A list of processors, each at most once.
pub(super) fn architectures(value: Value, report: &mut Report) -> Option<Vec<Cpu>> {
    let words = value.words(|text| text.parse::<Cpu>(), report)?;
    let mut list: Vec<Placed<Cpu>> = Vec::new();
    for word in words {
        match list.iter().find(|one| one.value == word.value) {
            Some(first) => {
                let (what, first) = (format!("`{}`", word.value), first.place);
                report
                    .twice(&what, first, word.place)
                    .note("once is enough: take one out");
            }
            None => list.push(word),
        }
    }
    Some(list.into_iter().map(|one| one.value).collect())
}

fn files(value: Value, report: &mut Report) -> BTreeMap<String, PathBuf> {
    let mut files = BTreeMap::new();
    for (name, value) in value.free(report) {
        let target = path(value, report);
        match catalogue_name(name.value) {
            Err(problem) => {
                report
                    .error(name.place, format!("a key of `files` {problem}"))
                    .note("machines could not ask for it by this name");
            }
            Ok(name) => {
                if let Some(target) = target {
                    exists(&target, "machines would get no such loader", report);
                    report.keep_offered(target.place, target.value.clone());
                    files.insert(name, target.value);
                }
            }
        }
    }
    files
}

/// Warns of a file that is not there: it may come later, so this is no error.
fn exists(path: &Placed<PathBuf>, loss: &str, report: &mut Report) {
    if !path.value.is_file() {
        report
            .warning(
                path.place,
                format!("there is no file `{}`", path.value.display()),
            )
            .note(format!("as long as it is missing, {loss}"));
    }
}
