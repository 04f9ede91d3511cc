//! The HTTP boot side over loopback: raw sockets and curl against a server with a small gate.
#![cfg(test)]

mod child;
mod files;
mod limits;
mod support;
