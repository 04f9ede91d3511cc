//! The system calls that neither std nor the crates in use give safely: the one place with `unsafe`.

pub mod bind;
pub mod capture;
pub mod confine;
pub mod neighbour;
pub mod poll;
pub mod privilege;
pub mod rights;
pub mod sendfile;
pub mod udp;
