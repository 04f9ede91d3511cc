//! TFTP, read-only: RFC 1350 with the options of RFC 2347, 2348, 2349 and 7440.
//!
//! [`packet`] reads and writes datagrams, [`transfer`] is the protocol of one transfer without a
//! socket, [`file`](mod@file) gives it bytes, [`worker`] moves datagrams, [`server`] opens the sockets
//! ([`listener`]) and keeps the number of transfers ([`places`]).

mod file;
mod listener;
pub mod packet;
mod places;
mod server;
pub mod transfer;
mod worker;

pub use listener::Listener;
pub use server::{Server, StartError, Stats};
