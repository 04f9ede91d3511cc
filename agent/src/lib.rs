//! Hearth, the boot server of a network.

pub mod arch;
pub mod boot;
pub mod cli;
pub mod config;
pub mod daemon;
pub mod dhcp;
pub mod digest;
pub mod event;
pub mod fetch;
pub mod http;
pub mod image;
pub mod limits;
pub mod log;
pub mod mac;
pub mod machine;
pub mod recipe;
pub mod sys;
pub mod tftp;
pub mod uuid;
