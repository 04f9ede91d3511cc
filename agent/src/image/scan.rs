//! Reads the tree below the root into a catalogue.

use std::fs;
use std::io;
use std::path::Path;

use crate::image::catalogue::{Catalogue, Content, Entry, Origin, normalise};
use crate::image::lock::Lock;
use crate::limits;

/// What a scan found.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// Every file that can be asked for.
    pub catalogue: Catalogue,
    /// What a person should know: files that are not what the lock says, what was left out.
    pub warnings: Vec<String>,
}

/// Reads the tree. Links are not followed and names that start with a dot do not exist. A file that
/// the lock names is taken only with the lock's size: anything else is half of it or not it. Other
/// files are a person's own, and are taken if `own_files` says so.
///
/// # Errors
/// The root cannot be read. Folders below it that cannot be read are warnings.
pub fn scan(root: &Path, lock: &Lock, own_files: bool) -> io::Result<Found> {
    let mut found = Found::default();
    let mut folders = vec![(root.to_owned(), String::new(), 0)];
    let mut files = 0;
    while let Some((folder, prefix, depth)) = folders.pop() {
        let listing = match fs::read_dir(&folder) {
            Ok(listing) => listing,
            Err(error) if depth == 0 => return Err(error),
            Err(error) => {
                found
                    .warnings
                    .push(format!("leaving out {}: {error}", folder.display()));
                continue;
            }
        };
        for item in listing.flatten() {
            let Some(part) = item.file_name().to_str().map(str::to_owned) else {
                continue;
            };
            let name = format!("{prefix}{part}");
            // What no request can name need not be looked at.
            if part.starts_with('.') || normalise(name.as_bytes()).as_deref() != Some(&name) {
                continue;
            }
            let Ok(metadata) = fs::symlink_metadata(item.path()) else {
                continue;
            };
            if metadata.is_dir() {
                if depth < limits::CATALOGUE_DEPTH {
                    folders.push((item.path(), format!("{name}/"), depth + 1));
                } else {
                    found
                        .warnings
                        .push(format!("leaving out {}: too deep", item.path().display()));
                }
                continue;
            }
            if !metadata.is_file() {
                continue;
            }
            let origin = match lock.file(&name) {
                Some(locked) if locked.size == metadata.len() => Origin::Lock,
                Some(locked) => {
                    found.warnings.push(format!(
                        "{name} has {} bytes and the lock says {}: it is not served; run \
                         `hearth fetch`",
                        metadata.len(),
                        locked.size
                    ));
                    continue;
                }
                None if own_files => Origin::Own,
                None => continue,
            };
            files += 1;
            if files > limits::CATALOGUE_FILES {
                found.warnings.push(format!(
                    "{} has more than {} files: the others are not served",
                    root.display(),
                    limits::CATALOGUE_FILES
                ));
                return Ok(found);
            }
            let entry = Entry {
                size: metadata.len(),
                modified: metadata.modified()?,
                content: Content::File(item.path()),
                origin,
            };
            found.catalogue.insert(name, entry);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_and_dot_names_do_not_exist() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("a/.hidden")).unwrap();
        fs::write(root.path().join("a/file"), "x").unwrap();
        fs::write(root.path().join("a/.half.partial"), "x").unwrap();
        fs::write(root.path().join("a/.hidden/file"), "x").unwrap();
        std::os::unix::fs::symlink("/etc/passwd", root.path().join("passwd")).unwrap();
        std::os::unix::fs::symlink("/etc", root.path().join("etc")).unwrap();
        let names = |own| {
            let found = scan(root.path(), &Lock::default(), own).unwrap();
            found
                .catalogue
                .iter()
                .map(|(name, _)| name.to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(names(true), ["a/file"]);
        assert!(names(false).is_empty());
    }
}
