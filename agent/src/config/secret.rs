//! Secrets: written in the configuration, or in a file beside it.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use toml::de::DeValue;

use super::reader::Value;
use super::report::Report;
use super::{Secret, schema};
use crate::limits;

/// Permission bit: everybody may read.
pub(super) const WORLD_READABLE: u32 = 0o004;

/// A string, or `{ file = "path" }`; the path starts from the folder of the file it is written in.
pub(super) fn read(value: Value, report: &mut Report) -> Option<Secret> {
    match value.data() {
        DeValue::String(text) => {
            written(value, report);
            accept(text, value, report)
        }
        DeValue::Table(_) => {
            let file = value.table(&schema::SECRET, report)?;
            from_file(file.need("file", report)?, report)
        }
        _ => {
            report.hide(value.place());
            value.wrong("must be a string, or `{ file = \"path\" }`", report)
        }
    }
}

/// Keeps a secret that is written in the configuration out of excerpts, and looks at who may read it.
pub(super) fn written(value: Value, report: &mut Report) {
    report.hide(value.place());
    let place = value.key_place();
    let file = report.sources.files.get(place.file);
    if file.is_some_and(|file| file.world_readable) {
        report
            .warning(place, "a secret in a file that everybody may read")
            .note("take the right from others: `chmod o-r` this file");
    }
}

fn from_file(value: Value, report: &mut Report) -> Option<Secret> {
    let content = file_text(value, limits::SECRET_BYTES, "secret", report)?;
    accept(content.trim_end_matches(['\r', '\n']), value, report)
}

/// The text of a file that nobody but Hearth should read; `value` is its path, which starts from the
/// folder of the file it is written in, and `what` is what it holds.
pub(super) fn file_text(
    value: Value,
    limit: u64,
    what: &str,
    report: &mut Report,
) -> Option<String> {
    let text = value.string(report)?;
    let path = report.sources.folder(text.place).join(text.value);
    report.keep_private(text.place, path.clone());
    match read_file(&path, limit) {
        Ok((content, mode)) => {
            if mode & WORLD_READABLE != 0 {
                report
                    .warning(
                        text.place,
                        format!("everybody may read the {what} in `{}`", path.display()),
                    )
                    .note(format!("`chmod o-r {}`", path.display()));
            }
            Some(content)
        }
        Err(error) => {
            let problem = format!("cannot read the {what} in `{}`: {error}", path.display());
            value.wrong(&problem, report)
        }
    }
}

/// A secret becomes part of a URL on a kernel's command line.
fn accept(text: &str, value: Value, report: &mut Report) -> Option<Secret> {
    let holds = |b: u8| b.is_ascii_alphanumeric() || b"-._~:/@!*+,=%".contains(&b);
    if text.is_empty() {
        return value.wrong("must not be empty", report);
    }
    if !text.bytes().all(holds) {
        let problem = "must be one word of letters, digits and `-._~:/@!*+,=%`";
        return value.wrong(problem, report);
    }
    Some(Secret::new(text.to_owned()))
}

fn read_file(path: &Path, limit: u64) -> io::Result<(String, u32)> {
    // Without O_NONBLOCK, opening a pipe would wait for its writer.
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    let text = read_bounded(file, limit)?;
    let text = String::from_utf8(text).map_err(|_| io::Error::other("not text (UTF-8)"))?;
    Ok((text, metadata.mode()))
}

/// A file's bytes, unless they are more than `limit`.
pub(super) fn read_bounded(file: File, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(io::Error::other(format!(
            "larger than {}",
            super::values::show_size(limit)
        )));
    }
    Ok(bytes)
}
