//! What a machine gets. [`decide`] touches nothing; [`gate`] is asked by every route that can start
//! something; [`site`] is the state it looks at; [`script`] and [`fallback`] write what iPXE reads.

mod act;
mod answered;
mod attend;
mod claim;
pub mod command_line;
pub mod decide;
pub mod fallback;
pub mod gate;
pub mod learn;
pub mod loader;
pub mod policy;
pub mod script;
pub mod site;
pub mod text;
pub mod token;
mod told;
mod would;
mod written;

#[cfg(test)]
pub mod testing;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use crate::event::{Report, Via};
use crate::image::catalogue::Entry;

pub use attend::decide_among;
pub use site::preview;
pub use would::Would;

/// The one gate: TFTP and HTTP ask it for everything they give out.
pub trait Gate: Send + Sync {
    /// What a client gets for a file's name (already normalised).
    fn file(&self, name: &str, request: &Request) -> Answer;

    /// What a machine gets that asks `/script` with this query (still URL-encoded).
    fn script(&self, query: &str, request: &Request) -> String;

    /// An installation reports by its token.
    fn report(&self, token: &str, report: Report, text: &str, request: &Request) -> Told {
        let _ = (token, report, text, request);
        Told::Unknown
    }

    /// What an installation gets for the name of an answer file (`/answer/TOKEN/NAME`).
    fn answer(&self, token: &str, name: &str, request: &Request) -> Given {
        let _ = (token, name, request);
        Given::Nothing
    }
}

/// What becomes of asking for an answer file.
#[derive(Clone, PartialEq, Eq)]
pub enum Given {
    /// This text, which may hold secrets.
    Text(String),
    /// Nothing: no such token, not from that machine, or no such name.
    Nothing,
    /// Nothing, because it could not be filled in; an event says why.
    Broken,
}

/// What became of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// It counts, and is on the disk.
    Taken,
    /// No installation has this token, or it is over.
    Unknown,
    /// It does not count, for this reason.
    Refused(String),
    /// It does not count: there were too many before it.
    TooMuch,
    /// It counts, but is not on the disk yet, for this reason.
    Later(String),
}

/// Who asks, over what.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    /// By which protocol.
    pub via: Via,
    /// The client.
    pub peer: SocketAddr,
    /// The address of ours that it asked.
    pub local: IpAddr,
}

/// What a client gets for a name.
#[derive(Clone, Debug)]
pub enum Answer {
    /// This.
    File(Arc<Entry>),
    /// Nothing of that name.
    NotFound,
    /// Nothing, by decision; the firmware moves on to its next boot entry.
    Denied(String),
}
