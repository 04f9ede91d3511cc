//! Where a name lies below the root, and what is there. Links are never followed below the root:
//! the catalogue would not serve through them either.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use sha2::Digest;

use crate::digest::Sha256;
use crate::limits;

/// What is at a name.
#[derive(Clone, Debug, PartialEq)]
pub enum Found {
    /// Nothing.
    Nothing,
    /// A regular file of so many bytes.
    File(u64),
    /// Something that Hearth does not touch; in words: a link, a folder, ...
    Other(String),
}

/// What is at a name below the root.
pub fn look(root: &Path, name: &str) -> io::Result<Found> {
    let mut path = root.to_owned();
    let mut parts = name.split('/').peekable();
    while let Some(part) = parts.next() {
        path.push(part);
        let kind = match fs::symlink_metadata(&path) {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
            Err(error) => return Err(error),
        };
        let last = parts.peek().is_none();
        if last && kind.is_file() {
            return Ok(Found::File(kind.len()));
        }
        if last || !kind.is_dir() {
            let what = if kind.is_symlink() {
                "a link"
            } else if kind.is_dir() {
                "a folder"
            } else if kind.is_file() {
                "a file"
            } else {
                "neither file nor folder"
            };
            return Ok(Found::Other(format!("{} is {what}", path.display())));
        }
    }
    Ok(Found::Nothing)
}

/// Makes the folders that lead to a name, each synced into its parent.
pub fn make_folders(root: &Path, name: &str) -> io::Result<PathBuf> {
    let mut path = root.to_owned();
    let folders = name.rsplit_once('/').map_or("", |(folders, _)| folders);
    for part in folders.split('/').filter(|part| !part.is_empty()) {
        let parent = path.clone();
        path.push(part);
        match fs::create_dir(&path) {
            Ok(()) => {
                super::durable::belong(&File::open(&path)?, &parent, 0o755)?;
                super::durable::sync_folder(&parent)?;
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Ok(path)
}

/// Removes a folder below the root if it is empty, and then those above it that are.
pub fn drop_empty(root: &Path, folder: &Path) {
    let mut folder = folder;
    // Refused as soon as something is in it, and that is all the care it needs.
    while folder != root && folder.starts_with(root) && fs::remove_dir(folder).is_ok() {
        match folder.parent() {
            Some(parent) => folder = parent,
            None => return,
        }
    }
}

/// Whether two paths are of one file, by whatever links.
pub fn same(a: &Path, b: &Path) -> bool {
    match (fs::metadata(a), fs::metadata(b)) {
        (Ok(a), Ok(b)) => (a.dev(), a.ino()) == (b.dev(), b.ino()),
        _ => false,
    }
}

/// Opens a regular file; a link in its place is an error.
pub fn open(path: &Path) -> io::Result<File> {
    // Without O_NONBLOCK a pipe in the file's place would hold us until somebody writes to it.
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
        .open(path)?;
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "not a regular file",
        ))
    }
}

/// Digest and size of a regular file; `advanced` is told of every piece.
pub fn digest(path: &Path, advanced: &mut dyn FnMut(u64)) -> io::Result<(Sha256, u64)> {
    let mut file = open(path)?;
    let mut hash = sha2::Sha256::new();
    let mut size = 0;
    let mut buffer = vec![0; limits::FETCH_BUFFER_BYTES];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok((Sha256(hash.finalize().into()), size)),
            read => {
                hash.update(&buffer[..read]);
                size += read as u64;
                advanced(read as u64);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_and_folders_are_nobodys_files() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        make_folders(root, "a/b/c").unwrap();
        make_folders(root, "a/b/c").unwrap();
        fs::write(root.join("a/b/c"), b"xyz").unwrap();
        symlink(root.join("a"), root.join("l")).unwrap();
        symlink("c", root.join("a/b/k")).unwrap();
        assert_eq!(look(root, "a/b/c").unwrap(), Found::File(3));
        assert_eq!(look(root, "a/b/d").unwrap(), Found::Nothing);
        assert_eq!(look(root, "x/y").unwrap(), Found::Nothing);
        for (name, what) in [
            ("l/b/c", "l is a link"),
            ("a/b/k", "k is a link"),
            ("a/b", "b is a folder"),
            ("a/b/c/d", "c is a file"),
        ] {
            let found = look(root, name).unwrap();
            assert!(
                matches!(&found, Found::Other(text) if text.ends_with(what)),
                "{name}: {found:?}"
            );
        }
        assert!(open(&root.join("a/b/k")).is_err());
        assert!(digest(root, &mut |_| ()).is_err());
    }

    #[test]
    fn a_digest_is_that_of_the_whole_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f");
        fs::write(&path, b"abc").unwrap();
        let mut told = 0;
        let (sha256, size) = digest(&path, &mut |bytes| told += bytes).unwrap();
        assert_eq!((size, told), (3, 3));
        assert_eq!(
            sha256.to_string(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
