//! The command line.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

/// What to do.
#[derive(Debug)]
pub enum Command {
    /// Write the file that the clients will know again.
    File {
        /// Where.
        path: String,
        /// How long.
        bytes: u64,
    },
    /// TFTP clients.
    Tftp(Load),
    /// HTTP clients.
    Http(Load),
    /// Machines that boot.
    Storm(Storm),
}

/// Machines that boot all at once.
#[derive(Clone, Debug)]
pub struct Storm {
    /// The server's HTTP side.
    pub server: SocketAddr,
    /// The file that each loads at last, with its leading slash.
    pub name: String,
    /// The file's size (`--bytes`).
    pub bytes: u64,
    /// How many (`--machines`).
    pub machines: u32,
    /// How many of them at a time (`--at-once`); all of them, unless it is said.
    pub at_once: u32,
    /// The address of the first; each other has the next (`--from`).
    pub from: Ipv4Addr,
}

/// A load.
#[derive(Clone, Debug)]
pub struct Load {
    /// The server.
    pub server: SocketAddr,
    /// The file's name, for HTTP with its leading slash.
    pub name: String,
    /// The file's size (`--bytes`).
    pub bytes: u64,
    /// Clients at once (`--clients`).
    pub clients: usize,
    /// `--threads`; each has its share of the clients.
    pub threads: usize,
    /// Each client has the address after the one before, as machines have (`--from`); else all have
    /// the one that the system chooses.
    pub from: Option<Ipv4Addr>,
    /// When a client stops.
    pub until: Until,
    /// Read and compare every byte, not only the first of each block (`--verify`).
    pub verify: bool,
    /// TFTP: the block size asked for (`--block-size`); 512 is not asked for.
    pub block_size: u16,
    /// TFTP: the window asked for (`--window`); 1 is not asked for.
    pub window: u16,
    /// HTTP: one request a connection (`--close`).
    pub close: bool,
}

/// When a client stops.
#[derive(Clone, Copy, Debug)]
pub enum Until {
    /// At this time after the start, in the middle of a file if need be (`--seconds`).
    Time(Duration),
    /// When it has the file so many times (`--each`), but after [`PATIENCE`] at the latest.
    Each(u64),
}

/// Nothing that is measured here takes as long.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Understands the command line.
///
/// # Errors
/// A sentence.
pub fn parse(mut words: impl Iterator<Item = String>) -> Result<Command, String> {
    let mut word = |what: &str| words.next().ok_or_else(|| format!("{what} is missing"));
    let command = word("the command: file, tftp, http or storm")?;
    if command == "file" {
        let path = word("the path")?;
        let bytes = match (word("--bytes")?.as_str(), word("the number of bytes")?) {
            ("--bytes", value) => number(&value)?,
            (other, _) => return Err(format!("{other} is unknown here, only --bytes")),
        };
        return Ok(Command::File { path, bytes });
    }
    let server = word("the server's address and port")?;
    let server = server
        .parse()
        .map_err(|error| format!("the server {server}: {error}"))?;
    let name = word("the file's name")?;
    if command == "storm" {
        return storm(server, name, words).map(Command::Storm);
    }
    let mut load = Load {
        server,
        name,
        bytes: 0,
        clients: 1,
        threads: 1,
        from: None,
        until: Until::Each(1),
        verify: false,
        block_size: 512,
        window: 1,
        close: false,
    };
    while let Some(option) = words.next() {
        let mut value = || words.next().ok_or(format!("{option} lacks its value"));
        match option.as_str() {
            "--bytes" => load.bytes = number(&value()?)?,
            "--clients" => load.clients = number(&value()?)?,
            "--threads" => load.threads = number(&value()?)?,
            "--from" => load.from = Some(number(&value()?)?),
            "--seconds" => {
                let seconds: f64 = number(&value()?)?;
                let time = Duration::try_from_secs_f64(seconds)
                    .map_err(|error| format!("--seconds {seconds}: {error}"))?;
                load.until = Until::Time(time);
            }
            "--each" => load.until = Until::Each(number(&value()?)?),
            "--verify" => load.verify = true,
            "--block-size" => load.block_size = number(&value()?)?,
            "--window" => load.window = number(&value()?)?,
            "--close" => load.close = true,
            other => return Err(format!("{other} is unknown")),
        }
    }
    match command.as_str() {
        "tftp" => Ok(Command::Tftp(load)),
        "http" => Ok(Command::Http(load)),
        other => Err(format!(
            "{other} is unknown, only file, tftp, http and storm"
        )),
    }
}

fn storm(
    server: SocketAddr,
    name: String,
    mut words: impl Iterator<Item = String>,
) -> Result<Storm, String> {
    let mut storm = Storm {
        server,
        name,
        bytes: 0,
        machines: 1,
        at_once: u32::MAX,
        from: Ipv4Addr::LOCALHOST,
    };
    while let Some(option) = words.next() {
        let value = words.next().ok_or(format!("{option} lacks its value"))?;
        match option.as_str() {
            "--bytes" => storm.bytes = number(&value)?,
            "--machines" => storm.machines = number(&value)?,
            "--at-once" => storm.at_once = number(&value)?,
            "--from" => storm.from = number(&value)?,
            other => return Err(format!("{other} is unknown")),
        }
    }
    Ok(storm)
}

fn number<T: std::str::FromStr<Err: std::fmt::Display>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error| format!("{text}: {error}"))
}
