//! The store in SQLite.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, mpsc};
use std::thread::JoinHandle;

use nix::fcntl::{Flock, FlockArg};
use rusqlite::{Connection, OpenFlags};

use super::queue::Queue;
use super::read::Take;
use super::rows::{AuditRow, Backlog, Contents, EventFilter, EventRow, Write};
use super::schema::{Unfit, migrate};
use super::{Error, FILE, Pending, Store, copy, look, read, writer};
use crate::config::Events;
use crate::limits;
use crate::sync::held;

/// The database of one agent.
pub struct Sqlite {
    path: PathBuf,
    queue: Arc<Queue>,
    reader: Mutex<Connection>,
    thread: Mutex<Option<JoinHandle<()>>>,
    /// Held as long as this agent has the database.
    _owner: Flock<fs::File>,
}

impl Sqlite {
    /// Opens the database in a folder, or makes one there, and reads what is in it.
    ///
    /// # Errors
    /// A sentence that names the file and the remedy; nothing was overwritten.
    pub fn open(folder: &Path) -> Result<(Arc<Sqlite>, Contents), Error> {
        let mut machines = Vec::new();
        let opened = Sqlite::open_into(folder, &mut |machine| machines.push(machine));
        let (store, contents) = opened?;
        let contents = Contents {
            machines,
            ..contents
        };
        Ok((store, contents))
    }

    /// The same where each machine is taken up while the next is read: with many of them that is
    /// most of a start. None are in what comes back.
    ///
    /// # Errors
    /// As [`Sqlite::open`].
    pub fn open_into(folder: &Path, take: Take) -> Result<(Arc<Sqlite>, Contents), Error> {
        let path = folder.join(FILE);
        let told = |what: &str, error: io::Error| {
            Error(format!(
                "{what} {}: {error}; correct server.state, or who may write there",
                folder.display()
            ))
        };
        fs::create_dir_all(folder).map_err(|error| told("making the folder", error))?;
        let owner = own(folder)?;
        // SQLite makes files with the process's umask; secrets of machines are in this one.
        if !path.exists() {
            OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o640)
                .open(&path)
                .map_err(|error| told("making the database in", error))?;
        }
        let mut connection =
            connect(&path, true).map_err(|error| broken(&path, Unfit::Sqlite(error)))?;
        migrate(&mut connection).map_err(|unfit| broken(&path, unfit))?;
        set_up(&connection).map_err(|error| broken(&path, Unfit::Sqlite(error)))?;
        let contents = read::contents(&connection, take)
            .map_err(|error| broken(&path, Unfit::Sqlite(error)))?;
        let reader = connect(&path, false).map_err(|error| broken(&path, Unfit::Sqlite(error)))?;
        let queue = Arc::new(Queue::default());
        let thread = std::thread::Builder::new().name("store".to_owned()).spawn({
            let (queue, last_event) = (queue.clone(), contents.last_event);
            move || writer::run(&queue, connection, last_event)
        });
        let thread =
            thread.map_err(|error| Error(format!("starting the database's thread: {error}")))?;
        let sqlite = Sqlite {
            path,
            queue,
            reader: Mutex::new(reader),
            thread: Mutex::new(Some(thread)),
            _owner: owner,
        };
        Ok((Arc::new(sqlite), contents))
    }

    /// Whether [`Sqlite::open`] could use what is in a folder. Nothing is written, not even a file that
    /// SQLite would leave; a database that an agent has now is taken for good.
    ///
    /// # Errors
    /// Those of [`Sqlite::open`].
    pub fn look(folder: &Path) -> Result<(), Error> {
        look::look(folder)
    }

    fn reader(&self) -> MutexGuard<'_, Connection> {
        held(&self.reader)
    }
}

impl Store for Sqlite {
    fn write(&self, changes: Vec<Write>) -> Pending {
        let (tell, pending) = Pending::new();
        self.queue.put(changes, tell);
        pending
    }

    fn settled(&self) -> Pending {
        let (tell, pending) = Pending::new();
        self.queue.flush(tell);
        pending
    }

    fn events(&self, filter: &EventFilter) -> Result<Vec<EventRow>, Error> {
        read::events(&self.reader(), filter)
            .map_err(|error| broken(&self.path, Unfit::Sqlite(error)))
    }

    fn audit(&self, before: Option<u64>, limit: usize) -> Result<Vec<AuditRow>, Error> {
        read::audit(&self.reader(), before, limit)
            .map_err(|error| broken(&self.path, Unfit::Sqlite(error)))
    }

