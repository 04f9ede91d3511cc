//! Whether somebody has a file locked (flock(2)), without being in the way.

use std::fs::File;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};

/// Another process holds the lock of a file now. A file that is not there, or may not be read, is
/// nobody's.
pub fn is_held(path: &Path) -> bool {
    let Ok(file) = File::open(path) else {
        return false;
    };
    // Let go of at once, since whoever takes the lock in this moment is refused.
    let taken = Flock::lock(file, FlockArg::LockSharedNonblock);
    matches!(taken, Err((_, Errno::EWOULDBLOCK)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_seen_as_long_as_it_is_held() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("lock");
        assert!(!is_held(&path));
        let file = File::create(&path).unwrap();
        assert!(!is_held(&path));
        let lock = Flock::lock(file, FlockArg::LockExclusiveNonblock).unwrap();
        assert!(is_held(&path));
        drop(lock);
        assert!(!is_held(&path));
    }
}
