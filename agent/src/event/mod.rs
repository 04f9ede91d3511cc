//! What happened: one value for each thing worth a line in a timeline.

use std::net::SocketAddr;
use std::time::Duration;

#[allow(unused_imports, reason = "for the documentation")]
use crate::limits;

/// One thing that happened at the boot side.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A file went (or did not go) to a client; exactly one for each transfer, at its end.
    Transfer {
        /// By which protocol.
        via: Via,
        /// The client.
        peer: SocketAddr,
        /// The catalogue name, or what was asked for if it is in no catalogue (bounded, escaped).
        name: String,
        /// Payload bytes that the client has acknowledged or taken.
        bytes: u64,
        /// The whole file's size, if there is one.
        size: Option<u64>,
        /// First request to end.
        took: Duration,
        /// Packets sent again (TFTP).
        repeats: u32,
        /// How it ended.
        outcome: Outcome,
    },
    /// A machine asked what to do.
    Script {
        /// The client.
        peer: SocketAddr,
        /// Who it is: a declared machine's name, else its MAC, else its address.
        machine: String,
        /// The decision in a word, with the profile if there is one.
        decision: String,
        /// Why.
        reason: String,
    },
}

/// The protocol of a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Via {
    /// TFTP.
    Tftp,
    /// HTTP.
    Http,
}

/// How a transfer ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The client has all it asked for.
    Done,
    /// Every byte was sent and the last of them, fewer than [`limits::HTTP_UNCONFIRMED`], were not
    /// acknowledged before the client fell silent. So looks a boot that worked: iPXE on UEFI starts
    /// a kernel without a word to those who sent it.
    Sent,
    /// The client only wanted to know the size (UEFI: OACK, then ERROR 8): no failure.
    Probe,
    /// No such name.
    NotFound,
    /// Refused, with the reason in words.
    Refused(String),
    /// The client stopped it, or vanished, or the file changed: in words.
    Failed(String),
}

/// Takes events; called from the servers' threads, so it must not block.
pub trait Sink: Send + Sync {
    /// Takes one event.
    fn event(&self, event: Event);
}
