//! Load generators for `scripts/bench`: many TFTP or HTTP clients at once, which cost little
//! themselves, check what they get, and print what they saw as one line of JSON.
//!
//! ```text
//! hearth-load file PATH --bytes N
//! hearth-load tftp ADDRESS:PORT NAME --bytes N --clients N [--block-size N] [--window N] ...
//! hearth-load http ADDRESS:PORT PATH --bytes N --clients N [--close] ...
//! hearth-load storm ADDRESS:PORT PATH --bytes N --machines N --from ADDRESS [--at-once N]
//! ```
//!
//! [`arguments`] lists the rest. The file that is downloaded must be one that `file` wrote
//! ([`pattern`]). [`download`] is the protocol of a TFTP client without a socket, [`tftp`] moves its
//! datagrams, [`http`] is the other generator, [`tally`] what both count. [`storm`] boots machines.

#[cfg(target_os = "linux")]
mod arguments;
#[cfg(target_os = "linux")]
mod download;
#[cfg(target_os = "linux")]
mod http;
#[cfg(target_os = "linux")]
mod pattern;
#[cfg(target_os = "linux")]
mod storm;
#[cfg(target_os = "linux")]
mod tally;
#[cfg(target_os = "linux")]
mod tftp;

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    match run() {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            std::process::ExitCode::FAILURE
        }
    }
}

#[cfg(target_os = "linux")]
fn run() -> Result<(), String> {
    use arguments::{Command, parse};
    match parse(std::env::args().skip(1))? {
        Command::File { path, bytes } => {
            pattern::write(&path, bytes).map_err(|error| format!("writing {path}: {error}"))
        }
        Command::Tftp(load) => {
            println!("{}", tally::run(&load, tftp::run)?);
            Ok(())
        }
        Command::Storm(storm) => {
            println!("{}", storm::run(&storm)?);
            Ok(())
        }
        Command::Http(load) => {
            println!("{}", tally::run(&load, http::run)?);
            Ok(())
        }
    }
}

/// The peers that it is compared with are Debian's, and so is the machine.
#[cfg(not(target_os = "linux"))]
fn main() -> std::process::ExitCode {
    eprintln!("error: hearth-load runs on Linux only");
    std::process::ExitCode::FAILURE
}
