//! From files to a configuration that holds.

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io;
use std::net::IpAddr;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::diagnostic::Diagnostics;
use super::fragment::{Change, Written};
use super::report::Report;
use super::source::{File, Place, Sources};
use super::{Config, check, fragment, merge, secret, sections, syntax};
use crate::{credential, limits};

/// What the configuration is held against, besides itself.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    /// The addresses of this host's interfaces; `None`: not known, so `server.addresses` is taken
    /// as it is (for a check on another host).
    pub local_addresses: Option<Vec<IpAddr>>,
    /// An address that is not among them is waited for: no mistake.
    pub later: bool,
}

/// A configuration that holds, and what should be known of it.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// What is valid but hardly meant.
    pub warnings: Diagnostics,
    /// The files it was read from, in the order in which they count.
    pub files: Vec<PathBuf>,
    /// The same with their texts, for showing.
    pub written: Vec<Written>,
}

/// Reads `path`, every `conf.d/*.toml` beside it, and then those that came by the API
/// ([`fragment::folder`]), each in the order of their names; names that start with a dot are left out.
///
/// # Errors
///
/// Every mistake of every file, with the warnings among them. A file that cannot be read, or that
/// is no TOML, does not hide the mistakes of the others.
pub fn load(path: &Path, environment: &Environment) -> Result<Loaded, Diagnostics> {
    read_all(path, environment, None)
}

/// What [`load`] would say after a change of a fragment of the API.
///
/// # Errors
/// As [`load`].
pub fn load_changed(
    path: &Path,
    environment: &Environment,
    change: &Change,
) -> Result<Loaded, Diagnostics> {
    read_all(path, environment, Some(change))
}

fn read_all(
    path: &Path,
    environment: &Environment,
    change: Option<&Change>,
) -> Result<Loaded, Diagnostics> {
    let mut reading = Reading::default();
    reading.file(path);
    reading.fragments(&path.parent().unwrap_or(Path::new("")).join("conf.d"), None);
    let folder = fragment::folder(&fragment::state(&reading.sources));
    reading.own = reading.sources.files.len();
    reading.fragments(&folder, change);
    assemble(reading, environment)
}

fn assemble(reading: Reading, environment: &Environment) -> Result<Loaded, Diagnostics> {
    let sources = &reading.sources;
    let mut report = Report::new(sources);
    for (file, problem, note) in &reading.failures {
        report.unreadable(*file, problem).note(*note);
    }
    for (file, byte) in &reading.not_text {
        let replacement = char::REPLACEMENT_CHARACTER.len_utf8();
        let place = Place {
            file: *file,
            start: *byte,
            end: byte + replacement,
        };
        report
            .syntax(place, "this is not text: TOML is written in UTF-8")
            .note("save the file as UTF-8");
    }
    let texts = syntax::texts(sources, &mut report);
    let documents = syntax::parse(&texts, &mut report);
    if !fragment::hold(&documents, reading.own, &mut report) {
        return Err(report.finish());
    }
    let tables = merge::merge(&documents, &mut report);
    let raw = sections::read(tables, &mut report);
    let config = check::check(raw, environment, &mut report);
    let refused = report.has_errors();
    let written = sources
        .files
        .iter()
        .enumerate()
        .map(|(number, file)| Written {
            path: file.path.clone(),
            by_api: number >= reading.own,
            text: credential::hidden(&report.shown(number)).into_owned(),
        });
    let written = written.collect();
    let diagnostics = report.finish();
    match config {
        Some(config) if !refused => Ok(Loaded {
            config,
            warnings: diagnostics,
            files: sources.files.iter().map(|file| file.path.clone()).collect(),
            written,
        }),
        _ => Err(diagnostics),
    }
}

/// What was read so far.
#[derive(Default)]
struct Reading {
    sources: Sources,
    /// File number, what failed, what that causes.
    failures: Vec<(usize, String, &'static str)>,
    /// File number and the first byte that is no UTF-8.
    not_text: Vec<(usize, usize)>,
    /// How many are a person's own; those behind them came by the API.
    own: usize,
}

impl Reading {
    fn file(&mut self, path: &Path) {
        let number = self.sources.files.len();
        let (text, world_readable) = match read(path) {
            Ok((bytes, mode)) => {
                let text = String::from_utf8(bytes).unwrap_or_else(|error| {
                    let wrong = error.utf8_error().valid_up_to();
                    self.not_text.push((number, wrong));
                    String::from_utf8_lossy(error.as_bytes()).into_owned()
                });
                (text, mode & secret::WORLD_READABLE != 0)
            }
            Err(error) => {
                let note = "what it declares is missing";
                let problem = format!("cannot read this file: {error}");
                self.failures.push((number, problem, note));
                (String::new(), false)
            }
        };
        let file = File::new(path.to_owned(), text, world_readable);
        self.sources.files.push(file);
    }

    fn fragments(&mut self, folder: &Path, change: Option<&Change>) {
        let changed = change.map(|change| OsString::from(format!("{}.toml", change.name)));
        let mut names = match fragments(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            names => names,
        };
        if let (Some(change), Some(changed), Ok(names)) = (change, &changed, &mut names) {
            names.retain(|name| name != changed);
            if change.text.is_some() {
                names.push(changed.clone());
                names.sort();
            }
        }
        match names {
            Ok(names) if names.len() > limits::CONFIG_FRAGMENTS => {
                let problem = format!(
                    "{} fragments, more than {}",
                    names.len(),
                    limits::CONFIG_FRAGMENTS
                );
                self.fail(
                    folder,
                    problem,
                    "none of them is read: put several into one",
                );
            }
            Ok(names) => {
                for name in names {
                    let text = change.and_then(|change| change.text.clone());
                    match text.filter(|_| changed.as_ref() == Some(&name)) {
                        Some(text) => {
                            let file = File::new(folder.join(name), text, false);
                            self.sources.files.push(file);
                        }
                        None => self.file(&folder.join(name)),
                    }
                }
            }
            Err(error) => {
                let problem = format!("cannot read this folder: {error}");
                self.fail(folder, problem, "what its files declare is missing");
            }
        }
    }

    fn fail(&mut self, path: &Path, problem: String, note: &'static str) {
        self.failures
            .push((self.sources.files.len(), problem, note));
        let file = File::new(path.to_owned(), String::new(), false);
        self.sources.files.push(file);
    }
}

fn read(path: &Path) -> io::Result<(Vec<u8>, u32)> {
    // Without O_NONBLOCK, opening a pipe would wait for its writer.
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    Ok((
        secret::read_bounded(file, limits::CONFIG_BYTES)?,
        metadata.mode(),
    ))
}

/// Names of the fragments in order.
fn fragments(folder: &Path) -> io::Result<Vec<OsString>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        let bytes = name.as_encoded_bytes();
        if bytes.ends_with(b".toml") && !bytes.starts_with(b".") {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}
