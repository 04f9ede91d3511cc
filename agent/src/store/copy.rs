//! Backups, and going back to one, while everything runs.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::backup::Backup;
use rusqlite::{Connection, params};

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
            .and_then(|()| sync_folder(to))
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

/// Opens a backup and looks whether it can be put in place.
///
/// # Errors
/// A sentence: it is another program's, of a later Hearth, or damaged.
pub fn source(from: &Path) -> Result<Connection, Error> {
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
    Ok(source)
}

/// Puts a backup in place of what is there, which is kept as `hearth.db.before-restore`.
///
/// # Errors
/// A sentence; nothing was changed then.
pub fn restore(
    connection: &mut Connection,
    source: &Connection,
    here: &Path,
) -> Result<Contents, Error> {
    let before = beside(here, ".before-restore");
    let new = beside(here, ".before-restore.new");
    let _ = fs::remove_file(&new);
    // Only a whole one takes the place of an older one, which may be what is restored.
    backup(connection, &new)?;
    fs::rename(&new, &before)
        .map_err(|error| Error(format!("writing {}: {error}", before.display())))?;
    let sentence = |error| broken(here, Unfit::Sqlite(error));
    let given = given(connection).map_err(sentence)?;
    // One transaction of SQLite's: a kill leaves the old state or the new one.
    Backup::new(source, connection)
        .and_then(|backup| backup.run_to_completion(PAGES, Duration::ZERO, None))
        .map_err(sentence)?;
    take_up(connection, given).map_err(|unfit| {
        let from = source.path().map_or(here, Path::new);
        let why = broken(from, unfit);
        match put_back(connection, &before) {
            Ok(()) => Error(format!("{why}; what was there is there again")),
            Err(error) => Error(format!(
                "{why}; what was there could not be put back ({error}): stop hearth, and put {} in the \
                 place of {}",
                before.display(),
                here.display()
            )),
        }
    })
}

/// Makes a database that was just put in place today's, and reads it.
fn take_up(connection: &mut Connection, given: Vec<(String, i64)>) -> Result<Contents, Unfit> {
    migrate(connection)?;
    for (table, highest) in given {
        give_above(connection, &table, highest)?;
    }
    let mut machines = Vec::new();
    let contents = read::contents(connection, &mut |machine| machines.push(machine))?;
    Ok(Contents {
        machines,
        ..contents
    })
}

fn put_back(connection: &mut Connection, before: &Path) -> rusqlite::Result<()> {
    let before = connect(before, false)?;
    Backup::new(&before, connection)?.run_to_completion(PAGES, Duration::ZERO, None)
}

/// The highest number that each table ever gave.
fn given(connection: &Connection) -> rusqlite::Result<Vec<(String, i64)>> {
    let mut statement = connection.prepare("SELECT name, seq FROM sqlite_sequence")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.collect()
}

/// What was given since the backup is not given again: whoever holds an old number would mean another
/// machine by it.
fn give_above(connection: &Connection, table: &str, highest: i64) -> rusqlite::Result<()> {
    let changed = connection.execute(
        "UPDATE sqlite_sequence SET seq = max(seq, ?2) WHERE name = ?1",
        params![table, highest],
    )?;
    if changed == 0 {
        connection.execute(
            "INSERT INTO sqlite_sequence (name, seq) VALUES (?1, ?2)",
            params![table, highest],
        )?;
    }
    Ok(())
}

/// A rename survives a power cut only once its folder is on the disk.
fn sync_folder(path: &Path) -> std::io::Result<()> {
    match path.parent() {
        Some(folder) if folder.as_os_str().is_empty() => File::open(".")?.sync_all(),
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(ending);
    PathBuf::from(name)
}
