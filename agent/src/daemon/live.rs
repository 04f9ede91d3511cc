//! What is under way now, for `GET /api/v1/live`: boots from the journal, transfers from the servers,
//! and how fast they go. Nothing is counted for it while nobody looks.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde_json::json;

use super::status::Status;
use crate::api::Look;
use crate::event::{UnderWay, Via};
use crate::limits;
use crate::sync::held;

/// Whose rate it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Of {
    /// A transfer's.
    Transfer(Via, SocketAddr, Instant),
    /// That of all by one protocol.
    All(Via),
}

/// What was seen at the last look.
#[derive(Debug, Default)]
pub struct Rates(Mutex<Seen<Of>>);

impl Rates {
    /// Everything that is under way.
    pub fn look(&self, status: &Status) -> Look {
        let now = Instant::now();
        let boots = status.journal.boots();
        let tftp = status.tftp_running.get().map(|all| all());
        let http = status.http_running.get().map(|all| all());
        let (tftp, http) = (tftp.unwrap_or_default(), http.unwrap_or_default());
        let (tftp_bytes, http_bytes) = {
            let kept = status.journal.kept();
            (kept.tftp.bytes, kept.http.bytes)
        };
        let mut seen = held(&self.0);
        let mut transfers = Vec::new();
        let mut all = |via: Via, ended: u64, running: Vec<UnderWay>| {
            let (count, mut bytes, mut averages) = (running.len(), ended, 0);
            for one in running {
                let of = Of::Transfer(via, one.peer, one.began);
                let average = per_second(one.bytes, now.saturating_duration_since(one.began));
                bytes += one.bytes;
                averages += average;
                let rate = seen.rate(of, one.bytes, average, now);
                transfers.push((one, rate));
            }
            (count, seen.rate(Of::All(via), bytes, averages, now))
        };
        let (tftp_count, tftp_rate) = all(Via::Tftp, tftp_bytes, tftp);
        let (http_count, http_rate) = all(Via::Http, http_bytes, http);
        seen.forget();
        drop(seen);
        let http = status.http.get().map(|stats| stats());
        Look {
            boots,
            transfers,
            totals: json!({
                "tftp": { "transfers": tftp_count, "rate": tftp_rate },
                "http": {
                    "transfers": http_count, "rate": http_rate,
                    "connections": http.map_or(0, |http| http.connections),
                    "limit": http.map_or(0, |http| http.limit),
                    "turned_away": http.map_or(0, |http| http.turned_away),
                },
            }),
        }
    }
}

fn per_second(bytes: u64, time: Duration) -> u64 {
    (bytes as f64 / time.as_secs_f64().max(1e-3)) as u64
}

/// What was seen at the last look, from which the next one tells how fast something goes.
#[derive(Debug)]
struct Seen<K> {
    counters: HashMap<K, Counter>,
    look: u64,
}

#[derive(Debug)]
struct Counter {
    at: Instant,
    bytes: u64,
    rate: u64,
    look: u64,
}

impl<K> Default for Seen<K> {
    fn default() -> Seen<K> {
        Seen {
            counters: HashMap::new(),
            look: 0,
        }
    }
}

impl<K: Eq + Hash> Seen<K> {
    /// Bytes a second since the last look that is long enough ago, else what was told then; of
    /// something that was not seen before `first`.
    fn rate(&mut self, key: K, bytes: u64, first: u64, now: Instant) -> u64 {
        let look = self.look;
        let counter = self.counters.entry(key).or_insert(Counter {
            at: now,
            bytes,
            rate: first,
            look,
        });
        counter.look = look;
        let time = now.saturating_duration_since(counter.at);
        if time >= limits::LIVE_RATE {
            counter.rate = per_second(bytes.saturating_sub(counter.bytes), time);
            (counter.at, counter.bytes) = (now, bytes);
        }
        counter.rate
    }

    /// Ends a look: what it did not see is gone.
    fn forget(&mut self) {
        self.counters.retain(|_, counter| counter.look == self.look);
        self.look += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_that_since_the_last_look_and_the_first_is_what_is_told() {
        let (mut seen, start) = (Seen::default(), Instant::now());
        let mut at = |milliseconds: u64, bytes: u64| {
            let now = start + Duration::from_millis(milliseconds);
            let rate = seen.rate("kernel", bytes, 7, now);
            seen.forget();
            rate
        };
        assert_eq!(at(0, 1_000), 7);
        assert_eq!(at(100, 900_000), 7, "too soon to say");
        assert_eq!(at(1_000, 3_001_000), 3_000_000);
        assert_eq!(at(3_000, 3_001_000), 0, "it stalls");
        assert_eq!(at(4_000, 0), 0, "a counter that goes back is no rate");
    }

    #[test]
    fn what_is_not_seen_any_more_is_forgotten() {
        let (mut seen, now) = (Seen::default(), Instant::now());
        for key in 0..100 {
            seen.rate(key, 1, 1, now);
            seen.forget();
        }
        assert_eq!(seen.counters.len(), 1);
    }
}
