//! Finds what lies below the root: regular files in real folders. A link is neither, so nothing
//! outside the root gets into the catalogue by one.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::image::catalogue::{Catalogue, Content, Entry, Origin, may_be_asked};
use crate::limits;

/// What a scan found.
#[derive(Debug, Default)]
pub struct Scan {
    /// Every file that can be asked for.
    pub catalogue: Catalogue,
    /// What was left out and why, a sentence each.
    pub warnings: Vec<String>,
}

/// Bounds of one walk.
struct Bounds {
    files: usize,
    depth: usize,
}

/// Walks `root`. `locked` tells the size that the lock has for a name, if it has the name: such a
/// file is Hearth's, and with another size it is left out, for it is no longer what was verified.
/// Every other regular file is a person's own and is taken if `own_files`.
///
/// # Errors
/// The root cannot be read. A folder below it that cannot be is a warning.
pub fn scan(
    root: &Path,
    own_files: bool,
    locked: &dyn Fn(&str) -> Option<u64>,
) -> io::Result<Scan> {
    let bounds = Bounds {
        files: limits::CATALOGUE_FILES,
        depth: limits::CATALOGUE_DEPTH,
    };
    scan_within(root, own_files, locked, &bounds)
}

fn scan_within(
    root: &Path,
    own_files: bool,
    locked: &dyn Fn(&str) -> Option<u64>,
    bounds: &Bounds,
) -> io::Result<Scan> {
    let mut walk = Walk {
        own_files,
        locked,
        bounds,
        seen: 0,
        scan: Scan::default(),
    };
    // The root itself may be a link: the configuration names it, nothing below it does.
    let root = fs::canonicalize(root)?;
    fs::read_dir(&root)?;
    walk.folder(&root, "", 0);
    Ok(walk.scan)
}

struct Walk<'a> {
    own_files: bool,
    locked: &'a dyn Fn(&str) -> Option<u64>,
    bounds: &'a Bounds,
    seen: usize,
    scan: Scan,
}

