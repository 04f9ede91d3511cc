//! Which machine asks: the rules, without changing anything. `docs/machines.md` tells them to people.

use std::net::IpAddr;
use std::time::Duration;

use super::Registry;
use crate::config::Name;
use crate::id::MachineId;
use crate::limits;
use crate::mac::Mac;
use crate::machine::phase::Phase;
use crate::machine::record::Record;
use crate::machine::{Facts, serial};
use crate::uuid::Uuid;

/// What is known when a machine asks.
pub struct Asking<'a> {
    /// What it says of itself.
    pub facts: &'a Facts,
    /// The declared machine that it is.
    pub declared: Option<&'a Name>,
    /// Where it asks from.
    pub address: Option<IpAddr>,
    /// Milliseconds since 1970.
    pub now: u64,
    /// [`serial::key`] of the facts.
    pub serial: Option<Box<str>>,
}

/// Which machine it is, and what that means for others.
#[derive(Debug, Default)]
pub struct Found {
    /// Its record; `None`: it is new.
    pub base: Option<MachineId>,
    /// Other records that are this machine too, and by what.
    pub same: Vec<(MachineId, String)>,
    /// Cards of it that were another's, and whose.
    pub moved: Vec<(Mac, MachineId)>,
    /// An identity that another machine has as well, and why that is another one.
    pub shared: Option<Shared>,
}

/// An identity of two machines.
#[derive(Debug)]
pub struct Shared {
    /// Which, in words.
    pub what: String,
    /// The other machine.
    pub other: MachineId,
    /// By what they are two.
    pub reason: String,
}

/// Finds the machine: by UUID, else by its cards in their order, else by the declaration, else by
/// serial number with manufacturer.
pub fn find(registry: &Registry, asking: &Asking) -> Found {
    let mut found = Found::default();
    let mut base = None;
    if let Some(uuid) = asking.facts.uuid
        && let Some(record) = registry.by_uuid(uuid).and_then(|id| registry.get(id))
    {
        match asking.is_another(record) {
            Some(reason) => {
                found.shared = Some(Shared {
                    what: format!("UUID {uuid}"),
                    other: record.id,
                    reason,
                });
            }
            None => base = Some(record),
        }
    }
    let has_uuid = base.is_some();
    let by_cards = with_cards(registry, &asking.facts.macs);
    if base.is_none() {
        let owners = by_cards.iter().map(|(record, _)| *record);
        base = owners.into_iter().find(|record| asking.may_be(record));
    }
    for (record, mac) in &by_cards {
        match base {
            Some(base) if base.id == record.id => {}
            Some(base) if asking.is_one(base, record) => {
                if found.same.iter().all(|(id, _)| *id != record.id) {
                    let by = match has_uuid {
                        true => "the UUID of one and the card",
                        false => "cards of both, such as",
                    };
                    found
                        .same
                        .push((record.id, format!("it has {by} {mac} of the other")));
                }
            }
            _ => found.moved.push((*mac, record.id)),
        }
    }
    if base.is_none() && by_cards.is_empty() {
        base = by_declaration(registry, asking).or_else(|| by_serial(registry, asking, &mut found));
    }
    found.base = base.map(|record| record.id);
    found
}

/// The machines that have cards, one line for each card.
fn with_cards<'a>(registry: &'a Registry, macs: &[Mac]) -> Vec<(&'a Record, Mac)> {
    let owner = |mac: &Mac| Some((registry.get(registry.by_mac(*mac)?)?, *mac));
    macs.iter().filter_map(owner).collect()
}

/// A declared machine is one, whatever card it shows today. The record may have its name from a
/// declaration that was changed since, so this finds a record but never makes one of two.
fn by_declaration<'a>(registry: &'a Registry, asking: &Asking) -> Option<&'a Record> {
    let mut records = registry.declared_as(asking.declared?);
    records.find(|record| asking.agrees_with(record) && asking.is_another(record).is_none())
}

/// Serial numbers are the weakest identity: boxes with several boards have one on all of them. So it
/// never makes one machine of two UUIDs, however long the other was silent.
fn by_serial<'a>(registry: &'a Registry, asking: &Asking, found: &mut Found) -> Option<&'a Record> {
    let record = registry.get(registry.by_serial(asking.serial.as_deref()?)?)?;
    if !asking.agrees_with(record) {
        return None;
    }
    if let Some(reason) = asking.is_alive_elsewhere(record) {
        found.shared = Some(Shared {
            what: format!("serial number {}", asking.facts.serial),
            other: record.id,
            reason,
        });
        return None;
    }
    Some(record)
}

