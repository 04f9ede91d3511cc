//! Which database this is, and how an older one becomes today's.

use rusqlite::{Connection, TransactionBehavior};

/// `application_id` in the file's head: "HRTH".
const APPLICATION: i32 = 0x4852_5448;

/// One script for each step of the schema; `user_version` counts those that were run.
const MIGRATIONS: [&str; 3] = [
    include_str!("migrations/001_begin.sql"),
    include_str!("migrations/002_machines_once.sql"),
    include_str!("migrations/003_fetches.sql"),
];

/// Why a file cannot be used.
#[derive(Debug)]
pub enum Unfit {
    /// A database, but another program's.
    Foreign,
    /// Written by a later Hearth.
    Newer {
        /// Its schema.
        theirs: i32,
        /// The latest that is known here.
        ours: usize,
    },
    /// SQLite cannot read or write it.
    Sqlite(rusqlite::Error),
}

impl From<rusqlite::Error> for Unfit {
    fn from(error: rusqlite::Error) -> Unfit {
        Unfit::Sqlite(error)
    }
}

/// Makes a database today's: an empty one from nothing, an older one by the missing steps, each whole
/// or not at all. One that is not Hearth's, or of a later Hearth, is not touched.
///
/// # Errors
/// [`Unfit`]; nothing was changed then, or only by steps that are complete.
pub fn migrate(connection: &mut Connection) -> Result<(), Unfit> {
    let mut done = version(connection)?;
    while let Some(script) = MIGRATIONS.get(done) {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        // Another process may have come first.
        let now = version(&transaction)?;
        if now == done {
            transaction.execute_batch(script)?;
            transaction.pragma_update(None, "application_id", APPLICATION)?;
            transaction.pragma_update(None, "user_version", (done + 1) as i64)?;
            transaction.commit()?;
        }
        done += 1;
    }
    Ok(())
}

/// Whether a database of this version has every step behind it.
pub fn is_todays(version: usize) -> bool {
    version == MIGRATIONS.len()
}

/// How many steps a database has behind it; 0: it is empty.
///
/// # Errors
/// [`Unfit`].
pub fn version(connection: &Connection) -> Result<usize, Unfit> {
    let number = |pragma: &str| connection.pragma_query_value(None, pragma, |row| row.get(0));
    let (application, version): (i32, i32) = (number("application_id")?, number("user_version")?);
    let objects: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    match usize::try_from(version) {
        Ok(0) if objects == 0 && application == 0 => Ok(0),
        Ok(version) if application == APPLICATION && (1..=MIGRATIONS.len()).contains(&version) => {
            Ok(version)
        }
        _ if application == APPLICATION && version > 0 => Err(Unfit::Newer {
            theirs: version,
            ours: MIGRATIONS.len(),
        }),
        _ => Err(Unfit::Foreign),
    }
}
