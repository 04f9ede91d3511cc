//! Room on the disk, asked for before it is used.

use std::path::Path;

use nix::sys::statvfs::statvfs;

use crate::event::Cause;
use crate::fetch::FailureKind;
use crate::fetch::trouble::Trouble;

/// Bytes that Hearth's user may still write below a folder.
fn free(folder: &Path) -> Result<u64, Trouble> {
    let found = statvfs(folder).map_err(|error| {
        let doing = format!("cannot tell the room on the disk of {}", folder.display());
        Trouble::disk(doing, &error.into())
    })?;
    // Both are 32 bits wide on some systems.
    #[allow(clippy::useless_conversion, clippy::unnecessary_cast)]
    let (blocks, size) = (
        found.blocks_available() as u64,
        found.fragment_size() as u64,
    );
    Ok(usable(blocks).saturating_mul(size))
}

/// Blocks as statvfs(3) tells them. FreeBSD's UFS keeps some for root; once those are in use the number
/// is below zero, and the unsigned field shows it as one near 2^64.
fn usable(blocks: u64) -> u64 {
    i64::try_from(blocks).map_or(0, |_| blocks)
}

/// An error unless `need` bytes can be written below `folder` and `keep_free` bytes stay free.
pub(super) fn check(folder: &Path, need: u64, keep_free: u64) -> Result<(), Trouble> {
    judge(folder, free(folder)?, need, keep_free)
}

fn judge(folder: &Path, free: u64, need: u64, keep_free: u64) -> Result<(), Trouble> {
    if free >= need.saturating_add(keep_free) {
        return Ok(());
    }
    Err(Trouble::lasting(
        FailureKind::Disk,
        format!(
            "not enough room on the disk of {}: {} are needed, {} are free, and `fetch.keep_free` \
             keeps {} for others; make room (`hearth lock prune` removes old versions)",
            folder.display(),
            bytes(need),
            bytes(free),
            bytes(keep_free)
        ),
    )
    .because(Cause::DiskFull))
}

/// Bytes as people say them.
pub(super) fn bytes(bytes: u64) -> String {
    match bytes {
        0..10_000 => format!("{bytes} bytes"),
        10_000..10_000_000 => format!("{} kB", bytes / 1_000),
        10_000_000..10_000_000_000 => format!("{} MB", bytes / 1_000_000),
        _ => format!("{} GB", bytes / 1_000_000_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_free_stays_free() {
        let folder = Path::new("/x");
        assert!(judge(folder, 100, 60, 40).is_ok());
        let trouble = judge(folder, 99_000_000, 60_000_000, 40_000_000).unwrap_err();
        assert_eq!(trouble.failure.kind, FailureKind::Disk);
        let reason = trouble.failure.reason;
        assert!(
            reason.contains("60 MB are needed, 99 MB are free"),
            "{reason}"
        );
    }

    #[test]
    fn a_disk_that_is_fuller_than_full_has_no_room() {
        assert_eq!(usable(7), 7);
        assert_eq!(usable((-7_i64).cast_unsigned()), 0);
    }

    #[test]
    fn the_disk_of_a_folder_is_asked() {
        let folder = tempfile::tempdir().unwrap();
        assert!(check(folder.path(), 1, 0).is_ok());
        assert!(check(folder.path(), u64::MAX / 2, 0).is_err());
        assert!(check(&folder.path().join("none"), 1, 0).is_err());
    }
}
