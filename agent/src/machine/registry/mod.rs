//! Every machine that was met, found by what it says of itself. Pure: no clock, no disk, no lock.
//! [`resolve`] says which machine asks, [`merge`] makes one record of two, [`split`] two of one, and
//! [`index`] finds a record without looking at the others, [`room`] says which one makes room,
//! [`moments`] what becomes of times when the clock is set.

#[cfg(test)]
mod check;
mod index;
mod look;
mod merge;
mod moments;
mod resolve;
mod room;
mod split;

use std::collections::BTreeMap;
use std::net::IpAddr;

use self::index::Index;
use self::resolve::{Asking, Found};
use super::record::Record;
use super::{Facts, serial};
use crate::config::Name;
use crate::event::Event;
use crate::id::MachineId;
use crate::limits;
use crate::mac::Mac;
use crate::uuid::Uuid;

/// The machines, and the ways to find one. A card and an address have at most one machine.
#[derive(Debug, Default)]
pub struct Registry {
    machines: BTreeMap<MachineId, Kept>,
    index: Index,
    next: u64,
    /// The last one that was looked at to make room.
    looked: Option<MachineId>,
}

/// A record that is to be taken up: within its bounds, and with what takes long to find out, so that a
/// start can have many made at once.
#[derive(Debug)]
pub struct Prepared {
    record: Box<Record>,
    /// See [`serial::key`].
    serial: Option<Box<str>>,
}

impl From<Box<Record>> for Prepared {
    fn from(mut record: Box<Record>) -> Prepared {
        record.bound();
        let serial = serial::key(&record.facts);
        Prepared { record, serial }
    }
}

impl From<Record> for Prepared {
    fn from(record: Record) -> Prepared {
        Prepared::from(Box::new(record))
    }
}

/// A machine's record, and what of it is on the disk.
#[derive(Debug)]
struct Kept {
    record: Box<Record>,
    /// `last_seen` as it was when the record was to be kept last.
    last_seen: u64,
}

/// What came of a machine's asking.
#[derive(Debug, Default)]
pub struct Met {
    /// Which it is; `None` only where it says nothing that a machine is known by, and where no more
    /// machines are taken up.
    pub id: Option<MachineId>,
    /// It was not known before.
    pub is_new: bool,
    /// The cards that were known of it before; see [`super::trust::check`].
    pub known: Vec<Mac>,
    /// Records that are no more, because they were this machine.
    pub merged: Vec<MachineId>,
    /// A record that is no more, because there are too many and it said the least.
    pub forgotten: Option<MachineId>,
    /// Records to be kept anew: this machine's, if more changed than when it was seen last, and those
    /// that lost a card or address to it.
    pub changed: Vec<MachineId>,
    /// What is to be told, and of which machine.
    pub events: Vec<(MachineId, Event)>,
}

impl Registry {
    /// Takes up machines that were kept; `next` is the number of the next new one.
    pub fn new<P: Into<Prepared>>(records: impl IntoIterator<Item = P>, next: u64) -> Registry {
        let mut registry = Registry::default();
        registry.take_up(records);
        registry.number_from(next);
        registry
    }

    /// New machines get this number and those behind it, if none of them is given yet.
    pub fn number_from(&mut self, next: u64) {
        self.next = self.next.max(next);
    }

    /// Makes room for so many more machines.
    pub fn reserve(&mut self, machines: usize) {
        self.index.reserve(machines);
    }

    /// Takes up machines that were kept. Where two have the same card the first keeps it.
    pub fn take_up<P: Into<Prepared>>(&mut self, records: impl IntoIterator<Item = P>) {
        for record in records {
            let mut prepared: Prepared = record.into();
            let record = &mut prepared.record;
            let holder = record.address.and_then(|address| self.at_address(address));
            let holder = holder.and_then(|id| self.get(id));
            if holder.is_some_and(|holder| holder.last_seen > record.last_seen) {
                record.address = None;
            }
            if self.get(record.id).is_none() {
                self.put(prepared);
            }
        }
    }

