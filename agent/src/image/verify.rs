//! Compares what lies on the disk with the lock (`hearth lock check`).

use std::fmt;
use std::path::Path;

use crate::digest::Sha256;
use crate::image::lock::{Lock, Locked};
use crate::image::place::{self, Found};

/// What became of a pinned file.
#[derive(Clone, Debug, PartialEq)]
pub enum State {
    /// It is what the lock says.
    True,
    /// It is not there.
    Missing,
    /// It is shorter than it must be.
    Half {
        /// Bytes that are there.
        size: u64,
        /// Bytes that must be.
        wanted: u64,
    },
    /// Its bytes are others.
    Changed {
        /// What is there.
        found: Sha256,
        /// What must be.
        wanted: Sha256,
    },
    /// Something else has its name, or it cannot be read: in words.
    Unreadable(String),
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            State::True => f.write_str("true"),
            State::Missing => f.write_str("missing: `hearth fetch` brings it"),
            State::Half { size, wanted } => write!(
                f,
                "half: {size} of {wanted} bytes, it is not served; remove it, then `hearth fetch`"
            ),
            State::Changed { found, wanted } => write!(
                f,
                "changed: its sha256 is {found}, the lock says {wanted}; if the change is not \
                 yours, remove it, then `hearth fetch`"
            ),
            State::Unreadable(reason) => write!(f, "unreadable: {reason}"),
        }
    }
}

/// The state of every pinned file, in the order of names. `advanced` is told of every piece read.
pub fn check(
    lock: &Lock,
    root: &Path,
    advanced: &mut dyn FnMut(&str, u64),
) -> Vec<(String, State)> {
    lock.files()
        .map(|(name, locked)| {
            let state = state(root, name, locked, &mut |bytes| advanced(name, bytes));
            (name.to_owned(), state)
        })
        .collect()
}

/// The state of one pinned file.
pub fn state(root: &Path, name: &str, locked: &Locked, advanced: &mut dyn FnMut(u64)) -> State {
    match place::look(root, name) {
        Ok(Found::Nothing) => State::Missing,
        Ok(Found::Other(what)) => State::Unreadable(what),
        Ok(Found::File(size)) if size < locked.size => State::Half {
            size,
            wanted: locked.size,
        },
        Ok(Found::File(_)) => match place::digest(&root.join(name), advanced) {
            Ok((found, _)) if found == locked.sha256 => State::True,
            Ok((found, _)) => State::Changed {
                found,
                wanted: locked.sha256,
            },
            Err(error) => State::Unreadable(error.to_string()),
        },
        Err(error) => State::Unreadable(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::image::lock::{Owner, Pinned};

    #[test]
    fn each_way_to_be_wrong_is_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let mut lock = Lock::default();
        for name in ["changed", "folder", "half", "longer", "missing", "true"] {
            fs::write(root.join(name), b"abc").unwrap();
            let (sha256, size) = place::digest(&root.join(name), &mut |_| ()).unwrap();
            let locked = Locked {
                size,
                sha256,
                url: String::new(),
                member: None,
                owner: Owner::Loaders,
                pinned: Pinned::FirstUse,
                when: 0,
                text: None,
                replaces: None,
            };
            lock.insert(name.to_owned(), locked);
        }
        fs::write(root.join("changed"), b"abd").unwrap();
        fs::write(root.join("half"), b"ab").unwrap();
        fs::write(root.join("longer"), b"abcd").unwrap();
        fs::remove_file(root.join("missing")).unwrap();
        fs::remove_file(root.join("folder")).unwrap();
        fs::create_dir(root.join("folder")).unwrap();
        let words: Vec<_> = check(&lock, root, &mut |_, _| ())
            .into_iter()
            .map(|(name, state)| format!("{name} {}", state.to_string().split(':').next().unwrap()))
            .collect();
        assert_eq!(
            words,
            [
                "changed changed",
                "folder unreadable",
                "half half",
                "longer changed",
                "missing missing",
                "true true"
            ]
        );
    }
}
