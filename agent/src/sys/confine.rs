//! What this process may still do to files, from some moment on and for good: it writes below a few
//! folders, and starts no program. Linux alone has this for a process that opens files by path
//! (landlock(7)); where it has not, who the process is says what it may.

use std::io;
use std::path::{Path, PathBuf};

/// Has this thread, and every thread that it starts from now on, write below these folders only, make
/// neither devices nor pipes anywhere, and execute nothing. Reading stays as it is. `false`: the kernel does not
/// know this.
///
/// # Errors
/// A folder cannot be opened, or the kernel refuses.
#[cfg(target_os = "linux")]
pub fn confine(folders: &[PathBuf]) -> io::Result<bool> {
    use landlock::{
        ABI, AccessFs, PathBeneath, PathFd, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetStatus,
    };
    let writes = AccessFs::from_write(ABI::V3);
    let never = AccessFs::MakeChar | AccessFs::MakeBlock | AccessFs::MakeFifo;
    let other = io::Error::other::<landlock::RulesetError>;
    let ruleset = Ruleset::default().handle_access(writes | AccessFs::Execute);
    let mut ruleset = ruleset.and_then(Ruleset::create).map_err(other)?;
    let nothing = (Path::new("/dev/null"), AccessFs::WriteFile.into());
    let folders = folders.iter().map(|folder| (&**folder, writes & !never));
    for (path, access) in folders.chain([nothing]) {
        let opened = PathFd::new(path).map_err(|error| {
            let path = path.display();
            io::Error::other(format!("opening {path}: {error}"))
        })?;
        let rule = PathBeneath::new(opened, access);
        ruleset = ruleset.add_rule(rule).map_err(other)?;
    }
    let status = ruleset.restrict_self().map_err(other)?;
    Ok(status.ruleset != RulesetStatus::NotEnforced)
}

/// Has nothing happen here.
///
/// # Errors
/// None.
#[cfg(not(target_os = "linux"))]
pub fn confine(_folders: &[PathBuf]) -> io::Result<bool> {
    Ok(false)
}

/// A path without links, as far as there is something at it.
pub fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// Whether a path lies in or below one of the folders, whatever links lead there.
pub fn is_within(path: &Path, folders: &[PathBuf]) -> bool {
    let path = real(path);
    folders.iter().any(|folder| path.starts_with(real(folder)))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_link_out_of_a_folder_is_not_within_it() {
        let place = tempfile::tempdir().unwrap();
        let (inside, outside) = (place.path().join("in"), place.path().join("out"));
        fs::create_dir_all(inside.join("a")).unwrap();
        fs::create_dir(&outside).unwrap();
        symlink(&outside, inside.join("link")).unwrap();
        let folders = [inside.clone()];
        assert!(is_within(&inside, &folders) && is_within(&inside.join("a"), &folders));
        assert!(!is_within(&outside, &folders));
        assert!(!is_within(&inside.join("link"), &folders));
        assert!(!is_within(&place.path().join("in-too"), &folders));
    }
}
