//! Every machine that was met, found by what it says of itself. Pure: no clock, no disk, no lock.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use super::Facts;
use super::record::Record;
use crate::config::Name;
use crate::event::Event;
use crate::id::MachineId;
use crate::limits;
use crate::mac::Mac;
use crate::uuid::Uuid;

/// The machines, and the ways to find one.
#[derive(Debug, Default)]
pub struct Registry {
    machines: BTreeMap<MachineId, Record>,
    uuids: HashMap<Uuid, MachineId>,
    macs: HashMap<Mac, MachineId>,
    addresses: HashMap<IpAddr, MachineId>,
    next: u64,
}

/// What came of a machine's asking.
#[derive(Debug, Default)]
pub struct Met {
    /// Which it is; `None` only where no more machines are taken up.
    pub id: Option<MachineId>,
    /// It was not known before.
    pub is_new: bool,
    /// Records that are no more, because they were this machine.
    pub merged: Vec<MachineId>,
    /// Records that lost a card or board to this one, or changed otherwise; to be kept anew.
    pub changed: Vec<MachineId>,
    /// What is to be told, and of which machine.
    pub events: Vec<(MachineId, Event)>,
}

impl Registry {
    /// Takes up machines that were kept; `next` is the number of the next new one.
    pub fn new(records: impl IntoIterator<Item = Record>, next: u64) -> Registry {
        let mut registry = Registry {
            next,
            ..Registry::default()
        };
        for record in records {
            registry.put(record);
        }
        registry
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
        let by_uuid = facts.uuid.and_then(|uuid| self.by_uuid(uuid));
        let found = by_uuid.or_else(|| facts.macs.iter().find_map(|mac| self.by_mac(*mac)));
        let is_new = found.is_none();
        if is_new && self.machines.len() >= limits::MACHINES {
            return Met::default();
        }
        let mut record = match found.and_then(|id| self.take(id)) {
            Some(record) => record,
            None => self.fresh(now),
        };
        record.uuid = record.uuid.or(facts.uuid);
        for mac in facts.macs.iter().rev() {
            record.macs.retain(|other| other != mac);
            record.macs.insert(0, *mac);
        }
        record.macs.truncate(limits::MACHINE_MACS);
        record.facts = facts.clone();
        record.declared = declared.cloned();
        record.last_seen = now;
        record.address = address.or(record.address);
        let id = record.id;
        self.put(record);
        Met {
            id: Some(id),
            is_new,
            changed: vec![id],
            ..Met::default()
        }
    }

    fn fresh(&mut self, now: u64) -> Record {
        self.next = self.next.max(1);
        let id = MachineId(self.next);
        self.next += 1;
        Record::new(id, now)
    }

    /// The machine with a UUID, in either byte order.
    pub fn by_uuid(&self, uuid: Uuid) -> Option<MachineId> {
        self.uuids.get(&uuid.min(uuid.swapped())).copied()
    }

    /// The machine with a MAC.
    pub fn by_mac(&self, mac: Mac) -> Option<MachineId> {
        self.macs.get(&mac).copied()
    }

    /// The machine that last asked from an address.
    pub fn at_address(&self, address: IpAddr) -> Option<MachineId> {
        self.addresses.get(&address).copied()
    }

    /// The machine that a person means: by name, MAC, UUID or number.
    pub fn named(&self, text: &str) -> Option<MachineId> {
        let by_name = self.machines.values().find(|record| {
            let name = record.declared.as_ref().or(record.given_name.as_ref());
            name.is_some_and(|name| name.as_str() == text)
        });
        let by_mac = || text.parse().ok().and_then(|mac| self.by_mac(mac));
        let by_uuid = || text.parse().ok().and_then(|uuid| self.by_uuid(uuid));
        let by_number = || {
            text.parse()
                .ok()
                .filter(|id| self.machines.contains_key(id))
        };
        by_name
            .map(|record| record.id)
            .or_else(by_mac)
            .or_else(by_uuid)
            .or_else(by_number)
    }

    /// A machine's record.
    pub fn get(&self, id: MachineId) -> Option<&Record> {
        self.machines.get(&id)
    }

    /// All machines by number.
    pub fn iter(&self) -> impl Iterator<Item = &Record> {
        self.machines.values()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.machines.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.machines.is_empty()
    }

    /// The machine whose installation has a token with this hash.
    pub fn installing(&self, token: &str) -> Option<MachineId> {
        let is_it = |record: &&Record| match &record.phase {
            super::Phase::Installing(installing) => installing.token.as_deref() == Some(token),
            _ => false,
        };
        self.machines.values().find(is_it).map(|record| record.id)
    }

    /// How many machines are counted for a policy with a limit.
    pub fn counted(&self, policy: &str) -> usize {
        let of_it = |record: &&Record| record.policy.as_deref() == Some(policy);
        self.machines.values().filter(of_it).count()
    }

    /// Changes a record; how to find it follows.
    pub fn change<T>(&mut self, id: MachineId, change: impl FnOnce(&mut Record) -> T) -> Option<T> {
        let mut record = self.take(id)?;
        let result = change(&mut record);
        self.put(record);
        Some(result)
    }

    /// Takes a record out.
    pub fn take(&mut self, id: MachineId) -> Option<Record> {
        let record = self.machines.remove(&id)?;
        self.uuids.retain(|_, of| *of != id);
        self.macs.retain(|_, of| *of != id);
        self.addresses.retain(|_, of| *of != id);
        Some(record)
    }

    fn put(&mut self, record: Record) {
        let id = record.id;
        if let Some(uuid) = record.uuid {
            self.uuids.insert(uuid.min(uuid.swapped()), id);
        }
        self.macs.extend(record.macs.iter().map(|mac| (*mac, id)));
        if let Some(address) = record.address {
            self.addresses.insert(address, id);
        }
        self.next = self.next.max(id.0 + 1);
        self.machines.insert(id, record);
    }
}
