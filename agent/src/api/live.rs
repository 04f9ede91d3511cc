//! What is under way now: the machines that are booting, what they are sent, and what is fetched.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::findings::Moment;
use super::problem::Problem;
use super::{Api, view};
use crate::boot::site::Site;
use crate::event::{Event, Outcome, Stamped, UnderWay, Word, line};
use crate::id::MachineId;
use crate::limits;
use crate::machine::{Phase, Record};
use crate::recipe::{self, Part};
use crate::store::EventFilter;
use crate::sync::held;
use crate::timeline::live::{Beside, Boot, Now, Sent, Who, is_of_another};
use crate::timeline::{Finding, findings};

/// What whoever keeps it gives of one moment.
#[derive(Debug, Default)]
pub struct Look {
    /// The last boots.
    pub boots: Vec<(Who, Boot)>,
    /// Transfers now, each with the bytes that its client takes a second.
    pub transfers: Vec<(UnderWay, u64)>,
    /// Sums, as programs read them.
    pub totals: Value,
}

/// Looks.
pub type Looking = Box<dyn Fn() -> Look + Send + Sync>;

/// The findings that were drawn lately, by machine.
#[derive(Debug, Default)]
pub struct Found(Mutex<HashMap<MachineId, Drawn>>);

/// The worst finding of a machine.
#[derive(Debug)]
struct Drawn {
    /// The number of the machine's last event then.
    seq: u64,
    /// A file was on its way to it.
    is_sent: bool,
    /// Milliseconds since 1970.
    at: u64,
    /// `None`: nothing was wrong.
    worst: Option<Finding>,
}

/// A machine that is shown.
struct Shown {
    who: Who,
    record: Option<Record>,
    boot: Boot,
    now: Now,
    transfers: Vec<(UnderWay, u64)>,
}

impl Api {
    /// `limit` is how many machines are shown at most.
    pub(super) fn live(&self, query: &str, site: &Site) -> Result<Value, Problem> {
        let limit = view::limit(&view::pairs(query))?;
        let now = (self.now)();
        let mut look = (self.looking)();
        let mut shown = self.booting(&mut look, site, now);
        // Who fell silent first is left out first.
        shown.sort_by_key(|one| std::cmp::Reverse(one.boot.event.seq));
        let left_out = shown.len().saturating_sub(limit);
        shown.truncate(limit);
        shown.sort_by_key(|one| (one.now.end.is_some(), one.boot.began, one.boot.event.seq));
        let found = self.found(&shown, site, now);
        let machines: Vec<Value> = shown
            .iter()
            .map(|one| machine(one, found.get(&one.who), now))
            .collect();
        let linger = limits::LIVE_LINGER.as_millis() as u64;
        let mut fetches = self.fetches.all();
        fetches.retain(|fetch| {
            let ended = fetch["ended"].as_u64();
            ended.is_none_or(|at| now.abs_diff(at) < linger)
        });
        Ok(json!({
            "now": now, "machines": machines, "left_out": left_out, "fetches": fetches,
            "totals": look.totals,
        }))
    }

