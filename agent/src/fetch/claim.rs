//! One fetch at a time: whoever fetches or changes the lock holds a lock file in `server.state`.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::fetch::Failure;
use crate::fetch::trouble::Trouble;
use crate::image::durable;

/// The name of the lock file.
const FILE: &str = "fetch.busy";

/// Held while a process fetches; the system takes it back when the process ends, however it ends.
#[derive(Debug)]
pub(super) struct Claim {
    _file: File,
}

impl Claim {
    /// Waits until nobody else holds it; `waiting` is told whom it waits for.
    pub fn take(state: &Path, waiting: &dyn Fn(&str)) -> Result<Claim, Failure> {
        let path = state.join(FILE);
        let trouble = |error: &std::io::Error| {
            Trouble::disk(
                format!("cannot begin to fetch with {}", path.display()),
                error,
            )
            .failure
        };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o644)
            .custom_flags(libc::O_NOFOLLOW)
            .open(&path)
            .map_err(|error| trouble(&error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // Whoever holds it may just be writing its number: then it stays unnamed.
                let _ = (&mut file).take(20).read_to_string(&mut holder);
                let holder = match holder.trim().parse::<u32>() {
                    Ok(id) => format!("process {id}"),
                    Err(_) => "another process".to_owned(),
                };
                waiting(&format!("waiting for {holder}, which is fetching too"));
                file.lock().map_err(|error| trouble(&error))?;
            }
            Err(TryLockError::Error(error)) => return Err(trouble(&error)),
        }
        let told = durable::belong(&file, state, 0o644)
            .and_then(|()| file.set_len(0))
            .and_then(|()| file.seek(SeekFrom::Start(0)))
            .and_then(|_| writeln!(file, "{}", std::process::id()));
        match told {
            // The number is for people only, and a full disk is not yet a reason to stop.
            Ok(()) | Err(_) => Ok(Claim { _file: file }),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn the_second_waits_and_says_for_whom() {
        let folder = tempfile::tempdir().unwrap();
        let first = Claim::take(folder.path(), &|_| panic!("nobody holds it")).unwrap();
        let (told, heard) = mpsc::channel();
        let path = folder.path().to_owned();
        let second = std::thread::spawn(move || {
            Claim::take(&path, &|line| told.send(line.to_owned()).unwrap()).map(drop)
        });
        let line = heard.recv().unwrap();
        assert!(
            line.contains(&format!("process {}", std::process::id())),
            "{line}"
        );
        assert!(!second.is_finished());
        drop(first);
        second.join().unwrap().unwrap();
    }

    #[test]
    fn a_state_folder_that_is_not_there_is_told() {
        let failure = Claim::take(Path::new("/nonexistent/state"), &|_| ()).unwrap_err();
        assert!(
            failure.reason.contains("/nonexistent/state/fetch.busy"),
            "{failure:?}"
        );
    }
}
