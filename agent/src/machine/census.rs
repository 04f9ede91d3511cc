//! The registry and the store together: what every thread asks about machines, and the one way in
//! which a record changes.

mod load;

use std::convert::Infallible;
use std::net::IpAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};

use self::load::load;
use super::Facts;
use super::record::Record;
use super::registry::{Met, Registry};
use crate::clock::{self, Jump};
use crate::config::Name;
use crate::id::MachineId;
use crate::limits;
use crate::mac::Mac;
use crate::store::{
    Contents, Error, KeptMachine, MachineRow, Memory, Pending, Sqlite, Store, TokenRow, Write,
};
use crate::sync::held;

/// Every machine. What it gives out are copies: a record changes only by [`Census::meet`],
/// [`Census::heard`], [`Census::transact`] and [`Census::forget`].
pub struct Census {
    registry: Mutex<Registry>,
    store: Arc<dyn Store>,
}

/// What a backup held beside machines.
#[derive(Debug, Default)]
pub struct Restored {
    /// The tokens of the control side.
    pub tokens: Vec<TokenRow>,
    /// The number that no event has yet, in the backup or before it.
    pub next_seq: u64,
    /// Sentences about what cannot be read.
    pub warnings: Vec<String>,
}

impl Census {
    /// Opens the database in a folder and takes up its machines while they are read; the rest of
    /// what is in it comes back. The sentences say which records cannot be read; they are left alone
    /// in the database.
    ///
    /// # Errors
    /// As [`Sqlite::open`].
    pub fn open(folder: &Path) -> Result<(Census, Contents, Vec<String>), Error> {
        let open = |take: &mut dyn FnMut(KeptMachine)| Sqlite::open_into(folder, take);
        let ((store, contents), mut registry, warnings) = load(open)?;
        registry.number_from(contents.next_machine);
        let changed = registry.resume(clock::now_ms());
        let census = Census {
            registry: Mutex::new(registry),
            store,
        };
        census.keep_all(&census.look(), &changed);
        Ok((census, contents, warnings))
    }

    /// Takes up what was in a store.
    pub fn new(contents: &Contents, store: Arc<dyn Store>) -> (Census, Vec<String>) {
        let (registry, warnings) = registry(contents.machines.clone(), contents.next_machine);
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
    /// waits meanwhile, so that nothing from before is written behind it.
    ///
    /// # Errors
    /// The backup cannot be used; nothing was changed.
    pub fn restore(&self, from: &Path) -> Result<Restored, Error> {
        let mut current = self.look();
        let contents = self.store.restore(from)?;
        let (mut registry, warnings) = registry(contents.machines, contents.next_machine);
        let changed = registry.resume(clock::now_ms());
        *current = registry;
        self.keep_all(&current, &changed);
        Ok(Restored {
            tokens: contents.tokens,
            next_seq: contents.next_seq,
            warnings,
        })
    }

    /// The store, for events and whatever else is not a machine.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// Looks at the registry; every other thread waits meanwhile, so look briefly.
    pub fn look(&self) -> MutexGuard<'_, Registry> {
        held(&self.registry)
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
        writes.extend(met.forgotten.map(Write::Forget));
        if let Some(into) = met.id {
            writes.extend(met.merged.iter().map(|&from| Write::Merge { into, from }));
        }
        let changed = met.changed.iter().filter_map(|id| registry.get(*id));
        writes.extend(changed.map(|record| Write::Machine(Box::new(row(record)))));
        if !writes.is_empty() {
            drop(self.store.write(writes));
        }
    }

    /// The system's clock was set, and the agent goes by it from now on. Whatever is counted from a
    /// moment of a machine goes on as if it had not been; nobody counts meanwhile.
    pub fn clock_jumped(&self, jump: &Jump) {
        let mut registry = self.look();
        clock::step(jump);
        let changed = registry.clock_jumped(jump);
        self.keep_all(&registry, &changed);
    }

    /// The agent ends; see [`Registry::rest`].
    pub fn rest(&self) {
        let mut registry = self.look();
        let changed = registry.rest(clock::now_ms());
        self.keep_all(&registry, &changed);
    }

    /// Has records kept as they are now; see [`Census::keep`].
    fn keep_all(&self, registry: &Registry, changed: &[MachineId]) {
        let records = changed.iter().filter_map(|id| registry.get(*id));
        let writes: Vec<Write> = records
            .map(|record| Write::Machine(Box::new(row(record))))
            .collect();
        if !writes.is_empty() {
            drop(self.store.write(writes));
        }
    }

    /// Looks at a machine and at all others, and changes it, without anybody coming in between.
    /// `None`: there is no such machine. The second: it did change; that is in force at once, and who
    /// needs it on the disk waits for it.
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

    /// What `show` makes of the machines behind a number, in order, until there are `limit`; the second
    /// is the number of the last one if there is another behind it. However many machines there are,
    /// every other thread gets its turn in between: `show` is called under the lock, for
    /// [`limits::LOOK_AT_ONCE`] machines at a time.
    pub fn page<T>(
        &self,
        after: MachineId,
        limit: usize,
        mut show: impl FnMut(&Record) -> Option<T>,
    ) -> (Vec<T>, Option<MachineId>) {
        let (mut shown, mut last, mut at) = (Vec::new(), None, after);
        loop {
            let registry = self.look();
            let mut looked = 0;
            for record in registry.behind(at).take(limits::LOOK_AT_ONCE) {
                (looked, at) = (looked + 1, record.id);
                if let Some(one) = show(record) {
                    if shown.len() >= limit {
                        return (shown, last);
                    }
                    shown.push(one);
                    last = Some(record.id);
                }
            }
            drop(registry);
            if looked < limits::LOOK_AT_ONCE {
                return (shown, None);
            }
            // A lock that is taken again at once is given to nobody else.
            std::thread::sleep(limits::LOOK_PAUSE);
        }
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

fn registry(machines: Vec<KeptMachine>, next: u64) -> (Registry, Vec<String>) {
    let read = |take: &mut dyn FnMut(KeptMachine)| {
        machines.into_iter().for_each(take);
        Ok::<(), Infallible>(())
    };
    let Ok(((), mut registry, warnings)) = load(read);
    registry.number_from(next);
    (registry, warnings)
}

fn row(record: &Record) -> MachineRow {
    MachineRow {
        id: record.id,
        name: record.name().map(Name::to_string),
        uuid: record.uuid,
        phase: record.phase.word().to_string(),
        last_seen: record.last_seen,
        data: serde_json::to_string(record).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests;