    /// The boots that are to be shown, each with what is known of its machine and on its way to it.
    fn booting(&self, look: &mut Look, site: &Site, now: u64) -> Vec<Shown> {
        let began = Began::new(now);
        let mut boots: BTreeMap<Who, Boot> = BTreeMap::new();
        let mut moving: HashMap<Who, Vec<(UnderWay, u64)>> = HashMap::new();
        let registry = self.census.look();
        let by_address = |address: IpAddr| {
            let address = address.to_canonical();
            let id = registry.at_address(address);
            id.map_or(Who::Address(address), Who::Machine)
        };
        for (who, boot) in look.boots.drain(..) {
            let who = match who {
                Who::Machine(_) => who,
                Who::Card(mac) => registry.by_mac(mac).map_or(who, Who::Machine),
                Who::Address(address) => by_address(address),
            };
            let boot = match boots.remove(&who) {
                Some(other) => other.and(boot),
                None => boot,
            };
            boots.insert(who, boot);
        }
        for (transfer, rate) in look.transfers.drain(..) {
            let who = by_address(transfer.peer.ip());
            moving.entry(who).or_default().push((transfer, rate));
        }
        for (who, transfers) in &moving {
            let Some((first, _)) = transfers.iter().min_by_key(|(one, _)| one.began) else {
                continue;
            };
            let at = began.at(first.began);
            let known = boots.get(who);
            if known.is_none_or(|boot| is_of_another(boot, &first.name, at)) {
                boots.insert(*who, began.boot_of(*who, first));
            }
        }
        let record = |who: &Who| match who {
            Who::Machine(id) => registry.get(*id).cloned(),
            _ => None,
        };
        let mut known: Vec<_> = boots
            .into_iter()
            .map(|(who, boot)| (who, record(&who), boot))
            .collect();
        drop(registry);
        // A machine that was forgotten boots no more.
        known.retain(|(who, record, _)| record.is_some() || !matches!(who, Who::Machine(_)));
        let parts = recipe::parts(&site.config, &site.lock);
        let part = |name: &str| parts.get(name).copied();
        let shown = known.into_iter().filter_map(|(who, record, boot)| {
            let mut transfers = moving.remove(&who).unwrap_or_default();
            transfers.sort_by_key(|(transfer, _)| transfer.began);
            let beside = beside(&record, &transfers, &part, &began);
            let at = boot.now(&beside);
            boot.is_shown(&at, &beside).then_some(Shown {
                who,
                record,
                boot,
                now: at,
                transfers,
            })
        });
        shown.collect()
    }

    /// What is wrong with the machines that are shown. It is read from the database, so of a storm's
    /// machines only some have theirs drawn at a time.
    fn found(&self, shown: &[Shown], site: &Site, now: u64) -> HashMap<Who, Finding> {
        let mut kept = held(&self.found.0);
        let records = shown.iter().filter_map(|one| one.record.as_ref());
        let ids: HashMap<MachineId, &Shown> = shown
            .iter()
            .filter_map(|one| Some((one.record.as_ref()?.id, one)))
            .collect();
        kept.retain(|id, _| ids.contains_key(id));
        let age = limits::LIVE_FINDING_AGE.as_millis() as u64;
        let mut stale: Vec<(u64, &Record)> = records
            .filter_map(|record| {
                let one = ids.get(&record.id)?;
                let is_as_drawn = |drawn: &Drawn| {
                    (drawn.seq, drawn.is_sent) == (one.boot.event.seq, one.is_sent())
                };
                match kept.get(&record.id) {
                    None => Some((0, record)),
                    Some(drawn) if !is_as_drawn(drawn) || now.abs_diff(drawn.at) >= age => {
                        Some((drawn.at, record))
                    }
                    Some(_) => None,
                }
            })
            .collect();
        stale.sort_by_key(|(at, record)| (*at, record.id));
        stale.truncate(limits::LIVE_FINDINGS);
        if stale.is_empty() {
            return told(&kept);
        }
        let sent = ids.iter().filter(|(_, one)| one.is_sent());
        let moment = Moment {
            now,
            sent: sent.map(|(id, _)| *id).collect(),
        };
        // A transfer that ended before the look is not on its way, and is to be among the events.
        self.settle();
        let heard = self.of_nobody().unwrap_or_default();
        for (_, record) in stale {
            let filter = EventFilter {
                limit: limits::LIVE_EVENTS,
                ..view::last_events(record.id)
            };
            let Ok(events) = self.story_of(record, &filter, &heard) else {
                continue;
            };
            let context = self.context(record, &events, &site.config, &moment);
            let drawn = Drawn {
                seq: ids.get(&record.id).map_or(0, |one| one.boot.event.seq),
                is_sent: context.is_sent,
                at: now,
                worst: findings(&events, &context).into_iter().next(),
            };
            kept.insert(record.id, drawn);
        }
        told(&kept)
    }
}

impl Shown {
    fn is_sent(&self) -> bool {
        !self.transfers.is_empty()
    }
}

/// The findings that there are.
fn told(kept: &HashMap<MachineId, Drawn>) -> HashMap<Who, Finding> {
    let worst = |(id, drawn): (&MachineId, &Drawn)| Some((Who::Machine(*id), drawn.worst.clone()?));
    kept.iter().filter_map(worst).collect()
}

