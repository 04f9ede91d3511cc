//! `server.user`: what the agent owns before it becomes this user, and what it makes sure of after.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::error::Error;
use crate::config::Config;
use crate::sys::confine;
use crate::sys::privilege::{self, Account};

/// The user that the agent is to become; `None`: it stays who it is.
///
/// # Errors
/// There is no such user, or this process may not become it.
pub fn wanted(config: &Config) -> Result<Option<Account>, Error> {
    let Some(name) = &config.server.user else {
        return Ok(None);
    };
    let account = Account::named(name)
        .map_err(|error| Error::System(format!("looking up server.user {name}: {error}")))?;
    let Some(account) = account.filter(|account| !account.is_root()) else {
        return Err(Error::Config(format!(
            "server.user: this host has no user {name} other than root; make one (FreeBSD: pw \
             useradd {name} -d /nonexistent -s /usr/sbin/nologin; Linux: useradd --system {name}), or \
             take server.user out"
        )));
    };
    if !privilege::is_root() && !account.is_self() {
        return Err(Error::Permission(format!(
            "becoming user {name}: only root can; start hearth as root or as {name}, or take \
             server.user out"
        )));
    }
    Ok(Some(account))
}

/// Makes the folder if it is not there, and then it is the user's.
///
/// # Errors
/// [`Error::Files`], which names the key.
pub fn folder(path: &Path, key: &str, user: Option<&Account>) -> Result<(), Error> {
    let failed = |doing: &str, error: io::Error| {
        let path = path.display();
        Error::Files(format!("{doing} the folder {path}: {error}; correct {key}"))
    };
    if path.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(path).map_err(|error| failed("making", error))?;
    match user {
        Some(user) => user
            .give(path)
            .map_err(|error| failed("changing the owner of", error)),
        None => Ok(()),
    }
}

/// Becomes the user for good. Everything that takes root has to be open by now, and no thread may
/// run.
///
/// # Errors
/// [`Error::System`] if the system refuses a step; [`Error::Permission`] if the user has no use of a
/// folder.
pub fn become_it(user: &Account, config: &Config) -> Result<(), Error> {
    let name = &user.name;
    let failed = |error| Error::System(format!("becoming user {name}: {error}"));
    match privilege::is_root() {
        true => user.become_for_good().map_err(failed)?,
        false => privilege::give_up_capabilities().map_err(failed)?,
    }
    privilege::lock_down().map_err(failed)?;
    let server = &config.server;
    for (key, folder) in [
        ("run", &server.run),
        ("state", &server.state),
        ("root", &server.root),
    ] {
        if let Some(path) = closed(key, folder) {
            let (path, folder) = (path.display(), folder.display());
            return Err(Error::Permission(format!(
                "user {name} may not write {path}; run `chown -R {name} {folder}`, or correct \
                 server.{key}"
            )));
        }
    }
    Ok(())
}

/// What the user may not write of a folder: it itself, or one of the files that Hearth keeps there. In
/// `root` there are files of other people, which it only reads.
fn closed(key: &str, folder: &Path) -> Option<PathBuf> {
    if privilege::may_not_write(folder) {
        return Some(folder.to_owned());
    }
    if key == "root" {
        return None;
    }
    let files = fs::read_dir(folder).ok()?.flatten();
    let ours = files.filter(|file| {
        let name = file.file_name();
        let is_ours = name.as_encoded_bytes().starts_with(b"hearth.");
        is_ours && file.file_type().is_ok_and(|kind| kind.is_file())
    });
    ours.map(|file| file.path())
        .find(|path| privilege::may_not_write(path))
}

/// Where the agent writes: the folders of the configuration, and one for files that last as long as it
/// does.
pub fn writes(config: &Config) -> Vec<PathBuf> {
    let server = &config.server;
    let folders = [&server.root, &server.state, &server.run].map(PathBuf::clone);
    folders.into_iter().chain([std::env::temp_dir()]).collect()
}

/// From here on this process writes there only, and starts no program. Returns the folders, unless
/// this system knows nothing of the kind.
///
/// # Errors
/// [`Error::System`].
pub fn confine(config: &Config) -> Result<Vec<PathBuf>, Error> {
    let folders = writes(config);
    let there: Vec<PathBuf> = folders.into_iter().filter(|one| one.is_dir()).collect();
    match confine::confine(&there) {
        Ok(true) => Ok(there),
        Ok(false) => Ok(Vec::new()),
        Err(error) => Err(Error::System(format!("confining this process: {error}"))),
    }
}

/// A reload reads the files again, as the user that the agent is by then.
pub fn unreadable(user: &Account, files: &[PathBuf]) -> Vec<String> {
    let closed = files.iter().filter(|file| privilege::may_not_read(file));
    closed
        .map(|file| {
            let (name, file) = (&user.name, file.display());
            format!(
                "user {name} may not read {file}, so a reload will be refused; run `chgrp \"$(id -gn \
                 {name})\" {file} && chmod g+r {file}`"
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boot::testing;

    #[test]
    fn a_user_that_is_not_there_is_told_with_how_to_make_it() {
        let mut config = testing::config("");
        assert!(wanted(&config).unwrap().is_none());
        config.server.user = Some("no-such-user".to_owned());
        let error = wanted(&config).unwrap_err();
        assert_eq!(error.exit_code(), 78);
        assert!(error.to_string().contains("pw useradd no-such-user"));
    }

    #[test]
    fn a_folder_that_is_there_keeps_its_owner() {
        let place = tempfile::tempdir().unwrap();
        folder(place.path(), "server.state", None).unwrap();
        let new = place.path().join("a/b");
        folder(&new, "server.state", None).unwrap();
        assert!(new.is_dir());
        fs::write(place.path().join("file"), "").unwrap();
        let error = folder(&place.path().join("file/x"), "server.state", None).unwrap_err();
        assert!(error.to_string().ends_with("; correct server.state"));
    }
}
