//! `hearth.lock`: the sha256 of every downloaded byte.

use std::collections::BTreeMap;
use std::path::Path;

use crate::config::Name;
use crate::digest::Sha256;

/// Everything that is pinned, by catalogue name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lock {
    files: BTreeMap<String, Locked>,
}

/// One pinned file or text.
#[derive(Clone, Debug, PartialEq)]
pub struct Locked {
    /// Bytes.
    pub size: u64,
    /// What it must be.
    pub sha256: Sha256,
    /// Where it came from.
    pub url: String,
    /// What wanted it.
    pub owner: Owner,
    /// How its digest came to be known.
    pub pinned: Pinned,
    /// When it was pinned, in seconds since 1970.
    pub when: u64,
    /// A short text that is kept here and not below the root (Talos: the kernel's command line).
    pub text: Option<String>,
}

/// What wanted a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Owner {
    /// An image.
    Image(Name),
    /// The table of loaders.
    Loaders,
}

/// How a digest came to be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pinned {
    /// The publisher or the configuration says it.
    Published,
    /// The first fetch was believed.
    FirstUse,
}

impl Lock {
    /// The lock's name in `server.state`.
    pub const FILE: &'static str = "hearth.lock";

    /// Reads a lock; an absent one is empty.
    pub fn load(_path: &Path) -> Result<Lock, LockError> {
        todo!()
    }

    /// The pinned file of a catalogue name (texts are not files).
    pub fn file(&self, name: &str) -> Option<&Locked> {
        self.files.get(name).filter(|locked| locked.text.is_none())
    }

    /// The pinned text of a name.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.files.get(name)?.text.as_deref()
    }

    /// Every pinned file, in the order of names.
    pub fn files(&self) -> impl Iterator<Item = (&str, &Locked)> {
        self.files
            .iter()
            .filter(|(_, locked)| locked.text.is_none())
            .map(|(name, locked)| (name.as_str(), locked))
    }
}

/// Why a lock cannot be used.
#[derive(Debug)]
pub struct LockError(String);

impl std::fmt::Display for LockError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}
