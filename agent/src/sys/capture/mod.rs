//! Hears DHCP on an interface, without a word: a packet socket on Linux (packet(7)), bpf(4) on
//! FreeBSD. Both have the kernel throw away all that is not DHCP ([`filter`]), neither can send.
//!
//! Opening one takes root (Linux: `CAP_NET_RAW`); reading does not, so it is opened before privileges
//! are dropped. What this host itself sends is heard too, since the DHCP server is often here.

mod filter;
#[cfg(any(target_os = "freebsd", test))]
mod records;
#[cfg_attr(target_os = "linux", path = "linux.rs")]
#[cfg_attr(target_os = "freebsd", path = "freebsd.rs")]
mod system;

pub use system::Capture;
