//! The DHCP fields that bring a machine to Hearth, as text for DHCP servers elsewhere, and how to read
//! what passes between such a server and a machine ([`packet`]).
//!
//! Hearth serves no DHCP. On the firewall its plugin sets these fields; everywhere else a person
//! puts what [`snippet()`] prints into the server that is already there.

pub use fields::Fields;
pub use snippet::{Server, snippet};

pub mod fields;
pub mod packet;
pub mod snippet;