/// Times of this process's clock as milliseconds since 1970.
struct Began {
    now: u64,
    instant: Instant,
}

impl Began {
    fn new(now: u64) -> Began {
        Began {
            now,
            instant: Instant::now(),
        }
    }

    fn at(&self, began: Instant) -> u64 {
        let ago = self.instant.saturating_duration_since(began).as_millis();
        self.now
            .saturating_sub(u64::try_from(ago).unwrap_or(u64::MAX))
    }

    /// The boot of a machine of which only this is known so far.
    fn boot_of(&self, who: Who, transfer: &UnderWay) -> Boot {
        let began = self.at(transfer.began);
        let event = Event::Transfer {
            via: transfer.via,
            peer: transfer.peer,
            name: transfer.name.clone(),
            bytes: 0,
            size: Some(transfer.size),
            took: Duration::ZERO,
            repeats: 0,
            outcome: Outcome::Done,
        };
        let stamped = Stamped {
            seq: 0,
            at: began,
            machine: match who {
                Who::Machine(id) => Some(id),
                _ => None,
            },
            event,
        };
        Boot::of_transfer(Arc::new(stamped), began)
    }
}

fn beside<'a>(
    record: &Option<Record>,
    transfers: &'a [(UnderWay, u64)],
    part: &'a dyn Fn(&str) -> Option<Part>,
    began: &Began,
) -> Beside<'a> {
    let phase = record.as_ref().map(|record| &record.phase);
    Beside {
        now: began.now,
        phase: phase.map(Phase::word),
        loaded: matches!(phase, Some(Phase::Installing(installing)) if installing.loaded),
        under_way: transfers
            .last()
            .map(|(transfer, _)| (transfer.name.as_str(), began.at(transfer.began))),
        part,
    }
}

fn machine(one: &Shown, finding: Option<&Finding>, now: u64) -> Value {
    let (record, boot) = (one.record.as_ref(), &one.boot);
    let began = Began::new(now);
    let mac = record
        .and_then(|record| record.macs.first().copied())
        .or(boot.mac);
    let address = boot.address.or(record.and_then(|record| record.address));
    let label = match (record, one.who) {
        (Some(record), _) => record.label(),
        (None, Who::Card(mac)) => mac.to_string(),
        (None, Who::Address(address)) => address.to_string(),
        (None, Who::Machine(id)) => format!("machine {id}"),
    };
    let profile = record.and_then(|record| {
        let profile = record.phase.profile();
        profile.or(record.wishes.profile.as_ref())
    });
    let phase = record.map(|record| record.phase.word());
    let ended = one.now.end.map(|(how, at)| {
        let failed = match record.map(|record| &record.phase) {
            Some(Phase::Failed { reason }) => Some(reason.as_str()),
            _ => None,
        };
        json!({ "how": how.word(), "at": at, "why": failed })
    });
    // Of a boot that is known by a transfer under way alone nothing has happened yet.
    let event = (boot.event.seq > 0).then(|| {
        let event = &boot.event;
        json!({ "seq": event.seq, "at": event.at, "text": line::line(&event.event) })
    });
    let under_way = one.transfers.iter().map(|(transfer, rate)| {
        json!({
            "via": transfer.via, "name": transfer.name, "bytes": transfer.bytes,
            "size": transfer.size, "rate": rate, "began": began.at(transfer.began),
        })
    });
    json!({
        "machine": record.map(|record| record.id),
        "label": label,
        "mac": mac,
        "address": address,
        "phase": phase.map(Word::as_str),
        "profile": profile,
        "decision": boot.decision,
        "began": boot.began,
        "stage": one.now.place.word(),
        "since": one.now.since,
        "transfers": under_way.collect::<Vec<_>>(),
        "sent": boot.sent.iter().map(sent).collect::<Vec<_>>(),
        "event": event,
        "finding": finding.map(|finding| json!(finding)),
        "ended": ended,
    })
}

fn sent(sent: &Sent) -> Value {
    json!({
        "via": sent.via, "name": sent.name, "bytes": sent.bytes, "size": sent.size,
        "seconds": sent.seconds, "at": sent.at, "failed": sent.failed,
    })
}

#[cfg(test)]
mod tests;
