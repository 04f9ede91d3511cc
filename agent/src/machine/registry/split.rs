//! One record that turns out to be two machines becomes two records.

use super::resolve::Asking;
use crate::machine::phase::Phase;
use crate::machine::record::{Learnt, Record, Wishes};
use crate::machine::serial;

/// Takes out of a record the machine that asked last, if that cannot be the one that asks now; it has
/// no number yet.
///
/// What waits and asks again (`attempt`) has asked before, and its iPXE has run since then. If another
/// one asked in between, with none of its cards, then two were running at once: they are two
/// machines that have a UUID or a serial number in common and were taken for one, because one came
/// after the other as the next card of the same machine does. Who was waiting keeps the record.
pub fn split(record: &mut Record, asking: &Asking) -> Option<Record> {
    let (own, last) = (&asking.facts.macs, &record.facts.macs);
    let is_other = !own.is_empty() && !last.is_empty() && !own.iter().any(|mac| last.contains(mac));
    let knows = own.iter().any(|mac| record.macs.contains(mac));
    let is_there = asking.is_recent(record.last_seen) && record.address != asking.address;
    if asking.facts.attempt == 0 || !is_other || !knows || !is_there {
        return None;
    }
    let other = Record {
        macs: last.clone(),
        declared: None,
        given_name: None,
        facts: std::mem::take(&mut record.facts),
        phase: Phase::default(),
        since: asking.now,
        first_seen: record.last_seen,
        address: record.address.take(),
        wishes: Wishes::default(),
        learnt: Learnt::default(),
        policy: None,
        ..record.clone()
    };
    record.macs.retain(|mac| !other.macs.contains(mac));
    Some(other)
}

/// What both have, in words.
pub fn shared(record: &Record) -> String {
    match record.uuid {
        Some(uuid) => format!("UUID {uuid}"),
        None => match serial::key(&record.facts) {
            Some(_) => format!("serial number {}", record.facts.serial),
            None => "record".to_owned(),
        },
    }
}
