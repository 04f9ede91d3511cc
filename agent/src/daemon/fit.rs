//! What `hearth check --serve` looks at besides the configuration: all that ends a start in the same way
//! each time, and that waits for a person. A supervisor that starts Hearth again and again asks this first.

use std::path::Path;

use super::error::Error;
use super::instance::Instance;
use super::{read_lock, sockets, user};
use crate::config::Config;
use crate::store::Sqlite;
use crate::sys::privilege;

/// Whether `serve` could use the user, the folders, the lock and the database that a configuration
/// names. What comes back is in its way now and may go by itself: a port that another program has. Nothing
/// is made or changed, and an agent that runs is in nobody's way. Root becomes `server.user` for good, to
/// see what that user may do.
///
/// # Errors
/// Those with which `serve` would end.
pub fn fits(config: &Config) -> Result<Option<Error>, Error> {
    let server = &config.server;
    let user = user::wanted(config)?;
    for (path, key) in [
        (&server.run, "server.run"),
        (&server.root, "server.root"),
        (&server.state, "server.state"),
    ] {
        can_be_made(path, key)?;
    }
    let taken = match Instance::is_held(&server.run) {
        true => None,
        false => sockets::bind(config).err(),
    };
    if let Some(user) = &user {
        user::become_it(user, config)?;
    }
    read_lock(config).map_err(Error::Lock)?;
    Sqlite::look(&server.state).map_err(|error| Error::Store(error.to_string()))?;
    Ok(taken)
}

/// The folder is there, or whoever this is may make it.
fn can_be_made(path: &Path, key: &str) -> Result<(), Error> {
    let mut nearest = path
        .ancestors()
        .filter(|one| one.symlink_metadata().is_ok());
    let Some(nearest) = nearest.next() else {
        return Ok(());
    };
    let why = match nearest.is_dir() {
        false => format!("{} is no folder", nearest.display()),
        true if nearest != path && privilege::may_not_write(nearest) => {
            format!("{} may not be written", nearest.display())
        }
        true => return Ok(()),
    };
    let path = path.display();
    Err(Error::Files(format!(
        "making the folder {path}: {why}; correct {key}"
    )))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_folder_that_is_not_there_is_made_unless_a_file_is_in_the_way() {
        let place = tempfile::tempdir().unwrap();
        fs::write(place.path().join("file"), "").unwrap();
        can_be_made(place.path(), "server.run").unwrap();
        can_be_made(&place.path().join("a/b"), "server.run").unwrap();
        for name in ["file", "file/a"] {
            let error = can_be_made(&place.path().join(name), "server.run").unwrap_err();
            assert_eq!(error.exit_code(), 73);
            let text = error.to_string();
            assert!(
                text.contains("file is no folder; correct server.run"),
                "{text}"
            );
        }
        assert!(!place.path().join("a").exists());
    }
}
