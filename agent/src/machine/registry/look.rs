//! Looking machines up.

use std::net::IpAddr;
use std::ops::Bound;

use super::index::Holders;
use super::{Kept, Record, Registry};
use crate::config::Name;
use crate::id::MachineId;
use crate::mac::Mac;
use crate::uuid::Uuid;

impl Registry {
    /// The machine with a UUID, in either byte order; none if more than one has it.
    pub fn by_uuid(&self, uuid: Uuid) -> Option<MachineId> {
        self.holders(uuid).and_then(Holders::only)
    }

    /// Every machine with a UUID, in either byte order.
    pub fn with_uuid(&self, uuid: Uuid) -> impl Iterator<Item = MachineId> {
        self.holders(uuid).into_iter().flat_map(Holders::iter)
    }

    /// Whether more than one machine has a UUID, so that it names none.
    pub fn is_shared(&self, uuid: Uuid) -> bool {
        matches!(self.holders(uuid), Some(Holders::Many(_)))
    }

    pub(super) fn holders(&self, uuid: Uuid) -> Option<&Holders> {
        self.index.uuids.get(&uuid.canonical())
    }

    /// The machine with a MAC.
    pub fn by_mac(&self, mac: Mac) -> Option<MachineId> {
        self.index.macs.get(&mac).copied()
    }

    /// The machine with a serial number with manufacturer, as [`crate::machine`] writes it for itself.
    pub(super) fn by_serial(&self, key: &str) -> Option<MachineId> {
        self.index.serials.get(key).and_then(Holders::only)
    }

    /// The machine that last asked from an address.
    pub fn at_address(&self, address: IpAddr) -> Option<MachineId> {
        self.index.addresses.get(&address).copied()
    }

    /// Whether a machine has a serial number with manufacturer.
    pub(super) fn has_serial(&self, key: &str) -> bool {
        self.index.serials.contains_key(key)
    }

    /// The machines that were a declared one when they last asked: one as a rule.
    pub fn declared_as(&self, name: &Name) -> impl Iterator<Item = &Record> {
        let holders = self.index.names.get(name.as_str());
        let holders = holders.into_iter().flat_map(Holders::iter);
        let records = holders.filter_map(|id| self.get(id));
        records.filter(move |record| record.declared.as_ref() == Some(name))
    }

    /// The machine that a person means: by name, MAC, UUID or number. A declared name counts more
    /// than one that was given.
    pub fn named(&self, text: &str) -> Option<MachineId> {
        let by_name = || {
            let name = Name::new(text).ok()?;
            let declared = self.declared_as(&name).next().map(|record| record.id);
            declared.or_else(|| self.index.names.get(text)?.first())
        };
        let by_mac = || text.parse().ok().and_then(|mac| self.by_mac(mac));
        let by_uuid = || text.parse().ok().and_then(|uuid| self.by_uuid(uuid));
        let by_number = || {
            let number = text.parse().ok();
            number.filter(|id| self.machines.contains_key(id))
        };
        by_name()
            .or_else(by_mac)
            .or_else(by_uuid)
            .or_else(by_number)
    }

    /// A machine's record.
    pub fn get(&self, id: MachineId) -> Option<&Record> {
        self.machines.get(&id).map(|kept| &*kept.record)
    }

    /// All machines by number.
    pub fn iter(&self) -> impl Iterator<Item = &Record> {
        self.machines.values().map(|Kept { record, .. }| &**record)
    }

    /// Those behind a number, by number.
    pub fn behind(&self, number: MachineId) -> impl Iterator<Item = &Record> {
        let behind = (Bound::Excluded(number), Bound::Unbounded);
        let machines = self.machines.range(behind);
        machines.map(|(_, Kept { record, .. })| &**record)
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
        self.index.tokens.get(token).copied()
    }

    /// How many machines are counted for a policy with a limit.
    pub fn counted(&self, policy: &str) -> usize {
        self.index.policies.get(policy).copied().unwrap_or(0)
    }
}
