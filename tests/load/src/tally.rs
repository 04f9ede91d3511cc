//! What the clients counted, and starting them.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Instant;

use nix::sys::resource::{UsageWho, getrusage};

use crate::arguments::Load;

/// What one thread's clients, or all, saw.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Bytes of content.
    pub bytes: u64,
    /// Files that came whole.
    pub transfers: u64,
    /// Packets sent again because nothing came, and for HTTP connections that were turned away.
    pub repeats: u64,
    /// Transfers that failed.
    pub failures: u64,
    /// Why the last one did.
    pub why: String,
    /// Bytes of each client.
    pub clients: Vec<u64>,
    /// TFTP: block size and window in force.
    pub agreed: (u16, u16),
}

impl Tally {
    /// Counts a failure.
    pub fn fail(&mut self, why: impl Into<String>) {
        self.failures += 1;
        self.why = why.into();
    }

    fn add(&mut self, other: Tally) {
        self.bytes += other.bytes;
        self.transfers += other.transfers;
        self.repeats += other.repeats;
        self.failures += other.failures;
        self.clients.extend(other.clients);
        self.agreed = self.agreed.max(other.agreed);
        if !other.why.is_empty() {
            self.why = other.why;
        }
    }
}

/// The result of a whole run, shown as JSON.
#[derive(Debug)]
pub struct Report {
    tally: Tally,
    seconds: f64,
    cpu: f64,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Tally {
            bytes,
            transfers,
            repeats,
            failures,
            why,
            clients,
            agreed: (block_size, window),
        } = &self.tally;
        let (seconds, cpu) = (self.seconds, self.cpu);
        let least = clients.iter().min().unwrap_or(&0);
        let most = clients.iter().max().unwrap_or(&0);
        let why: String = why
            .chars()
            .filter(|c| !c.is_control() && !"\"\\".contains(*c))
            .collect();
        write!(
            f,
            r#"{{"bytes":{bytes},"seconds":{seconds:.6},"transfers":{transfers},"#
        )?;
        write!(
            f,
            r#""repeats":{repeats},"failures":{failures},"why":"{why}","least":{least},"#
        )?;
        write!(
            f,
            r#""most":{most},"block_size":{block_size},"window":{window},"cpu":{cpu:.6}}}"#
        )
    }
}

/// A client's place among all: which of the thread's, and the address that it has.
pub type Sources = Vec<Option<IpAddr>>;

/// Runs the clients in their threads.
///
/// # Errors
/// What a thread could not do at all; failed transfers are only counted.
pub fn run(
    load: &Load,
    client: impl Fn(&Load, Sources, Instant) -> Result<Tally, String> + Sync,
) -> Result<Report, String> {
    let began = Instant::now();
    let address = |index: usize| {
        let base = load.from.map(u32::from)?;
        Some(IpAddr::V4(Ipv4Addr::from(base + index as u32)))
    };
    let mut tally = Tally::default();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..load.threads.max(1))
            .map(|thread| {
                let mine = (thread..load.clients).step_by(load.threads.max(1));
                let sources: Sources = mine.map(address).collect();
                let client = &client;
                scope.spawn(move || client(load, sources, began))
            })
            .collect();
        for thread in threads {
            let result = thread.join().map_err(|_| "a thread panicked".to_owned())?;
            tally.add(result?);
        }
        Ok::<(), String>(())
    })?;
    let seconds = began.elapsed().as_secs_f64();
    let usage = getrusage(UsageWho::RUSAGE_SELF).map_err(|error| format!("getrusage: {error}"))?;
    let cpu = [usage.user_time(), usage.system_time()]
        .iter()
        .map(|time| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6)
        .sum();
    Ok(Report {
        tally,
        seconds,
        cpu,
    })
}
