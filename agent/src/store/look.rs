//! A database seen without a trace, before an agent starts on it.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::schema::{Unfit, is_todays, version};
use super::sqlite::{OWNER, broken};
use super::{Error, FILE, read};
use crate::percent;
use crate::sys::lock;

/// [`super::Sqlite::look`].
pub fn look(folder: &Path) -> Result<(), Error> {
    let path = folder.join(FILE);
    if !path.exists() || lock::is_held(&folder.join(OWNER)) {
        return Ok(());
    }
    judge(&path).map_err(|unfit| broken(&path, unfit))
}

fn judge(path: &Path) -> Result<(), Unfit> {
    let connection = connect(path)?;
    let version = version(&connection)?;
    // What a killed agent left beside the file belongs to it, and is not seen here; an older schema is
    // read once it is today's.
    let has_log = fs::metadata(path.with_extension("db-wal")).is_ok_and(|log| log.len() > 0);
    if is_todays(version) && !has_log {
        read::contents(&connection, &mut |_| ())?;
    }
    Ok(())
}

/// `immutable`: SQLite takes no lock and makes no files, which would be of whoever looks.
fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let path = percent::encoded_path(path.as_os_str().as_bytes());
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_URI
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(format!("file:{path}?immutable=1"), flags)
}

#[cfg(test)]
mod tests {
    use super::super::{MachineRow, Sqlite, Store, Write};
    use super::*;
    use crate::id::MachineId;

    fn files(folder: &Path) -> Vec<String> {
        let files = fs::read_dir(folder).unwrap().flatten();
        let mut names: Vec<_> = files
            .map(|file| file.file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    fn change(path: &Path, sql: &str) {
        Connection::open(path).unwrap().execute_batch(sql).unwrap();
    }

    #[test]
    fn a_database_is_judged_and_left_as_it_is() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("of 100% #1?");
        look(&folder).unwrap();
        let (store, _) = Sqlite::open(&folder).unwrap();
        // Whoever has it has read it.
        look(&folder).unwrap();
        store.close();
        drop(store);
        let path = folder.join(FILE);
        let before = (files(&folder), fs::read(&path).unwrap());
        look(&folder).unwrap();
        assert_eq!(before, (files(&folder), fs::read(&path).unwrap()));
        change(&path, "PRAGMA user_version = 9999");
        let error = look(&folder).unwrap_err().to_string();
        assert!(error.contains("later version of Hearth"), "{error}");
        change(&path, "PRAGMA application_id = 1");
        let error = look(&folder).unwrap_err().to_string();
        assert!(error.contains("another program"), "{error}");
        fs::write(&path, "nonsense".repeat(1000)).unwrap();
        let before = files(&folder);
        let error = look(&folder).unwrap_err().to_string();
        assert!(error.contains("the file is damaged"), "{error}");
        assert_eq!(before, files(&folder));
    }

    #[test]
    fn a_page_that_is_damaged_is_found() {
        let place = tempfile::tempdir().unwrap();
        let (store, _) = Sqlite::open(place.path()).unwrap();
        let machine = |id| {
            Write::Machine(Box::new(MachineRow {
                id: MachineId(id),
                name: None,
                uuid: None,
                phase: "ready".to_owned(),
                last_seen: 5,
                data: format!(r#"{{"note":"{}"}}"#, "x".repeat(200)),
            }))
        };
        let changes = (1..2000).map(machine).collect();
        store.write(changes).wait().unwrap();
        store.close();
        drop(store);
        let path = place.path().join(FILE);
        let mut bytes = fs::read(&path).unwrap();
        let end = bytes.len();
        assert!(end > 40_960);
        bytes[8192..end - 4096].fill(0xff);
        fs::write(&path, bytes).unwrap();
        let error = look(place.path()).unwrap_err().to_string();
        assert!(error.contains("the file is damaged"), "{error}");
    }
}
