//! Fragments that came by the API: where they lie, and what may stand in them.
//!
//! Whoever may change the configuration by the API is not for that allowed to read this host's files,
//! nor to say where it listens or who it is. So such a fragment declares what machines get, and names no
//! file.

use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::defaults;
use super::reader::{place, shown};
use super::report::Report;
use super::source::Sources;
use super::syntax::Document;
use crate::limits;

/// The folder in `server.state` that holds them.
const FOLDER: &str = "conf.d";
/// What may be declared in one.
const TABLES: [&str; 5] = ["image", "profile", "policy", "machine", "menu"];

/// Another fragment in place of the one of this name, or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Its name, see [`name_holds`].
    pub name: String,
    /// Its text; `None`: it goes.
    pub text: Option<String>,
}

/// A file of the configuration as it may be shown: what is secret in it is replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Where it lies.
    pub path: PathBuf,
    /// It came by the API.
    pub by_api: bool,
    /// Its text.
    pub text: String,
}

impl Written {
    /// What a fragment is called: its file without `.toml`.
    pub fn name(&self) -> &str {
        let name = self.path.file_name().and_then(|name| name.to_str());
        name.and_then(|name| name.strip_suffix(".toml"))
            .unwrap_or_default()
    }
}

/// Holds the name of a fragment to what is a safe file name everywhere.
///
/// # Errors
/// A sentence for people.
pub fn name_holds(name: &str) -> Result<(), String> {
    let begins = name.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
    let holds = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
    if begins && name.len() <= limits::FRAGMENT_NAME_BYTES && name.chars().all(holds) {
        return Ok(());
    }
    Err(format!(
        "a fragment's name is at most {} small letters, digits, `-` and `_`, and begins with a \
         letter or digit",
        limits::FRAGMENT_NAME_BYTES
    ))
}

/// The folder of the fragments that came by the API.
pub fn folder(state: &Path) -> PathBuf {
    state.join(FOLDER)
}

/// `server.state` as the files say it; how it is written is held against the rules later.
pub(super) fn state(sources: &Sources) -> PathBuf {
    let said = sources.files.iter().find_map(|file| {
        let (document, _) = DeTable::parse_recoverable(&file.text);
        let DeValue::Table(server) = document.get_ref().get("server")?.get_ref() else {
            return None;
        };
        let state = server.get("state")?.get_ref().as_str()?;
        Path::new(state).is_absolute().then(|| state.into())
    });
    said.unwrap_or_else(|| defaults::STATE.into())
}

/// Reports what may not stand in the documents from number `first` on, which came by the API. Nothing
/// that they name was looked at yet, and must not be if this is `false`.
pub(super) fn hold(documents: &[Document], first: usize, report: &mut Report) -> bool {
    let mut holds = true;
    for (file, document) in documents.iter().enumerate().skip(first) {
        for (name, value) in document.get_ref().iter() {
            if !TABLES.contains(&name.get_ref().as_ref()) {
                holds = false;
                report
                    .error(
                        place(file, name),
                        format!("`{}` may not stand in a fragment of the API", shown(name.get_ref())),
                    )
                    .note(format!(
                        "there only {} may stand; put it into hearth.toml, or into conf.d beside it",
                        TABLES.join(", ")
                    ));
            }
            holds &= names_no_file(value, file, false, report);
        }
    }
    holds
}

/// Looks for what names a file of this host: the key `file`, and an answer that is a mere string.
fn names_no_file(
    value: &Spanned<DeValue>,
    file: usize,
    is_answers: bool,
    report: &mut Report,
) -> bool {
    let entries = match value.get_ref() {
        DeValue::Table(entries) => entries,
        DeValue::Array(items) => {
            let mut holds = true;
            for item in items.iter() {
                holds &= names_no_file(item, file, is_answers, report);
            }
            return holds;
        }
        _ => return true,
    };
    let mut holds = true;
    for (key, value) in entries.iter() {
        let key_name: &str = key.get_ref();
        let is_path = is_answers && value.get_ref().is_str();
        // An answer of this name is written as a table; what is in it is looked at too.
        let is_file = key_name == "file" && !(is_answers && value.get_ref().is_table());
        if is_path || is_file {
            holds = false;
            report
                .error(
                    place(file, key),
                    "a fragment of the API may not name a file of this host",
                )
                .note("write the text itself, or declare it in hearth.toml or in conf.d beside it");
        } else {
            holds &= names_no_file(value, file, key_name == "answers", report);
        }
    }
    holds
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_safe_file_name() {
        for name in ["lab", "0", "a-b_c", &"x".repeat(63)] {
            assert_eq!(name_holds(name), Ok(()), "{name}");
        }
        for name in [
            "",
            "-a",
            "_a",
            "A",
            "a.b",
            "../a",
            "a/b",
            "a\0",
            "å",
            &"x".repeat(64),
        ] {
            assert!(name_holds(name).is_err(), "{name}");
        }
    }
}