impl Walk<'_> {
    /// Takes a folder's files, then those of its folders; `false` once there are too many.
    fn folder(&mut self, path: &Path, prefix: &str, depth: usize) -> bool {
        let mut children: Vec<_> = match fs::read_dir(path) {
            Ok(children) => children.filter_map(Result::ok).collect(),
            Err(error) => {
                self.unreadable(path, &error);
                return true;
            }
        };
        // In order, so that a scan which stops at the limit always keeps the same names.
        children.sort_by_key(fs::DirEntry::file_name);
        for child in children {
            let file_name = child.file_name();
            let Some(part) = file_name.to_str() else {
                self.warn(format!(
                    "{} is not served: its name is not ASCII, so no boot client can ask for it",
                    child.path().display()
                ));
                continue;
            };
            if part.starts_with('.') {
                continue;
            }
            self.seen += 1;
            if self.seen > self.bounds.files {
                self.warn(format!(
                    "only the first {} names below the root are served: {} and what comes after \
                     it is not",
                    self.bounds.files,
                    child.path().display()
                ));
                return false;
            }
            let name = format!("{prefix}{part}");
            // Does not follow links: a link has neither kind.
            let going_on = match fs::symlink_metadata(child.path()) {
                Ok(about) if about.is_dir() => self.descend(&child.path(), &name, depth),
                Ok(about) if about.is_file() => {
                    self.file(child.path(), name, &about);
                    true
                }
                // Gone again since the folder was read.
                Ok(_) | Err(_) => true,
            };
            if !going_on {
                return false;
            }
        }
        true
    }

    fn descend(&mut self, path: &Path, name: &str, depth: usize) -> bool {
        if depth >= self.bounds.depth {
            self.warn(format!(
                "{} is not served: it lies more than {} folders below the root",
                path.display(),
                self.bounds.depth
            ));
            return true;
        }
        self.folder(path, &format!("{name}/"), depth + 1)
    }

    fn file(&mut self, path: PathBuf, name: String, about: &fs::Metadata) {
        let origin = match (self.locked)(&name) {
            Some(size) if size == about.len() => Origin::Lock,
            Some(size) => {
                self.warn(format!(
                    "{} is not served: it has {} bytes and the lock says {size}; \
                     run `hearth fetch`",
                    path.display(),
                    about.len()
                ));
                return;
            }
            None if self.own_files => Origin::Own,
            None => return,
        };
        let Ok(modified) = about.modified() else {
            return;
        };
        if !may_be_asked(&name) {
            self.warn(format!(
                "{} is not served: its name is longer than {} bytes, or not plain ASCII",
                path.display(),
                limits::NAME_BYTES
            ));
            return;
        }
        self.scan.catalogue.insert(
            name,
            Entry {
                size: about.len(),
                modified,
                content: Content::File(path),
                origin,
            },
        );
    }

    fn unreadable(&mut self, path: &Path, error: &io::Error) {
        self.warn(format!(
            "what lies in {} is not served, cannot read the folder: {error}",
            path.display()
        ));
    }

    fn warn(&mut self, warning: String) {
        match self.scan.warnings.len() {
            most if most < limits::SCAN_WARNINGS => self.scan.warnings.push(warning),
            most if most == limits::SCAN_WARNINGS => {
                self.scan.warnings.push("and more of the kind".to_owned());
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn nothing_locked(_: &str) -> Option<u64> {
        None
    }

    fn names(scan: &Scan) -> Vec<&str> {
        scan.catalogue.iter().map(|(name, _)| name).collect()
    }

    fn tree(files: &[&str]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for file in files {
            let path = root.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        }
        root
    }

    #[test]
    fn regular_files_in_folders_are_found_and_hidden_ones_are_not() {
        let root = tree(&["a.efi", "b/c/d", ".x", "b/.c.partial", ".git/config"]);
        let scan = scan(root.path(), true, &nothing_locked).unwrap();
        assert_eq!(names(&scan), ["a.efi", "b/c/d"]);
        assert_eq!(scan.warnings, [""; 0]);
    }

    #[test]
    fn links_are_not_followed() {
        let root = tree(&["real/file"]);
        let secret = tree(&["secret"]);
        symlink(secret.path(), root.path().join("folder")).unwrap();
        symlink(secret.path().join("secret"), root.path().join("file")).unwrap();
        symlink("real/file", root.path().join("inside")).unwrap();
        assert_eq!(
            names(&scan(root.path(), true, &nothing_locked).unwrap()),
            ["real/file"]
        );
    }

    #[test]
    fn a_root_that_is_a_link_is_the_folder_it_leads_to() {
        let root = tree(&["file"]);
        let elsewhere = tempfile::tempdir().unwrap();
        let link = elsewhere.path().join("root");
        symlink(root.path(), &link).unwrap();
        assert_eq!(
            names(&scan(&link, true, &nothing_locked).unwrap()),
            ["file"]
        );
    }

    #[test]
    fn what_is_neither_file_nor_folder_is_left_out() {
        let root = tree(&["file"]);
        let socket = root.path().join("socket");
        let _listener = std::os::unix::net::UnixListener::bind(socket).unwrap();
        assert_eq!(
            names(&scan(root.path(), true, &nothing_locked).unwrap()),
            ["file"]
        );
    }

    #[test]
    fn a_file_of_the_lock_is_served_only_with_the_locks_size() {
        let root = tree(&["true", "half", "own"]);
        let locked = |name: &str| match name {
            "true" => Some(1),
            "half" => Some(2),
            _ => None,
        };
        let all = scan(root.path(), true, &locked).unwrap();
        assert_eq!(names(&all), ["own", "true"]);
        assert_eq!(all.catalogue.get("true").unwrap().origin, Origin::Lock);
        assert_eq!(all.catalogue.get("own").unwrap().origin, Origin::Own);
        assert!(all.warnings[0].contains("1 bytes and the lock says 2"));
        let fetched = scan(root.path(), false, &locked).unwrap();
        assert_eq!(names(&fetched), ["true"]);
    }

    #[test]
    fn too_many_and_too_deep_are_left_out_with_a_word() {
        let root = tree(&["a", "b", "c", "d"]);
        let bounds = Bounds { files: 3, depth: 3 };
        let many = scan_within(root.path(), true, &nothing_locked, &bounds).unwrap();
        assert_eq!(names(&many), ["a", "b", "c"]);
        assert!(many.warnings[0].contains("only the first 3 names"));
        let bounds = Bounds { files: 9, depth: 3 };
        let root = tree(&["1/2/3/here", "1/2/3/4/not-here"]);
        let deep = scan_within(root.path(), true, &nothing_locked, &bounds).unwrap();
        assert_eq!(names(&deep), ["1/2/3/here"]);
        assert!(deep.warnings[0].contains("more than 3 folders"));
    }

    #[test]
    fn a_name_that_no_client_can_ask_for_is_left_out_with_a_word() {
        let root = tree(&["\u{e4}.efi", "back\\slash"]);
        let scan = scan(root.path(), true, &nothing_locked).unwrap();
        assert!(scan.catalogue.is_empty());
        assert_eq!(scan.warnings.len(), 2);
    }

    #[test]
    fn an_absent_root_is_an_error() {
        let root = tempfile::tempdir().unwrap();
        assert!(scan(&root.path().join("none"), true, &nothing_locked).is_err());
    }

    #[test]
    fn an_unreadable_folder_is_a_warning() {
        use std::os::unix::fs::PermissionsExt;
        let root = tree(&["closed/file", "open/file"]);
        let closed = root.path().join("closed");
        fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).unwrap();
        let all = scan(root.path(), true, &nothing_locked).unwrap();
        // Nothing is closed to root.
        if fs::read_dir(&closed).is_err() {
            assert_eq!(names(&all), ["open/file"]);
            assert_eq!(all.warnings.len(), 1);
        }
        fs::set_permissions(&closed, fs::Permissions::from_mode(0o755)).unwrap();
    }
}
