//! Fetches what configuration and recipes want, and keeps only what is true: a name exists below
//! the root when its bytes are whole, verified and pinned in the lock, and not before.
//!
//! [`Fetcher`] is the way in. For each wanted file `plan` decides what is to be done, `download`
//! brings it into a `partial` file, `run` pins it and gives it its name.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::config::Config;
use crate::credential;
use crate::event::Cause;
use crate::image::lock::Lock;
use crate::image::prune::{self, Pruned};
use crate::recipe::wanted::Wanted;
use crate::recipe::{loaders, wanted, wanted_by};

mod archive;
mod claim;
mod client;
mod disk;
mod download;
mod limit;
mod partial;
mod plan;
mod range;
mod redirect;
mod run;
pub mod talos;
mod trouble;
mod watch;
mod zip;

use claim::Claim;
use client::Client;
use run::Run;

/// Fetches files; one at a time, loaders first and then images by name.
pub struct Fetcher<'a> {
    config: &'a Config,
    progress: &'a dyn Progress,
    client: Client,
}

/// Is told how a fetch goes; draws bars or lines.
pub trait Progress {
    /// A file (catalogue name, or an archive's URL) is on its way; `total` bytes if known, `done`
    /// of them are there from an earlier try. Called again for each new try.
    fn started(&self, name: &str, total: Option<u64>, done: u64);
    /// More bytes of it arrived.
    fn advanced(&self, name: &str, bytes: u64);
    /// It is over; also called for files for which nothing was to do.
    fn finished(&self, name: &str, outcome: &Outcome);
    /// Something worth a line: a wait, a try again.
    fn note(&self, line: &str);
    /// Whether it is to end before its time; what has come stays, to go on there.
    fn is_cancelled(&self) -> bool {
        false
    }
}

/// Draws nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Quiet;

impl Progress for Quiet {
    fn started(&self, _: &str, _: Option<u64>, _: u64) {}
    fn advanced(&self, _: &str, _: u64) {}
    fn finished(&self, _: &str, _: &Outcome) {}
    fn note(&self, _: &str) {}
}

/// How it went with one file.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It was fetched, bytes in all.
    Fetched(u64),
    /// It is there and true.
    Kept,
    /// A person's own file has this name; it was left alone. A note says why it counts as theirs.
    KeptYours,
    /// The origin has no such loader; only a warning.
    Absent(String),
    /// It failed.
    Failed(Failure),
}

/// Why something failed: what was being done, cause, remedy.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// For exit codes.
    pub kind: FailureKind,
    /// For findings.
    pub cause: Cause,
    /// Who was asked, `host[:port]`; empty if nobody was.
    pub host: String,
    /// The sentence. No URL in it has a name or password.
    pub reason: String,
}

impl Failure {
    fn new(kind: FailureKind, reason: impl Into<String>) -> Failure {
        let cause = match kind {
            FailureKind::Disk => Cause::Disk,
            _ => Cause::Other,
        };
        Failure {
            kind,
            cause,
            host: String::new(),
            reason: credential::hidden(&reason.into()).into_owned(),
        }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for Failure {}

/// Kinds of failures, as exit codes tell them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FailureKind {
    /// The origin does not answer or answers an error (69).
    Unavailable,
    /// The bytes are wrong, or something else than the lock says (65).
    Data,
    /// The disk: full, read-only, broken (73).
    Disk,
    /// The lock cannot be used (65).
    Lock,
    /// No such image, or a configuration that cannot be followed (64).
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
            config,
            progress,
            client: Client::new(&config.fetch)?,
        })
    }

    /// Fetches everything that the configuration wants.
    pub fn all(&self) -> Result<Report, Failure> {
        self.run(wanted(self.config), false)
    }

    /// Fetches what these names want: images, profiles, `loaders`, or catalogue names.
    pub fn named(&self, names: &[String]) -> Result<Report, Failure> {
        self.run(self.meant(names)?, false)
    }

    /// Whether these names can be fetched.
    ///
    /// # Errors
    /// One of them is nothing that is declared.
    pub fn knows(&self, names: &[String]) -> Result<(), Failure> {
        self.meant(names).map(drop)
    }

    /// Fetches what these names want again and pins what comes (`hearth lock update`).
    pub fn update(&self, names: &[String]) -> Result<Report, Failure> {
        self.run(self.meant(names)?, true)
    }

    /// Removes every file of Hearth's that the configuration no longer wants (`hearth lock prune`).
    pub fn prune(&self) -> Result<Vec<(String, Pruned)>, Failure> {
        let _claim = self.claim()?;
        let mut lock = self.lock()?;
        let names: BTreeSet<_> = wanted(self.config).into_iter().map(|w| w.name).collect();
        let unused: Vec<_> = prune::unused(&lock, &names)
            .into_iter()
            .map(str::to_owned)
            .collect();
        let pruned = prune::prune(&mut lock, &self.config.server.root, &unused);
        if !pruned.is_empty() {
            lock.save(&self.lock_path())
                .map_err(|error| Failure::new(FailureKind::Disk, error.to_string()))?;
        }
        Ok(pruned)
    }

    fn lock_path(&self) -> PathBuf {
        self.config.server.state.join(Lock::FILE)
    }

    fn lock(&self) -> Result<Lock, Failure> {
        Lock::load(&self.lock_path())
            .map_err(|error| Failure::new(FailureKind::Lock, error.to_string()))
    }

    fn claim(&self) -> Result<Claim, Failure> {
        Claim::take(&self.config.server.state, &|line| self.progress.note(line))
    }

    fn run(&self, wanted_now: Vec<Wanted>, repin: bool) -> Result<Report, Failure> {
        let _claim = self.claim()?;
        // Only now: another process may have changed it while we waited.
        let lock = self.lock()?;
        let path = self.lock_path();
        let mut run = Run::new(self.config, self.progress, &self.client, lock, path, repin);
        let mut report = Report::default();
        for one in &wanted_now {
            if self.progress.is_cancelled() {
                break;
            }
            let outcome = run.one(one);
            self.progress.finished(&one.name, &outcome);
            report.files.push((one.name.clone(), outcome));
        }
        run.finish(&wanted(self.config));
        Ok(report)
    }

    /// The files that names mean.
    fn meant(&self, names: &[String]) -> Result<Vec<Wanted>, Failure> {
        let mut found = Vec::new();
        for name in names {
            found.extend(self.meant_by(name)?);
        }
        let mut seen = BTreeSet::new();
        found.retain(|wanted: &Wanted| seen.insert(wanted.name.clone()));
        Ok(found)
    }

    fn meant_by(&self, name: &str) -> Result<Vec<Wanted>, Failure> {
        if name == "loaders" {
            return Ok(loaders::wanted(&self.config.loaders));
        }
        let images = &self.config.images;
        let profile = self
            .config
            .profiles
            .iter()
            .find(|(of, _)| of.as_str() == name);
        let image = images
            .values()
            .find(|image| image.name.as_str() == name)
            .or_else(|| images.get(&profile?.1.image));
        if let Some(image) = image {
            return Ok(wanted_by(image));
        }
        let files: Vec<_> = wanted(self.config)
            .into_iter()
            .filter(|wanted| wanted.name == name)
            .collect();
        if files.is_empty() {
            let known: Vec<_> = images.keys().map(|name| name.as_str()).collect();
            let reason = format!(
                "nothing is called `{}`; what can be fetched: loaders {}",
                name.escape_default(),
                known.join(" ")
            );
            return Err(Failure::new(FailureKind::Usage, reason));
        }
        Ok(files)
    }
}
