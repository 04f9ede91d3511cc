//! Takes events: a log line each, counters, and the last few for `hearth status`.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::line;
use crate::event::{Event, Outcome, Sink, Via};
use crate::limits;

/// What happened since the start.
#[derive(Debug, Default)]
pub struct Journal {
    kept: Mutex<Kept>,
}

/// What is kept of all events.
#[derive(Debug, Default)]
pub struct Kept {
    /// Transfers by TFTP.
    pub tftp: Totals,
    /// Transfers by HTTP.
    pub http: Totals,
    /// Machines that asked what to do.
    pub scripts: u64,
    /// The last events as programs read them, the newest last.
    pub last: VecDeque<Value>,
}

/// Sums over transfers.
#[derive(Debug, Default)]
pub struct Totals {
    /// All that ended.
    pub transfers: u64,
    /// Those that were refused, broken off, or asked for something that is not there.
    pub failed: u64,
    /// Payload bytes that clients took.
    pub bytes: u64,
    /// Packets sent again.
    pub repeats: u64,
}

impl Journal {
    /// What is kept; events wait meanwhile, so look briefly.
    pub fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sink for Journal {
    fn event(&self, event: Event) {
        let text = line::line(&event);
        log::log!(line::level(&event), "{text}");
        let mut kept = self.kept();
        kept.count(&event);
        kept.last.push_back(value(&event, now(), text));
        if kept.last.len() > limits::STATUS_EVENTS {
            kept.last.pop_front();
        }
    }
}

impl Kept {
    fn count(&mut self, event: &Event) {
        match event {
            Event::Script { .. } => self.scripts += 1,
            Event::Transfer {
                via,
                bytes,
                repeats,
                outcome,
                ..
            } => {
                let totals = match via {
                    Via::Tftp => &mut self.tftp,
                    Via::Http => &mut self.http,
                };
                totals.transfers += 1;
                totals.bytes += bytes;
                totals.repeats += u64::from(*repeats);
                totals.failed += u64::from(!matches!(
                    outcome,
                    Outcome::Done | Outcome::Sent | Outcome::Probe
                ));
            }
        }
    }
}

/// Seconds since 1970.
pub fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or(Duration::ZERO).as_secs()
}

/// An event as programs read it; `text` is what people read.
fn value(event: &Event, time: u64, text: String) -> Value {
    match event {
        Event::Script {
            peer,
            machine,
            decision,
            reason,
        } => json!({
            "time": time, "kind": "script", "peer": peer.ip(), "machine": machine,
            "decision": decision, "reason": reason, "text": text,
        }),
        Event::Transfer {
            via,
            peer,
            name,
            bytes,
            size,
            took,
            repeats,
            outcome,
        } => {
            let (outcome, reason) = match outcome {
                Outcome::Done => ("done", None),
                Outcome::Sent => ("sent", None),
                Outcome::Probe => ("probe", None),
                Outcome::NotFound => ("not-found", None),
                Outcome::Refused(why) => ("refused", Some(why)),
                Outcome::Failed(why) => ("failed", Some(why)),
            };
            json!({
                "time": time, "kind": "transfer", "via": line::word(*via).to_ascii_lowercase(),
                "peer": peer.ip(), "name": name, "bytes": bytes, "size": size,
                "seconds": took.as_secs_f64(), "repeats": repeats, "outcome": outcome,
                "reason": reason, "text": text,
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transfer(outcome: Outcome) -> Event {
        Event::Transfer {
            via: Via::Http,
            peer: "192.168.1.171:2070".parse().unwrap(),
            name: "x".to_owned(),
            bytes: 10,
            size: Some(20),
            took: Duration::from_secs(2),
            repeats: 0,
            outcome,
        }
    }

    #[test]
    fn totals_tell_what_failed_from_what_is_usual() {
        let journal = Journal::default();
        let failed = || Outcome::Failed("cut".to_owned());
        for outcome in [
            Outcome::Done,
            Outcome::Sent,
            Outcome::Probe,
            Outcome::NotFound,
            failed(),
        ] {
            journal.event(transfer(outcome));
        }
        let kept = journal.kept();
        assert_eq!((kept.http.transfers, kept.http.failed), (5, 2));
        assert_eq!((kept.http.bytes, kept.tftp.transfers), (50, 0));
        let last = kept.last.back().unwrap();
        assert_eq!(last["outcome"], "failed");
        assert_eq!(last["reason"], "cut");
        assert_eq!(last["via"], "http");
    }

    #[test]
    fn only_the_last_events_are_kept() {
        let journal = Journal::default();
        for _ in 0..limits::STATUS_EVENTS + 10 {
            journal.event(transfer(Outcome::Done));
        }
        let kept = journal.kept();
        assert_eq!(kept.last.len(), limits::STATUS_EVENTS);
        assert_eq!(kept.http.transfers, limits::STATUS_EVENTS as u64 + 10);
    }
}
