//! The DHCP fields that bring a machine to Hearth, as text for DHCP servers elsewhere.
//!
//! Hearth serves no DHCP. On the firewall its plugin sets these fields; everywhere else a person
//! puts what [`snippet()`] prints into the server that is already there.

pub use snippet::{Server, snippet};

pub mod snippet;