    /// A machine asked, or was heard of: finds its record by UUID in either byte order, else by any
    /// of its MACs, else by serial number with manufacturer, and brings it up to date; makes one if
    /// there is none. `declared` is the declared machine that it is.
    pub fn meet(
        &mut self,
        facts: &Facts,
        declared: Option<&Name>,
        address: Option<IpAddr>,
        now: u64,
    ) -> Met {
        let asking = Asking {
            facts,
            declared,
            address,
            now,
            serial: serial::key(facts),
        };
        let found = resolve::find(self, &asking);
        let is_new = found.base.is_none();
        if is_new && asking.is_nobody(self) {
            return Met::default();
        }
        let (has_room, forgotten) = match is_new {
            true => self.make_room(now),
            false => (true, None),
        };
        if !has_room {
            return Met::default();
        }
        // Who made room may have had one of its cards.
        let found = match forgotten {
            Some(_) => resolve::find(self, &asking),
            None => found,
        };
        let base = found.base.and_then(|id| self.get(id)).cloned();
        let mut record = base.unwrap_or_else(|| self.fresh(now));
        let mut met = Met {
            is_new,
            known: record.macs.clone(),
            forgotten,
            ..Met::default()
        };
        let mut told = Vec::new();
        for (other, reason) in &found.same {
            let Some(taken) = self.take(*other) else {
                continue;
            };
            // This one is out as well, as the number may not stay.
            self.take(record.id);
            let gone = record.id.max(taken.id);
            record = merge::merge(record, taken);
            met.merged.push(gone);
            told.push(Event::Merged {
                other: gone,
                reason: reason.clone(),
            });
        }
        self.move_cards(&found, &mut met, &mut told);
        if let Some(other) = split::split(&mut record, &asking)
            && self.machines.len() < limits::MACHINES
        {
            self.part(&record, other, &mut met);
        }
        let before = record.uuid;
        update(&mut record, &asking);
        told.extend(self.uuid_events(&record, before, found));
        let id = record.id;
        if self.settle(record, now, &mut met) {
            met.changed.insert(0, id);
        }
        met.id = Some(id);
        let parted = std::mem::take(&mut met.events);
        met.events = told.into_iter().map(|event| (id, event)).collect();
        met.events.extend(parted);
        met
    }

    /// Takes up the machine that was in another's record.
    fn part(&mut self, record: &Record, mut other: Record, met: &mut Met) {
        other.id = MachineId(self.next);
        let (id, from) = (other.id, record.id);
        let moved = other.macs.iter().map(|mac| Event::Moved {
            what: mac.to_string(),
            from,
        });
        met.events.extend(moved.map(|event| (id, event)));
        let reason = "it asked with other cards while that one was waiting".to_owned();
        met.events.push((
            id,
            Event::Shared {
                what: split::shared(record),
                other: from,
                reason,
            },
        ));
        // The cards are still this record's in the index.
        self.replace(record.clone());
        self.put(other.into());
        met.changed.push(id);
    }

    /// The machine that [`Registry::meet`] would find, as it is before; `None` if it is new.
    pub fn find(
        &self,
        facts: &Facts,
        declared: Option<&Name>,
        address: Option<IpAddr>,
        now: u64,
    ) -> Option<&Record> {
        let asking = Asking {
            facts,
            declared,
            address,
            now,
            serial: serial::key(facts),
        };
        resolve::find(self, &asking)
            .base
            .and_then(|id| self.get(id))
    }

    /// A card was heard of by DHCP, which says too little to tell machines apart: brings its machine
    /// up to date. With `take_up` a card of no known machine begins one, which is merged with whatever
    /// iPXE says of it later.
    pub fn heard(&mut self, mac: Mac, address: Option<IpAddr>, take_up: bool, now: u64) -> Met {
        let address = address.filter(|address| !address.is_unspecified());
        let known = self.by_mac(mac).and_then(|id| self.get(id)).cloned();
        let is_new = known.is_none();
        let (has_room, forgotten) = match is_new && take_up {
            true => self.make_room(now),
            false => (!is_new, None),
        };
        if !has_room {
            return Met::default();
        }
        let mut record = known.unwrap_or_else(|| self.fresh(now));
        let mut met = Met {
            id: Some(record.id),
            is_new,
            known: record.macs.clone(),
            forgotten,
            ..Met::default()
        };
        if is_new {
            record.macs.push(mac);
            record.facts.macs.push(mac);
        }
        record.address = address.or(record.address);
        record.last_seen = now;
        let id = record.id;
        if self.settle(record, now, &mut met) {
            met.changed.insert(0, id);
        }
        met
    }

    /// Cards go over from machines that are others.
    fn move_cards(&mut self, found: &Found, met: &mut Met, told: &mut Vec<Event>) {
        for (mac, from) in &found.moved {
            let Some(mut record) = self.get(*from).cloned() else {
                continue;
            };
            record.macs.retain(|other| other != mac);
            self.replace(record);
            if !met.changed.contains(from) {
                met.changed.push(*from);
            }
            told.push(Event::Moved {
                what: mac.to_string(),
                from: *from,
            });
        }
    }