    fn backup(&self, to: &Path) -> Result<(), Error> {
        // What waits goes into it too, unless the disk takes nothing now.
        let _ = self.settled().wait();
        let told = |error| broken(&self.path, Unfit::Sqlite(error));
        let source = connect(&self.path, false).map_err(told)?;
        // One state of it, whatever is written meanwhile: the writer does not wait for the copy.
        let state = source.unchecked_transaction().map_err(told)?;
        state
            .query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))
            .map_err(told)?;
        copy::backup(&source, to)
    }

    fn restore(&self, from: &Path) -> Result<Contents, Error> {
        let source = copy::source(from)?;
        let here = self.path.clone();
        let (tell, told) = mpsc::channel();
        self.queue.urgent(Box::new(move |connection| {
            let result = copy::restore(connection, &source, &here);
            let is_done = result.is_ok();
            let told = move || drop(tell.send(result));
            (is_done, Box::new(told))
        }));
        told.recv().unwrap_or_else(|_| Err(Error::closed()))
    }

    fn trouble(&self) -> Option<String> {
        self.queue.trouble()
    }

    fn backlog(&self) -> Backlog {
        self.queue.backlog()
    }

    fn retain(&self, events: &Events) {
        self.queue.retain(events.clone());
    }

    fn close(&self) {
        self.queue.close();
        let thread = held(&self.thread).take();
        if let Some(thread) = thread {
            let _ = thread.join();
        }
    }
}

impl Drop for Sqlite {
    fn drop(&mut self) {
        self.close();
    }
}

/// The file whose lock says that an agent has the database.
pub(super) const OWNER: &str = "hearth.owner";

/// Makes sure that no other agent has the database: each keeps machines in its memory, and would
/// overwrite what the other knows.
fn own(folder: &Path) -> Result<Flock<fs::File>, Error> {
    let path = folder.join(OWNER);
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o640)
        .open(&path);
    let file = file.map_err(|error| {
        Error(format!(
            "opening {}: {error}; correct server.state, or who may write there",
            path.display()
        ))
    })?;
    Flock::lock(file, FlockArg::LockExclusiveNonblock).map_err(|(_, error)| {
        Error(format!(
            "another hearth uses the database in {} ({error}); stop it, or set another server.state",
            folder.display()
        ))
    })
}

/// Opens a database that is there.
pub(super) fn connect(path: &Path, writes: bool) -> rusqlite::Result<Connection> {
    let mode = match writes {
        true => OpenFlags::SQLITE_OPEN_READ_WRITE,
        false => OpenFlags::SQLITE_OPEN_READ_ONLY,
    };
    let connection = Connection::open_with_flags(path, mode | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(limits::STORE_BUSY)?;
    // KiB; the usual two megabytes for each connection are more than all else that is resident.
    connection.pragma_update(None, "cache_size", -limits::STORE_CACHE_KIB)?;
    Ok(connection)
}

/// FULL, so that what was acknowledged survives a power cut: in WAL mode anything less syncs at
/// checkpoints only.
fn set_up(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.set_prepared_statement_cache_capacity(32);
    Ok(())
}

/// The sentence for a database that cannot be used.
pub(super) fn broken(path: &Path, unfit: Unfit) -> Error {
    use rusqlite::ErrorCode::{
        CannotOpen, DatabaseBusy, DatabaseCorrupt, DiskFull, NotADatabase, ReadOnly,
    };
    let path = path.display();
    Error(match unfit {
        Unfit::Foreign => format!(
            "{path} is a database of another program; move it away, or set another server.state"
        ),
        Unfit::Newer { theirs, ours } => format!(
            "{path} was written by a later version of Hearth (schema {theirs}, this one knows {ours}); \
             install that version, or move the file away and restore a backup of this one's"
        ),
        Unfit::Sqlite(error) => {
            let remedy = match error.sqlite_error_code() {
                Some(NotADatabase | DatabaseCorrupt) => {
                    "the file is damaged: move it away, then start hearth and `hearth restore` a backup"
                }
                Some(DiskFull) => "make room on the disk",
                Some(ReadOnly | CannotOpen) => "make the file and its folder writable for hearth",
                Some(DatabaseBusy) => "end the program that has it locked",
                _ => "see what the disk and its log say",
            };
            format!("{path}: {error}; {remedy}")
        }
    })
}

/// The mode of files that hold what is known of machines.
pub(super) fn keep_private(path: &Path) -> io::Result<()> {
    fs::set_permissions(path, fs::Permissions::from_mode(0o640))
}
