//! What holds for a registry at every moment.

use std::collections::BTreeSet;

use super::Registry;
use super::index::Index;
use crate::limits;
use crate::machine::serial;

impl Registry {
    /// Every way to find a machine agrees with the records, and no two records have the same card or
    /// address. What is wrong, if something is.
    pub fn is_consistent(&self) -> Result<(), String> {
        let mut index = Index::default();
        let (mut macs, mut addresses) = (BTreeSet::new(), BTreeSet::new());
        for (id, kept) in &self.machines {
            let record = &kept.record;
            if record.id != *id || id.0 >= self.next {
                return Err(format!(
                    "record {} is kept as {id}, next is {}",
                    record.id, self.next
                ));
            }
            if let Some(mac) = record.macs.iter().find(|mac| !macs.insert(**mac)) {
                return Err(format!("two machines have {mac}"));
            }
            if let Some(address) = record.address.filter(|address| !addresses.insert(*address)) {
                return Err(format!("two machines have {address}"));
            }
            if record.macs.len() > limits::MACHINE_MACS {
                return Err(format!("machine {id} has too many cards"));
            }
            index.add(record, serial::key(&record.facts));
        }
        match index == self.index {
            true => Ok(()),
            false => Err(format!(
                "the index is {:?} and should be {index:?}",
                self.index
            )),
        }
    }
}
