//! One agent for one run folder.

use std::fmt::Display;
use std::fs::{self, File};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg, OFlag};

use super::SOCKET;
use super::error::Error;
use crate::sys::lock;
use crate::sys::privilege::Account;

/// The file that says which process has the run folder. Its lock counts and not its text, so what a
/// killed agent left is in nobody's way.
const FILE: &str = "hearth.pid";

/// The run folder, held by this process.
#[derive(Debug)]
pub struct Instance(Flock<File>);

impl Instance {
    /// Takes the run folder, and makes it if it is not there.
    ///
    /// # Errors
    /// Another agent has it, whose process is named; or it cannot be used.
    pub fn take(run: &Path) -> Result<Instance, Error> {
        fs::create_dir_all(run).map_err(|error| unusable("making the folder", run, &error))?;
        let path = run.join(FILE);
        let mut file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            // The folder may be another user's, and root writes into what stands here.
            .custom_flags(OFlag::O_NOFOLLOW.bits())
            .open(&path)
            .map_err(|error| unusable("writing hearth.pid in", run, &error))?;
        if file.metadata().is_ok_and(|meta| meta.nlink() > 1) {
            let error = "hearth.pid has another name too, so it is not Hearth's";
            return Err(unusable("writing hearth.pid in", run, &error));
        }
        let mut process = String::new();
        let _ = (&mut file).take(20).read_to_string(&mut process);
        let mut lock = match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => lock,
            Err((_, Errno::EWOULDBLOCK)) => return Err(running(run, process.trim())),
            Err((_, error)) => return Err(unusable("locking hearth.pid in", run, &error)),
        };
        lock.set_len(0)
            .and_then(|()| lock.rewind())
            .and_then(|()| writeln!(lock, "{}", std::process::id()))
            .map_err(|error| unusable("writing hearth.pid in", run, &error))?;
        // The folder is ours, so a socket that is there is what a killed agent left.
        let _ = fs::remove_file(run.join(SOCKET));
        Ok(Instance(lock))
    }

    /// An agent has this run folder now.
    pub fn is_held(run: &Path) -> bool {
        lock::is_held(&run.join(FILE))
    }

    /// Makes hearth.pid this user's, so that a hearth that is started as this user can take it.
    pub fn give(&self, user: &Account) {
        let (uid, gid) = user.numbers();
        // What it is for works without.
        let _ = fchown(&*self.0, Some(uid), Some(gid));
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        let _ = self.0.set_len(0);
    }
}

fn running(run: &Path, process: &str) -> Error {
    let which = match process {
        "" => "as another process".to_owned(),
        process => format!("as process {process}"),
    };
    Error::Running(format!(
        "hearth runs already with the folder {}, {which}; stop it first, or give this one another \
         server.run",
        run.display()
    ))
}

fn unusable(doing: &str, run: &Path, error: &dyn Display) -> Error {
    let run = run.display();
    Error::Files(format!("{doing} {run}: {error}; correct server.run"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_one_agent_and_is_free_after_it() {
        let folder = tempfile::tempdir().unwrap();
        let run = folder.path().join("new/run");
        assert!(!Instance::is_held(&run));
        let first = Instance::take(&run).unwrap();
        assert!(Instance::is_held(&run));
        let error = Instance::take(&run).unwrap_err();
        assert_eq!(error.exit_code(), 75);
        let process = format!("process {};", std::process::id());
        assert!(error.to_string().contains(&process), "{error}");
        drop(first);
        Instance::take(&run).unwrap();
    }

    #[test]
    fn a_link_in_the_place_of_the_pid_file_is_not_written_through() {
        let folder = tempfile::tempdir().unwrap();
        let (other, run) = (folder.path().join("other"), folder.path().join("run"));
        fs::create_dir(&run).unwrap();
        fs::write(&other, "precious").unwrap();
        let file = run.join(FILE);
        for is_hard in [false, true] {
            match is_hard {
                false => std::os::unix::fs::symlink(&other, &file).unwrap(),
                true => fs::hard_link(&other, &file).unwrap(),
            }
            assert_eq!(Instance::take(&run).unwrap_err().exit_code(), 73);
            assert_eq!(fs::read(&other).unwrap(), b"precious");
            fs::remove_file(&file).unwrap();
        }
    }

    #[test]
    fn what_a_killed_agent_left_is_in_nobodys_way() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(FILE), "1\n").unwrap();
        fs::write(folder.path().join(SOCKET), "").unwrap();
        Instance::take(folder.path()).unwrap();
        assert!(!folder.path().join(SOCKET).exists());
    }
}
