//! The `default.ipxe` below the root.

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use crate::boot::fallback::MARKER;

/// Whether Hearth wrote this file: a regular one whose second line is the marker.
pub fn is_ours(path: &Path) -> bool {
    let head = || -> io::Result<Vec<u8>> {
        let mut head = Vec::new();
        // Not through a link, and not waiting for whoever holds a pipe's other end.
        let flags = nix::fcntl::OFlag::O_NOFOLLOW | nix::fcntl::OFlag::O_NONBLOCK;
        let file = OpenOptions::new()
            .read(true)
            .custom_flags(flags.bits())
            .open(path)?;
        let longest = u64::try_from(MARKER.len() + 100).unwrap_or(u64::MAX);
        if file.metadata()?.is_file() {
            file.take(longest).read_to_end(&mut head)?;
        }
        Ok(head)
    };
    head().is_ok_and(|head| {
        let mut lines = head.split(|byte| *byte == b'\n');
        lines.nth(1) == Some(MARKER.as_bytes())
    })
}

/// Puts the file in place as a whole, readable for any server; what is there already is left as it
/// is if it is the same.
pub fn write(path: &Path, text: &[u8]) -> io::Result<()> {
    if is_ours(path) && fs::read(path).is_ok_and(|there| there == text) {
        return Ok(());
    }
    let folder = path.parent().unwrap_or(Path::new("."));
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let half = folder.join(format!(".{name}.{}.partial", std::process::id()));
    let written = fill(&half, text).and_then(|()| fs::rename(&half, path));
    if written.is_err() {
        // What cannot be removed either is cleaned up by the next fetch.
        let _ = fs::remove_file(&half);
    }
    written
}

/// Removes the file, if Hearth wrote it; whether it did.
pub fn remove(path: &Path) -> io::Result<bool> {
    let is_ours = is_ours(path);
    if is_ours {
        fs::remove_file(path)?;
    }
    Ok(is_ours)
}

fn fill(path: &Path, text: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .custom_flags(nix::fcntl::OFlag::O_NOFOLLOW.bits())
        .open(path)?;
    file.write_all(text)?;
    // Whatever the umask is, another TFTP server must be able to read it.
    file.set_permissions(fs::Permissions::from_mode(0o644))?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ours(rest: &str) -> String {
        format!("#!ipxe\n{MARKER}\n{rest}")
    }

    #[test]
    fn only_a_regular_file_with_the_marker_is_ours() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("default.ipxe");
        assert!(!is_ours(&path));
        fs::write(&path, "#!ipxe\necho mine\n").unwrap();
        assert!(!is_ours(&path));
        fs::write(&path, ours("")).unwrap();
        assert!(is_ours(&path));
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert!(!is_ours(&link));
        assert!(!is_ours(folder.path()));
    }

    #[test]
    fn it_is_written_as_a_whole_and_any_server_can_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("default.ipxe");
        for text in [ours("1"), ours("2")] {
            write(&path, text.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o644);
        let names = fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(names, 1, "nothing half is left");
    }

    #[test]
    fn what_is_the_same_is_not_written_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("default.ipxe");
        write(&path, ours("1").as_bytes()).unwrap();
        let inode = |path: &Path| {
            use std::os::unix::fs::MetadataExt;
            fs::metadata(path).unwrap().ino()
        };
        let before = inode(&path);
        write(&path, ours("1").as_bytes()).unwrap();
        assert_eq!(inode(&path), before);
    }
}
