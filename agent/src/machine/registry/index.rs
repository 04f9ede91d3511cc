//! The ways to find a machine. Each follows from the records alone; nothing here looks at more than
//! the one record that comes or goes.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;
use std::net::IpAddr;

use crate::id::MachineId;
use crate::mac::Mac;
use crate::machine::phase::Phase;
use crate::machine::record::Record;
use crate::machine::serial;
use crate::uuid::Uuid;

/// Who has an identity that more than one machine can have.
#[allow(
    clippy::box_collection,
    reason = "many are rare, and this is there three times for each machine"
)]
#[derive(Clone, Debug, PartialEq)]
pub enum Holders {
    /// It names this machine.
    One(MachineId),
    /// It names none of them. In order, so that one of ten thousand goes as fast as one of two.
    Many(Box<BTreeSet<MachineId>>),
}

impl Holders {
    /// The machine that it names.
    pub fn only(&self) -> Option<MachineId> {
        match self {
            Holders::One(id) => Some(*id),
            Holders::Many(_) => None,
        }
    }

    /// The one with the lowest number.
    pub fn first(&self) -> Option<MachineId> {
        self.iter().next()
    }

    /// All of them, by number.
    pub fn iter(&self) -> impl Iterator<Item = MachineId> {
        let (one, many) = match self {
            Holders::One(id) => (Some(*id), None),
            Holders::Many(ids) => (None, Some(ids.iter().copied())),
        };
        one.into_iter().chain(many.into_iter().flatten())
    }
}

/// Every way.
#[derive(Debug, Default, PartialEq)]
pub struct Index {
    /// By UUID in its canonical byte order.
    pub uuids: HashMap<Uuid, Holders>,
    /// By card: one has only one machine.
    pub macs: HashMap<Mac, MachineId>,
    /// By [`serial::key`].
    pub serials: HashMap<Box<str>, Holders>,
    /// By the address that it last asked from: one has only one machine.
    pub addresses: HashMap<IpAddr, MachineId>,
    /// By [`Record::name`].
    pub names: HashMap<Box<str>, Holders>,
    /// How many are counted for a policy.
    pub policies: HashMap<Box<str>, usize>,
    /// By the hash of the token of the installation that is under way.
    pub tokens: HashMap<Box<str>, MachineId>,
}

impl Index {
    /// Makes room for so many more records; most have a UUID, an address and a few cards.
    pub fn reserve(&mut self, records: usize) {
        self.uuids.reserve(records);
        self.serials.reserve(records);
        self.addresses.reserve(records);
        self.macs.reserve(records * 2);
    }

    /// Takes up a record whose cards and address no other has; `serial` is its [`serial::key`].
    pub fn add(&mut self, record: &Record, serial: Option<Box<str>>) {
        let id = record.id;
        if let Some(uuid) = record.uuid {
            hold(&mut self.uuids, uuid.canonical(), id);
        }
        if let Some(serial) = serial {
            hold(&mut self.serials, serial, id);
        }
        if let Some(name) = record.name() {
            hold(&mut self.names, name.as_str().into(), id);
        }
        self.macs.extend(record.macs.iter().map(|mac| (*mac, id)));
        if let Some(address) = record.address {
            self.addresses.insert(address, id);
        }
        if let Some(policy) = &record.policy {
            *self.policies.entry(policy.as_str().into()).or_default() += 1;
        }
        if let Some(token) = token(record) {
            self.tokens.insert(token.into(), id);
        }
    }

    /// Forgets a record, as it was when it was taken up.
    pub fn remove(&mut self, record: &Record) {
        let id = record.id;
        if let Some(uuid) = record.uuid {
            release(&mut self.uuids, &uuid.canonical(), id);
        }
        if let Some(serial) = serial::key(&record.facts) {
            release(&mut self.serials, &serial, id);
        }
        if let Some(name) = record.name() {
            release(&mut self.names, name.as_str(), id);
        }
        for mac in &record.macs {
            self.macs.remove(mac);
        }
        if let Some(address) = &record.address {
            self.addresses.remove(address);
        }
        if let Some(policy) = record.policy.as_deref()
            && let Some(count) = self.policies.get_mut(policy)
        {
            *count -= 1;
            if *count == 0 {
                self.policies.remove(policy);
            }
        }
        if let Some(token) = token(record) {
            self.tokens.remove(token);
        }
    }

    /// Whether a record is found in the same ways as another.
    pub fn is_same(one: &Record, other: &Record) -> bool {
        one.uuid == other.uuid
            && one.macs == other.macs
            && one.address == other.address
            && one.policy == other.policy
            && token(one) == token(other)
            && one.name() == other.name()
            && one.facts.serial == other.facts.serial
            && one.facts.manufacturer == other.facts.manufacturer
    }
}

/// The hash of the token of the installation that is under way.
fn token(record: &Record) -> Option<&str> {
    match &record.phase {
        Phase::Installing(installing) => installing.token.as_deref(),
        _ => None,
    }
}

fn hold<K: Eq + Hash>(map: &mut HashMap<K, Holders>, key: K, id: MachineId) {
    map.entry(key)
        .and_modify(|holders| match holders {
            Holders::One(one) if *one == id => {}
            Holders::One(one) => *holders = Holders::Many(Box::new(BTreeSet::from([*one, id]))),
            Holders::Many(ids) => {
                ids.insert(id);
            }
        })
        .or_insert(Holders::One(id));
}

fn release<K, Q>(map: &mut HashMap<K, Holders>, key: &Q, id: MachineId)
where
    K: Eq + Hash + std::borrow::Borrow<Q>,
    Q: Eq + Hash + ?Sized,
{
    match map.get_mut(key) {
        Some(Holders::One(one)) if *one == id => {
            map.remove(key);
        }
        Some(holders @ Holders::Many(_)) => {
            if let Holders::Many(ids) = holders {
                ids.remove(&id);
                if let (1, Some(last)) = (ids.len(), ids.first().copied()) {
                    *holders = Holders::One(last);
                }
            }
        }
        _ => {}
    }
}
