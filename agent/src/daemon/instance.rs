//! One agent for one run folder.

use std::fmt::Display;
use std::fs::{self, File};
use std::io::{Read, Seek, Write};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};

use super::SOCKET;
use super::error::Error;

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
            .open(&path)
            .map_err(|error| unusable("writing hearth.pid in", run, &error))?;
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
        let first = Instance::take(&run).unwrap();
        let error = Instance::take(&run).unwrap_err();
        assert_eq!(error.exit_code(), 75);
        let process = format!("process {};", std::process::id());
        assert!(error.to_string().contains(&process), "{error}");
        drop(first);
        Instance::take(&run).unwrap();
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
