//! Removes what nothing refers to any more (`hearth lock prune`): only files that the lock has and
//! whose digest still matches it. A file that a person changed or put there stays.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;

use crate::image::lock::Lock;
use crate::image::verify::{self, State};
use crate::image::{durable, place, remedy};

/// What was done with a pin that nothing refers to.
#[derive(Clone, Debug, PartialEq)]
pub enum Pruned {
    /// File and pin are gone; bytes that were freed.
    Removed(u64),
    /// There was no file any more; the pin is gone.
    Forgotten,
    /// The file is not what Hearth fetched, so it is a person's now: it stays, the pin is gone.
    LeftYours(String),
    /// It could not be removed; file and pin stay.
    Failed(String),
}

impl Pruned {
    /// What became of the file in a word, the bytes that were freed, and why it is still there.
    pub fn told(&self) -> (&'static str, u64, Option<&str>) {
        match self {
            Pruned::Removed(bytes) => ("removed", *bytes, None),
            Pruned::Forgotten => ("forgotten", 0, None),
            Pruned::LeftYours(why) => ("yours", 0, Some(why)),
            Pruned::Failed(why) => ("failed", 0, Some(why)),
        }
    }
}

/// The pins that none of `wanted` (catalogue names) refers to.
pub fn unused<'a>(lock: &'a Lock, wanted: &BTreeSet<String>) -> Vec<&'a str> {
    lock.pins()
        .map(|(name, _)| name)
        .filter(|name| !wanted.contains(*name))
        .collect()
}

/// Removes the files and pins of `names`. The caller saves the lock: a kill before that leaves a
/// pin without a file, which the next prune forgets; never a file of Hearth's without a pin.
pub fn prune(lock: &mut Lock, root: &Path, names: &[String]) -> Vec<(String, Pruned)> {
    names
        .iter()
        .filter_map(|name| {
            let pruned = one(lock, root, name)?;
            if !matches!(pruned, Pruned::Failed(_)) {
                lock.remove(name);
            }
            Some((name.clone(), pruned))
        })
        .collect()
}

fn one(lock: &Lock, root: &Path, name: &str) -> Option<Pruned> {
    let locked = lock.pin(name)?;
    if locked.text.is_some() {
        return Some(Pruned::Forgotten);
    }
    Some(match verify::state(root, name, locked, &mut |_| ()) {
        State::Missing => Pruned::Forgotten,
        State::True => match remove(root, name) {
            Ok(()) => Pruned::Removed(locked.size),
            Err(error) => {
                Pruned::Failed(format!("cannot remove {name}: {error}{}", remedy(&error)))
            }
        },
        other => Pruned::LeftYours(other.to_string()),
    })
}

/// Removes a file and the folders that are empty then.
fn remove(root: &Path, name: &str) -> io::Result<()> {
    let path = root.join(name);
    fs::remove_file(&path)?;
    let folder = path.parent().unwrap_or(root);
    durable::sync_folder(folder)?;
    place::drop_empty(root, folder);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::lock::{Locked, Owner, Pinned};

    fn put(lock: &mut Lock, root: &Path, name: &str) {
        place::make_folders(root, name).unwrap();
        fs::write(root.join(name), name).unwrap();
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

    #[test]
    fn old_versions_go_and_what_a_person_touched_stays() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let mut lock = Lock::default();
        for name in [
            "talos/v1/a/kernel",
            "talos/v1/a/changed",
            "talos/v2/a/kernel",
            "gone",
            "used",
        ] {
            put(&mut lock, root, name);
        }
        fs::write(root.join("talos/v1/a/changed"), b"mine").unwrap();
        fs::write(root.join("talos/notes"), b"mine").unwrap();
        fs::remove_file(root.join("gone")).unwrap();
        let wanted = BTreeSet::from(["used".to_owned()]);
        let names: Vec<_> = unused(&lock, &wanted)
            .into_iter()
            .map(str::to_owned)
            .collect();
        let done = prune(&mut lock, root, &names);
        let of = |name: &str| {
            done.iter()
                .find(|(n, _)| n == name)
                .map(|(_, done)| done.clone())
        };
        assert_eq!(of("gone"), Some(Pruned::Forgotten));
        assert_eq!(of("talos/v1/a/kernel"), Some(Pruned::Removed(17)));
        assert!(matches!(
            of("talos/v1/a/changed"),
            Some(Pruned::LeftYours(_))
        ));
        assert_eq!(of("used"), None);
        assert!(!root.join("talos/v2").exists(), "an empty folder was left");
        assert!(root.join("talos/v1/a/changed").exists());
        assert!(root.join("talos/notes").exists());
        assert_eq!(
            lock.pins().map(|(name, _)| name).collect::<Vec<_>>(),
            ["used"]
        );
    }

    #[test]
    fn a_link_in_a_files_place_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let mut lock = Lock::default();
        put(&mut lock, root, "a/kernel");
        fs::rename(root.join("a"), root.join("b")).unwrap();
        std::os::unix::fs::symlink("b", root.join("a")).unwrap();
        let done = prune(&mut lock, root, &["a/kernel".to_owned()]);
        assert!(matches!(done[0].1, Pruned::LeftYours(_)), "{done:?}");
        assert!(root.join("b/kernel").exists());
    }
}
