//! TFTP, read-only: RFC 1350 with the options of RFC 2347, 2348, 2349 and 7440.
//!
//! [`packet`] and [`options`] are the words on the wire, [`transfer`] is the protocol of one transfer
//! without a socket, [`request`] decides what a read request gets, [`places`] who may have a
//! transfer. [`blocks`] has the bytes, [`active`] a transfer's sockets, [`worker`] the loop that
//! moves datagrams, [`timers`] its clock; [`server`] opens the sockets ([`listener`]), starts the
//! workers, and moves to other addresses while they run.

mod active;
mod blocks;
mod listener;
pub mod options;
pub mod packet;
mod places;
mod request;
mod server;
mod timers;
pub mod transfer;
mod worker;

pub use listener::Listener;
pub use server::{Server, StartError, Stats};
