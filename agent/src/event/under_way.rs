//! A transfer that has not ended, as it is at one moment.

use std::net::SocketAddr;
use std::time::Instant;

use super::Via;

/// A file on its way to a client.
#[derive(Clone, Debug, PartialEq)]
pub struct UnderWay {
    /// By which protocol.
    pub via: Via,
    /// The client.
    pub peer: SocketAddr,
    /// The catalogue name.
    pub name: String,
    /// Payload bytes that the client has acknowledged, as far as is known.
    pub bytes: u64,
    /// Bytes that it is sent in all: the file's, or those of the range that it asked for.
    pub size: u64,
    /// When it was asked for.
    pub began: Instant,
}
