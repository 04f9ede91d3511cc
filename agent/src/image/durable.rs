//! Files that are whole or not there: written beside, synced, renamed, folder synced.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::Path;

/// Puts `bytes` at `path` so that a kill at any moment leaves the old file or the new one.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write_as(path, bytes, 0o644)
}

/// The same, with permissions that hold from the first byte on.
pub fn write_as(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let (folder, name) = split(path)?;
    let beside = folder.join(format!(".{name}.{}.new", std::process::id()));
    let written = write_new(&beside, bytes, mode).and_then(|()| rename(&beside, path));
    if written.is_err() {
        // What is left of the attempt helps nobody; the first error is the one to tell.
        let _ = fs::remove_file(&beside);
    }
    written
}

fn write_new(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(mode)
        .open(path)?;
    belong(&file, path.parent().unwrap_or(path), mode)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Makes a file readable for every server (whatever the umask) and, where root made it, the
/// property of whoever has its folder: `hearth fetch` by hand must not lock the daemon out.
pub fn belong(file: &File, folder: &Path, mode: u32) -> io::Result<()> {
    let (ours, theirs) = (file.metadata()?, fs::metadata(folder)?);
    if ours.mode() & 0o7777 != mode {
        file.set_permissions(fs::Permissions::from_mode(mode))?;
    }
    if (ours.uid(), ours.gid()) != (theirs.uid(), theirs.gid()) {
        // Only root may; for everybody else what they make is theirs, which is as good.
        let _ = fchown(file, Some(theirs.uid()), Some(theirs.gid()));
    }
    Ok(())
}

/// Renames within one folder and syncs it, so that the name survives a loss of power.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    sync_folder(split(to)?.0)
}

/// Syncs a folder's names to the disk.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    match File::open(folder)?.sync_all() {
        // Some file systems cannot sync a folder and need not (FreeBSD's tmpfs says EINVAL).
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
        other => other,
    }
}

fn split(path: &Path) -> io::Result<(&Path, &str)> {
    let name = path.file_name().and_then(|name| name.to_str());
    match (path.parent(), name) {
        (Some(folder), Some(name)) if folder.as_os_str().is_empty() => Ok((Path::new("."), name)),
        (Some(folder), Some(name)) => Ok((folder, name)),
        _ => Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("{} names no file", path.display()),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_is_readable_and_belongs_to_its_folders_owner() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f");
        let root = nix::unistd::geteuid().is_root();
        if root {
            std::os::unix::fs::chown(folder.path(), Some(12_345), Some(23_456)).unwrap();
        }
        let private = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path);
        belong(&private.unwrap(), folder.path(), 0o644).unwrap();
        let found = fs::metadata(&path).unwrap();
        assert_eq!(found.mode() & 0o7777, 0o644);
        assert!(!root || (found.uid(), found.gid()) == (12_345, 23_456));
    }

    #[test]
    fn a_file_is_replaced_and_nothing_is_left_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        write(&path, b"one").unwrap();
        write(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_failed_write_leaves_the_old_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        fs::create_dir(&path).unwrap();
        assert!(write(&path, b"one").is_err());
        assert!(path.is_dir());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