    /// What is to be told of a UUID that was `before` and is the record's now.
    fn uuid_events(&self, record: &Record, before: Option<Uuid>, found: Found) -> Vec<Event> {
        let mut told = Vec::new();
        let is_same = |(one, other): (Uuid, Uuid)| one.same_machine(other);
        if let Some((before, now)) = before.zip(record.uuid)
            && !is_same((before, now))
        {
            told.push(Event::Board { before, now });
        }
        let is_its_own = before.zip(record.uuid).is_some_and(is_same);
        let holder = record
            .uuid
            .and_then(|uuid| Some((uuid, self.holders(uuid)?.first()?)));
        let shared = found.shared.map(|shared| Event::Shared {
            what: shared.what,
            other: shared.other,
            reason: shared.reason,
        });
        let already = |(uuid, other)| Event::Shared {
            what: format!("UUID {uuid}"),
            other,
            reason: "more than one machine was seen with it, and the cards differ".to_owned(),
        };
        let other = holder.filter(|(_, other)| *other != record.id && !is_its_own);
        told.extend(shared.or_else(|| other.map(already)));
        told
    }

    /// Puts a record in the place of what there was of it, and says whether it is to be kept.
    fn settle(&mut self, mut record: Record, now: u64, met: &mut Met) -> bool {
        let grain = u64::try_from(limits::LAST_SEEN_GRAIN.as_millis()).unwrap_or(u64::MAX);
        if let Some(kept) = self.machines.get_mut(&record.id) {
            record.last_seen = kept.record.last_seen;
            if *kept.record == record {
                kept.record.last_seen = now;
                let is_due = now.abs_diff(kept.last_seen) >= grain;
                if is_due {
                    kept.last_seen = now;
                }
                return is_due;
            }
        }
        record.last_seen = now;
        if let Some(loser) = self.replace(record) {
            met.changed.push(loser);
        }
        true
    }

    fn fresh(&mut self, now: u64) -> Record {
        self.next = self.next.max(1);
        let id = MachineId(self.next);
        self.next += 1;
        Record::new(id, now)
    }

    /// Changes a record; how to find it follows.
    pub fn change<T>(&mut self, id: MachineId, change: impl FnOnce(&mut Record) -> T) -> Option<T> {
        // A copy, so that a change that does not end leaves nothing half done.
        let mut record = self.get(id)?.clone();
        let result = change(&mut record);
        record.id = id;
        self.replace(record);
        Some(result)
    }

    /// Takes a record out.
    pub fn take(&mut self, id: MachineId) -> Option<Record> {
        let kept = self.machines.remove(&id)?;
        self.index.remove(&kept.record);
        Some(*kept.record)
    }

    /// Puts a record in the place of the one with its number; see [`Registry::put`].
    fn replace(&mut self, mut record: Record) -> Option<MachineId> {
        if let Some(kept) = self.machines.get_mut(&record.id)
            && Index::is_same(&kept.record, &record)
        {
            record.bound();
            kept.last_seen = record.last_seen;
            *kept.record = record;
            return None;
        }
        self.take(record.id);
        self.put(record.into())
    }

    /// Takes a record up. A card that another machine has stays with that. An address belongs to who
    /// asked last: the number of a machine that lost it to this one comes back.
    fn put(&mut self, prepared: Prepared) -> Option<MachineId> {
        let Prepared { mut record, serial } = prepared;
        let id = record.id;
        record.macs.retain(|mac| !self.index.macs.contains_key(mac));
        let holder = record.address.and_then(|address| self.at_address(address));
        let mut loser = None;
        if let Some(holder) = holder.and_then(|holder| self.machines.get_mut(&holder)) {
            holder.record.address = None;
            loser = Some(holder.record.id);
        }
        self.index.add(&record, serial);
        self.next = self.next.max(id.0.saturating_add(1));
        let last_seen = record.last_seen;
        self.machines.insert(id, Kept { record, last_seen });
        loser
    }
}

/// Brings a record up to date with what its machine says.
fn update(record: &mut Record, asking: &Asking) {
    // The byte order that it said first stays, as both are the same.
    let is_other = |said: &Uuid| record.uuid.is_none_or(|uuid| !uuid.same_machine(*said));
    if let Some(uuid) = asking.facts.uuid.filter(is_other) {
        record.uuid = Some(uuid);
    }
    for mac in asking.facts.macs.iter().rev() {
        record.macs.retain(|other| other != mac);
        record.macs.insert(0, *mac);
    }
    record.macs.truncate(limits::MACHINE_MACS);
    record.facts = asking
        .facts
        .lasting()
        .over(std::mem::take(&mut record.facts));
    record.facts.bound();
    record.declared = asking.declared.cloned();
    record.last_seen = asking.now;
    record.address = asking.address.or(record.address);
}

#[cfg(test)]
mod tests;