impl Asking<'_> {
    /// It says nothing by which it could be found again if a record began with it.
    pub fn is_nobody(&self, registry: &Registry) -> bool {
        let uuid = self.facts.uuid;
        let serial = self.serial.as_deref();
        self.facts.macs.is_empty()
            && serial.is_none_or(|serial| registry.has_serial(serial))
            && uuid.is_none_or(|uuid| registry.is_shared(uuid))
    }

    /// Why this is another machine than the one that has its UUID, if it must be: their cards have
    /// nothing in common, and either their serial numbers differ, or both are there now.
    fn is_another(&self, record: &Record) -> Option<String> {
        if self.facts.macs.is_empty() || record.macs.is_empty() || self.has_card_of(record) {
            return None;
        }
        match (&self.serial, serial::key(&record.facts)) {
            // Another card of the same machine.
            (Some(own), Some(other)) if *own == other => None,
            (Some(_), Some(_)) => Some("their cards and their serial numbers differ".to_owned()),
            _ => self.is_alive_elsewhere(record),
        }
    }

    /// Both are there now: the record's machine was heard of a moment ago, at another address and
    /// with other cards. One that was sent to its disk is none: its firmware may have gone on to the
    /// next card of the same machine.
    fn is_alive_elsewhere(&self, record: &Record) -> Option<String> {
        let sent_away = matches!(record.phase, Phase::Installed { .. } | Phase::Ignored)
            || record
                .learnt
                .sent_local
                .is_some_and(|at| self.is_recent(at));
        let (own, other) = (self.address?, record.address?);
        let is_there =
            own != other && self.is_recent(record.last_seen) && !self.has_card_of(record);
        let ago = Duration::from_millis(self.now.abs_diff(record.last_seen));
        (is_there && !sent_away && !record.macs.is_empty() && !self.facts.macs.is_empty()).then(
            || {
                let seconds = ago.as_secs();
                format!("it was at {other} {seconds} seconds ago with other cards, and this one is at {own}")
            },
        )
    }

    /// Whether a time is so near that what was there then is there now.
    pub fn is_recent(&self, at: u64) -> bool {
        let limit = u64::try_from(limits::ALIVE.as_millis()).unwrap_or(u64::MAX);
        self.now.abs_diff(at) <= limit
    }

    fn has_card_of(&self, record: &Record) -> bool {
        self.facts.macs.iter().any(|mac| record.macs.contains(mac))
    }

    /// Whether the machine that has one of the cards can be the one that asks. With another UUID it
    /// is if it can be the same machine with a new board.
    fn may_be(&self, record: &Record) -> bool {
        self.agrees_with(record) || self.has_new_board(record)
    }

    /// Neither UUID nor serial number say that it is another one.
    fn agrees_with(&self, record: &Record) -> bool {
        self.has_uuid_of(record) && self.has_serial_of(record)
    }

    /// It is declared as another one.
    fn is_declared_apart(&self, record: &Record) -> bool {
        let names = self.declared.zip(record.declared.as_ref());
        names.is_some_and(|(own, other)| own != other)
    }

    /// Two records are this machine: nothing says of one of them that it is another, nor that they
    /// are two.
    fn is_one(&self, base: &Record, other: &Record) -> bool {
        let has_uuids = base.uuid.is_some() && other.uuid.is_some();
        let (serial, its) = (serial::key(&base.facts), serial::key(&other.facts));
        is_same_uuid(base.uuid, other.uuid)
            && (has_uuids || is_same(serial.as_deref(), its.as_deref()))
            && self.agrees_with(other)
            && !self.is_declared_apart(other)
    }

    fn has_uuid_of(&self, record: &Record) -> bool {
        is_same_uuid(self.facts.uuid, record.uuid)
    }

    /// A good UUID in common counts more than serial numbers, which people write.
    fn has_serial_of(&self, record: &Record) -> bool {
        let has_uuid = self.facts.uuid.is_some() && record.uuid.is_some();
        has_uuid && self.has_uuid_of(record)
            || is_same(
                self.serial.as_deref(),
                serial::key(&record.facts).as_deref(),
            )
    }

    /// The same cards, all that are known of the machine, under another UUID, and of the same make:
    /// the mainboard was changed, or its firmware now shows another UUID. A card that moved to a
    /// machine that is not known yet looks the same only if both are of one make and the card is the
    /// only one known of both.
    fn has_new_board(&self, record: &Record) -> bool {
        let facts = self.facts;
        let has_all = record.macs.iter().all(|mac| facts.macs.contains(mac));
        let is_same_text = |one: &str, other: &str| {
            serial::is_worthless(one) || serial::is_worthless(other) || one == other
        };
        !self.has_uuid_of(record)
            && has_all
            && is_same_text(&facts.manufacturer, &record.facts.manufacturer)
            && is_same_text(&facts.product, &record.facts.product)
            && is_same(
                self.serial.as_deref(),
                serial::key(&record.facts).as_deref(),
            )
    }
}

fn is_same_uuid(one: Option<Uuid>, other: Option<Uuid>) -> bool {
    one.zip(other)
        .is_none_or(|(one, other)| one.same_machine(other))
}

fn is_same(one: Option<&str>, other: Option<&str>) -> bool {
    one.zip(other).is_none_or(|(one, other)| one == other)
}
