//! Backups, and going back to one, while everything runs.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::backup::Backup;

use super::rows::Contents;
use super::schema::{Unfit, migrate, version};
use super::sqlite::{broken, connect, keep_private};
use super::{Error, read};

/// Pages of a copy between two looks at whether the source changed.
const PAGES: i32 = 1_000;

/// Writes a whole copy to a path that is not there yet.
///
/// # Errors
/// A sentence; nothing is at the path then.
pub fn backup(connection: &Connection, to: &Path) -> Result<(), Error> {
    if to.symlink_metadata().is_ok() {
        return Err(Error(format!(
            "{} is there already; name a file that is not",
            to.display()
        )));
    }
    let partial = beside(to, ".partial");
    let _ = fs::remove_file(&partial);
    let done = copy(connection, &partial).and_then(|()| {
        let file = File::open(&partial).and_then(|file| file.sync_all());
        file.and_then(|()| keep_private(&partial))
            .and_then(|()| fs::rename(&partial, to))
            .map_err(|error| Error(format!("writing {}: {error}", to.display())))
    });
    if done.is_err() {
        let _ = fs::remove_file(&partial);
    }
    done
}

fn copy(connection: &Connection, to: &Path) -> Result<(), Error> {
    let told = |error| {
        Error(format!(
            "writing {}: {error}; nothing was kept there",
            to.display()
        ))
    };
    let mut target = Connection::open(to).map_err(told)?;
    Backup::new(connection, &mut target)
        .and_then(|backup| backup.run_to_completion(PAGES, Duration::ZERO, None))
        .map_err(told)?;
    // One file, without a log beside it.
    target
        .pragma_update(None, "journal_mode", "DELETE")
        .map_err(told)?;
    target.close().map_err(|(_, error)| told(error))
}

/// Puts a backup in place of what is there, which is kept as `hearth.db.before-restore`.
///
/// # Errors
/// A sentence; nothing was changed then.
pub fn restore(connection: &mut Connection, from: &Path, here: &Path) -> Result<Contents, Error> {
    let source = connect(from, false).map_err(|error| broken(from, Unfit::Sqlite(error)))?;
    match version(&source) {
        Ok(0) => return Err(broken(from, Unfit::Foreign)),
        Ok(_) => {}
        Err(unfit) => return Err(broken(from, unfit)),
    }
    let verdict: String = source
        .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
        .map_err(|error| broken(from, Unfit::Sqlite(error)))?;
    if verdict != "ok" {
        return Err(Error(format!(
            "{} is damaged: {verdict}; take another backup, nothing was changed",
            from.display()
        )));
    }
    let before = beside(here, ".before-restore");
    let _ = fs::remove_file(&before);
    backup(connection, &before)?;
    let sentence = |error| broken(here, Unfit::Sqlite(error));
    Backup::new(&source, connection)
        .and_then(|backup| backup.run_to_completion(PAGES, Duration::ZERO, None))
        .map_err(sentence)?;
    migrate(connection).map_err(|unfit| broken(here, unfit))?;
    read::contents(connection).map_err(sentence)
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(ending);
    PathBuf::from(name)
}
