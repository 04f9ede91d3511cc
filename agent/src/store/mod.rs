//! What happened, on the disk: SQLite in WAL mode, in `server.state`/`hearth.db`. All SQL of Hearth
//! is below this module; what goes in and out are the plain types of [`rows`], so that another engine
//! can take its place behind [`Store`].
//!
//! One thread writes. Whoever needs a change to be on the disk waits for its [`Pending`]; changes that
//! wait at the same time are committed together with one fsync, so a boot storm is not bound by the
//! disk. Nobody waits for events.

mod apply;
mod copy;
mod look;
mod memory;
mod prune;
mod queue;
mod read;
pub mod rows;
mod schema;
mod sqlite;
mod writer;

use std::fmt;
use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Instant;

use tokio::sync::oneshot;

use crate::config::Events;
use crate::limits;

pub use memory::Memory;
pub use rows::{
    AuditRow, Backlog, Contents, EventFilter, EventRow, KeptMachine, MachineRow, TokenRow, Write,
};
pub use sqlite::Sqlite;

/// The database's name in `server.state`.
pub const FILE: &str = "hearth.db";

/// Keeps what happened.
pub trait Store: Send + Sync {
    /// Takes changes in order; they are in force on the disk, all of them or none, once what comes
    /// back says so. Does not block for the disk.
    fn write(&self, changes: Vec<Write>) -> Pending;

    /// Ends once all that was written before is on the disk; without a disk it is.
    fn settled(&self) -> Pending {
        Pending::over(Ok(()))
    }

    /// The events that a filter lets through.
    ///
    /// # Errors
    /// They cannot be read.
    fn events(&self, filter: &EventFilter) -> Result<Vec<EventRow>, Error>;

    /// The audit log before a number, the newest first.
    ///
    /// # Errors
    /// It cannot be read.
    fn audit(&self, before: Option<u64>, limit: usize) -> Result<Vec<AuditRow>, Error>;

    /// Writes a whole copy to a path that does not exist yet, while all goes on.
    ///
    /// # Errors
    /// The copy cannot be written; there is none then.
    fn backup(&self, to: &Path) -> Result<(), Error>;

    /// Puts a backup in place of what is there, which is kept beside it, while all goes on.
    ///
    /// # Errors
    /// The backup cannot be used; nothing was changed.
    fn restore(&self, from: &Path) -> Result<Contents, Error>;

    /// Why changes are not kept now, if they are not (a full disk, a database that broke): what is in
    /// memory stays in force, and writing is tried again.
    fn trouble(&self) -> Option<String>;

    /// What waits to be written, and what found no room.
    fn backlog(&self) -> Backlog {
        Backlog::default()
    }

    /// Writes what waits, and nothing that comes later.
    fn close(&self) {}

    /// Which events are kept from now on; those that are too many go by and by.
    fn retain(&self, events: &Events) {
        let _ = events;
    }
}

/// A change that may not be on the disk yet. Dropped, it is written all the same.
#[derive(Debug)]
pub struct Pending(oneshot::Receiver<Result<(), Error>>);

/// Tells the end of a [`Pending`].
pub type Written = oneshot::Sender<Result<(), Error>>;

impl Pending {
    /// One that ends when it is told.
    pub fn new() -> (Written, Pending) {
        let (tell, told) = oneshot::channel();
        (tell, Pending(told))
    }

    /// One that is over.
    pub fn over(result: Result<(), Error>) -> Pending {
        let (tell, told) = Pending::new();
        let _ = tell.send(result);
        told
    }

    /// Waits until it is on the disk, [`limits::STORE_PATIENCE`] at most: also where it stands behind
    /// other changes that the disk does not take. Not for asynchronous code.
    ///
    /// # Errors
    /// It is not, or not yet.
    pub fn wait(mut self) -> Result<(), Error> {
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        let mut context = Context::from_waker(&waker);
        let until = Instant::now() + limits::STORE_PATIENCE;
        loop {
            if let Poll::Ready(told) = Pin::new(&mut self.0).poll(&mut context) {
                return told.unwrap_or(Err(Error::closed()));
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Error::late());
            }
            thread::park_timeout(left);
        }
    }

    /// The same for asynchronous code.
    ///
    /// # Errors
    /// It is not, and will not be.
    pub async fn written(self) -> Result<(), Error> {
        self.0.await.unwrap_or(Err(Error::closed()))
    }
}

/// Wakes a thread that waits.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Why something could not be kept or read: a sentence with the remedy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error(pub String);

impl Error {
    fn late() -> Error {
        Error(format!(
            "the change is in memory only: the database did not take it within {} s; it is tried \
             further, and the log says what to do",
            limits::STORE_PATIENCE.as_secs()
        ))
    }

    /// Too much waits already.
    fn full() -> Error {
        Error(
            "too much waits to be written, so this was not taken: see what the log says of the \
             database, and do it again"
                .to_owned(),
        )
    }

    fn closed() -> Error {
        Error("the database was closed before the change was written".to_owned())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests;
