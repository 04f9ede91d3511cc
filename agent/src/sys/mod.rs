//! The system calls that neither std nor the crates in use give safely: the one place with `unsafe`.

pub mod bind;
pub mod capture;
pub mod confine;
pub mod lock;
pub mod neighbour;
pub mod poll;
#[cfg(any(target_os = "freebsd", test))]
pub mod ports;
pub mod privilege;
pub mod rights;
pub mod sendfile;
#[cfg(target_os = "freebsd")]
pub mod sysctl;
pub mod udp;
