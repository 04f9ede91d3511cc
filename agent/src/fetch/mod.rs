//! Fetches what configuration and recipes want, and keeps only what is true.

use crate::config::Config;

/// Fetches files; one at a time, in the order of the table of loaders and then of images.
pub struct Fetcher<'a> {
    _config: &'a Config,
    _progress: &'a dyn Progress,
}

/// Is told how a fetch goes; draws bars or lines.
pub trait Progress {
    /// A file (catalogue name) is being fetched; `total` bytes if known, `done` of them are there
    /// from an earlier try.
    fn started(&self, name: &str, total: Option<u64>, done: u64);
    /// More bytes of it arrived.
    fn advanced(&self, name: &str, bytes: u64);
    /// It is over; also called for files for which nothing was to do.
    fn finished(&self, name: &str, outcome: &Outcome);
    /// Something worth a line: a wait, a try again, a warning.
    fn note(&self, line: &str);
}

/// How it went with one file.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It was fetched, bytes in all.
    Fetched(u64),
    /// It is there and true.
    Kept,
    /// A person's own file has this name; it was left alone.
    KeptYours,
    /// The origin has no such loader; only a warning.
    Absent(String),
    /// It failed.
    Failed(Failure),
}

/// Why a file failed: what was being done, cause, remedy.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// For exit codes.
    pub kind: FailureKind,
    /// The sentence.
    pub reason: String,
}

/// Kinds of failures, as exit codes tell them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FailureKind {
    /// The origin does not answer or answers an error (69).
    Unavailable,
    /// The bytes are wrong, or something else than the lock says (65).
    Data,
    /// The disk: full, read-only, broken (74, or 73 where nothing can be made).
    Disk,
    /// The lock cannot be used (65).
    Lock,
    /// No such image (64).
    Usage,
}

impl FailureKind {
    /// The exit code of sysexits.h.
    pub fn exit_code(self) -> u8 {
        match self {
            FailureKind::Unavailable => 69,
            FailureKind::Data | FailureKind::Lock => 65,
            FailureKind::Disk => 73,
            FailureKind::Usage => 64,
        }
    }
}

/// How it went with every file, in the order in which they were asked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// Catalogue names with outcomes.
    pub files: Vec<(String, Outcome)>,
}

impl Report {
    /// The exit code: 0 if nothing failed, else the first failure's.
    pub fn exit_code(&self) -> u8 {
        self.files
            .iter()
            .find_map(|(_, outcome)| match outcome {
                Outcome::Failed(failure) => Some(failure.kind.exit_code()),
                _ => None,
            })
            .unwrap_or(0)
    }
}

impl<'a> Fetcher<'a> {
    /// Prepares fetches for a configuration.
    pub fn new(config: &'a Config, progress: &'a dyn Progress) -> Result<Fetcher<'a>, Failure> {
        Ok(Fetcher {
            _config: config,
            _progress: progress,
        })
    }

    /// Fetches everything that the configuration wants.
    pub fn all(&self) -> Result<Report, Failure> {
        todo!()
    }

    /// Fetches what these names want: images, `loaders`, or catalogue names.
    pub fn named(&self, _names: &[String]) -> Result<Report, Failure> {
        todo!()
    }

    /// Fetches what these names want again and pins what comes (`hearth lock update`).
    pub fn update(&self, _names: &[String]) -> Result<Report, Failure> {
        todo!()
    }
}
