//! A file that configuration and recipes want: its name, where it comes from, what it must be.

use std::path::PathBuf;

use crate::digest::Sha256;
use crate::image::lock::Owner;

/// A file (or a short text) that is wanted.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted {
    /// Catalogue name; for a text the name that it has in the lock.
    pub name: String,
    /// What wants it.
    pub owner: Owner,
    /// Where it comes from.
    pub source: Source,
    /// What it must be, if the lock does not say it.
    pub expect: Expect,
    /// What a pin holds for.
    pub tie: Tie,
    /// Where it is kept.
    pub keep: Keep,
    /// The origin may lack it (loaders of rarer processors): that is a warning.
    pub optional: bool,
    /// Must be made known to the factory before it can be asked for.
    pub registration: Option<Registration>,
}

/// Where a file comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// The first of these URLs that exists; the next is asked only after a 404.
    Urls(Vec<String>),
    /// A member of an archive; the first of the patterns that fits one.
    Member {
        /// The archive.
        archive: Archive,
        /// Ends of member names from a folder on, `*` for anything but `/`.
        patterns: Vec<String>,
    },
    /// A file of the user's own, copied.
    Copy(PathBuf),
}

/// Where an archive is. Its kind is told by its first bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Archive {
    /// At a URL.
    Url(String),
    /// On this host.
    File(PathBuf),
}

impl Archive {
    /// How the lock names it.
    pub fn url(&self) -> String {
        match self {
            Archive::Url(url) => url.clone(),
            Archive::File(path) => file_url(path),
        }
    }
}

/// How the lock names a file of this host.
pub fn file_url(path: &std::path::Path) -> String {
    format!("file://{}", path.display())
}

/// What a fetched file must be. For a member of an archive this is said of the archive.
#[derive(Clone, Debug, PartialEq)]
pub enum Expect {
    /// This, says the configuration.
    Digest(Sha256),
    /// What a list of digests at a URL says of an entry.
    Sums {
        /// The list.
        url: String,
        /// The file's name in it, without `./`.
        entry: String,
    },
    /// Nobody says it: the first fetch pins it.
    FirstUse,
}

/// What a pin holds for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tie {
    /// For the name, whatever mirror it comes from: version and architecture are part of the name.
    Name,
    /// For the source: another one in the configuration means other bytes.
    Source,
}

/// Where it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// Below the root.
    File,
    /// In the lock.
    Text,
}

/// A schematic that the factory must know before it makes files from it.
#[derive(Clone, Debug, PartialEq)]
pub struct Registration {
    /// The factory.
    pub factory: String,
    /// The schematic as JSON.
    pub json: String,
    /// The id that the factory must answer.
    pub id: String,
}
