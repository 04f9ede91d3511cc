//! Takes events: a log line each, counters, the last few for `hearth status`, the store for the
//! rest, and whoever listens.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, Weak};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::broadcast;

use crate::api::{TRANSFER_SECONDS, stamped};
use crate::boot::gate::Keeper;
use crate::clock::{self, Jumps, now_ms};
use crate::event::{Event, Outcome, Sink, Stamped, Via, line};
use crate::id::MachineId;
use crate::limits;
use crate::mac::Mac;
use crate::machine::{Census, Restored};
use crate::observe::Lease;
use crate::store::{Backlog, Error, EventFilter, EventRow, Write};
use crate::sync::held;
use crate::timeline::live::{Boot, Live, Who};

/// What happened since the start.
pub struct Journal {
    kept: Mutex<Kept>,
    census: Arc<Census>,
    next: AtomicU64,
    listeners: broadcast::Sender<Arc<Stamped>>,
    /// Learns from transfers.
    keeper: OnceLock<Weak<Keeper>>,
    /// The number of the first event of this run.
    first: u64,
    /// Boots of the run before were taken up.
    taken_up: AtomicBool,
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
    /// What they got, by the first word of the decision.
    pub decisions: BTreeMap<String, u64>,
    /// The last events as programs read them, the newest last.
    pub last: VecDeque<Value>,
    /// Boots that are under way.
    live: Live,
    /// When the system's clock was set.
    jumps: Jumps,
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
    /// Time of those that went to their end.
    pub took: Duration,
    /// How many of these took no longer than each of [`TRANSFER_SECONDS`], and all at last.
    pub within: [u64; TRANSFER_SECONDS.len() + 1],
}

impl Journal {
    /// Begins with the number of the next event.
    pub fn new(census: Arc<Census>, next: u64) -> Journal {
        Journal {
            kept: Mutex::new(Kept {
                jumps: Jumps::new(next.max(1)),
                ..Kept::default()
            }),
            census,
            next: AtomicU64::new(next.max(1)),
            listeners: broadcast::channel(limits::EVENT_BACKLOG).0,
            keeper: OnceLock::new(),
            first: next.max(1),
            taken_up: AtomicBool::new(false),
        }
    }

    /// From now on the keeper is told of transfers to machines that are known.
    pub fn on_transfer(&self, keeper: &Arc<Keeper>) {
        let _ = self.keeper.set(Arc::downgrade(keeper));
    }

    /// What is kept; events wait meanwhile, so look briefly.
    pub fn kept(&self) -> MutexGuard<'_, Kept> {
        held(&self.kept)
    }

    /// Every event from now on. Who is more than [`limits::EVENT_BACKLOG`] behind loses the oldest.
    pub fn listen(&self) -> broadcast::Receiver<Arc<Stamped>> {
        self.listeners.subscribe()
    }

    /// The last boots. Those that were under way when the agent was started anew are among them: they
    /// are read when somebody looks for the first time, because a start has no time for it.
    pub fn boots(&self) -> Vec<(Who, Boot)> {
        if !self.taken_up.swap(true, Ordering::Relaxed) {
            let rows = self.census.store().events(&EventFilter {
                before: Some(self.first),
                since: Some(now_ms().saturating_sub(limits::LIVE_INSTALLING.as_millis() as u64)),
                newest_first: true,
                limit: limits::LIVE_BEFORE,
                ..EventFilter::default()
            });
            let rows = rows.unwrap_or_default().into_iter().rev();
            let events: Vec<Stamped> = rows.filter_map(|row| stamped(&row)).collect();
            self.kept().live.before(events);
        }
        self.kept().live.boots()
    }

    /// The number of the last event; 0 before the first.
    pub fn last(&self) -> u64 {
        self.next.load(Ordering::Relaxed).saturating_sub(1)
    }

    /// Goes back to a backup. Events wait meanwhile: one of a number that the backup has given already
    /// would take the place of that one.
    ///
    /// # Errors
    /// The backup cannot be used; nothing was changed.
    pub fn restore(&self, from: &Path) -> Result<Restored, Error> {
        let mut kept = self.kept();
        let restored = self.census.restore(from)?;
        self.next.fetch_max(restored.next_seq, Ordering::Relaxed);
        // What boots are of are other machines now.
        kept.live = Live::default();
        Ok(restored)
    }

    /// Goes by the system's clock again if that was set, and says so once. What is counted goes on as
    /// if it had not been: machines and boots under way are moved with the clock.
    pub fn follow_the_clock(&self) {
        let Some(jump) = clock::jump() else { return };
        // Events wait meanwhile.
        let mut kept = self.kept();
        self.census.clock_jumped(&jump);
        kept.live.clock_jumped(&jump);
        kept.jumps.add(self.next.load(Ordering::Relaxed), &jump);
        drop(kept);
        log::warn!("{jump}");
    }

    /// When an event of this run happened, by the clock as it is now.
    pub fn happened(&self, seq: u64, at: u64) -> u64 {
        self.kept().jumps.of(seq, at)
    }

    /// What waits for the disk.
    pub fn backlog(&self) -> Backlog {
        self.census.store().backlog()
    }

    /// The machine that an event is about, by its card or its address.
    fn machine_of(&self, event: &Event) -> Option<MachineId> {
        let registry = self.census.look();
        match event {
            Event::Transfer { peer, .. } | Event::Script { peer, .. } => {
                registry.at_address(peer.ip().to_canonical())
            }
            Event::Dhcp(dhcp) => registry.by_mac(dhcp.mac),
            _ => None,
        }
    }

    /// Whether a machine with this card was met.
    pub fn has_met(&self, mac: Mac) -> bool {
        self.census.look().by_mac(mac).is_some()
    }

    /// A DHCP server gave a card an address, which is the machine's from now on. One that boots from the
    /// network is taken up by that: so many as there are addresses, whoever makes up MACs.
    pub fn leased(&self, lease: Lease) {
        let address = Some(lease.address);
        let met = self.census.heard(lease.mac, address, lease.boots, now_ms());
        for (machine, event) in met.events {
            self.event_of(machine, event);
        }
    }

    fn take(&self, machine: Option<MachineId>, event: Event) {
        let text = line::line(&event);
        // The line of a decision names its machine itself.
        let names = machine.filter(|_| !matches!(event, Event::Script { .. }));
        match names.and_then(|id| self.census.look().get(id).map(|record| record.label())) {
            Some(label) => log::log!(line::level(&event), "{label}: {text}"),
            None => log::log!(line::level(&event), "{text}"),
        }
        let mut kept = self.kept();
        kept.count(&event);
        // Under the lock, so that numbers and order agree everywhere.
        let stamped = Arc::new(Stamped {
            seq: self.next.fetch_add(1, Ordering::Relaxed),
            at: now_ms(),
            machine,
            event,
        });
        let value = serde_json::to_value(&*stamped).unwrap_or_default();
        let row = EventRow {
            seq: stamped.seq,
            at: stamped.at,
            machine,
            kind: stamped.event.kind().to_owned(),
            data: value.to_string(),
        };
        drop(self.census.store().write(vec![Write::Event(row)]));
        kept.live.take(&stamped);
        kept.last.push_back(with_text(value, text));
        if kept.last.len() > limits::STATUS_EVENTS {
            kept.last.pop_front();
        }
        let _ = self.listeners.send(stamped.clone());
        drop(kept);
        if let (Some(machine), Event::Transfer { .. }) = (machine, &stamped.event)
            && let Some(keeper) = self.keeper.get().and_then(Weak::upgrade)
        {
            keeper.transferred(machine, &stamped.event);
        }
    }
}

