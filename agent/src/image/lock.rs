//! `hearth.lock`: the sha256 of every downloaded byte, in `server.state`.
//!
//! TOML, one `[[file]]` for each, in the order of names, so that two locks can be compared line by
//! line and the same configuration and lock on another machine give the same bytes.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::config::Name;
use crate::digest::Sha256;
use crate::image::durable;

mod text;

/// Everything that is pinned, by catalogue name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lock {
    pins: BTreeMap<String, Locked>,
}

/// One pinned file or text.
#[derive(Clone, Debug, PartialEq)]
pub struct Locked {
    /// Bytes.
    pub size: u64,
    /// What it must be.
    pub sha256: Sha256,
    /// Where it came from; `file://` for a file of this host.
    pub url: String,
    /// The archive that it is a member of; `url` is the archive's.
    pub member: Option<Member>,
    /// What wanted it.
    pub owner: Owner,
    /// How its digest came to be known.
    pub pinned: Pinned,
    /// When it was pinned, in seconds since 1970.
    pub when: u64,
    /// A short text that is kept here and not below the root (Talos: the kernel's command line).
    pub text: Option<String>,
    /// While a file of Hearth's is being replaced: what was there before, so that a kill in
    /// between does not turn it into a stranger's.
    pub replaces: Option<Sha256>,
}

/// Where in an archive a file is.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// Its name in the archive.
    pub name: String,
    /// The archive's digest.
    pub archive: Sha256,
}

/// What wanted a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Owner {
    /// An image.
    Image(Name),
    /// The table of loaders.
    Loaders,
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Owner::Image(name) => write!(f, "image {name}"),
            Owner::Loaders => f.write_str("loaders"),
        }
    }
}

/// How a digest came to be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pinned {
    /// The publisher or the configuration says it.
    Published,
    /// The first fetch was believed.
    FirstUse,
}

impl fmt::Display for Pinned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Pinned::Published => "published",
            Pinned::FirstUse => "first use",
        })
    }
}

impl Lock {
    /// The lock's name in `server.state`.
    pub const FILE: &'static str = "hearth.lock";

    /// The newest format that this program knows.
    pub const VERSION: i64 = 1;

    /// Reads a lock; an absent one is empty.
    pub fn load(path: &Path) -> Result<Lock, LockError> {
        let read = |source| LockError::Read {
            path: path.to_owned(),
            source,
        };
        match fs::read(path) {
            Ok(bytes) => {
                let text = String::from_utf8(bytes)
                    .map_err(|error| read(io::Error::new(io::ErrorKind::InvalidData, error)))?;
                text::parse(path, &text)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Lock::default()),
            Err(error) => Err(read(error)),
        }
    }

    /// Writes it so that a kill leaves the old lock or this one. A lock of a newer format that
    /// came there meanwhile is not overwritten.
    pub fn save(&self, path: &Path) -> Result<(), LockError> {
        if let Err(newer @ LockError::Newer { .. }) = Lock::load(path) {
            return Err(newer);
        }
        durable::write(path, self.to_string().as_bytes()).map_err(|source| LockError::Write {
            path: path.to_owned(),
            source,
        })
    }

    /// The pinned file of a catalogue name (texts are not files).
    pub fn file(&self, name: &str) -> Option<&Locked> {
        self.pins.get(name).filter(|locked| locked.text.is_none())
    }

    /// The pinned text of a name.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.pins.get(name)?.text.as_deref()
    }

    /// Every pinned file, in the order of names.
    pub fn files(&self) -> impl Iterator<Item = (&str, &Locked)> {
        self.pins().filter(|(_, locked)| locked.text.is_none())
    }

    /// Every pinned file and text, in the order of names.
    pub fn pins(&self) -> impl Iterator<Item = (&str, &Locked)> {
        self.pins
            .iter()
            .map(|(name, locked)| (name.as_str(), locked))
    }

    /// The pinned file or text of a name.
    pub fn pin(&self, name: &str) -> Option<&Locked> {
        self.pins.get(name)
    }

    /// Pins a name, over what was pinned before.
    pub fn insert(&mut self, name: String, locked: Locked) {
        self.pins.insert(name, locked);
    }

    /// Takes a name's pin away.
    pub fn remove(&mut self, name: &str) -> Option<Locked> {
        self.pins.remove(name)
    }

    /// A table for people (`hearth lock print`): one line for each pin.
    pub fn table(&self) -> String {
        let mut lines = vec![["SHA256", "BYTES", "PINNED", "FOR", "NAME"].map(str::to_owned)];
        lines.extend(self.pins().map(|(name, locked)| {
            [
                locked.sha256.to_string()[..12].to_owned(),
                locked.size.to_string(),
                locked.pinned.to_string(),
                locked.owner.to_string(),
                name.to_owned(),
            ]
        }));
        let width = |column: usize| {
            lines
                .iter()
                .map(|line| line[column].len())
                .max()
                .unwrap_or(0)
        };
        let widths = [width(0), width(1), width(2), width(3)];
        lines
            .iter()
            .map(|[sha256, bytes, pinned, owner, name]| {
                format!(
                    "{sha256:a$}  {bytes:>b$}  {pinned:c$}  {owner:d$}  {name}\n",
                    a = widths[0],
                    b = widths[1],
                    c = widths[2],
                    d = widths[3],
                )
            })
            .collect()
    }
}

/// Why a lock cannot be used.
#[derive(Debug)]
pub enum LockError {
    /// It cannot be read.
    Read {
        /// The lock.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is not what Hearth writes.
    Parse {
        /// The lock.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        message: String,
    },
    /// A newer Hearth wrote it.
    Newer {
        /// The lock.
        path: PathBuf,
        /// Its format.
        version: i64,
    },
    /// It cannot be written.
    Write {
        /// The lock.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl fmt::Display for LockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LockError::Read { path, source } => {
                write!(f, "cannot read the lock {}: {source}", path.display())
            }
            LockError::Parse {
                path,
                line,
                message,
            } => write!(
                f,
                "{}:{line}: {message}; mend that line or restore the file from a backup, without \
                 it Hearth no longer knows which files are its own",
                path.display()
            ),
            LockError::Newer { path, version } => write!(
                f,
                "{} has format {version}, written by a newer Hearth, and this one knows {}; it is \
                 left as it is: run the newer Hearth, or move it away to pin everything anew",
                path.display(),
                Lock::VERSION
            ),
            LockError::Write { path, source } => {
                write!(f, "cannot write the lock {}: {source}", path.display())?;
                f.write_str(crate::image::remedy(source))
            }
        }
    }
}

impl std::error::Error for LockError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_absent_lock_is_empty() {
        let folder = tempfile::tempdir().unwrap();
        let lock = Lock::load(&folder.path().join(Lock::FILE)).unwrap();
        assert_eq!(lock, Lock::default());
    }

    #[test]
    fn a_newer_lock_is_refused_and_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(Lock::FILE);
        let newer = "version = 2\n[[thing]]\nunknown = true\n";
        fs::write(&path, newer).unwrap();
        let error = Lock::load(&path).unwrap_err();
        assert!(
            matches!(error, LockError::Newer { version: 2, .. }),
            "{error}"
        );
        assert!(error.to_string().contains("format 2"), "{error}");
        assert!(Lock::default().save(&path).is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), newer);
    }

    #[test]
    fn a_lock_that_is_no_text_cannot_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(Lock::FILE);
        fs::write(&path, [0xff, 0xfe]).unwrap();
        assert!(matches!(Lock::load(&path), Err(LockError::Read { .. })));
    }
}
