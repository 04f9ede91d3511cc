//! Opens what the catalogue names, and nothing else.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;

use super::body::Source;
use crate::image::catalogue::{Content, Entry};

/// Why an entry cannot be sent.
#[derive(Debug)]
pub enum Unusable {
    /// The disk has no longer what the catalogue says: the file is gone, or another one.
    Changed,
    /// The system has no descriptor left; in a moment it may have.
    Exhausted,
    /// Anything else.
    Failed(io::Error),
}

/// Opens an entry. A file is the one that was scanned, by its kind, size and time of change; a
/// symbolic link in its place is not followed.
///
/// # Errors
/// [`Unusable`].
pub fn open(entry: &Entry) -> Result<Source, Unusable> {
    let path = match &entry.content {
        Content::Memory(bytes) => return Ok(Source::Memory(bytes.clone())),
        Content::File(path) => path,
    };
    // O_NONBLOCK: should a FIFO lie there now, opening it must not wait for a writer.
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NOFOLLOW | libc::O_CLOEXEC | libc::O_NONBLOCK)
        .open(path)
        .map_err(unusable)?;
    if is_same(&file, entry).map_err(Unusable::Failed)? {
        Ok(Source::File(file, entry.modified))
    } else {
        Err(Unusable::Changed)
    }
}

fn is_same(file: &File, entry: &Entry) -> io::Result<bool> {
    let found = file.metadata()?;
    Ok(found.is_file() && found.len() == entry.size && found.modified()? == entry.modified)
}

fn unusable(error: io::Error) -> Unusable {
    match error.raw_os_error() {
        // FreeBSD says EMLINK where O_NOFOLLOW meets a link, Linux ELOOP.
        Some(libc::ENOENT | libc::ENOTDIR | libc::ELOOP | libc::EMLINK) => Unusable::Changed,
        Some(libc::EMFILE | libc::ENFILE) => Unusable::Exhausted,
        _ => Unusable::Failed(error),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use super::*;
    use crate::image::catalogue::Origin;

    fn entry(path: &Path) -> Entry {
        let found = std::fs::metadata(path).unwrap();
        Entry {
            size: found.len(),
            modified: found.modified().unwrap(),
            content: Content::File(path.into()),
            origin: Origin::Own,
        }
    }

    #[test]
    fn only_the_file_that_was_scanned_is_opened() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        std::fs::write(&path, "abc").unwrap();
        let entry = entry(&path);
        assert!(matches!(open(&entry), Ok(Source::File(..))));

        let other_time = Entry {
            modified: entry.modified + Duration::from_nanos(1),
            ..entry.clone()
        };
        assert!(matches!(open(&other_time), Err(Unusable::Changed)));
        let other_size = Entry {
            size: 4,
            ..entry.clone()
        };
        assert!(matches!(open(&other_size), Err(Unusable::Changed)));

        std::fs::remove_file(&path).unwrap();
        assert!(matches!(open(&entry), Err(Unusable::Changed)));
    }

    #[test]
    fn a_link_a_folder_and_a_fifo_are_not_opened() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("target");
        std::fs::write(&target, "abc").unwrap();
        let meant = entry(&target);
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&target, &link).unwrap();
        let fifo = folder.path().join("fifo");
        nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
        for path in [link, fifo, folder.path().into(), target.join("below")] {
            let entry = Entry {
                content: Content::File(path.clone()),
                ..meant.clone()
            };
            assert!(
                matches!(open(&entry), Err(Unusable::Changed)),
                "{}",
                path.display()
            );
        }
    }

    #[test]
    fn bytes_in_memory_need_no_file() {
        let entry = Entry {
            size: 2,
            modified: std::time::UNIX_EPOCH,
            content: Content::Memory(std::sync::Arc::from(&b"hi"[..])),
            origin: Origin::Made,
        };
        assert!(matches!(open(&entry), Ok(Source::Memory(bytes)) if *bytes == *b"hi"));
    }
}