impl Sink for Journal {
    fn event(&self, event: Event) {
        let machine = self.machine_of(&event);
        self.take(machine, event);
    }

    fn event_of(&self, machine: MachineId, event: Event) {
        self.take(Some(machine), event);
    }
}

impl Kept {
    fn count(&mut self, event: &Event) {
        match event {
            Event::Script { decision, .. } => {
                self.scripts += 1;
                let word = decision.split(' ').next().unwrap_or_default();
                *self.decisions.entry(word.to_owned()).or_default() += 1;
            }
            Event::Transfer {
                via,
                bytes,
                repeats,
                outcome,
                took,
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
                if matches!(outcome, Outcome::Done | Outcome::Sent) {
                    totals.took += *took;
                    let bounds = TRANSFER_SECONDS.into_iter().chain([f64::INFINITY]);
                    for (count, bound) in totals.within.iter_mut().zip(bounds) {
                        *count += u64::from(took.as_secs_f64() <= bound);
                    }
                }
            }
            _ => {}
        }
    }
}

/// An event as programs read it; `text` is what people read, `time` seconds since 1970.
fn with_text(mut value: Value, text: String) -> Value {
    if let Value::Object(fields) = &mut value {
        let at = fields.get("at").and_then(Value::as_u64).unwrap_or(0);
        fields.insert("time".to_owned(), (at / 1000).into());
        fields.insert("text".to_owned(), text.into());
    }
    value
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
        let journal = Journal::new(Census::empty(), 1);
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
        assert_eq!(kept.http.within, [0, 0, 0, 0, 2, 2, 2, 2, 2]);
        assert_eq!(kept.http.took, Duration::from_secs(4));
        let last = kept.last.back().unwrap();
        assert_eq!(last["outcome"], "failed");
        assert_eq!(last["reason"], "cut");
        assert_eq!(last["via"], "http");
    }

    #[test]
    fn a_transfer_is_of_the_machine_that_was_given_the_address() {
        let journal = Journal::new(Census::empty(), 1);
        let lease = |mac: &str, boots| {
            journal.leased(Lease {
                mac: mac.parse().unwrap(),
                address: "192.168.1.171".parse().unwrap(),
                boots,
            });
            journal.machine_of(&transfer(Outcome::Done))
        };
        assert_eq!(lease("02:00:00:00:00:01", false), None, "a stranger");
        let first = lease("02:00:00:00:00:01", true);
        assert!(first.is_some(), "it boots, so it is a machine");
        let second = lease("02:00:00:00:00:02", true);
        assert!(second.is_some() && second != first);
        assert_eq!(lease("02:00:00:00:00:01", false), first, "again");
    }

    #[test]
    fn only_the_last_events_are_kept() {
        let journal = Journal::new(Census::empty(), 1);
        for _ in 0..limits::STATUS_EVENTS + 10 {
            journal.event(transfer(Outcome::Done));
        }
        let kept = journal.kept();
        assert_eq!(kept.last.len(), limits::STATUS_EVENTS);
        assert_eq!(kept.http.transfers, limits::STATUS_EVENTS as u64 + 10);
    }
}
