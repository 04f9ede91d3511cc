//! The registry and the store together: what every thread asks about machines, and the one way in
//! which a record changes.

use std::net::IpAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Facts;
use super::record::Record;
use super::registry::{Met, Registry};
use crate::config::Name;
use crate::id::MachineId;
use crate::limits;
use crate::mac::Mac;
use crate::store::{Contents, Error, MachineRow, Memory, Pending, Store, TokenRow, Write};

/// Every machine. What it gives out are copies: a record changes only by [`Census::change`].
pub struct Census {
    registry: Mutex<Registry>,
    store: Arc<dyn Store>,
}

impl Census {
    /// Takes up what was kept. The sentences say which records cannot be read; they are left alone in
    /// the database.
    pub fn new(contents: &Contents, store: Arc<dyn Store>) -> (Census, Vec<String>) {
        let (registry, warnings) = registry(contents);
        let census = Census {
            registry: Mutex::new(registry),
            store,
        };
        (census, warnings)
    }

    /// One without machines and without a disk, for previews and tests.
    pub fn empty() -> Arc<Census> {
        let store = Arc::new(Memory::default());
        Arc::new(Census::new(&Contents::default(), store).0)
    }

    /// Goes back to a backup: the machines are those of the backup from then on. Every other thread
    /// waits meanwhile, so that nothing from before is written behind it. The backup's tokens, and
    /// sentences about what cannot be read, come back.
    ///
    /// # Errors
    /// The backup cannot be used; nothing was changed.
    pub fn restore(&self, from: &Path) -> Result<(Vec<TokenRow>, Vec<String>), Error> {
        let mut current = self.look();
        let contents = self.store.restore(from)?;
        let (registry, warnings) = registry(&contents);
        *current = registry;
        Ok((contents.tokens, warnings))
    }

    /// The store, for events and whatever else is not a machine.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// Looks at the registry; every other thread waits meanwhile, so look briefly.
    pub fn look(&self) -> MutexGuard<'_, Registry> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// See [`Registry::meet`]; what changed is on its way to the disk.
    pub fn meet(
        &self,
        facts: &Facts,
        declared: Option<&Name>,
        address: Option<IpAddr>,
        now: u64,
    ) -> (Met, Option<Record>) {
        let mut registry = self.look();
        let met = registry.meet(facts, declared, address, now);
        self.keep(&registry, &met);
        let record = met.id.and_then(|id| registry.get(id)).cloned();
        (met, record)
    }

    /// See [`Registry::heard`]; what changed is on its way to the disk.
    pub fn heard(&self, mac: Mac, address: Option<IpAddr>, take_up: bool, now: u64) -> Met {
        let mut registry = self.look();
        let met = registry.heard(mac, address, take_up, now);
        self.keep(&registry, &met);
        met
    }

    /// Hands on what came of a meeting. Called under the lock, so that the order on the disk is the
    /// order here.
    fn keep(&self, registry: &Registry, met: &Met) {
        let mut writes: Vec<Write> = Vec::new();
        if let Some(into) = met.id {
            writes.extend(met.merged.iter().map(|&from| Write::Merge { into, from }));
        }
        let changed = met.changed.iter().filter_map(|id| registry.get(*id));
        writes.extend(changed.map(|record| Write::Machine(Box::new(row(record)))));
        if !writes.is_empty() {
            drop(self.store.write(writes));
        }
    }

    /// Changes a machine's record. The change is in force at once; who needs it on the disk waits for
    /// what comes back. `None`: there is no such machine.
    pub fn change<T>(
        &self,
        id: MachineId,
        change: impl FnOnce(&mut Record) -> T,
    ) -> Option<(T, Pending)> {
        let mut registry = self.look();
        let result = registry.change(id, change)?;
        let record = registry.get(id)?;
        let pending = self
            .store
            .write(vec![Write::Machine(Box::new(row(record)))]);
        Some((result, pending))
    }

    /// Looks at a machine and at all others, and changes it, without anybody coming in between.
    /// `None`: there is no such machine. The second: it did change, and is on its way to the disk.
    pub fn transact<T>(
        &self,
        id: MachineId,
        change: impl FnOnce(&Registry, &mut Record) -> T,
    ) -> Option<(T, Option<Pending>)> {
        let mut registry = self.look();
        let before = registry.get(id)?;
        let mut after = before.clone();
        let result = change(&registry, &mut after);
        if registry.get(id) == Some(&after) {
            return Some((result, None));
        }
        registry.change(id, |record| *record = after);
        // As it is kept, not as it was put in: texts are cut.
        let write = Write::Machine(Box::new(row(registry.get(id)?)));
        Some((result, Some(self.store.write(vec![write]))))
    }

    /// Removes a machine; the next time it asks it is a new one.
    pub fn forget(&self, id: MachineId) -> Option<(Record, Pending)> {
        let mut registry = self.look();
        let record = registry.take(id)?;
        let pending = self.store.write(vec![Write::Forget(id)]);
        Some((record, pending))
    }

    /// A machine's record.
    pub fn get(&self, id: MachineId) -> Option<Record> {
        self.look().get(id).cloned()
    }

    /// The machine that a person means: by name, MAC, UUID or number.
    pub fn named(&self, text: &str) -> Option<Record> {
        let registry = self.look();
        registry
            .named(text)
            .and_then(|id| registry.get(id))
            .cloned()
    }

    /// The machine that last asked from an address.
    pub fn at_address(&self, address: IpAddr) -> Option<Record> {
        let registry = self.look();
        registry
            .at_address(address)
            .and_then(|id| registry.get(id))
            .cloned()
    }

    /// The machine with a card.
    pub fn with_mac(&self, mac: Mac) -> Option<Record> {
        let registry = self.look();
        registry
            .by_mac(mac)
            .and_then(|id| registry.get(id))
            .cloned()
    }
}

fn registry(contents: &Contents) -> (Registry, Vec<String>) {
    let rows = &contents.machines;
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = threads.min(rows.len() / limits::RECORDS_A_THREAD + 1);
    // Reading them is most of a start with many machines.
    let read: Vec<_> = std::thread::scope(|scope| {
        let parts = rows.chunks(rows.len().div_ceil(threads).max(1));
        let parts: Vec<_> = parts.map(|part| scope.spawn(|| records(part))).collect();
        let parts = parts.into_iter().map(|part| part.join());
        parts.map(Result::unwrap_or_default).collect()
    });
    let (records, warnings): (Vec<_>, Vec<_>) = read.into_iter().unzip();
    let records = records.into_iter().flatten();
    let registry = Registry::new(records, contents.next_machine);
    (registry, warnings.concat())
}

/// The records of rows, and a sentence for each row that holds none.
fn records(rows: &[MachineRow]) -> (Vec<Record>, Vec<String>) {
    let mut warnings = Vec::new();
    let mut records = Vec::with_capacity(rows.len());
    for row in rows {
        match serde_json::from_str::<Record>(&row.data) {
            Ok(record) => records.push(record),
            Err(error) => warnings.push(format!(
                "machine {} cannot be read from the database and is left out: {error}",
                row.id
            )),
        }
    }
    (records, warnings)
}

fn row(record: &Record) -> MachineRow {
    MachineRow {
        id: record.id,
        name: record.name().map(Name::to_string),
        uuid: record.uuid,
        macs: record.macs.clone(),
        phase: record.phase.word().to_string(),
        last_seen: record.last_seen,
        data: serde_json::to_string(record).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests;
